"""How long a CA is waited for, and when it is asked meanwhile.

Pure: the moments follow from when the wait began, so that a new process asks no sooner than the one before it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.failures import Schedule, TryLater
from certwright.reconcile.problems import moment
from certwright.resources.attempt import Stage, Wait
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.acme.messages import Order

#: How long proofs may be checked. CAs take seconds; some leave a challenge that failed `processing` for ever.
VALIDATION_PATIENCE = timedelta(minutes=10)
#: How soon it is looked why an order of names that were all proven before is not ready.
LAG_PATIENCE = timedelta(minutes=1)
#: How long an order may stay unfinished: some CAs take hours, or wait for a person.
ORDER_PATIENCE = timedelta(hours=24)
#: A wait that has lasted so long is noted in the attempt, so that it outlives the process.
NOTED_AFTER = timedelta(minutes=1)
#: Until a wait is so old it is looked at as often as any other.
USUAL_LOOKS = timedelta(minutes=1)
#: Then a quarter of its age passes between two looks, within these bounds; the last holds after six hours.
SHORTEST, LONG, LONGEST = timedelta(seconds=15), timedelta(minutes=10), timedelta(hours=1)
_LONG_UNTIL = timedelta(hours=6)


def begun(known: Wait | None, stage: Stage, now: datetime, order: Order | None = None) -> Wait:
    """The wait for `stage`, which goes on if it was begun already.

    An order that is ready, then is not, and is again, is one wait: otherwise it could go on for ever.

    Args:
        order: whose own end, where the CA tells it (RFC 8555 §7.1.3), is the end of the wait too.
    """
    if known is not None and known.stage is not Stage.VALIDATION and stage is not Stage.VALIDATION:
        return Wait(stage, known.since, known.until)
    since = now.replace(microsecond=0)
    if stage is Stage.VALIDATION:
        return Wait(stage, since, since + VALIDATION_PATIENCE)
    until = since + ORDER_PATIENCE
    expires = order.expires.replace(microsecond=0) if order and order.expires else until
    return Wait(stage, since, max(since, min(until, expires)))


def pause_at(age: timedelta) -> timedelta:
    """How long to wait between two looks when the wait is this old."""
    if age < USUAL_LOOKS:
        return timedelta(0)
    return max(SHORTEST, min(age / 4, LONG if age < _LONG_UNTIL else LONGEST))


def next_look(wait: Wait, now: datetime) -> datetime:
    """The next of the moments at which a wait is looked at, whoever looks."""
    if now - wait.since >= ORDER_PATIENCE:
        return now
    look = wait.since + USUAL_LOOKS
    while look <= now:
        look += pause_at(look - wait.since)
    return min(look, max(wait.until, now))


def told(wait: Wait, names: str) -> str:
    """The wait as a sentence that stays the same while it lasts.

    Args:
        names: that had to be proven, "" if all were proven before.
    """
    until = f"since {moment(wait.since)}, and is waited for until {moment(wait.until)}"
    if wait.stage is Stage.SIGNING:
        return f"the CA has been signing the certificate {until}"
    if wait.stage is Stage.VALIDATION and names:
        return f"the CA has been checking {names} {until}"
    return f"all names are proven; the CA has not said that the order is ready {until}"


def too_slow(wait: Wait) -> TryLater:
    """The wait is over: slowly, because the CA may still be at the order that was given up."""
    signing = wait.stage is Stage.SIGNING
    what = "sign the certificate" if signing else "say that the order is ready, though all names are proven,"
    return TryLater(
        Reason.CA_TOO_SLOW.word,
        f"the CA did not {what} between {moment(wait.since)} and {moment(wait.until)}; the order was given up",
        schedule=Schedule.SLOW,
    )
