"""Threads that take keys from the queue and turn the wheel for each, one turn at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from certwright.engine.queue import KeyedQueue

K = TypeVar("K", bound="Hashable")

#: Seconds until the next look when even the handler of crashes crashed.
LAST_RESORT_SECONDS = 60.0


class WorkerPool(Generic[K]):
    """Some threads that work until they are stopped. Nothing that a turn raises ends a thread."""

    def __init__(
        self,
        queue: KeyedQueue[K],
        turn: Callable[[K], float | None],
        count: int,
        on_crash: Callable[[K, BaseException], float],
        *,
        clock: Callable[[], float],
    ) -> None:
        """Make a pool that does not run yet.

        Args:
            queue: where keys come from; it is closed when the pool stops.
            turn: works on a key; answers when to look at it again, as a moment on the clock, or None.
            count: how many threads.
            on_crash: told of what a turn raised; answers in how many seconds to look at the key again.
            clock: monotonic seconds, the queue's own.
        """
        self._queue = queue
        self._turn = turn
        self._on_crash = on_crash
        self._clock = clock
        self._since: dict[int, float] = {}  # by thread number; each thread writes its own entry only
        self._threads = tuple(
            threading.Thread(target=self._work, args=(number,), name=f"worker-{number}", daemon=True)
            for number in range(count)
        )

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, grace_seconds: float) -> bool:
        """Take nothing any more and wait for the turns under way; whether all ended in time.

        Turns that did not are left behind in daemon threads, which end with the process.
        """
        self._queue.close()
        give_up = self._clock() + grace_seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, give_up - self._clock()))
        return not self.alive()

    def alive(self) -> int:
        """How many threads run; all of them do between `start` and `stop`."""
        return sum(thread.is_alive() for thread in self._threads)

    def longest_turn_seconds(self) -> float:
        """For how long the longest of the turns under way has been, 0 when all are idle."""
        now = self._clock()
        return max((now - since for since in list(self._since.values())), default=0.0)

    def _work(self, number: int) -> None:
        while (key := self._queue.take()) is not None:
            self._since[number] = self._clock()
            try:
                due = self._due_after_turn(key)
                if due is not None:
                    self._queue.add_at(key, due)
            finally:
                del self._since[number]
                self._queue.done(key)

    def _due_after_turn(self, key: K) -> float | None:
        try:
            return self._turn(key)
        except BaseException as crash:  # noqa: BLE001  a thread that ends is a worker lost
            return self._clock() + self._delay_after(key, crash)

    def _delay_after(self, key: K, crash: BaseException) -> float:
        try:
            return self._on_crash(key, crash)
        except BaseException:  # noqa: BLE001  the same again
            return LAST_RESORT_SECONDS
