"""Everything that a decision may look at, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certwright.reconcile.renewal import told_before
from certwright.resources.names import ApiNames
from certwright.resources.wish import wish_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certwright.acme.messages import Order
    from certwright.reconcile.target import Target
    from certwright.resources.attempt import Attempt, Wait
    from certwright.resources.certificate import Certificate
    from certwright.resources.issuer import AcmeSpec
    from certwright.resources.names import Ref
    from certwright.resources.wish import Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyIssuer:
    """An issuer whose account works.

    Attributes:
        profiles: names and descriptions, as the CA advertises them now.
    """

    ref: Ref
    spec: AcmeSpec
    directory_url: str
    account_url: str
    offers_renewal_info: bool
    profiles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadyIssuer:
    """An issuer that is absent or cannot be used; says why in words of the Reason table."""

    ref: Ref
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Window:
    """When the CA suggests to renew (RFC 9773 §4.2).

    Attributes:
        due_at: the moment to renew, where the window was over already when it was heard of.
    """

    start: datetime
    end: datetime
    explanation_url: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalAdvice:
    """What is known of the CA's advice on one certificate, and when to ask again.

    Attributes:
        failures: how often in a row it was asked for without an answer.
    """

    serial_number: str
    window: Window | None
    ask_again_at: datetime
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Restamped:
    """How often in a row our label and annotations were put back, and when last."""

    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderProgress:
    """The order as the CA last reported it, and how far we got with it.

    Attributes:
        order: None if it has not been asked since the process started, or if it is too early to ask again.
        answered: whether this process has told the CA that the proofs are in place.
        look_at: when the CA may be asked again.
        wait: for the CA, if it is at work.
        finalize_at: when the CSR may be sent again; None if it was not, or the answer was lost.
    """

    order: Order | None
    answered: bool
    look_at: datetime | None
    wait: Wait | None = None
    finalize_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One Certificate and what surrounds it, at one moment.

    Attributes:
        hold: until when this process holds the next attempt after a failure, whatever the status says.
        owner_lives: whether the Certificate that the target Secret names exists and still names the Secret.
        older: name of the oldest Certificate that names the same Secret, if that is not this one, or "".
        used_by: issuer that names the Secret as its own key or credential, or "".
        attempt_lost: whether the status tells of an attempt whose Secret is gone without our doing.
        noted_wish: serial number of a certificate that this process saw, and the wish's hash that stood beside it.
        restamped: how often this process put our label and annotations back, None if it never did.
    """

    certificate: Certificate
    issuer: ReadyIssuer | UnreadyIssuer
    target: Target | None
    attempt: Attempt | None = None
    progress: OrderProgress | None = None
    advice: RenewalAdvice | None = None
    hold_lifted: bool = False
    hold: datetime | None = None
    owner_lives: bool = False
    older: str = ""
    used_by: str = ""
    attempt_lost: bool = False
    restamped: Restamped | None = None
    noted_wish: tuple[str, str] | None = None
    names: ApiNames = field(default_factory=ApiNames)

    @property
    def wish(self) -> Wish | None:
        """Profile and chain as they are wanted now; None where the issuer's own are not known."""
        if not isinstance(self.issuer, ReadyIssuer):
            return None
        return wish_of(self.certificate.spec, self.issuer.spec)

    @property
    def asked_wish(self) -> str | None:
        """Hash of the wish that the stored certificate was asked with, "" for none, None if nobody knows."""
        target = self.target
        if target is None or target.leaf is None:
            return None
        serial, known = self.noted_wish or ("", "")
        return known if target.wish_hash == "" and serial == target.leaf.serial_number else target.wish_hash

    @property
    def window(self) -> Window | None:
        """The CA's window for the certificate in the Secret, from memory or from the status."""
        leaf = self.target.leaf if self.target else None
        serial = leaf.serial_number if leaf else ""
        if self.advice and self.advice.serial_number == serial:
            return self.advice.window
        status = self.certificate.status
        if leaf and status.renewal_info and status.serial_number == serial:
            info = status.renewal_info
            window = Window(info.start, info.end, info.explanation_url or "")
            return told_before(window, leaf, self.certificate.meta.uid, status.renewal_time)
        return None
