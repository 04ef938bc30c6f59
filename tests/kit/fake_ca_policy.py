"""How a fake CA shall behave, and how it says no."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.kit.pebble_log import _KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

#: By the words of `pebble_log.py`; Pebble's own, so that the matchers of `faults.py` fit both.
PATHS = {kind: path for path, kind in _KINDS.items()}
#: For what never comes to an end: a challenge that stays `processing`, a nonce that does not age.
FOR_EVER = timedelta.max
NOTHING = timedelta(0)


class Refusal(Exception):  # noqa: N818 - named by what happened
    """The CA says no, as a problem document (RFC 8555 §6.7)."""

    def __init__(
        self, kind: str, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers or {}
        self.document = problem_document(kind, detail, status=status, **more)


def problem_document(kind: str, detail: str, **more: Any) -> dict[str, Any]:
    """A problem document of one of ACME's own types."""
    return {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, **more}


class Proof(NamedTuple):
    """What a judge is asked about: a challenge that a client says it has prepared."""

    name: str
    kind: str
    key_authorization: str


@dataclass
class Policy:
    """The knobs of a fake CA. Each may be turned at any time: what waits is judged by how they stand when asked.

    Attributes:
        clock: moved by hand, or the real one.
        base: scheme and authority of all its addresses.
        query: stands behind each of its addresses, as in "?orderId=1".
        moved: paths by kind, where they are not Pebble's; nothing is at the old ones.
        terms: address of terms that new accounts must agree to; "" for none.
        bindings: MAC keys by key id; not None: new accounts must be bound (RFC 8555 §7.3.4).
        macs: algorithms that these keys may sign with.
        algorithms: that account keys may sign with.
        nonce_life: older nonces are refused.
        profiles: offered by name, with the lifetime of their certificates.
        lifetime: of certificates without a profile, which begin an hour ago.
        blocks: names that newOrder refuses, one subproblem each.
        prevalidated: names whose authorizations arrive valid, without any challenge.
        reuse_percent: how often a valid authorization is used again.
        reuses_orders: whether newOrder gives an open order of the same names again, as Boulder does.
        order_life: until orders and authorizations expire; None for CAs that do not say.
        shows: identifiers as the CA shows them: in another order, or another case.
        offers: types of challenges; wildcards are never offered http-01.
        rejects: names, wildcards with their "*.", whose proofs the usual judge does not find.
        idle: names whose proofs it never looks at.
        judge: what is wrong with a proof, as a problem document; None for the usual one.
        validating: how long a challenge is `processing`.
        readying: how long an order is still `pending` once all authorizations are valid.
        signing: how long a finalized order is `processing`.
        retry_after: said while something is under way; "" for nothing.
        names_signer: whether certificates say which key signed them, without which none has an id (RFC 9773 §4.1).
        alternates: how many further chains each certificate has.
        window: renewal advice as (start, end); None for half of the last third of each lifetime.
        advice_after: when to ask for it again.
    """

    clock: Callable[[], datetime]
    base: str = "https://ca.example"
    query: str = ""
    moved: dict[str, str] = field(default_factory=dict)
    terms: str = ""
    bindings: Mapping[str, bytes] | None = None
    macs: tuple[str, ...] = ("HS256", "HS384", "HS512")
    algorithms: tuple[str, ...] = ("ES256", "ES384", "RS256")
    nonce_life: timedelta = FOR_EVER
    profiles: Mapping[str, timedelta] = field(default_factory=dict)
    lifetime: timedelta = timedelta(days=90)
    blocks: set[str] = field(default_factory=set)
    prevalidated: set[str] = field(default_factory=set)
    reuse_percent: int = 0
    reuses_orders: bool = False
    order_life: timedelta | None = timedelta(days=7)
    shows: Callable[[list[str]], list[str]] = list
    offers: tuple[str, ...] = ("http-01", "dns-01")
    rejects: set[str] = field(default_factory=set)
    idle: set[str] = field(default_factory=set)
    judge: Callable[[Proof], dict[str, Any] | None] | None = None
    validating: timedelta = NOTHING
    readying: timedelta = NOTHING
    signing: timedelta = NOTHING
    retry_after: str = ""
    names_signer: bool = True
    alternates: int = 0
    window: tuple[str, str] | None = None
    advice_after: str = "21600"

    def url(self, kind: str, number: str = "") -> str:
        """The address of a thing."""
        return f"{self.base}{self.path(kind)}{number}{self.query}"

    def path(self, kind: str) -> str:
        """Where things of a kind are."""
        return self.moved.get(kind, PATHS[kind])

    def passed(self, since: datetime | None, span: timedelta) -> bool:
        """Whether so much time has passed since then; never, if there was no then."""
        return since is not None and self.clock() - since >= span
