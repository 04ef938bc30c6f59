"""Setbacks: errors named by what would help against them.

    Setback
    ├── NotYet        all is well, the world is slow; not a failure
    ├── TryLater      time may heal it; counts towards backoff
    └── NeedsPerson   only a change of spec, credentials or policy helps

Whatever else escapes from a turn is a bug, is logged with its traceback and retried like `TryLater`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta


class Schedule(Enum):
    """Which row of the retry table (`reconcile/backoff.py`) a `TryLater` follows."""

    TRANSIENT = "transient"
    """An outage or a lost connection: minutes, and no validation budget is touched."""
    THROTTLE = "throttle"
    """The remote side asked for less; its own Retry-After rules where it gave one."""
    VALIDATION = "validation"
    """A name could not be proven: slow, because CAs count these."""
    SLOW = "slow"
    """A refusal that may pass by itself, such as CAA that was just changed: hours."""
    RARE = "rare"
    """A refusal of a kind that nobody knows: a few times a day."""


class Setback(Exception):  # noqa: N818  it is not always an error; the subclasses say what it is
    """A step ended early for a reason we understand. Raise a subclass, never this.

    Attributes:
        reason: CamelCase word of the condition and event, a member of `resources.conditions.Reason`.
        message: one sentence for people; never contains a credential or a body that is no problem document.
        identifier: the name concerned, or "" when it is all of them.
        problem_type: the CA's problem type (RFC 8555 §6.7) without its namespace, or "".
        http_status: with which the API server answered; 0 where it did not, or where somebody else said it.
    """

    http_status: int = 0

    def __init__(self, reason: str, message: str, *, identifier: str = "", problem_type: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.identifier = identifier
        self.problem_type = problem_type


class NotYet(Setback):
    """All is well, the world is just slow (DNS, a busy CA). Does not count as a failure."""

    def __init__(
        self, reason: str, message: str, *, look_again_in: timedelta | None = None, identifier: str = ""
    ) -> None:
        """Make one; without `look_again_in` the loop picks an interval that grows with each look."""
        super().__init__(reason, message, identifier=identifier)
        self.look_again_in = look_again_in


class TryLater(Setback):
    """Time may heal it: an outage, a rate limit. Counts towards backoff."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        schedule: Schedule = Schedule.TRANSIENT,
        retry_after: timedelta | None = None,
        identifier: str = "",
        problem_type: str = "",
    ) -> None:
        """Make one; `retry_after` is the remote side's own wish, if it stated one."""
        super().__init__(reason, message, identifier=identifier, problem_type=problem_type)
        self.schedule = schedule
        self.retry_after = retry_after


class NeedsPerson(Setback):
    """Only a change of spec, credentials or policy helps; retrying is noise."""
