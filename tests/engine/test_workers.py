"""Real threads on the queue; what they wait for is events, never time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from certwright.engine.lanes import Lanes
from certwright.engine.queue import KeyedQueue
from certwright.engine.workers import LAST_RESORT_SECONDS, WorkerPool
from tests.engine.hand_clock import HandClock
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Never waited out unless a test fails.
PATIENCE = 10.0


def lanes_of(key: str) -> Lanes:
    return Lanes(issuer=key[0], namespace=key[-1])


def never_crashes(key: str, crash: BaseException) -> float:
    raise AssertionError(key) from crash


def await_idle(queue: KeyedQueue[str]) -> None:
    """Wait until no key is in anybody's hands."""
    eventually(lambda: not queue.stats().processing, "the workers to be idle", PATIENCE)


@contextmanager
def running(
    queue: KeyedQueue[str],
    turn: Callable[[str], float | None],
    count: int = 4,
    on_crash: Callable[[str, BaseException], float] = never_crashes,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[WorkerPool[str]]:
    pool = WorkerPool(queue, turn, count, on_crash, clock=clock)
    pool.start()
    try:
        yield pool
    finally:
        assert pool.stop(PATIENCE)


def test_all_keys_are_worked_on_and_never_one_by_two_threads() -> None:
    queue: KeyedQueue[str] = KeyedQueue(time.monotonic, lanes_of, workers=8)
    in_hands: Counter[str] = Counter()
    twice: list[str] = []
    seen: Counter[str] = Counter()
    lock, finished = threading.Lock(), threading.Event()
    wanted = {
        f"{issuer}-{number}-{namespace}" for issuer in "xyz" for number in range(40) for namespace in "ab"
    }

    def turn(key: str) -> float | None:
        with lock:
            in_hands[key] += 1
            if in_hands[key] > 1:
                twice.append(key)
        if seen[key] < 3:
            queue.add(key)  # marks it dirty: it must come back
        with lock:
            in_hands[key] -= 1
            seen[key] += 1
            if len(seen) == len(wanted) and min(seen.values()) >= 4:
                finished.set()
        return None

    with running(queue, turn, count=8):
        for key in wanted:
            queue.add(key)
        assert finished.wait(PATIENCE)
        await_idle(queue)
    assert not twice
    assert seen == dict.fromkeys(wanted, 4)


def test_a_key_comes_back_when_the_clock_shows_what_its_turn_asked_for() -> None:
    clock = HandClock()
    queue: KeyedQueue[str] = KeyedQueue(clock, lanes_of, workers=4)
    turns = [threading.Event(), threading.Event()]
    left = iter(turns)

    def turn(_key: str) -> float | None:
        next(left).set()
        return clock() + 60 if not turns[1].is_set() else None

    with running(queue, turn, clock=clock):
        queue.add("x-1-a")
        assert turns[0].wait(PATIENCE)
        await_idle(queue)
        assert queue._due.first() == clock() + 60
        clock.now += 60
        queue.wake()
        assert turns[1].wait(PATIENCE)
        await_idle(queue)
    assert queue.stats().due_later == 0


def test_a_sleeping_worker_wakes_for_a_time_earlier_than_the_one_it_sleeps_until() -> None:
    queue: KeyedQueue[str] = KeyedQueue(time.monotonic, lanes_of, workers=4)
    worked = threading.Event()

    def turn(_key: str) -> None:
        worked.set()

    with running(queue, turn):
        queue.add_at("x-late-a", time.monotonic() + 3600)
        queue.add_at("x-soon-a", time.monotonic() + 0.01)
        assert worked.wait(PATIENCE)
        assert queue.stats().due_later == 1


def test_a_turn_that_raises_is_reported_and_tried_again_and_its_thread_lives_on() -> None:
    clock = HandClock()
    queue: KeyedQueue[str] = KeyedQueue(clock, lanes_of, workers=1)
    crashes: list[tuple[str, BaseException]] = []
    reported, done = threading.Event(), threading.Event()

    def turn(key: str) -> float | None:
        if key == "x-bad-a":
            raise SystemExit("even this")
        done.set()
        return None

    def on_crash(key: str, crash: BaseException) -> float:
        crashes.append((key, crash))
        reported.set()
        return 7

    with running(queue, turn, count=1, on_crash=on_crash, clock=clock) as pool:
        queue.add("x-bad-a")
        assert reported.wait(PATIENCE)
        queue.add("x-good-a")
        assert done.wait(PATIENCE)
        assert pool.alive() == 1
    assert [(key, type(crash)) for key, crash in crashes] == [("x-bad-a", SystemExit)]
    assert queue._due.first() == clock() + 7


def test_a_report_that_raises_costs_neither_the_key_nor_the_thread() -> None:
    clock = HandClock()
    queue: KeyedQueue[str] = KeyedQueue(clock, lanes_of, workers=1)

    crashed = threading.Event()

    def turn(_key: str) -> float | None:
        crashed.set()
        raise ValueError("a bug")

    with running(queue, turn, count=1, clock=clock) as pool:
        queue.add("x-1-a")
        assert crashed.wait(PATIENCE)
        await_idle(queue)
        assert pool.alive() == 1
    assert queue._due.first() == clock() + LAST_RESORT_SECONDS


def test_stopping_waits_for_the_turn_under_way_and_says_when_it_did_not_end() -> None:
    queue: KeyedQueue[str] = KeyedQueue(time.monotonic, lanes_of, workers=4)
    begun, release = threading.Event(), threading.Event()
    turns: list[str] = []

    def turn(key: str) -> None:
        turns.append(key)
        begun.set()
        release.wait(PATIENCE)

    pool = WorkerPool(queue, turn, 2, never_crashes, clock=time.monotonic)
    pool.start()
    queue.add("x-1-a")
    assert begun.wait(PATIENCE)
    assert not pool.stop(grace_seconds=0)
    queue.add("x-2-a")
    release.set()
    assert pool.stop(PATIENCE)
    assert turns == ["x-1-a"]


def test_the_longest_turn_under_way_is_known() -> None:
    clock = HandClock()
    queue: KeyedQueue[str] = KeyedQueue(clock, lanes_of, workers=4)
    begun, release = threading.Event(), threading.Event()

    def turn(_key: str) -> None:
        begun.set()
        release.wait(PATIENCE)

    with running(queue, turn, clock=clock) as pool:
        assert pool.longest_turn_seconds() == 0
        queue.add("x-1-a")
        assert begun.wait(PATIENCE)
        clock.now += 12
        assert pool.longest_turn_seconds() == 12
        release.set()
    assert pool.longest_turn_seconds() == 0


def test_a_pool_that_never_started_stops_at_once() -> None:
    queue: KeyedQueue[str] = KeyedQueue(time.monotonic, lanes_of, workers=1)
    assert WorkerPool(queue, lambda _key: None, 1, never_crashes, clock=time.monotonic).stop(0)
