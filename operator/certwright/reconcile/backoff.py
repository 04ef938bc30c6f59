"""When a failed attempt is repeated: readable tables, one for each schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.acme.limits import stated_moment
from certwright.failures import NeedsPerson, NotYet, Schedule, TryLater
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.acme.refusals import Refused
    from certwright.failures import Setback

#: After the nth failure in a row; the last entry repeats.
HOLDS: dict[Schedule, tuple[timedelta, ...]] = {
    # A blip heals in minutes; nothing is counted against us.
    Schedule.TRANSIENT: tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 20)),
    # Only where the CA did not say how long.
    Schedule.THROTTLE: tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60)),
    # Let's Encrypt allows 5 failed validations of a name an hour; this spends 2, then one a day.
    Schedule.VALIDATION: tuple(timedelta(minutes=minutes) for minutes in (5, 60, 6 * 60, 24 * 60)),
    # CAA answers may be cached by the CA for up to 8 hours (CA/Browser Forum BR 3.2.2.8).
    Schedule.SLOW: (timedelta(hours=1), timedelta(hours=1), timedelta(hours=6)),
    # Nothing is known of it but that the request was refused: most likely the next one will be, too.
    Schedule.RARE: (timedelta(hours=6),),
}
#: A CA's refusal that only a person can lift is still tried again now and then, in case the person forgot to say so.
PERSON_HOLD = timedelta(hours=6)
#: A name that the CA gave up on, until a person follows its link.
PAUSED_HOLD = timedelta(days=1)
#: A CA's wish is obeyed up to here.
LONGEST_HOLD = timedelta(days=2)
#: A wish for less than this is not: "Retry-After: 0" from a server that fails would be a loop. Times the count.
SHORTEST_HOLD = timedelta(seconds=5)
#: Schedules that a short wish does not override, because failures are counted against us whoever asks for them.
COUNTED = frozenset({Schedule.VALIDATION, Schedule.SLOW, Schedule.RARE})
#: How a wait is looked at again when nobody said when: n-th look, the last entry repeats.
LOOKS = tuple(timedelta(seconds=seconds) for seconds in (1, 1, 2, 3, 5, 8, 10, 15, 20, 30))
#: However long a CA wishes us to wait for it, a wait is looked at again after this long.
LONGEST_LOOK = timedelta(hours=6)
#: "At once" leaves room for whoever else is at it.
AT_ONCE = timedelta(milliseconds=200)


def hold(setback: Setback, count: int, dice: float) -> timedelta:
    """How long to wait after the `count`-th failure in a row (1 for the first).

    Args:
        dice: a number in [0, 1) drawn by the caller; spreads up to a tenth on top so that herds disperse.
    """
    match setback:
        case TryLater(retry_after=timedelta() as wish, schedule=schedule):
            # Never shorter than asked (RFC 8555 §6.6); spread only behind it.
            steps = HOLDS[schedule]
            step = steps[min(count, len(steps)) - 1]
            least = step if schedule in COUNTED else min(SHORTEST_HOLD * count, step)
            return max(least, min(wish, LONGEST_HOLD)) + timedelta(seconds=10 * dice)
        case TryLater(schedule=schedule):
            steps = HOLDS[schedule]
            base = steps[min(count, len(steps)) - 1]
        case NeedsPerson(reason=Reason.PAUSED_BY_CA.word):
            base = PAUSED_HOLD
        case NeedsPerson(problem_type=str() as refused_by_ca) if refused_by_ca:
            base = PERSON_HOLD
        case _:
            # Mended in the cluster or at a name server, where looking again costs no quota.
            steps = HOLDS[Schedule.TRANSIENT]
            base = steps[min(count, len(steps)) - 1]
    return base * (1 + dice / 10)


def gate_time(refused: Refused, count: int, now: datetime) -> timedelta:
    """How long whoever a refusal concerns is held back, after the `count`-th in a row (1 for the first)."""
    if isinstance(refused, TryLater) and refused.retry_after is None:
        stated = stated_moment(refused.problem)
        if stated is not None and stated > now:
            return min(stated - now, LONGEST_HOLD)
    return hold(refused, count, 0.0)


def next_look(wait: NotYet, looks: int) -> timedelta:
    """How long until a wait is looked at again, after `looks` looks before this one."""
    if wait.look_again_in is None:
        return LOOKS[min(looks, len(LOOKS) - 1)]
    return min(max(wait.look_again_in, AT_ONCE), LONGEST_LOOK)
