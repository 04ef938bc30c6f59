"""When a failed attempt is repeated, against the limits that the schedules respect."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.failures import NeedsPerson, NotYet, Schedule, Setback, TryLater
from certwright.reconcile.backoff import HOLDS, LONGEST_HOLD, LOOKS, hold, next_look

HOUR, MINUTE, SECOND = (timedelta(**{unit: 1}) for unit in ("hours", "minutes", "seconds"))

dice = st.floats(0, 1, exclude_max=True)
wishes = st.none() | st.timedeltas(timedelta(0), timedelta(days=400))
schedules = st.sampled_from(list(Schedule))
setbacks = st.builds(
    lambda schedule, wish: TryLater("ValidationFailed", "no", schedule=schedule, retry_after=wish),
    schedules,
    wishes,
)


def _failures_at(failures: list[tuple[TryLater, float]]) -> list[timedelta]:
    """When each of these failures in a row happens, if attempts take no time at all."""
    moment, moments = timedelta(0), []
    for count, (failure, drawn) in enumerate(failures, start=1):
        moments.append(moment)
        moment += hold(failure, count, drawn)
    return moments


@given(st.lists(st.tuples(setbacks, dice), max_size=12))
def test_no_hour_sees_more_than_three_failed_validations(failures: list[tuple[TryLater, float]]) -> None:
    """Let's Encrypt allows five of a name and hour; whatever else fails in between, and whatever is wished."""
    moments = _failures_at(failures)
    validations = [
        moment
        for moment, (failure, _) in zip(moments, failures, strict=True)
        if failure.schedule is Schedule.VALIDATION
    ]
    for start in validations:
        assert sum(start <= moment < start + HOUR for moment in validations) <= 3


@given(setbacks, st.integers(1, 100), dice)
def test_a_wish_of_the_other_side_is_never_undercut(failure: TryLater, count: int, drawn: float) -> None:
    if failure.retry_after is not None:
        assert hold(failure, count, drawn) >= min(failure.retry_after, LONGEST_HOLD)


@given(setbacks, st.integers(1, 100), dice)
def test_a_server_that_wishes_for_nothing_is_not_asked_in_a_loop(
    failure: TryLater, count: int, drawn: float
) -> None:
    """`Retry-After: 0` from a server that fails is seen in the wild."""
    assert hold(failure, count, drawn) >= 5 * SECOND


@given(schedules, st.integers(1, 30), dice)
def test_holds_never_shrink_and_are_spread_by_a_tenth_at_most(
    schedule: Schedule, count: int, drawn: float
) -> None:
    failure = TryLater("CAError", "no", schedule=schedule)
    assert hold(failure, count, 0) <= hold(failure, count, drawn) <= hold(failure, count, 0) * 1.1
    assert hold(failure, count + 1, 0) >= hold(failure, count, 0)


def test_every_schedule_has_a_row() -> None:
    assert set(HOLDS) == set(Schedule)


FIRST_HOLDS = [
    pytest.param(TryLater("CAUnreachable", "no answer"), [1, 2, 5, 10, 20, 20], id="a blip heals in minutes"),
    pytest.param(
        TryLater("RateLimited", "less", schedule=Schedule.THROTTLE), [5, 15, 60, 60], id="asked for less"
    ),
    pytest.param(
        TryLater("ValidationFailed", "no", schedule=Schedule.VALIDATION),
        [5, 60, 360, 1440, 1440],
        id="a proof that was not seen takes hours, then days",
    ),
    pytest.param(TryLater("CAAForbids", "no", schedule=Schedule.SLOW), [60, 60, 360], id="CAA is cached"),
    pytest.param(
        NeedsPerson("Rejected", "no", problem_type="rejectedIdentifier"),
        [360, 360],
        id="a CA's refusal is tried again now and then",
    ),
    pytest.param(
        NeedsPerson("DNSCredentialsRefused", "no"),
        [1, 2, 5, 10, 20],
        id="what is mended beside the CA costs no quota",
    ),
    pytest.param(
        TryLater("RateLimited", "less", schedule=Schedule.THROTTLE, retry_after=36 * HOUR),
        [36 * 60, 36 * 60],
        id="a day and a half, as asked",
    ),
    pytest.param(
        TryLater("ValidationFailed", "no", schedule=Schedule.VALIDATION, retry_after=SECOND),
        [5, 60, 360],
        id="a short wish does not spend the validations of a name",
    ),
    pytest.param(
        TryLater("CAError", "busy", schedule=Schedule.THROTTLE, retry_after=SECOND * 30),
        [0.5, 0.5],
        id="a busy CA is asked again when it says, not later",
    ),
]


@pytest.mark.parametrize(("setback", "minutes"), FIRST_HOLDS)
def test_the_first_holds_of_a_failure(setback: Setback, minutes: list[float]) -> None:
    assert [hold(setback, count, 0) / MINUTE for count in range(1, len(minutes) + 1)] == minutes


def test_a_wait_says_itself_when_it_is_looked_at() -> None:
    assert next_look(NotYet("AwaitingValidation", "soon", look_again_in=7 * SECOND), 0) == 7 * SECOND
    assert next_look(NotYet("AwaitingValidation", "soon", look_again_in=7 * SECOND), 99) == 7 * SECOND


@given(st.timedeltas(-HOUR, SECOND))
def test_a_wait_that_is_over_does_not_make_the_worker_spin(wish: timedelta) -> None:
    """Also a moment in the past, when the CA's Retry-After ended while the turn ran."""
    assert next_look(NotYet("ChangedMeanwhile", "now", look_again_in=wish), 0) > timedelta(0)


def test_looks_become_rarer_up_to_half_a_minute() -> None:
    wait = NotYet("AwaitingPropagation", "soon")
    looks = [next_look(wait, number) for number in range(20)]
    assert all(earlier <= later for earlier, later in pairwise(looks))
    assert (looks[0], looks[-1]) == (SECOND, LOOKS[-1])
    assert sum(looks[:6], timedelta(0)) <= 20 * SECOND
