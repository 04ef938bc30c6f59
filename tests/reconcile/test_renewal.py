"""When a certificate is renewed, as a table of lives and a few things that must never happen."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from certwright.reconcile.observed import Window
from certwright.reconcile.renewal import fraction, last_call, next_poll, overdue_time, renewal_time
from tests.reconcile.situations import NOW, certificate, leaf

if TYPE_CHECKING:
    from certwright.pki.leaf import LeafFacts

DAY, HOUR, MINUTE, SECOND = (timedelta(**{unit: 1}) for unit in ("days", "hours", "minutes", "seconds"))
SPEC = certificate().spec

#: Life, and how much of it is left when it is renewed, before jitter.
LIVES = [
    (199 * DAY, 30 * DAY),
    (100 * DAY, 30 * DAY),
    (90 * DAY, 30 * DAY),
    (64 * DAY, 64 * DAY / 3),
    (47 * DAY, 47 * DAY / 3),
    (45 * DAY, 15 * DAY),
    (160 * HOUR, 80 * HOUR),
    (24 * HOUR, 12 * HOUR),
]


def living(life: timedelta, serial_number: str = "1234") -> LeafFacts:
    """A certificate that begins now."""
    return leaf(not_before=NOW, not_after=NOW + life, serial_number=serial_number)


lives = st.timedeltas(HOUR, 400 * DAY)
uids = st.uuids().map(str)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)).map(  # noqa: DTZ001  hypothesis wants naive bounds
    lambda moment: moment.replace(tzinfo=NOW.tzinfo)
)
windows = st.builds(
    lambda start, length: Window(start, start + length), moments, st.timedeltas(SECOND, 40 * DAY)
)
specs = st.sampled_from(
    [
        SPEC,
        certificate(renewBefore="5m").spec,
        certificate(renewBefore="360h").spec,
        certificate(renewBefore="900d").spec,
        certificate(renewBeforePercentage=1).spec,
        certificate(renewBeforePercentage=33).spec,
        certificate(renewBeforePercentage=99).spec,
    ]
)


@pytest.mark.parametrize(("life", "left"), LIVES, ids=[str(life) for life, _ in LIVES])
def test_each_life_is_renewed_with_enough_of_it_left(life: timedelta, left: timedelta) -> None:
    for number in range(50):
        fresh = living(life, str(number))
        moment = renewal_time(SPEC, fresh, None, "uid-1")
        assert fresh.not_after - left - life / 60 <= moment <= fresh.not_after - left


@given(lives, uids)
def test_jitter_is_the_same_at_every_look_and_never_later(life: timedelta, uid: str) -> None:
    fresh = living(life)
    lead = life / 2 if life < 10 * DAY else min(30 * DAY, life / 3)
    moments_seen = {renewal_time(SPEC, fresh, None, uid) for _ in range(3)}
    assert len(moments_seen) == 1
    assert fresh.not_after - lead - life / 60 <= moments_seen.pop() <= fresh.not_after - lead


def test_jitter_differs_between_certificates_and_between_their_renewals() -> None:
    one, other = living(90 * DAY, "1"), living(90 * DAY, "2")
    assert renewal_time(SPEC, one, None, "a") != renewal_time(SPEC, one, None, "b")
    assert renewal_time(SPEC, one, None, "a") != renewal_time(SPEC, other, None, "a")


@given(windows, uids)
def test_the_moment_lies_in_the_window_and_is_the_same_at_every_look(window: Window, uid: str) -> None:
    forever = replace(living(HOUR), not_before=window.start - DAY, not_after=window.end + 10000 * DAY)
    moment = renewal_time(SPEC, forever, window, uid)
    assert window.start <= moment <= window.end
    assert moment == renewal_time(SPEC, forever, window, uid)


def test_moments_spread_evenly_over_the_window() -> None:
    window = Window(NOW, NOW + 100 * HOUR)
    fresh = living(90 * DAY)
    at = sorted((renewal_time(SPEC, fresh, window, f"uid-{n}") - NOW) / HOUR for n in range(2000))
    for tenth in range(10):
        share = sum(10 * tenth <= hours < 10 * (tenth + 1) for hours in at)
        assert 120 < share < 280


def test_a_window_that_changed_is_drawn_anew() -> None:
    fresh, uid = living(90 * DAY), "uid-1"
    one = renewal_time(SPEC, fresh, Window(NOW, NOW + DAY), uid)
    other = renewal_time(SPEC, fresh, Window(NOW + HOUR, NOW + DAY), uid)
    assert one != other


ABSURD = [
    pytest.param(NOW, NOW, id="no length"),
    pytest.param(NOW + DAY, NOW, id="the end before the start"),
    pytest.param(
        NOW - 2 * DAY, NOW, id="over when the certificate began: obeying it would renew without end"
    ),
    pytest.param(NOW + 90 * DAY, NOW + 91 * DAY, id="begins when the certificate ends"),
]


@pytest.mark.parametrize(("start", "end"), ABSURD)
def test_an_absurd_window_is_no_advice(start: datetime, end: datetime) -> None:
    """RFC 9773 §4.2; then the usual rule holds."""
    fresh = living(90 * DAY)
    assert fresh.not_before == NOW
    assert renewal_time(SPEC, fresh, Window(start, end), "uid-1") == renewal_time(SPEC, fresh, None, "uid-1")


@given(specs, windows, lives, uids)
def test_where_ca_and_user_both_speak_the_earlier_wins(
    spec: Any, window: Window, life: timedelta, uid: str
) -> None:
    assume(spec != SPEC)
    fresh = living(life)
    window = Window(fresh.not_before + (window.start - window.end) % life, fresh.not_after)
    both = renewal_time(spec, fresh, window, uid)
    alone = renewal_time(SPEC, fresh, window, uid), renewal_time(spec, fresh, None, uid)
    assert both == min(alone)


WISHES = [
    ({"renewBefore": "360h"}, 90 * DAY, 15 * DAY),
    ({"renewBefore": "20d"}, 90 * DAY, 20 * DAY),
    ({"renewBeforePercentage": 25}, 100 * DAY, 25 * DAY),
    ({"renewBefore": "5m"}, HOUR, 5 * MINUTE),
    ({"renewBefore": "2160h"}, 90 * DAY, 81 * DAY),
    ({"renewBefore": "2160h"}, 160 * HOUR, 144 * HOUR),
    ({"renewBeforePercentage": 99}, 100 * DAY, 90 * DAY),
    ({"renewBeforePercentage": 1}, 100 * DAY, 5 * DAY),
    ({"renewBefore": "5m"}, 90 * DAY, 90 * DAY / 20),
]


@pytest.mark.parametrize(("wish", "life", "left"), WISHES)
def test_the_users_wish_is_kept_between_a_twentieth_and_nine_tenths_of_the_life(
    wish: dict[str, Any], life: timedelta, left: timedelta
) -> None:
    """A lead as long as the life would reissue for ever; a shorter one than the fuse would be no lead."""
    fresh = living(life)
    assert renewal_time(certificate(**wish).spec, fresh, None, "uid-1") == fresh.not_after - left


@given(specs, st.none() | windows, lives, uids)
@example(SPEC, Window(NOW + 300 * DAY, NOW + 301 * DAY), 90 * DAY, "uid-1")
def test_whatever_is_said_a_twentieth_of_the_life_is_left(
    spec: Any, window: Window | None, life: timedelta, uid: str
) -> None:
    fresh = living(life)
    assert renewal_time(spec, fresh, window, uid) <= last_call(fresh) < fresh.not_after


@given(specs, lives, uids)
def test_without_a_cas_word_a_new_certificate_is_not_due_at_once(
    spec: Any, life: timedelta, uid: str
) -> None:
    assert renewal_time(spec, living(life), None, uid) > NOW + life / 20


def test_a_renewal_is_overdue_when_two_thirds_of_the_slack_are_gone() -> None:
    fresh = living(90 * DAY)
    assert overdue_time(fresh, fresh.not_after - 30 * DAY) == fresh.not_after - 10 * DAY


POLLS = [
    pytest.param(None, 24 * HOUR, 6 * HOUR, id="without a word, every six hours"),
    pytest.param(3 * HOUR, 24 * HOUR, 3 * HOUR, id="as the CA asks"),
    pytest.param(SECOND, 24 * HOUR, MINUTE, id="not more often than once a minute"),
    pytest.param(timedelta(0), 24 * HOUR, MINUTE, id="nothing at all is no wish"),
    pytest.param(7 * DAY, 24 * HOUR, 24 * HOUR, id="at least once a day"),
    pytest.param(6 * HOUR, 2 * HOUR, 2 * HOUR, id="not less often than the operator's setting"),
    pytest.param(SECOND, 5 * SECOND, 5 * SECOND, id="a setting below a minute is obeyed"),
    pytest.param(None, 48 * HOUR, 6 * HOUR, id="a setting above a day changes nothing"),
    pytest.param(7 * DAY, 48 * HOUR, 24 * HOUR, id="a setting above a day does not lengthen the day"),
]


@pytest.mark.parametrize(("retry_after", "ceiling", "pause"), POLLS)
def test_advice_is_asked_again(retry_after: timedelta | None, ceiling: timedelta, pause: timedelta) -> None:
    assert next_poll(retry_after, ceiling) == pause


@given(st.lists(st.text()))
def test_a_fraction_is_in_its_bounds_and_stable(parts: list[str]) -> None:
    assert 0 <= fraction(*parts) < 1
    assert fraction(*parts) == fraction(*parts)
