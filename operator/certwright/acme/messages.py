"""What a CA tells us, as values. `reading.py` makes them from answers; nobody else parses JSON."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta


class _Status(Enum):
    """Words of a standard, and a home for those that it did not know."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls("") if value else None


class OrderStatus(_Status):
    """Where an order stands (RFC 8555 §7.1.6)."""

    PENDING = "pending"
    READY = "ready"
    PROCESSING = "processing"
    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = ""
    """A word that no standard knows; look again later."""


class AuthorizationStatus(_Status):
    """Where an authorization stands (RFC 8555 §7.1.6)."""

    PENDING = "pending"
    PROCESSING = "processing"
    """Not in the RFC's list for authorizations; Boulder has a flag for it."""
    VALID = "valid"
    INVALID = "invalid"
    DEACTIVATED = "deactivated"
    EXPIRED = "expired"
    REVOKED = "revoked"
    UNKNOWN = ""


class ChallengeStatus(_Status):
    """Where a challenge stands (RFC 8555 §7.1.6)."""

    PENDING = "pending"
    PROCESSING = "processing"
    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = ""


class AccountStatus(_Status):
    """Where an account stands (RFC 8555 §7.1.6)."""

    VALID = "valid"
    DEACTIVATED = "deactivated"
    REVOKED = "revoked"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Directory:
    """A CA's table of addresses and what it says of itself (RFC 8555 §7.1.1)."""

    url: str
    new_nonce: str
    new_account: str
    new_order: str
    renewal_info: str | None = None
    """Base of renewal information (RFC 9773 §4.1); None where the CA offers none."""
    terms_of_service: str | None = None
    caa_identities: tuple[str, ...] = ()
    external_account_required: bool = False
    profiles: Mapping[str, str] | None = None
    """Names and descriptions (draft-ietf-acme-profiles); None where the CA has no profiles."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name that an order asks for; `type` is "dns" or "ip" (RFC 8555 §9.7.7, RFC 8738)."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal in the CA's own words (RFC 8555 §6.7). Every field may be empty."""

    type: str = ""
    """Without its namespace if that is ACME's, else the whole URI."""
    detail: str = ""
    status: int | None = None
    identifier: Identifier | None = None
    """Only in a subproblem (RFC 8555 §6.7.1)."""
    subproblems: tuple[Problem, ...] = ()
    instance: str | None = None
    algorithms: tuple[str, ...] = ()
    """By which a request may be signed, where this one's algorithm is not taken (RFC 8555 §6.2)."""


@dataclass(frozen=True, slots=True)
class Order:
    """A wish for one certificate (RFC 8555 §7.1.3)."""

    url: str
    status: OrderStatus
    identifiers: tuple[Identifier, ...]
    authorizations: tuple[str, ...]
    finalize: str
    certificate: str | None = None
    error: Problem | None = None
    expires: datetime | None = None
    replaces: str | None = None
    """Id of the certificate that this one replaces, as the CA echoes it (RFC 9773 §5)."""
    retry_after: timedelta | None = None

    @classmethod
    def lost(cls, url: str, error: Problem) -> Order:
        """An order that the CA does not know any more: nothing will ever come of it."""
        return cls(url, OrderStatus.INVALID, (), (), "", error=error)


@dataclass(frozen=True, slots=True)
class ChainOffer:
    """A certificate as the CA sends it, and where else it can be had with another chain (RFC 8555 §7.4.2)."""

    pem: str
    alternates: tuple[str, ...] = ()
    """Addresses, each once, `MOST_ALTERNATES` at most."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to prove an identifier (RFC 8555 §7.1.5, §8)."""

    type: str
    url: str
    status: ChallengeStatus = ChallengeStatus.PENDING
    token: str = ""
    """Checked to be base64url, so that it may stand in a path; "" for types that have none."""
    error: Problem | None = None
    retry_after: timedelta | None = None
    """Only where it was answered, or fetched by itself (RFC 8555 §8.2)."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """The CA's opinion whether the account controls an identifier (RFC 8555 §7.1.4)."""

    url: str
    identifier: Identifier
    """Without `*.`; see `wildcard`."""
    status: AuthorizationStatus
    wildcard: bool = False
    challenges: tuple[Challenge, ...] = ()
    """May be empty when the authorization arrived valid."""
    expires: datetime | None = None
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Our standing with the CA (RFC 8555 §7.1.2)."""

    url: str
    status: AccountStatus
    contact: tuple[str, ...] = ()
    terms_of_service_agreed: bool | None = None
    created: bool = False
    """Whether this very answer made it; False if the key was known already."""


@dataclass(frozen=True, slots=True)
class RenewalInfo:
    """When the CA suggests to renew (RFC 9773 §4.2); `start` is before `end`."""

    start: datetime
    end: datetime
    explanation_url: str | None = None
    retry_after: timedelta | None = None
