"""How often a name may fail validation at an account, whichever Certificates ask for it. Pure.

Let's Encrypt allows five failed validations of a name an hour for each account, and pauses a name after about a
thousand in a row; it does not ask which Certificate they were for. Three an hour leave room for a person's own tries.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from certwright.reconcile.problems import moment
from certwright.resources.ledger import SAID_LIMIT, FailingName, shortened

if TYPE_CHECKING:
    from datetime import datetime

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: Failures of a name within an hour; then it rests for an hour.
MOST_AN_HOUR = 3
#: The same where a person has just changed something that may have mended it.
MOST_PARDONED = MOST_AN_HOUR + 1
#: A name that neither failed nor was proven for so long is forgotten: longer than the pause of one that is tried daily.
LIFE = 2 * DAY


def failed(known: FailingName | None, name: str, now: datetime, said: str) -> FailingName:
    """The CA looked and did not accept the proof."""
    row = known or FailingName(name=name, failed_at=())
    since = row.since or now
    return _rested(row, now, since=since, count=row.count + 1, said=shortened(said, SAID_LIMIT))


def unheard(known: FailingName | None, name: str, now: datetime) -> FailingName:
    """The CA was told to look, and nobody will hear what came of it: it may have counted a failure."""
    row = known or FailingName(name=name, failed_at=())
    return _rested(row, now, since=row.since, count=row.count, said=row.said)


def _rested(row: FailingName, now: datetime, *, since: datetime | None, count: int, said: str) -> FailingName:
    times = (*row.failed_at, now)[-MOST_PARDONED:]
    until = None
    if since is not None and now - since >= DAY:
        until = now + DAY
    elif is_held(row, now) or _recent(times, now) >= MOST_AN_HOUR:
        until = now + HOUR
    return FailingName(name=row.name, failed_at=times, since=since, count=count, until=until, said=said)


def room(row: FailingName | None, now: datetime, *, pardoned: bool = False) -> int:
    """How many validations of the name may be under way at once, so that all of them may fail."""
    if row is None:
        return MOST_AN_HOUR
    recent = _recent(row.failed_at, now)
    if is_held(row, now):
        return 1 if pardoned and recent < MOST_PARDONED else 0
    tried_daily = row.since is not None and now - row.since >= DAY
    return min(1 if tried_daily else MOST_AN_HOUR, max(MOST_AN_HOUR - recent, 0))


def is_held(row: FailingName, now: datetime) -> bool:
    """Whether its next try is still to come."""
    return row.until is not None and now < row.until


def is_forgotten(row: FailingName, now: datetime) -> bool:
    """Whether what happened says nothing of the present any more."""
    return now - row.last >= LIFE and not is_held(row, now)


def believed(row: FailingName, now: datetime) -> FailingName:
    """A row that was read: whoever wrote it, and by whatever clock, it holds no longer than any other."""
    times = tuple(sorted(min(each, now) for each in row.failed_at))[-MOST_PARDONED:]
    until = min(row.until, now + DAY) if row.until else None
    return msgspec.structs.replace(row, failed_at=times, until=until)


def why_held(row: FailingName, account: str, now: datetime) -> str:
    """What a Certificate tells that waits for the next try of a name."""
    daily = row.since is not None and row.last - row.since >= DAY
    if daily and row.since is not None:
        what = f"{row.name} has failed every validation at account {account} since {moment(row.since)}"
        pace = "it is tried once a day, "
    else:
        times = max(_recent(row.failed_at, row.last), 1)
        verb = "failed" if row.count else "was left without an answer in"
        what, pace = f"{row.name} {verb} {times} validations within an hour at account {account}", ""
    next_try = moment(row.until) if row.until else moment(now)
    said = f". The CA said last: {row.said.removesuffix('.')}" if row.said else ""
    return (
        f"{what}, counted over all Certificates; {pace}the next try is at {next_try}{said}. Mend it; a changed issuer "
        "or credential of its solvers has it tried once more at once"
    )


def _recent(times: tuple[datetime, ...], now: datetime) -> int:
    return sum(now - each < HOUR for each in times)
