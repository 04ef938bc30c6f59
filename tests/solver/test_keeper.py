"""The keeper of routes: what it does when, and that it rests when there is nothing to keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from certwright.failures import NotYet, Setback, TryLater
from certwright.solver.keeper import REFRESH, SELDOM, SOON, RouteKeeper
from tests.engine.hand_clock import HandClock

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HOUR = 3600


@dataclass
class Routes:
    """Notes what is asked of it."""

    unsettled: bool = True
    done: list[str] = field(default_factory=list)
    fails: Setback | None = None
    sweep_fails: Setback | None = None
    living: list[bool] = field(default_factory=list)

    def begin(self) -> None:
        self.done.append("begin")

    def refresh(self) -> None:
        self.done.append("refresh")
        if self.fails is not None:
            raise self.fails

    def sweep(self, lives: Callable[[str], bool], now: datetime) -> None:
        assert now == NOW
        self.done.append("sweep")
        self.living = [lives("attempt-1"), lives("attempt-2")]
        if self.sweep_fails is not None:
            raise self.sweep_fails


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def routes() -> Routes:
    return Routes()


def keeper_of(routes: Routes, clock: HandClock, linger: float = 600) -> RouteKeeper:
    return RouteKeeper(
        routes,
        lives=lambda name: name == "attempt-1",
        linger=timedelta(seconds=linger),
        clock=lambda: NOW,
        seconds=clock,
    )


def run(keeper: RouteKeeper, clock: HandClock, seconds: float) -> None:
    """Step whenever a step is due, for so long."""
    end = clock.now + seconds
    while clock.now < end:
        clock.now += keeper.step()


def test_a_standby_keeps_nothing(routes: Routes, clock: HandClock) -> None:
    run(keeper_of(routes, clock), clock, HOUR)
    assert routes.done == []


def test_whoever_takes_the_lead_sweeps_at_once_by_what_lives(routes: Routes, clock: HandClock) -> None:
    keeper = keeper_of(routes, clock)
    keeper.begin()
    keeper.step()
    assert routes.done == ["begin", "refresh", "sweep"]
    assert routes.living == [True, False]


def test_while_something_stands_it_is_looked_at_often_and_otherwise_seldom(
    routes: Routes, clock: HandClock
) -> None:
    keeper = keeper_of(routes, clock)
    keeper.begin()
    run(keeper, clock, HOUR)
    assert routes.done.count("refresh") == HOUR / REFRESH
    assert HOUR / SOON - 5 <= routes.done.count("sweep") <= HOUR / SOON + 1
    routes.unsettled = False
    routes.done.clear()
    run(keeper, clock, HOUR)
    assert routes.done.count("sweep") in (HOUR / SELDOM, HOUR / SELDOM + 1)


def test_a_short_linger_is_looked_at_in_time(routes: Routes, clock: HandClock) -> None:
    keeper = keeper_of(routes, clock, linger=3)
    keeper.begin()
    run(keeper, clock, 30)
    assert routes.done.count("sweep") >= 30 / 3


@pytest.mark.parametrize("fails", [TryLater("APIServerUnavailable", "gone"), NotYet("NotLeading", "lost")])
def test_a_setback_is_tried_again_soon(routes: Routes, clock: HandClock, fails: Setback) -> None:
    keeper = keeper_of(routes, clock)
    keeper.begin()
    routes.fails = fails
    assert keeper.step() <= REFRESH
    assert "sweep" not in routes.done
    routes.fails = None
    keeper.step()
    assert "sweep" in routes.done


def test_a_look_at_everything_that_was_cut_short_is_taken_again_soon_though_nothing_stands(
    routes: Routes, clock: HandClock
) -> None:
    keeper = keeper_of(routes, clock)
    routes.unsettled = False
    keeper.begin()
    routes.sweep_fails = TryLater("Forbidden", "the binding is being replaced")
    keeper.step()
    routes.sweep_fails = None
    routes.done.clear()
    run(keeper, clock, SOON + REFRESH)
    assert routes.done.count("sweep") == 1
    run(keeper, clock, SELDOM - 2 * REFRESH)
    assert routes.done.count("sweep") == 1, "and seldom again once it was not"


def test_whoever_lost_the_lead_keeps_nothing_any_more(routes: Routes, clock: HandClock) -> None:
    keeper = keeper_of(routes, clock)
    keeper.begin()
    keeper.end()
    routes.done.clear()
    run(keeper, clock, HOUR)
    assert routes.done == []
    keeper.begin()
    keeper.step()
    assert routes.done == ["begin", "refresh", "sweep"], "a new term begins with a look at everything"


def test_the_thread_begins_when_it_is_rung_and_ends_when_it_is_told(routes: Routes, clock: HandClock) -> None:
    keeper = keeper_of(routes, clock)
    keeper.start()
    keeper.begin()
    keeper.stop()
    keeper._thread.join(10)
    assert not keeper._thread.is_alive()
