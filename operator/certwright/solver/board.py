"""All that the publisher knows, and what it does next. Pure; the publisher keeps it under its lock.

`shards.py` says what is written and when, `hearing.py` what solver pods tell, `publications.py` who waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from certwright.failures import NeedsPerson, NotYet
from certwright.resources.conditions import Reason
from certwright.solver.hearing import FRESH
from certwright.solver.patience import Patience
from certwright.solver.publications import Publications
from certwright.solver.shards import Shard, Shards
from certwright.solver.tables import table_body
from certwright.solver.tasks import Hear, Read, ReadAll, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from certwright.resources.names import ApiNames
    from certwright.solver.hearing import Hearing
    from certwright.solver.tables import Json, Row
    from certwright.solver.tasks import Task

#: Seconds between two rounds of questions: the first pause after a write, doubling up to the last.
FIRST_PAUSE, LAST_PAUSE = 0.25, 2.0
CLAIMED = (
    "is already answered with another key authorization, which came first and stays until its owner is done; "
    "a new order, for which the CA makes another token, does not have to wait for that"
)


@dataclass(frozen=True, slots=True)
class Figures:
    """For health and metrics; `trouble` is empty when all is well."""

    rows: int
    tables: int
    oldest_unserved_seconds: float
    trouble: str


class Board:
    """One term of leadership, or the time between two."""

    def __init__(self, names: ApiNames, namespace: str) -> None:
        self._names = names
        self._namespace = namespace
        self._shards = Shards(names)
        self.begin(leading=False)

    def begin(self, *, leading: bool) -> None:
        """Know nothing any more, but when each table was written."""
        self.leading = leading
        self._settled = False
        self._publications = Publications()
        self._moved = self._shrunk = True
        self._ranked = self._complete = False
        self._shards.forget()
        self._reading = Patience("the token tables cannot be read")
        self._writing = Patience("the token tables cannot be written")
        self._listing = Patience("the solver pods cannot be listed")
        self._hearing: Hearing | None = None
        self._heard_at = self._hear_at = -inf
        self._pause = FIRST_PAUSE
        self._doubted = False

    # What is wanted.

    def publish(self, owner: str, rows: Sequence[Row], wake: Callable[[], None], now: float) -> bool:
        """See `TokenTables`; False if that is nothing new."""
        if not self.leading or not self._publications.put(owner, rows, wake, now):
            return False
        self._publications.note(owner, self.is_served)
        self._moved = True
        return True

    def withdraw(self, owner: str) -> bool:
        """See `TokenTables`; False if that is nothing new."""
        known = self._publications.drop(owner)
        self._moved = self._moved or known
        return known

    def settle(self) -> None:
        """Tables may shrink from now on."""
        self._settled = self._moved = True

    # What is known.

    def is_served(self, row: Row) -> bool:
        """Whether every solver pod that was asked last serves the row, and there was one."""
        place = self._place(row)
        return place is not None and place[1] <= place[0].reach

    def refresh(self, now: float) -> bool:
        """Have the solver pods asked again if the last time is over two seconds ago; False if it is not."""
        old = now - self._heard_at > FRESH
        self._doubted = self._doubted or old
        return old

    def waiting_for(self, row: Row) -> str:
        """Why the row is not served yet, for people; empty if it is."""
        if not self.leading:
            return "another replica of the operator is the leader"
        if not self._publications.counts(row):
            return f"{row.host} with this token {CLAIMED}"
        place = self._place(row)
        if place is None:
            return self._reading.trouble or self._writing.trouble or "the token table is about to be written"
        if self._listing.trouble:
            return self._listing.trouble
        shard, version = place
        return (
            self._hearing.lag(shard.name, version)
            if self._hearing
            else "the solver pods are about to be asked"
        )

    def figures(self, now: float) -> Figures:
        """State for health and metrics."""
        oldest = self._publications.oldest()
        troubles = (each.trouble for each in (self._reading, self._writing, self._listing))
        return Figures(
            rows=len(self._publications),
            tables=self._shards.standing(),
            oldest_unserved_seconds=0.0 if oldest is None else now - oldest,
            trouble="; ".join(filter(None, troubles)),
        )

    # What is next.

    def take(self, now: float) -> Task | float:
        """What has been due longest, or else the seconds until something is."""
        due, task = min(self._options(now), key=lambda option: option[0], default=(inf, None))
        if task is None or due > now:
            return due - now
        if isinstance(task, Hear):
            self._doubted = False
        return self._write(task, now) if isinstance(task, Shard) else task

    def _options(self, now: float) -> Iterator[tuple[float, ReadAll | Read | Shard | Hear]]:
        if not self.leading:
            return
        if not self._complete:
            yield self._reading.until, ReadAll()
            return
        if self._moved:
            self._aim(now)
        for shard in self._shards:
            if shard.stale:
                yield max(shard.seen_at, self._reading.until), Read(shard.index)
            else:
                yield max(shard.due, self._writing.until), shard
        if self._doubted or any(map(self._is_out, self._publications.unserved())):
            yield max(self._hear_at, self._listing.until), Hear()

    def _aim(self, now: float) -> None:
        if not self._ranked:
            # Owners speak anew in any order after a change of leaders: what stands shows who was first.
            self._publications.prefer(lambda row: self._shards.place(row) is not None)
            self._ranked = self._settled
        self._shards.aim(self._publications.wanted(), now, shrink=self._settled)
        self._moved = False
        if all(shard.target is None for shard in self._shards):
            self._writing.calm()  # what could not be written is not wanted any more

    def _is_out(self, row: Row) -> bool:
        """Whether the row is in a table and only solver pods lack it."""
        return self._place(row) is not None and not self.is_served(row)

    def _place(self, row: Row) -> tuple[Shard, int] | None:
        """Where the row stands, if it is to stay there."""
        return self._shards.place(row) if self._publications.counts(row) else None

    def _write(self, shard: Shard, now: float) -> Write:
        shard.written_at = now
        body = table_body(self._names, self._namespace, shard.index, shard.target or {}, over=shard.body)
        return Write(shard.index, body, is_new=shard.body is None)

    # How it went.

    def saw_all(self, bodies: Iterable[Json], now: float) -> None:
        """The tables were listed."""
        self._shards.see_all(bodies, now)
        self._reading.calm()
        self._complete = self._shrunk = True

    def saw(self, index: int, body: Json | None, now: float) -> None:
        """One table was read again."""
        self._see(index, body, now)
        self._reading.calm()
        self._moved = True

    def wrote(self, index: int, body: Json, now: float) -> None:
        """A table was written; `body` is what stands there now."""
        self._see(index, body, now)
        self._writing.calm()
        self._moved = self._moved or self._shards.differs(index)
        self._pause = FIRST_PAUSE
        self._hear_at = max(now, self._heard_at + FIRST_PAUSE)

    def _see(self, index: int, body: Json | None, now: float) -> None:
        lost = self._shards.see(index, body, now)
        self._shrunk = self._shrunk or self._publications.concerns(lost)

    def heard(self, hearing: Hearing, now: float) -> None:
        """The solver pods were asked."""
        self._hearing, self._heard_at = hearing, now
        self._listing.calm()
        self._shrunk = self._shards.compare(hearing, now) or self._shrunk
        self._hear_at = now + self._pause
        waiting = any(map(self._is_out, self._publications.unserved()))
        self._pause = min(self._pause * 2, LAST_PAUSE) if waiting else FIRST_PAUSE

    def failed(self, task: Task, error: Exception, now: float) -> str:
        """A task failed; the answer is what to log, empty if that is no news."""
        patience = self._reading
        if isinstance(task, Hear):
            patience = self._listing
        elif isinstance(task, Write):
            patience = self._writing
            # A refusal has changed nothing; after anything else nobody knows what stands there.
            self._shards.suspect(task.index, stale=not isinstance(error, NeedsPerson))
            if isinstance(error, NotYet) and error.reason == Reason.CHANGED_MEANWHILE.word:
                return ""
        news = patience.failed(error, now)
        return patience.trouble if news and not isinstance(error, NotYet) else ""

    def look(self, now: float) -> list[Callable[[], None]]:
        """Whom to wake: those whose rows have all become served."""
        everybody, self._shrunk = self._shrunk, False
        return self._publications.look(self.is_served, now, everybody=everybody)
