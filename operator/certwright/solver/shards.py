"""What stands in the token tables as last seen, what should, and when each is to be written. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from certwright.solver.tables import arrange, decode_rows, table_index, table_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from certwright.resources.names import ApiNames
    from certwright.solver.hearing import Hearing
    from certwright.solver.tables import Json, Key, Row, Rows

#: Seconds from the start of one write of a table to the start of the next.
BETWEEN_WRITES = 1.0
#: Seconds that removals wait for an addition to ride with: a row too many answers nobody who does not ask for it.
REMOVALS_WAIT = 5.0
#: Seconds after which a table that solver pods do not show is looked at again: somebody may have deleted it.
DOUBT = 10.0


@dataclass(slots=True)
class Shard:
    """One table.

    Attributes:
        body: the ConfigMap as last seen, None if there is none.
        rows: what it holds.
        since: the version in which each row was first seen, with the value that it has.
        version: resourceVersion of `body`.
        stale: it may have changed: read it before anything else.
        target: what it should hold, None if it does.
        differs_since: since when it should hold something else.
        grows: whether it lacks something; otherwise it only holds too much.
        written_at: start of the last write.
        seen_at: when `body` was last confirmed.
        reach: the version that every solver pod serves, or a later one; -1 if one does not tell, or there is none.
    """

    index: int
    body: Json | None = None
    rows: Rows = field(default_factory=dict)
    since: dict[Key, int] = field(default_factory=dict)
    version: int = 0
    stale: bool = False
    target: Rows | None = None
    differs_since: float = inf
    grows: bool = False
    written_at: float = -inf
    seen_at: float = -inf
    highest_told: int = 0
    reach: int = -1

    @property
    def name(self) -> str:
        """Of the ConfigMap."""
        return table_name(self.index)

    @property
    def due(self) -> float:
        """When to write it; infinity if there is nothing to write."""
        if self.target is None:
            return inf
        soonest = self.written_at + BETWEEN_WRITES
        return soonest if self.grows else max(soonest, self.differs_since + REMOVALS_WAIT)

    def see(self, body: Json | None, label: tuple[str, str], now: float) -> None:
        """Take note of the ConfigMap as it is. Without our label solver pods do not see it: it holds nothing then."""
        version = int(body["metadata"]["resourceVersion"]) if body else 0
        shown = body is not None and label in (body["metadata"].get("labels") or {}).items()
        rows = decode_rows(body) if body is not None and shown else {}
        self.since = {
            key: self.since[key] if self.rows.get(key) == value else version for key, value in rows.items()
        }
        self.body, self.rows, self.version = body, rows, version
        self.stale, self.seen_at = False, now
        if body is not None and self.target == self.rows:
            self.target, self.differs_since = None, inf

    def aim(self, target: Rows | None, now: float) -> None:
        """Note what it should hold; None if it need not exist."""
        if target is None or (self.body is not None and target == self.rows):
            self.target, self.differs_since = None, inf
            return
        self.target, self.differs_since = target, min(self.differs_since, now)
        self.grows = self.body is None or any(self.rows.get(key) != value for key, value in target.items())

    def doubt(self, told: list[int], now: float) -> None:
        """Compare with what solver pods tell: a later version is somebody else's; an old one for long is no delay."""
        newest = max(told, default=0)
        later = newest > max(self.version, self.highest_told)
        self.highest_told = max(newest, self.highest_told)
        behind = any(each < self.version for each in told) and now - self.seen_at >= DOUBT
        self.stale = self.stale or later or behind


class Shards:
    """All tables."""

    def __init__(self, names: ApiNames) -> None:
        self._label = (names.table_label, names.tokens)
        self._by_index: dict[int, Shard] = {}
        #: Which tables hold a row for a host and token: one, unless somebody else wrote.
        self._holders: dict[Key, list[int]] = {}

    def __iter__(self) -> Iterator[Shard]:
        """In their order."""
        return iter(sorted(self._by_index.values(), key=lambda shard: shard.index))

    def forget(self) -> None:
        """Forget what stands in them, but not when they were written."""
        self._by_index = {
            shard.index: Shard(shard.index, written_at=shard.written_at) for shard in self._by_index.values()
        }
        self._holders.clear()

    def see_all(self, bodies: Iterable[Json], now: float) -> None:
        """All that there are; a ConfigMap of another name with our label is somebody else's."""
        found = {table_index(body["metadata"]["name"]): body for body in bodies}
        for index in {*self._by_index, *(each for each in found if each is not None)}:
            self.see(index, found.get(index), now)

    def see(self, index: int, body: Json | None, now: float) -> set[Key]:
        """One of them as it is; the answer is of which hosts and tokens it does not hold the value any more."""
        shard = self._shard(index)
        before = shard.rows
        shard.see(body, self._label, now)
        for key in before.keys() - shard.rows.keys():
            self._holders[key].remove(index)
            if not self._holders[key]:
                del self._holders[key]
        for key in shard.rows.keys() - before.keys():
            self._holders.setdefault(key, []).append(index)
        return {key for key, value in before.items() if shard.rows.get(key) != value}

    def suspect(self, index: int, *, stale: bool) -> None:
        """Have a table read again before it is written."""
        self._shard(index).stale = stale

    def compare(self, hearing: Hearing, now: float) -> bool:
        """Have read again what solver pods see otherwise than we do, also a table that we do not know.

        Returns:
            Whether they serve less of any table than the last time.
        """
        less, all_tell = False, None not in hearing.told.values()
        tables = {table_index(table) for table in hearing.tables()}
        for index in {*self._by_index, *(each for each in tables if each is not None)}:
            shard = self._shard(index)
            told = hearing.versions(shard.name)
            shard.doubt(told, now)
            before, shard.reach = shard.reach, min(told) if told and all_tell else -1
            less = less or shard.reach < before
        return less

    def aim(self, wanted: Rows, now: float, *, shrink: bool) -> None:
        """Decide which table should hold what.

        Args:
            shrink: False removes and changes nothing: whoever wanted what stands may not have spoken yet.
        """
        if not shrink:
            wanted = {key: value for key, value in wanted.items() if key not in self._holders}
        standing = {shard.index: shard.rows for shard in self._by_index.values() if shard.body is not None}
        targets = arrange(standing, wanted, shrink=shrink)
        for index in {*self._by_index, *targets}:
            self._shard(index).aim(targets.get(index), now)

    def place(self, row: Row) -> tuple[Shard, int] | None:
        """The table that holds this row, and the version from which on it does; None if none does."""
        for index in self._holders.get(row.key, ()):
            shard = self._by_index[index]
            if shard.rows[row.key] == row.key_authorization:
                return shard, shard.since[row.key]
        return None

    def differs(self, index: int) -> bool:
        """Whether it should hold something else."""
        return self._shard(index).target is not None

    def standing(self) -> int:
        """How many there are."""
        return sum(1 for shard in self._by_index.values() if shard.body is not None)

    def _shard(self, index: int) -> Shard:
        return self._by_index.setdefault(index, Shard(index))
