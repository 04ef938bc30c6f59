"""How long a CA is waited for: moments that every process finds the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.acme.messages import Order, OrderStatus
from certwright.reconcile.waits import ORDER_PATIENCE, begun, next_look, pause_at, told, too_slow
from certwright.resources.attempt import Stage, Wait
from tests.reconcile.situations import NOW

if TYPE_CHECKING:
    from certwright.failures import Setback

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ORDER = Order("https://ca.example/order/1", OrderStatus.PROCESSING, (), (), "")

PAUSES = [
    (30 * SECOND, timedelta(0)),
    (MINUTE, 15 * SECOND),
    (4 * MINUTE, MINUTE),
    (40 * MINUTE, 10 * MINUTE),
    (5 * HOUR, 10 * MINUTE),
    (6 * HOUR, HOUR),
    (23 * HOUR, HOUR),
]


@pytest.mark.parametrize(("age", "pause"), PAUSES, ids=[str(age) for age, _ in PAUSES])
def test_an_older_wait_is_looked_at_less_often(age: timedelta, pause: timedelta) -> None:
    assert pause_at(age) == pause


@given(st.timedeltas(timedelta(0), 23 * HOUR), st.timedeltas(timedelta(0), HOUR))
def test_the_next_look_is_the_same_whenever_it_is_asked_for(age: timedelta, later: timedelta) -> None:
    wait = begun(None, Stage.SIGNING, NOW)
    look = next_look(wait, NOW + age)
    assert NOW + age < look <= NOW + age + HOUR
    if NOW + age + later < look:
        assert next_look(wait, NOW + age + later) == look


@given(st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1)))  # noqa: DTZ001  hypothesis wants naive bounds
def test_no_clock_makes_it_count_for_ever(moment: datetime) -> None:
    wait, now = begun(None, Stage.SIGNING, NOW), moment.replace(tzinfo=NOW.tzinfo)
    assert next_look(wait, now) >= min(now, wait.until)


ENDS = [
    pytest.param(None, ORDER_PATIENCE, id="no end told"),
    pytest.param(HOUR, HOUR, id="the order ends sooner"),
    pytest.param(7 * ORDER_PATIENCE, ORDER_PATIENCE, id="the order ends later"),
    pytest.param(-HOUR, timedelta(0), id="the order is over already"),
]


@pytest.mark.parametrize(("expires", "lasting"), ENDS)
def test_the_orders_own_end_shortens_the_wait(expires: timedelta | None, lasting: timedelta) -> None:
    order = replace(ORDER, expires=NOW + expires if expires is not None else None)
    assert begun(None, Stage.SIGNING, NOW, order).until - NOW == lasting


GOES_ON = [
    pytest.param(None, Stage.VALIDATION, False, id="the first wait begins"),
    pytest.param(Stage.VALIDATION, Stage.READINESS, False, id="proven, so another wait begins"),
    pytest.param(Stage.VALIDATION, Stage.SIGNING, False, id="ready and finalized"),
    pytest.param(Stage.READINESS, Stage.SIGNING, True, id="late, then finalized: one wait"),
    pytest.param(Stage.SIGNING, Stage.READINESS, True, id="finalized, then not ready: one wait"),
    pytest.param(Stage.SIGNING, Stage.SIGNING, True, id="finalized again: one wait"),
]


@pytest.mark.parametrize(("before", "stage", "goes_on"), GOES_ON)
def test_a_wait_goes_on_or_another_begins(before: Stage | None, stage: Stage, *, goes_on: bool) -> None:
    known = Wait(before, NOW - HOUR, NOW + HOUR) if before else None
    wait = begun(known, stage, NOW)
    assert wait.stage is stage
    assert wait.since == (NOW - HOUR if goes_on else NOW)


SENTENCES = [
    (
        Stage.VALIDATION,
        "a, b",
        "the CA has been checking a, b since 2026-11-24T12:00:00Z, and is waited for until",
    ),
    (Stage.VALIDATION, "", "all names are proven; the CA has not said that the order is ready since"),
    (Stage.READINESS, "a", "all names are proven; the CA has not said that the order is ready since"),
    (Stage.SIGNING, "a", "the CA has been signing the certificate since 2026-11-24T12:00:00Z"),
]


@pytest.mark.parametrize(("stage", "names", "sentence"), SENTENCES)
def test_a_wait_says_since_when_and_until_when(stage: Stage, names: str, sentence: str) -> None:
    said = told(begun(None, stage, NOW), names)
    assert sentence in said
    assert said.endswith(("waited for until 2026-11-25T12:00:00Z", "waited for until 2026-11-24T12:10:00Z"))


@pytest.mark.parametrize(
    ("stage", "what"), [(Stage.SIGNING, "sign the certificate"), (Stage.READINESS, "order is ready")]
)
def test_a_wait_that_is_over_says_how_long_it_was(stage: Stage, what: str) -> None:
    over: Setback = too_slow(begun(None, stage, NOW))
    assert over.reason == "CATooSlow"
    assert what in over.message
    assert "between 2026-11-24T12:00:00Z and 2026-11-25T12:00:00Z; the order was given up" in over.message
