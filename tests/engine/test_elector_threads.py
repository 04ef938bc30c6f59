"""The elector's threads: told in order, never held up, never ended; what they wait for is events."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from certwright.engine.elector import Elector
from certwright.failures import TryLater
from tests.engine.hand_clock import HandClock
from tests.engine.memory_lease import Fault, MemoryLeases, Store
from tests.engine.test_elector import NOON
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Never waited out unless a test fails.
PATIENCE = 10.0
OUTAGE = Fault(arrives=False, error=TryLater("APIServerUnavailable", "PUT was not answered"))


class Running:
    """An elector with its threads; it tries about every 10 ms, while the seconds of its lease are moved by hand."""

    def __init__(self, store: Store, on_lead: Callable[[int], None] = lambda _term: None) -> None:
        self.clock = HandClock()
        self.told: list[tuple[str, int]] = []
        self._on_lead = on_lead
        self.leases = MemoryLeases(store, self.clock)
        self.elector = Elector(
            self.leases,
            identity="a",
            process="process-of-a",
            seconds=self.clock,
            clock=lambda: NOON,
            dice=lambda: 0.0,
            on_lead=self._lead,
            on_loss=lambda term: self.told.append(("loss", term)),
            retry=0.01,
        )
        self.elector.start()

    def _lead(self, term: int) -> None:
        self.told.append(("lead", term))
        self._on_lead(term)

    def await_told(self, *expected: tuple[str, int]) -> None:
        eventually(lambda: self.told == list(expected), f"{expected} to be told", PATIENCE)

    def await_requests(self, count: int) -> None:
        before = len(self.leases.asked)
        eventually(lambda: len(self.leases.asked) >= before + count, f"{count} requests", PATIENCE)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def started(store: Store) -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def start(*args: Any) -> Running:
        running.append(Running(store, *args))
        return running[-1]

    yield start
    for each in running:
        assert each.elector.stop(PATIENCE)


def test_a_lost_lead_is_told_once_and_a_new_one_has_a_new_term(started: Callable[..., Running]) -> None:
    running = started()
    running.await_told(("lead", 1))
    running.leases.faults = [OUTAGE] * 1000
    running.clock.now += 7
    running.await_told(("lead", 1), ("loss", 1))
    running.await_requests(3)
    assert running.told == [("lead", 1), ("loss", 1)]
    running.leases.faults = []
    running.await_told(("lead", 1), ("loss", 1), ("lead", 2))


def test_a_slow_taking_of_the_lead_delays_no_renewal(started: Callable[..., Running]) -> None:
    hold, entered = threading.Event(), threading.Event()

    def rebuild(_term: int) -> None:
        entered.set()
        assert hold.wait(PATIENCE)

    running = started(rebuild)
    assert entered.wait(PATIENCE)
    for _ in range(5):
        running.clock.now += 3
        running.await_requests(2)
        assert running.elector.term == 1
    hold.set()
    assert running.told == [("lead", 1)]


def test_what_is_told_is_told_in_order_even_when_the_lead_is_lost_meanwhile(
    started: Callable[..., Running],
) -> None:
    hold, entered = threading.Event(), threading.Event()

    def rebuild(_term: int) -> None:
        entered.set()
        assert hold.wait(PATIENCE)

    running = started(rebuild)
    assert entered.wait(PATIENCE)
    running.leases.faults = [OUTAGE] * 20
    running.clock.now += 7
    eventually(lambda: running.elector.term == 2, "a second term", PATIENCE)
    assert running.told == [("lead", 1)]
    hold.set()
    running.await_told(("lead", 1), ("loss", 1), ("lead", 2))


def test_taking_the_lead_is_tried_again_while_the_term_lasts(started: Callable[..., Running]) -> None:
    failures = [ValueError("a bug"), SystemExit("even this"), None]

    def rebuild(_term: int) -> None:
        if failure := failures.pop(0):
            raise failure

    running = started(rebuild)
    running.await_told(("lead", 1), ("lead", 1), ("lead", 1))
    assert not failures


def test_stopping_ends_the_lead_at_once_and_gives_the_lease_back(
    started: Callable[..., Running], store: Store
) -> None:
    running = started()
    running.await_told(("lead", 1))
    began = time.monotonic()
    assert running.elector.stop(PATIENCE)
    assert time.monotonic() - began < PATIENCE / 2
    assert not running.elector.valid()
    assert store.record
    assert store.record.given_back
    assert running.told == [("lead", 1)]


def test_stopping_does_not_wait_for_ever_and_the_lead_has_ended_all_the_same(store: Store) -> None:
    hanging, release = threading.Event(), threading.Event()

    class HangingLeases(MemoryLeases):
        def read(self) -> None:
            hanging.set()
            assert release.wait(PATIENCE)

    clock = HandClock()
    elector = Elector(
        HangingLeases(store, clock),
        identity="a",
        process="process-of-a",
        seconds=clock,
        clock=lambda: NOON,
        dice=lambda: 0.0,
        on_lead=lambda _term: None,
        on_loss=lambda _term: None,
    )
    elector.start()
    assert hanging.wait(PATIENCE)
    assert not elector.stop(0)
    release.set()
    assert elector.stop(PATIENCE)
    assert store.record is None
    assert not elector.valid()


def test_one_that_never_started_stops_at_once(store: Store) -> None:
    clock = HandClock()
    elector = Elector(
        MemoryLeases(store, clock),
        identity="a",
        process="process-of-a",
        seconds=clock,
        clock=lambda: NOON,
        dice=lambda: 0.0,
        on_lead=lambda _term: None,
        on_loss=lambda _term: None,
    )
    assert elector.stop()
