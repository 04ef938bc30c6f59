"""A small ACME CA as a transport: no sockets, no signatures checked, real certificates."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509
from josepy.b64 import b64decode

from certwright.acme.flow import Request, Response
from tests.pki.issuing import Ca, found, issue, pem_of

if TYPE_CHECKING:
    from certwright.pki.keys import PrivateKey
    from tests.reconcile.fakes import Clock

BASE = "https://ca.example"
DIRECTORY_URL = f"{BASE}/dir"
INTERMEDIATE: Ca = found("Small CA", found("Small Root"))


@dataclass
class SmallCa:
    """Validates whatever it is told of at once, unless `rejects` holds the name.

    Attributes:
        refuses: by first part of the path, an answer that takes the place of the next one.
        lags: whether it stays `processing` instead of signing at once.
        asked: first parts of the paths of all requests, without nonces.
        orders: by number, as they are told.
        window: renewal advice as (start, end) texts, or None to refuse.
        offers: types of challenges for a name; wildcards are never offered http-01.
        advised: certificates that were asked about.
        with_authority: whether its certificates name the key that signed them.
        idle: names whose proofs it does not look at.
        proven: names whose authorizations are valid from the start, without any challenge.
    """

    clock: Clock
    terms: str = ""
    needs_binding: bool = False
    refuses: dict[str, Response] = field(default_factory=dict)
    rejects: set[str] = field(default_factory=set)
    lags: bool = False
    asked: list[str] = field(default_factory=list)
    payloads: list[tuple[str, Any]] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=dict)
    account_status: str = "valid"
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    authorizations: dict[str, dict[str, Any]] = field(default_factory=dict)
    certificates: dict[str, str] = field(default_factory=dict)
    window: tuple[str, str] | None = None
    offers: tuple[str, ...] = ("http-01", "dns-01")
    advised: list[str] = field(default_factory=list)
    with_authority: bool = True
    idle: set[str] = field(default_factory=set)
    proven: set[str] = field(default_factory=set)

    def __call__(self, request: Request, /) -> Response:
        kind, _, number = request.url.removeprefix(f"{BASE}/").partition("/")
        if kind == "new-nonce":
            return _answer(None)
        self.asked.append(kind)
        if kind in self.refuses:
            return self.refuses.pop(kind)
        message = json.loads(request.body) if request.body else {}
        payload = json.loads(b64decode(message["payload"]) or b"null") if message else None
        self.payloads.append((kind, payload))
        signer = json.loads(b64decode(message["protected"])) if message else {}
        answers = {
            "dir": self._directory,
            "new-account": self._account,
            "account": self._contact,
            "new-order": self._order,
            "order": self._shown,
            "authz": self._authorization,
            "challenge": self._validate,
            "finalize": self._finalize,
            "certificate": self._download,
            "renewal-info": self._advise,
        }
        return answers[kind](number, payload, signer)

    def count(self, kind: str) -> int:
        return self.asked.count(kind)

    def _directory(self, *_: Any) -> Response:
        meta: dict[str, Any] = {"externalAccountRequired": self.needs_binding}
        meta |= {"termsOfService": self.terms} if self.terms else {}
        words = {"newNonce": "new-nonce", "newAccount": "new-account", "newOrder": "new-order"}
        listed = {word: f"{BASE}/{path}" for word, path in words.items()}
        return _answer(listed | {"renewalInfo": f"{BASE}/renewal-info", "meta": meta})

    def _account(self, _number: str, payload: Any, signer: Any) -> Response:
        key = json.dumps(signer["jwk"])
        if key not in self.accounts:
            if payload.get("onlyReturnExisting"):
                return refusal("accountDoesNotExist", 400)
            self.accounts[key] = f"{BASE}/account/{len(self.accounts) + 1}"
        return _answer({"status": self.account_status}, location=self.accounts[key])

    def _contact(self, *_: Any) -> Response:
        return _answer({"status": "valid"})

    def _order(self, _number: str, payload: Any, _signer: Any) -> Response:
        number = str(len(self.orders) + 1)
        names = [identifier["value"] for identifier in payload["identifiers"]]
        for position, name in enumerate(names):
            status = "valid" if name in self.proven else "pending"
            self.authorizations[f"{number}-{position}"] = {"name": name, "status": status}
        self.orders[number] = {
            "status": "pending",
            "identifiers": payload["identifiers"],
            "authorizations": [f"{BASE}/authz/{number}-{position}" for position in range(len(names))],
            "finalize": f"{BASE}/finalize/{number}",
        }
        return _answer(self.orders[number], 201, location=f"{BASE}/order/{number}")

    def _shown(self, number: str, *_: Any) -> Response:
        if number not in self.orders:
            return refusal("malformed", 404)
        order = self.orders[number]
        if order["status"] == "pending":
            proofs = [self.authorizations[url.rpartition("/")[2]] for url in order["authorizations"]]
            if any(proof["status"] in ("invalid", "deactivated") for proof in proofs):
                order["status"] = "invalid"
            elif all(proof["status"] == "valid" for proof in proofs):
                order["status"] = "ready"
        elif order["status"] == "processing" and not self.lags:
            order["status"] = "valid"
        return _answer(order, location=f"{BASE}/order/{number}")

    def _authorization(self, number: str, payload: Any, _signer: Any) -> Response:
        known = self.authorizations[number]
        if payload:
            assert payload == {"status": "deactivated"}
            known["status"] = "deactivated"
        challenge: dict[str, Any] = {
            "type": "dns-01",
            "url": f"{BASE}/challenge/{number}",
            "token": f"token-{number}",
            "status": known["status"],
        }
        if known["status"] == "invalid":
            challenge["error"] = {
                "type": "urn:ietf:params:acme:error:unauthorized",
                "detail": "saw another TXT record",
            }
        name = known["name"]
        challenges = [challenge | {"type": kind} for kind in self.offers if name not in self.proven]
        if name.startswith("*."):
            challenges = [each for each in challenges if each["type"] != "http-01"]
        body = {"status": known["status"], "challenges": challenges, "wildcard": name.startswith("*.")}
        return _answer(body | {"identifier": {"type": "dns", "value": name.removeprefix("*.")}})

    def _validate(self, number: str, *_: Any) -> Response:
        known = self.authorizations[number]
        if known["name"] not in self.idle:
            known["status"] = "invalid" if known["name"] in self.rejects else "valid"
        return _answer({"type": "dns-01", "url": f"{BASE}/challenge/{number}", "status": known["status"]})

    def _finalize(self, number: str, payload: Any, _signer: Any) -> Response:
        request = x509.load_der_x509_csr(b64decode(payload["csr"]))
        extension = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        leaf = issue(
            cast("PrivateKey", request),
            extension.value.get_values_for_type(x509.DNSName),
            INTERMEDIATE,
            not_before=self.clock() - timedelta(hours=1),
            not_after=self.clock() + timedelta(days=90, hours=-1),
            serial_number=0x1000 + int(number),
            with_authority=self.with_authority,
        )
        self.certificates[number] = pem_of(leaf) + INTERMEDIATE.pem
        order = self.orders[number]
        order |= {
            "status": "processing" if self.lags else "valid",
            "certificate": f"{BASE}/certificate/{number}",
        }
        return _answer(order, location=f"{BASE}/order/{number}")

    def _download(self, number: str, *_: Any) -> Response:
        return Response(200, {"replay-nonce": "n"}, self.certificates[number].encode())

    def _advise(self, number: str, *_: Any) -> Response:
        self.advised.append(number)
        if self.window is None:
            return refusal("serverInternal", 500)
        start, end = self.window
        told = _answer({"suggestedWindow": {"start": start, "end": end}})
        return Response(told.status, {**told.headers, "retry-after": "3600"}, told.body)


def _answer(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(status, {"replay-nonce": "n"} | headers, json.dumps(body).encode() if body else b"")


def refusal(kind: str, status: int, detail: str = "no", **headers: str) -> Response:
    """A problem document of an ACME type."""
    return _answer({"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail}, status, **headers)
