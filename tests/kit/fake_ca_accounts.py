"""Nonces and accounts of a fake CA: who may speak, and who is speaking (RFC 8555 §6, §7.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.kit import fake_ca_jws as jose
from tests.kit.fake_ca_jws import malformed
from tests.kit.fake_ca_policy import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tests.kit.fake_ca_policy import Policy


@dataclass
class Account:
    """RFC 8555 §7.1.2."""

    url: str
    jwk: Mapping[str, str]
    contact: list[str]
    status: str = "valid"

    def shown(self) -> dict[str, Any]:
        return {"status": self.status, "contact": self.contact}


@dataclass
class Accounts:
    """All accounts, by the thumbprint of their key, and the nonces that are out."""

    policy: Policy
    known: dict[str, Account] = field(default_factory=dict)
    nonces: dict[str, datetime] = field(default_factory=dict)
    given: int = 0

    def nonce(self) -> str:
        """A new one; numbered, so that a log of requests can be followed."""
        self.given += 1
        nonce = f"nonce-{self.given}"
        self.nonces[nonce] = self.policy.clock()
        return nonce

    def verified(self, jws: jose.Jws, url: str, *, by_key: bool | None) -> Account | None:
        """Check all that RFC 8555 §6 asks for; the account that speaks, if it has one.

        Args:
            jws: the body.
            url: where it went, byte for byte.
            by_key: whether the request must name the key itself, as newAccount does; None where it may.

        Raises:
            Refusal: something is wrong; a nonce that was not looked at is still good.
        """
        header = jws.protected
        if ("jwk" in header) == ("kid" in header) or by_key not in (None, "jwk" in header):
            raise malformed("the header must have exactly one of jwk and kid, and the one that belongs here")
        account = self._named(header["kid"]) if "kid" in header else None
        jose.verify(jws, account.jwk if account else header["jwk"], self.policy.algorithms)
        if header.get("url") != url:
            raise malformed(f"signed for {header.get('url')!r}, sent to {url!r}")
        given = self.nonces.pop(str(header.get("nonce")), None)
        if given is None or self.policy.clock() - given > self.policy.nonce_life:
            raise Refusal("badNonce", 400, "the nonce is not known, was used, or is too old")
        if account and account.status != "valid":
            raise Refusal("unauthorized", 403, f"the account is {account.status}")
        return account

    def _named(self, kid: Any) -> Account:
        found = [account for account in self.known.values() if account.url == kid]
        if not found:
            raise Refusal("accountDoesNotExist", 400, "there is no such account")
        return found[0]

    def enter(self, jws: jose.Jws) -> tuple[int, Account]:
        """Find or make an account (RFC 8555 §7.3); the status of the answer, and the account."""
        jwk, asked = jws.protected["jwk"], jws.json()
        account = self.known.get(jose.thumbprint(jwk))
        if account and account.status != "valid":
            raise Refusal("unauthorized", 403, f"the account is {account.status}")
        if account:
            return 200, account
        if asked.get("onlyReturnExisting"):
            raise Refusal("accountDoesNotExist", 400, "there is no account of this key")
        self._must_agree(asked)
        self._must_be_bound(asked, jwk)
        account = Account(self.policy.url("account", str(len(self.known) + 1)), jwk, contacts(asked))
        self.known[jose.thumbprint(jwk)] = account
        return 201, account

    def _must_agree(self, asked: Mapping[str, Any]) -> None:
        if self.policy.terms and not asked.get("termsOfServiceAgreed"):
            link = {"link": f'<{self.policy.terms}>;rel="terms-of-service"'}
            raise Refusal("userActionRequired", 403, "the terms were not agreed to", headers=link)

    def _must_be_bound(self, asked: Mapping[str, Any], jwk: Mapping[str, str]) -> None:
        if self.policy.bindings is None:
            return
        if "externalAccountBinding" not in asked:
            raise Refusal("externalAccountRequired", 403, "accounts must be bound here")
        binding, url = asked["externalAccountBinding"], self.policy.url("new-account")
        jose.verify_binding(binding, self.policy.bindings, jwk, url, self.policy.macs)

    def update(self, jws: jose.Jws, account: Account) -> None:
        """Change contacts, or end the account (RFC 8555 §7.3.2, §7.3.6)."""
        if not jws.payload:
            return
        asked = jws.json()
        if asked.get("status") == "deactivated":
            account.status = "deactivated"
        elif "contact" in asked:
            account.contact = contacts(asked)

    def change_key(self, jws: jose.Jws, account: Account) -> None:
        """RFC 8555 §7.3.5.

        Raises:
            Refusal: the inner JWS is wrong; with 409, the key has an account already.
        """
        inner = jose.take_apart(jws.payload)
        if inner is None:
            raise malformed("the payload must be a JWS")
        header, asked = inner.protected, inner.json()
        if "nonce" in header or header.get("url") != jws.protected["url"]:
            raise malformed("the inner JWS must have the outer one's url and no nonce")
        jose.verify(inner, header.get("jwk", {}), self.policy.algorithms)
        old, new = jose.thumbprint(account.jwk), jose.thumbprint(header["jwk"])
        if asked.get("account") != account.url or jose.thumbprint(asked["oldKey"]) != old:
            raise malformed("account or oldKey is another's")
        if new in self.known:
            owner = {"location": self.known[new].url}
            raise Refusal("conflict", 409, "the key has an account", headers=owner)
        self.known[new] = self.known.pop(old)
        account.jwk = header["jwk"]


def contacts(asked: Mapping[str, Any]) -> list[str]:
    """RFC 8555 §7.3."""
    listed = asked.get("contact") or []
    for contact in listed:
        if not contact.startswith("mailto:"):
            raise Refusal("unsupportedContact", 400, f"{contact} is no mailto: URL")
        if contact.count("@") != 1 or set("?,") & set(contact):
            raise Refusal("invalidContact", 400, f"{contact} is not one address")
    return list(listed)
