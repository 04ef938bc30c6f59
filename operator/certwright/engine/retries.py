"""How soon a key is tried again after a fault that nobody understands: soon at first, then ever later."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable
    from random import Random

K = TypeVar("K", bound="Hashable")

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 300.0
#: Part of a delay that is thrown, so that keys which failed together do not come back together.
SPREAD = 0.25
#: Keys remembered; the ones that failed longest ago start anew first.
REMEMBERED = 10_000


class Retries(Generic[K]):
    """Counts faults in a row for each key. Thread-safe.

    Understood setbacks have schedules of their own that outlive the process; this is for bugs.
    """

    def __init__(self, dice: Random) -> None:
        """Make one in which nothing has failed."""
        self._dice = dice
        self._failures: OrderedDict[K, int] = OrderedDict()
        self._lock = threading.Lock()

    def delay_seconds(self, key: K) -> float:
        """Count one more fault of `key`; after how long to try again: 1 s, 2 s … 5 min, less a spread."""
        with self._lock:
            failures = self._failures.get(key, 0)
            # The exponent is bounded because floats are.
            delay = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(failures, 30))
            self._failures[key] = failures + 1
            self._failures.move_to_end(key)
            if len(self._failures) > REMEMBERED:
                self._failures.popitem(last=False)
            return delay * (1 - SPREAD * self._dice.random())

    def failures(self, key: K) -> int:
        """Faults of `key` in a row."""
        with self._lock:
            return self._failures.get(key, 0)

    def forget(self, key: K) -> None:
        """It went well, or is gone: the next fault of `key` is its first."""
        with self._lock:
            self._failures.pop(key, None)

    def __len__(self) -> int:
        with self._lock:
            return len(self._failures)
