"""Orders, authorizations, challenges and certificates of a fake CA (RFC 8555 §7.4 to §7.6, RFC 9773 §5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from tests.kit import fake_ca_hierarchy as pki
from tests.kit import fake_ca_jws as jose
from tests.kit.fake_ca_jws import malformed
from tests.kit.fake_ca_policy import Proof, Refusal, problem_document

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from datetime import datetime

    from tests.kit.fake_ca_accounts import Account
    from tests.kit.fake_ca_policy import Policy

HOUR = timedelta(hours=1)


@dataclass
class Authorization:
    """RFC 8555 §7.1.4; `name` with its "*."."""

    number: str
    owner: str
    name: str
    expires: datetime | None
    status: str = "pending"
    answered: str = ""
    """The type of the challenge that the client chose."""
    began: datetime | None = None
    """When the client said that its proof is in place."""
    proof: Proof | None = None
    valid_since: datetime | None = None
    error: dict[str, Any] | None = None


@dataclass
class Order:
    """RFC 8555 §7.1.3."""

    number: str
    owner: str
    names: list[str]
    authorizations: list[Authorization]
    expires: datetime | None
    lifetime: timedelta
    asked: Mapping[str, Any]
    """What newOrder was told."""
    status: str = "pending"
    began: datetime | None = None
    """When it was finalized."""


@dataclass
class Orders:
    """All that was ordered, by number. A status moves when somebody looks."""

    policy: Policy
    dice: random.Random
    placed: dict[str, Order] = field(default_factory=dict)
    authorizations: dict[str, Authorization] = field(default_factory=dict)
    certificates: dict[str, pki.Issued] = field(default_factory=dict)

    def place(self, asked: Mapping[str, Any], account: Account) -> Order:
        """RFC 8555 §7.4."""
        names = [str(each.get("value", "")) for each in asked.get("identifiers") or []]
        self._must_take(asked, names)
        self._must_not_be_replaced(asked.get("replaces"), account)
        if self.policy.reuses_orders and (open_order := self._open(account, names)):
            return open_order
        number = str(len(self.placed) + 1)
        proofs = [self._authorization(f"{number}-{place}", name, account) for place, name in enumerate(names)]
        lifetime = self.policy.profiles.get(asked.get("profile", ""), self.policy.lifetime)
        order = Order(number, account.url, names, proofs, self._expiry(), lifetime, asked)
        self.placed[number] = order
        if asked.get("replaces"):
            self.by_id(asked["replaces"]).replaced_by = number
        return self.look(order)

    def _must_take(self, asked: Mapping[str, Any], names: list[str]) -> None:
        if not all(names) or not names:
            raise malformed("an order needs identifiers")
        if any(each.get("type") != "dns" for each in asked["identifiers"]):
            raise Refusal("unsupportedIdentifier", 400, "only dns is taken here")
        if any(name != name.lower() for name in names) or len(set(names)) < len(names):
            raise malformed("names come in lower case, each once")
        if asked.get("profile", "") not in {"", *self.policy.profiles}:
            raise Refusal("invalidProfile", 400, f"there is no profile {asked['profile']!r}")
        blocked = [name for name in names if name in self.policy.blocks]
        if blocked:
            detail = f"not issued here: {', '.join(blocked)}"
            each = [problem_document("rejectedIdentifier", "no", identifier=_dns(name)) for name in blocked]
            more: dict[str, Any] = {"subproblems": each} if len(names) > 1 else {}
            raise Refusal("rejectedIdentifier", 400, detail, **more)

    def _must_not_be_replaced(self, replaces: str | None, account: Account) -> None:
        """An order that is under way counts as replacement; one that became invalid does not (RFC 9773 §5)."""
        if not replaces:
            return
        old = self.by_id(replaces)
        if old.account != account.url:
            raise Refusal("unauthorized", 403, "another account's certificate")
        heir = self.placed.get(old.replaced_by)
        if heir and self.look(heir).status != "invalid":
            raise Refusal("alreadyReplaced", 409, "the certificate has a replacement")

    def _open(self, account: Account, names: list[str]) -> Order | None:
        for order in self.placed.values():
            same = order.owner == account.url and set(order.names) == set(names)
            if same and self.look(order).status in ("pending", "ready") and not self._is_past(order):
                return order
        return None

    def _authorization(self, number: str, name: str, account: Account) -> Authorization:
        if self.dice.random() * 100 < self.policy.reuse_percent:
            for known in self.authorizations.values():
                if (known.owner, known.name, known.status) == (account.url, name, "valid"):
                    return known
        made = Authorization(number, account.url, name, self._expiry())
        if name in self.policy.prevalidated:
            made.status, made.valid_since = "valid", self.policy.clock()
        self.authorizations[number] = made
        return made

    def _expiry(self) -> datetime | None:
        life = self.policy.order_life
        return None if life is None else self.policy.clock() + life

    def _is_past(self, one: Order | Authorization) -> bool:
        return one.expires is not None and self.policy.clock() >= one.expires

    def order(self, number: str, account: Account) -> Order:
        """The order as it stands now; one that expired unfinished is not known any more, as with Boulder."""
        found: Order = _owned(self.placed.get(number), account)
        if self.look(found).status != "valid" and self._is_past(found):
            raise malformed("the order expired", 404)
        return found

    def look(self, order: Order) -> Order:
        """Move the order to where it stands now (RFC 8555 §7.1.6)."""
        proofs = [self.judge(each) for each in order.authorizations]
        if order.status == "pending":
            if any(each.status not in ("pending", "valid") for each in proofs):
                order.status = "invalid"
            elif all(self.policy.passed(each.valid_since, self.policy.readying) for each in proofs):
                order.status = "ready"
        elif order.status == "processing" and self.policy.passed(order.began, self.policy.signing):
            order.status = "valid"
        return order

    def authorization(self, number: str, account: Account, jws: jose.Jws) -> Authorization:
        """The authorization as it stands now, or deactivated if the client says so (RFC 8555 §7.5.2)."""
        found = self.judge(_owned(self.authorizations.get(number), account))
        if jws.payload:
            if jws.json().get("status") != "deactivated":
                raise malformed("an authorization can only be deactivated")
            found.status = "deactivated"
        return found

    def judge(self, proof: Authorization) -> Authorization:
        """Decide about a proof, once the time is ripe."""
        if (
            proof.status == "pending"
            and proof.proof
            and proof.name not in self.policy.idle
            and self.policy.passed(proof.began, self.policy.validating)
        ):
            proof.error = (self.policy.judge or self._usual_judge)(proof.proof)
            proof.status = "invalid" if proof.error else "valid"
            proof.valid_since = None if proof.error else self.policy.clock()
        return proof

    def settle(self, number: str, status: str) -> None:
        """An authorization stands so from now on, as if nobody had ever offered a proof."""
        proof = self.authorizations[number]
        proof.status, proof.answered, proof.proof, proof.error = status, "", None, None
        proof.valid_since = self.policy.clock() if status == "valid" else None

    def _usual_judge(self, proof: Proof) -> dict[str, Any] | None:
        wrong = proof.name in self.policy.rejects
        return problem_document("unauthorized", "saw another TXT record", status=403) if wrong else None

    def answer(self, number: str, account: Account) -> tuple[Authorization, str]:
        """The client's proof is in place (RFC 8555 §7.5.1); repetitions are refused, as Pebble does."""
        number, _, place = number.rpartition("-")
        found = _owned(self.authorizations.get(number), account)
        kind = self.policy.offers[int(place)]
        if found.status != "pending" or found.answered:
            raise malformed("the challenge is not pending")
        key_authorization = f"{self.token(found)}.{jose.thumbprint(account.jwk)}"
        found.answered, found.began = kind, self.policy.clock()
        found.proof = Proof(found.name, kind, key_authorization)
        return self.judge(found), kind

    def token(self, proof: Authorization) -> str:
        return f"token-{proof.number}"

    def finalize(self, number: str, account: Account, asked: Mapping[str, Any]) -> Order:
        """Sign, if the request is for the order's names and not for the account's key, as Boulder checks."""
        order = self.order(number, account)
        if order.status != "ready":
            raise Refusal("orderNotReady", 403, f"the order is {order.status}")
        csr = _csr(asked.get("csr"))
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        listed = names.get_values_for_type(x509.DNSName)
        if sorted(name.lower() for name in listed) != sorted(order.names):
            raise Refusal("unauthorized", 403, "the CSR does not specify the order's identifiers")
        if csr.public_key() == jose.public_key(account.jwk):
            raise Refusal("badCSR", 400, "the CSR has the account's key")
        begin = self.policy.clock() - HOUR
        serial, names_signer = 0x1000 + int(number), self.policy.names_signer
        leaf = pki.sign(csr, listed, begin, begin + order.lifetime, serial, names_signer=names_signer)
        chains = pki.chains(leaf, self.policy.alternates)
        self.certificates[number] = pki.Issued(leaf, chains, account.url, number)
        order.status, order.began = "processing", self.policy.clock()
        return self.look(order)

    def certificate(self, number: str, account: Account) -> tuple[pki.Issued, int]:
        """A certificate, and which of its chains was asked for."""
        number, _, chain = number.partition("/")
        found = self.certificates.get(number)
        if not found or int(chain or 0) >= len(found.chains):
            raise malformed("there is no such certificate", 404)
        if found.account != account.url:
            raise Refusal("unauthorized", 403, "another account's certificate")
        return found, int(chain or 0)

    def by_id(self, certificate_id: str) -> pki.Issued:
        """The certificate of an id (RFC 9773 §4.1)."""
        for each in self.certificates.values():
            if pki.certificate_id(each.leaf) == certificate_id:
                return each
        raise malformed("there is no certificate of this id", 404)

    def revoke(self, asked: Mapping[str, Any], account: Account | None, jwk: Any) -> None:
        """RFC 8555 §7.6: by the account that asked for it, or with the certificate's own key."""
        leaf = x509.load_der_x509_certificate(jose.decoded(asked["certificate"]))
        found = next((each for each in self.certificates.values() if each.leaf == leaf), None)
        if found is None:
            raise malformed("there is no such certificate")
        if found.revoked:
            raise Refusal("alreadyRevoked", 400, "it is revoked already")
        if asked.get("reason", 0) not in (0, 1, 4, 5):
            raise Refusal("badRevocationReason", 400, "0, 1, 4 and 5 are taken here")
        by_account = account is not None and found.account == account.url
        if not by_account and (account or jose.public_key(jwk) != leaf.public_key()):
            raise Refusal("unauthorized", 403, "another's certificate")
        found.revoked = True


def _owned(found: Any, account: Account) -> Any:
    if found is None:
        raise malformed("there is no such thing", 404)
    if found.owner != account.url:
        raise Refusal("unauthorized", 403, "it is another account's")
    return found


def _csr(text: Any) -> x509.CertificateSigningRequest:
    try:
        csr = x509.load_der_x509_csr(jose.decoded(text))
    except (ValueError, TypeError):
        raise malformed("csr is no DER in base64url") from None
    try:
        good = csr.is_signature_valid
    except (InvalidSignature, ValueError):
        good = False
    if not good:
        raise Refusal("badCSR", 400, "the CSR's signature does not verify")
    return csr


def _dns(name: str) -> dict[str, str]:
    return {"type": "dns", "value": name}
