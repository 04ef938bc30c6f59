"""Everything the operator can do for a Certificate, as a closed set of values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certwright.failures import Setback
    from certwright.reconcile.problems import Problem


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do before `until`; None means until something changes."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class Halt:
    """Something outside must change first; says what."""

    setback: Setback


@dataclass(frozen=True, slots=True)
class AskRenewalInfo:
    """Ask the CA when it would like this certificate renewed (RFC 9773)."""


@dataclass(frozen=True, slots=True)
class Adopt:
    """Make a Secret that fits and is free, or was handed over, ours without an order.

    Attributes:
        stamps: our annotations as they shall be.
    """

    stamps: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Restamp:
    """Put our label and annotations back on a Secret of ours, without an order.

    Attributes:
        stamps: our annotations as they shall be.
    """

    stamps: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NoteLoss:
    """A good certificate is gone: write that down before the next one is ordered, so that losses are counted."""


@dataclass(frozen=True, slots=True)
class NoteFailure:
    """An attempt ended without our doing.

    Attributes:
        why: what is to be remembered as its failure.
    """

    why: Setback


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Begin an attempt, or go on with one whose order was not noted."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class SolveChallenges:
    """Publish the proofs, see that they can be seen, and tell the CA."""


@dataclass(frozen=True, slots=True)
class FinalizeOrder:
    """Send the CSR made from the attempt's key."""


@dataclass(frozen=True, slots=True)
class AwaitCA:
    """The CA is at work: validating, or signing."""


@dataclass(frozen=True, slots=True)
class ReviewAuthorizations:
    """The CA was told of all proofs long ago, and the order is still pending: which of them does it not believe?"""


@dataclass(frozen=True, slots=True)
class StoreCertificate:
    """Download, verify, and write key and chain into the target Secret in one apply."""


@dataclass(frozen=True, slots=True)
class CloseAttempt:
    """The certificate is stored: take down the proofs, then the attempt."""


@dataclass(frozen=True, slots=True)
class DropOrder:
    """The order is of no use any more: take down the proofs and the attempt.

    Attributes:
        why: what is to be remembered as a failure, or None if nothing failed.
    """

    why: Setback | None


Action: TypeAlias = (
    Rest
    | Halt
    | AskRenewalInfo
    | Adopt
    | Restamp
    | NoteLoss
    | NoteFailure
    | PlaceOrder
    | SolveChallenges
    | FinalizeOrder
    | AwaitCA
    | ReviewAuthorizations
    | StoreCertificate
    | CloseAttempt
    | DropOrder
)
