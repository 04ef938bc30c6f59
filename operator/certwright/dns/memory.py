"""A small memory of what was just looked up, for a short while and for a bounded number of names."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from datetime import timedelta

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class ShortMemory(Generic[K, V]):
    """Remembers answers until they are `lifetime` old, and only the newest of them. Thread-safe."""

    def __init__(self, clock: Callable[[], float], lifetime: timedelta, size: int = 1000) -> None:
        """Make an empty one.

        Args:
            clock: monotonic seconds.
            lifetime: how long an answer is believed; it is never renewed by being read.
            size: how many are kept.
        """
        self._clock = clock
        self._lifetime = lifetime.total_seconds()
        self._size = size
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, key: K) -> V | None:
        """What was noted for `key`, unless that is too long ago."""
        with self._lock:
            expires, value = self._entries.get(key, (0.0, None))
            if value is not None and self._clock() >= expires:
                del self._entries[key]
                return None
            return value

    def note(self, key: K, value: V) -> None:
        """Remember `value` from now on."""
        with self._lock:
            self._entries[key] = (self._clock() + self._lifetime, value)
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def forget(self, key: K) -> None:
        """Do not believe what was noted for `key` any more."""
        with self._lock:
            self._entries.pop(key, None)

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)
