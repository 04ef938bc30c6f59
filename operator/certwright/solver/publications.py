"""Who wants which rows in the token tables, and who waits for them. Pure; the publisher keeps it under its lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from certwright.solver.tables import Key, Row


@dataclass(slots=True)
class Publication:
    """The rows of one owner.

    Attributes:
        wake: called when all of them have become served.
        served: whether all were when it was last looked.
        since: monotonic time since when they are waited for.
    """

    rows: tuple[Row, ...]
    wake: Callable[[], None]
    since: float
    served: bool = False


class Publications:
    """All publications by owner. A row stays as long as one owner wants it."""

    def __init__(self) -> None:
        self._by_owner: dict[str, Publication] = {}
        self._claims: dict[Key, dict[str, str]] = {}

    def clear(self) -> None:
        """Forget them all."""
        self._by_owner.clear()
        self._claims.clear()

    def put(
        self, owner: str, rows: Sequence[Row], wake: Callable[[], None], now: float
    ) -> Publication | None:
        """These rows, in place of those that the owner wanted before; None if they are the same."""
        unique = tuple({row.key: row for row in rows}.values())
        known = self._by_owner.get(owner)
        if known and known.rows == unique:
            known.wake = wake
            return None
        self.drop(owner)
        made = self._by_owner[owner] = Publication(unique, wake, now)
        for row in unique:
            self._claims.setdefault(row.key, {})[owner] = row.key_authorization
        return made

    def drop(self, owner: str) -> bool:
        """Nothing any more for this owner; False if there was nothing."""
        known = self._by_owner.pop(owner, None)
        for row in known.rows if known else ():
            claims = self._claims[row.key]
            del claims[owner]
            if not claims:
                del self._claims[row.key]
        return known is not None

    def wanted(self) -> dict[Key, str]:
        """What the tables should hold. Two values for one host and token do not happen; the later one counts."""
        return {key: next(reversed(claims.values())) for key, claims in self._claims.items()}

    def unserved(self) -> Iterable[Row]:
        """Rows of those who wait."""
        return (row for each in self._by_owner.values() if not each.served for row in each.rows)

    def look(self, is_served: Callable[[Row], bool], now: float) -> list[Callable[[], None]]:
        """Note what is served now; the answer is whom to wake: those that waited and do not any more."""
        wakes = []
        for each in self._by_owner.values():
            before, each.served = each.served, all(is_served(row) for row in each.rows)
            if each.served and not before:
                wakes.append(each.wake)
            elif before and not each.served:
                each.since = now
        return wakes

    def oldest(self) -> float | None:
        """Since when the owner that waits longest has waited, or None."""
        return min((each.since for each in self._by_owner.values() if not each.served), default=None)

    def __len__(self) -> int:
        """Rows."""
        return len(self._claims)
