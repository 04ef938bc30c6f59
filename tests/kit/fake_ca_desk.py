"""What a fake CA does with a request: who may ask it, what is done, and how that is told (RFC 8555 §7)."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.kit import fake_ca_jws as jose
from tests.kit.fake_ca_accounts import Account, Accounts
from tests.kit.fake_ca_orders import Authorization, Order, Orders
from tests.kit.fake_ca_policy import PATHS, Policy, Refusal
from tests.kit.faults import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from tests.kit.fake_ca_faults import CaFault

_LISTED = {
    "newNonce": "new-nonce",
    "newAccount": "new-account",
    "newOrder": "new-order",
    "revokeCert": "revoke",
    "keyChange": "key-change",
}
_ONLY_READ = {"order", "certificate"}


@dataclass
class Seen:
    """A request that was sent.

    Attributes:
        at: by the CA's clock.
        kind: as in `pebble_log.py`: "new-order", "finalize", …; "" for none of these.
        number: of the thing that it is about.
        method: of HTTP.
        url: byte for byte.
        content_type: of the body.
        jws: the body; None if it was not signed.
        fault: what was done to it, or None.
        status: of the answer; 0 if the request never arrived.
    """

    at: datetime
    kind: str
    number: str
    method: str
    url: str
    content_type: str
    jws: jose.Jws | None
    fault: CaFault | None
    status: int = 0

    @property
    def header(self) -> Mapping[str, Any]:
        """The protected header, {} for requests without signature."""
        return self.jws.protected if self.jws else {}

    @property
    def payload(self) -> Any:
        """None for POST-as-GET and requests without signature."""
        return json.loads(self.jws.payload) if self.jws and self.jws.payload else None


class Desk:
    """All of a CA but its faults.

    Attributes:
        accounts: and nonces.
        orders: and what belongs to them.
    """

    def __init__(self, policy: Policy, seed: int) -> None:
        self._policy = policy
        self.accounts = Accounts(policy)
        self.orders = Orders(policy, random.Random(seed))

    def act(self, seen: Seen) -> Answer:
        """Do what is asked, and tell it."""
        try:
            if seen.kind in ("directory", "new-nonce", "renewal-info"):
                return self._unsigned(seen.kind, seen.number, seen.method)
            return self._signed(seen)
        except Refusal as refusal:
            body = json.dumps(refusal.document).encode()
            return Answer(
                refusal.status, body, {"content-type": "application/problem+json", **refusal.headers}
            )

    def _signed(self, seen: Seen) -> Answer:
        answers: dict[str, Callable[[str, jose.Jws, Any], Answer]] = {
            "new-account": self._new_account,
            "account": self._account,
            "key-change": self._key_change,
            "new-order": self._new_order,
            "order": self._order,
            "authorization": self._authorization,
            "challenge": self._challenge,
            "finalize": self._finalize,
            "certificate": self._certificate,
            "revoke": self._revoke,
        }
        if seen.kind not in answers:
            raise jose.malformed("there is nothing here", 404)
        if seen.method != "POST":
            raise jose.malformed("only POST is answered here", 405)
        if seen.content_type != "application/jose+json":
            raise jose.malformed("only application/jose+json is read here", 415)
        if seen.jws is None:
            raise jose.malformed("this is no flattened JWS")
        by_key = {"new-account": True, "revoke": None}.get(seen.kind, False)
        account = self.accounts.verified(seen.jws, seen.url, by_key=by_key)
        if seen.kind in _ONLY_READ and seen.jws.payload:
            raise jose.malformed("POST-as-GET has an empty payload")
        return answers[seen.kind](seen.number, seen.jws, account)

    def _unsigned(self, kind: str, number: str, method: str) -> Answer:
        if kind == "new-nonce":
            return Answer(200 if method == "HEAD" else 204, b"", {"cache-control": "no-store"})
        if method not in ("GET", "HEAD"):
            raise jose.malformed("only GET is answered here", 405)
        return _json(self._directory()) if kind == "directory" else self._renewal_info(number)

    def _directory(self) -> dict[str, Any]:
        meta: dict[str, Any] = {"externalAccountRequired": self._policy.bindings is not None}
        meta |= {"termsOfService": self._policy.terms} if self._policy.terms else {}
        profiles = dict.fromkeys(self._policy.profiles, "a profile")
        meta |= {"profiles": profiles} if profiles else {}
        listed = {name: self._policy.url(kind) for name, kind in _LISTED.items()}
        return {**listed, "renewalInfo": self._policy.base + PATHS["renewal-info"].rstrip("/"), "meta": meta}

    def _renewal_info(self, number: str) -> Answer:
        leaf = self.orders.by_id(number).leaf
        end = leaf.not_valid_after_utc
        third = (end - leaf.not_valid_before_utc) / 3
        start, end_text = self._policy.window or ((end - third).isoformat(), (end - third / 2).isoformat())
        return _json(
            {"suggestedWindow": {"start": start, "end": end_text}}, retry_after=self._policy.advice_after
        )

    def _new_account(self, _number: str, jws: jose.Jws, _account: Any) -> Answer:
        status, account = self.accounts.enter(jws)
        return _json(account.shown(), status, location=account.url)

    def _account(self, _number: str, jws: jose.Jws, account: Account) -> Answer:
        self.accounts.update(jws, account)
        return _json(account.shown())

    def _key_change(self, _number: str, jws: jose.Jws, account: Account) -> Answer:
        self.accounts.change_key(jws, account)
        return _json(account.shown())

    def _new_order(self, _number: str, jws: jose.Jws, account: Account) -> Answer:
        order = self.orders.place(jws.json(), account)
        return _json(self._shown(order), 201, location=self._policy.url("order", order.number))

    def _order(self, number: str, _jws: jose.Jws, account: Account) -> Answer:
        return self._told(self.orders.order(number, account))

    def _finalize(self, number: str, jws: jose.Jws, account: Account) -> Answer:
        return self._told(self.orders.finalize(number, account, jws.json()))

    def _told(self, order: Order) -> Answer:
        return _json(
            self._shown(order), retry_after=self._policy.retry_after if order.status == "processing" else ""
        )

    def _shown(self, order: Order) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "status": order.status,
            "identifiers": [{"type": "dns", "value": name} for name in self._policy.shows(order.names)],
            "authorizations": [
                self._policy.url("authorization", each.number) for each in order.authorizations
            ],
            "finalize": self._policy.url("finalize", order.number),
        }
        shown |= {"expires": order.expires.isoformat()} if order.expires else {}
        shown |= {name: order.asked[name] for name in ("replaces", "profile") if name in order.asked}
        if order.status == "valid":
            shown["certificate"] = self._policy.url("certificate", order.number)
        return shown

    def _authorization(self, number: str, jws: jose.Jws, account: Account) -> Answer:
        found = self.orders.authorization(number, account, jws)
        shown: dict[str, Any] = {
            "status": found.status,
            "identifier": {"type": "dns", "value": found.name.removeprefix("*.")},
            "challenges": [
                self._shown_challenge(found, kind) for kind in self._policy.offers if _is_listed(found, kind)
            ],
        }
        shown |= {"wildcard": True} if found.name.startswith("*.") else {}
        shown |= {"expires": found.expires.isoformat()} if found.expires else {}
        waits = found.status == "pending" and found.answered
        return _json(shown, retry_after=self._policy.retry_after if waits else "")

    def _shown_challenge(self, proof: Authorization, kind: str) -> dict[str, Any]:
        begun = "processing" if proof.status == "pending" else proof.status
        shown = {
            "type": kind,
            "url": self._policy.url("challenge", f"{proof.number}-{self._policy.offers.index(kind)}"),
            "token": self.orders.token(proof),
            "status": begun if kind == proof.answered else "pending",
        }
        return shown | ({"error": proof.error} if proof.error and kind == proof.answered else {})

    def _challenge(self, number: str, jws: jose.Jws, account: Account) -> Answer:
        if jws.payload != b"{}":
            raise jose.malformed("a challenge is answered with {}")
        proof, kind = self.orders.answer(number, account)
        up = f'<{self._policy.url("authorization", proof.number)}>;rel="up"'
        return _json(self._shown_challenge(proof, kind), link=up)

    def _certificate(self, number: str, _jws: jose.Jws, account: Account) -> Answer:
        found, chain = self.orders.certificate(number, account)
        others = [f"/{each}" if each else "" for each in range(len(found.chains)) if each != chain]
        links = [
            f'<{self._policy.url("certificate", found.number + each)}>;rel="alternate"' for each in others
        ]
        headers = {"content-type": "application/pem-certificate-chain", "link": ", ".join(links)}
        return Answer(200, found.chains[chain].encode(), headers)

    def _revoke(self, _number: str, jws: jose.Jws, account: Account | None) -> Answer:
        self.orders.revoke(jws.json(), account, jws.protected.get("jwk"))
        return Answer(200)


def _is_listed(proof: Authorization, kind: str) -> bool:
    """Once valid, only the way that was used is shown, as with Boulder; for wildcards, http-01 never is."""
    if proof.status == "valid":
        return kind == proof.answered
    return kind != "http-01" or not proof.name.startswith("*.")


def _json(body: Any, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(body).encode(), {"content-type": "application/json", **named})
