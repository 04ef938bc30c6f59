"""When keys are to be looked at again: one due time a key, the earliest that was asked for."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

K = TypeVar("K", bound="Hashable")

#: Entries of the heap that were overtaken are swept when they outnumber the live ones and this.
SWEEP_ABOVE = 64


class DueTimes(Generic[K]):
    """A heap of moments on the monotonic clock; each operation costs the logarithm of their number."""

    def __init__(self) -> None:
        """Make an empty one."""
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._order = count()  # keys need not be comparable

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, key: K) -> bool:
        return key in self._due

    def add(self, key: K, due: float) -> bool:
        """Note `due` unless an earlier moment is noted; whether it is now the first of all."""
        if due >= self._due.get(key, float("inf")):
            return False
        self._due[key] = due
        heapq.heappush(self._heap, (due, next(self._order), key))
        self._sweep()
        return self._heap[0][2] == key

    def drop(self, key: K) -> None:
        """Forget the key's due time, if it has one."""
        self._due.pop(key, None)
        self._sweep()

    def first(self) -> float | None:
        """The earliest due time of all."""
        while self._heap and self._is_stale(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> list[K]:
        """Take out the keys that are due, the earliest first."""
        keys: list[K] = []
        while (due := self.first()) is not None and due <= now:
            key = heapq.heappop(self._heap)[2]
            del self._due[key]
            keys.append(key)
        return keys

    def _is_stale(self, entry: tuple[float, int, K]) -> bool:
        due, _, key = entry
        return self._due.get(key) != due

    def _sweep(self) -> None:
        if len(self._heap) > 2 * len(self._due) + SWEEP_ABOVE:
            self._heap = [entry for entry in self._heap if not self._is_stale(entry)]
            heapq.heapify(self._heap)
