"""Who wants which rows in the token tables, and who waits for them. Pure; the publisher keeps it under its lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certwright.solver.tables import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from certwright.solver.tables import Key


@dataclass(slots=True)
class Publication:
    """The rows of one owner.

    Attributes:
        wake: called when all of them have become served.
        since: monotonic time since when they are waited for, or last were.
    """

    rows: tuple[Row, ...]
    wake: Callable[[], None]
    since: float


class Publications:
    """All publications by owner. A row stays as long as one owner wants it.

    A CA chooses its tokens, and anybody may name a CA as theirs. So somebody can be given, for a host of another, a
    token that is in use. Of two key authorizations for one host and token the first claim counts while it lives:
    nobody can have another's proof changed.
    """

    def __init__(self) -> None:
        self._by_owner: dict[str, Publication] = {}
        self._waiting: dict[str, Publication] = {}
        #: Owners by key authorization for each host and token; the key authorization that counts is the first.
        self._claims: dict[Key, dict[str, list[str]]] = {}

    def put(self, owner: str, rows: Sequence[Row], wake: Callable[[], None], now: float) -> bool:
        """These rows, in place of those that the owner wanted before; False if they are the same.

        A row that the owner wants still keeps its place before those of others.
        """
        unique = tuple({row.key: row for row in rows}.values())
        known = self._by_owner.get(owner)
        if known and known.rows == unique:
            known.wake = wake
            return False
        before = set(known.rows if known else ())
        self._unclaim(owner, before.difference(unique))
        self._by_owner[owner] = self._waiting[owner] = Publication(unique, wake, now)
        for row in unique:
            if row not in before:
                self._claims.setdefault(row.key, {}).setdefault(row.key_authorization, []).append(owner)
        return True

    def note(self, owner: str, is_served: Callable[[Row], bool]) -> None:
        """Whoever finds everything served need not be woken."""
        if all(map(is_served, self._by_owner[owner].rows)):
            self._waiting.pop(owner, None)

    def drop(self, owner: str) -> bool:
        """Nothing any more for this owner; False if there was nothing."""
        known = self._by_owner.pop(owner, None)
        self._waiting.pop(owner, None)
        self._unclaim(owner, known.rows if known else ())
        return known is not None

    def prefer(self, stands: Callable[[Row], bool]) -> None:
        """Have claims on what stands already count as the first ones, in whatever order they were made."""
        for (host, token), claims in self._claims.items():
            if len(claims) > 1:
                order = sorted(claims, key=lambda value: not stands(Row(host, token, value)))
                self._claims[host, token] = {value: claims[value] for value in order}

    def counts(self, row: Row) -> bool:
        """Whether nobody claimed another value for its host and token before."""
        claims = self._claims.get(row.key)
        return claims is None or next(iter(claims)) == row.key_authorization

    def concerns(self, keys: Iterable[Key]) -> bool:
        """Whether anybody claims one of these hosts and tokens."""
        return any(key in self._claims for key in keys)

    def wanted(self) -> dict[Key, str]:
        """What the tables should hold."""
        return {key: next(iter(claims)) for key, claims in self._claims.items()}

    def unserved(self) -> Iterable[Row]:
        """Rows of those who wait."""
        return (row for each in self._waiting.values() for row in each.rows)

    def look(
        self, is_served: Callable[[Row], bool], now: float, *, everybody: bool
    ) -> list[Callable[[], None]]:
        """Note what is served now; the answer is whom to wake: those that waited and do not any more.

        Args:
            everybody: False looks only at those that wait.
        """
        wakes = []
        for owner, each in tuple((self._by_owner if everybody else self._waiting).items()):
            served = all(map(is_served, each.rows))
            if served and owner in self._waiting:
                del self._waiting[owner]
                wakes.append(each.wake)
            elif not served and owner not in self._waiting:
                self._waiting[owner] = each
                each.since = now
        return wakes

    def oldest(self) -> float | None:
        """Since when the owner that waits longest has waited, or None."""
        return min((each.since for each in self._waiting.values()), default=None)

    def __len__(self) -> int:
        """Rows."""
        return len(self._claims)

    def _unclaim(self, owner: str, rows: Iterable[Row]) -> None:
        for row in rows:
            claims = self._claims[row.key]
            claims[row.key_authorization].remove(owner)
            if not claims[row.key_authorization]:
                del claims[row.key_authorization]
            if not claims:
                del self._claims[row.key]
