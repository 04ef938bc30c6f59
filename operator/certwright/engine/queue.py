"""The work queue: which key is looked at next. Its rules are those of client-go's queue, plus fair shares.

A key is in at most one worker's hands. However often it is added meanwhile, it is looked at once more
afterwards, so bursts collapse and the latest state is always seen. After each `add` or `add_at` a turn begins
that is no older than the call and, workers permitting, no later than was asked; then older wishes for it
are void, because the turn that has just begun says itself when to look again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from certwright.engine.due_times import DueTimes
from certwright.engine.lanes import Lanes, Shares, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

K = TypeVar("K", bound="Hashable")

#: Seconds between looks at the clock while nothing happens, so that a clock which leaps is noticed.
LONGEST_NAP = 30.0


class Priority(IntEnum):
    """What goes first among keys that wait. Shares bind both."""

    URGENT = 0
    """Somebody is waiting for it, or it is about to expire."""
    NORMAL = 1


@dataclass(frozen=True, slots=True)
class QueueStats:
    """The queue at one moment.

    Attributes:
        depth: keys that could be worked on now, were there workers.
        due_later: keys that wait for their time.
        processing: keys in the hands of workers.
        oldest_seconds: how long the longest-waiting of `depth` has waited.
    """

    depth: int
    due_later: int
    processing: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class _Wish:
    lanes: Lanes
    priority: Priority = Priority.NORMAL


class KeyedQueue(Generic[K]):
    """Keys to be looked at, now or later. Thread-safe."""

    def __init__(self, clock: Callable[[], float], lanes: Callable[[K], Lanes], workers: int) -> None:
        """Make an empty queue.

        Args:
            clock: monotonic seconds.
            lanes: asked at each `add` and `add_at`, in the caller's thread and outside the queue's lock.
            workers: how many will take from it; shares are reckoned from this.
        """
        self._clock = clock
        self._lanes = lanes
        self._shares = Shares(workers)
        self._waiting: dict[Priority, Waiting[K]] = {priority: Waiting() for priority in Priority}
        self._wishes: OrderedDict[K, tuple[_Wish, float]] = OrderedDict()  # of waiting keys, with since when
        self._processing: dict[K, Lanes] = {}
        self._dirty: dict[K, _Wish] = {}
        self._due: DueTimes[K] = DueTimes()
        self._due_lanes: dict[K, Lanes] = {}
        self._closed = self._paused = False
        lock = threading.Lock()
        self._changed = threading.Condition(lock)

    def add(self, key: K, priority: Priority = Priority.NORMAL) -> None:
        """Have `key` looked at as soon as possible; the more urgent of several wishes counts."""
        wish = _Wish(self._lanes(key), priority)
        with self._changed:
            self._admit(key, wish)
            self._changed.notify()

    def add_at(self, key: K, due: float) -> None:
        """Have `key` looked at when the clock shows `due`; the earliest of several wishes counts."""
        lanes = self._lanes(key)
        with self._changed:
            is_first = self._due.add(key, due)
            self._due_lanes[key] = lanes
            if is_first:
                # Whoever sleeps until what was first before must not oversleep this.
                self._changed.notify_all()

    def take(self, timeout: float | None = None) -> K | None:
        """The next key, which is the caller's until `done`; None after `timeout` seconds or when closed."""
        give_up = float("inf") if timeout is None else self._clock() + timeout
        with self._changed:
            while not self._closed:
                now = self._clock()
                self._admit_due(now)
                key = None if self._paused else self._next_in_turn()
                if key is not None:
                    self._hand_out(key)
                    return key
                if now >= give_up:
                    return None
                self._changed.wait(self._nap(now, give_up))
            return None

    def done(self, key: K) -> None:
        """Give back a taken key; if it was added meanwhile it queues again.

        Raises:
            KeyError: it is not in anybody's hands.
        """
        with self._changed:
            self._shares.vacate(self._processing.pop(key))
            again = self._dirty.pop(key, None)
            if again is not None:
                self._admit(key, again)
            if self._wishes:
                self._changed.notify_all()  # a lane has room again, and whoever waits may use it

    def close(self) -> None:
        """Hand out nothing any more; everybody in `take` returns with None at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def pause(self) -> None:
        """Hand out nothing until `resume`; what comes in meanwhile waits, and what is in hand is finished."""
        with self._changed:
            self._paused = True

    def resume(self) -> None:
        """Hand out again."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def wake(self) -> None:
        """Have everybody in `take` look at the clock anew: for clocks that are set by hand."""
        with self._changed:
            self._changed.notify_all()

    def stats(self) -> QueueStats:
        """How things stand."""
        with self._changed:
            now = self._clock()
            self._admit_due(now)
            _, since = next(iter(self._wishes.values()), (None, now))
            return QueueStats(len(self._wishes), len(self._due), len(self._processing), now - since)

    def _admit(self, key: K, wish: _Wish) -> None:
        """Queue `key`, or mark it dirty while it is being worked on."""
        if key in self._processing:
            known = self._dirty.get(key, wish)
            self._dirty[key] = _Wish(wish.lanes, min(wish.priority, known.priority))
            return
        earlier, since = self._wishes.get(key, (None, self._clock()))
        if earlier is not None:
            wish = _Wish(wish.lanes, min(wish.priority, earlier.priority))
            if wish == earlier:
                return
            self._waiting[earlier.priority].remove(key, earlier.lanes)
        self._wishes[key] = (wish, since)
        self._waiting[wish.priority].put(key, wish.lanes)

    def _admit_due(self, now: float) -> None:
        for key in self._due.pop_due(now):
            self._admit(key, _Wish(self._due_lanes.pop(key)))

    def _next_in_turn(self) -> K | None:
        turns = (self._waiting[priority].next_in_turn(self._shares.has_room) for priority in Priority)
        return next((key for key in turns if key is not None), None)

    def _hand_out(self, key: K) -> None:
        wish, _ = self._wishes.pop(key)
        self._drop_due(key)
        self._processing[key] = wish.lanes
        self._shares.occupy(wish.lanes)
        if self._wishes:
            self._changed.notify()  # several may have become due at once, and only one of us woke up

    def _drop_due(self, key: K) -> None:
        self._due.drop(key)
        self._due_lanes.pop(key, None)

    def _nap(self, now: float, give_up: float) -> float:
        due = self._due.first()
        return min(give_up, float("inf") if due is None else due, now + LONGEST_NAP) - now
