"""Renewal advice as RFC 9773 §4 has it: what is none, when it is asked for, and what it leads to."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from certwright.reconcile.observed import Window
from certwright.reconcile.renewal import RUSH, heard, last_call, renewal_time
from certwright.reconcile.target import read_target
from tests.kit.fake_ca_faults import problem
from tests.kit.faults import acme
from tests.reconcile.fakes import NAMES
from tests.reconcile.odd_ca import edited, odd_world, reborn, telling
from tests.reconcile.situations import NOW, certificate, leaf
from tests.reconcile.test_lost_answers import run
from tests.reconcile.world import CA, WEB, World, certificate_spec

if TYPE_CHECKING:
    from tests.kit.fake_ca import FakeCa
    from tests.kit.faults import Answer

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def advised() -> tuple[World, FakeCa]:
    """A CA that advises a window, and to ask again in an hour."""
    world, ca = odd_world()
    ca.window, ca.advice_after = ("2027-01-10T00:00:00Z", "2027-01-12T00:00:00Z"), "3600"
    return world, ca


def issued() -> tuple[World, FakeCa]:
    world, ca = advised()
    world.turns()
    return world, ca


# What is no advice


ABSURD: list[Any] = [
    pytest.param(
        {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}, id="before the certificate"
    ),
    pytest.param(
        {"start": "2028-01-01T00:00:00Z", "end": "2028-01-02T00:00:00Z"}, id="after the certificate"
    ),
    pytest.param(
        {"start": "2027-01-10T00:00:00Z", "end": "2027-06-01T00:00:00Z"}, id="goes on after its end"
    ),
    pytest.param({"start": "2027-01-12T00:00:00Z", "end": "2027-01-10T00:00:00Z"}, id="the wrong way round"),
    pytest.param({"start": "2027-01-12T00:00:00Z", "end": "2027-01-12T00:00:00Z"}, id="without length"),
    pytest.param({"start": "2026-01-01T00:00:00Z", "end": "2126-01-01T00:00:00Z"}, id="a hundred years"),
    pytest.param({"start": "0001-01-01T00:00:00Z", "end": "9999-12-31T23:59:59Z"}, id="all of time"),
    pytest.param({"start": "2027-01-10", "end": "soon"}, id="no times"),
    pytest.param({"start": 1, "end": None}, id="numbers and nothing"),
    pytest.param({}, id="empty"),
    pytest.param("later", id="a word"),
]


@pytest.mark.parametrize("window", ABSURD)
def test_an_absurd_window_is_told_to_nobody_and_the_usual_moment_stays(window: Any) -> None:
    world, ca = advised()
    ca.rule(acme("renewal-info"), edited(lambda _body: {"suggestedWindow": window}))
    run(world, 20 * MINUTE)
    assert ca.count("renewal-info") == 1
    status = world.web.status
    assert status.renewal_info is None
    assert status.not_after is not None
    assert status.renewal_time is not None
    assert timedelta(days=30) <= status.not_after - status.renewal_time <= timedelta(days=32)
    run(world, 12 * HOUR)
    assert ca.count("finalize") == 1


def test_a_certificate_that_does_not_name_its_signer_is_not_asked_about() -> None:
    world, ca = odd_world()
    ca.names_signer = False
    run(world, 24 * HOUR)
    assert world.web.status.revision == 1
    assert ca.count("renewal-info") == 0


def test_a_window_that_begins_before_the_certificate_is_drawn_from_its_beginning_on() -> None:
    fresh = leaf(not_before=NOW, not_after=NOW + timedelta(days=90))
    window = Window(NOW - timedelta(days=9000), NOW + timedelta(days=60))
    moments = [renewal_time(certificate().spec, fresh, window, f"uid-{number}") for number in range(50)]
    assert min(moments) >= NOW
    assert max(moments) > NOW + timedelta(days=40)


# When it is asked for


FAILURES: list[Any] = [
    pytest.param(problem("serverInternal", 500), [5, 10, 20, 40, 80, 160, 360, 360], id="500"),
    pytest.param(problem("rateLimited", 429), [5, 10, 20, 40, 80, 160, 360, 360], id="429"),
    pytest.param(problem("serverInternal", 503, retry_after="x"), [5, 10, 20], id="503"),
    pytest.param(problem("malformed", 404), [360, 360], id="404"),
    pytest.param(problem("malformed", 400), [360, 360], id="400"),
    pytest.param(problem("unauthorized", 403), [360, 360], id="403"),
]


def pauses(world: World, count: int) -> list[float]:
    """Minutes between questions, as many as asked for."""
    asked_at: list[datetime] = []
    again = world.turn()
    while len(asked_at) <= count:
        assert again is not None
        world.clock.now = max(again, world.clock() + timedelta(milliseconds=1))
        asked = world.disk.ca.count("renewal-info")
        again = world.turn()
        if world.disk.ca.count("renewal-info") > asked:
            asked_at.append(world.clock())
    return [(later - earlier) / MINUTE for earlier, later in pairwise(asked_at)]


@pytest.mark.parametrize(("answer", "expected"), FAILURES)
def test_trouble_that_passes_is_asked_about_sooner_than_trouble_that_stays(
    answer: Answer, expected: list[int]
) -> None:
    world, ca = issued()
    trouble = ca.rule(acme("renewal-info"), answer)
    for pause, least in zip(pauses(world, len(expected)), expected, strict=True):
        assert least <= pause <= least * 1.11
    assert world.web.status.renewal_info is not None, "the last advice stays"
    assert world.web.status.failure is None
    trouble.remove()
    pauses(world, 1)
    assert pauses(world, 1) == [60]


POLLS: list[Any] = [
    pytest.param("0", 1, id="at once is a minute"),
    pytest.param("30", 1, id="half a minute is a minute"),
    pytest.param("21600", 360, id="six hours"),
    pytest.param("604800", 1440, id="a week is a day"),
    pytest.param("9" * 30, 1440, id="for ever is a day"),
    pytest.param("soon", 360, id="a word is no wish"),
    pytest.param("-5", 360, id="less than nothing is no wish"),
]


@pytest.mark.parametrize(("wish", "minutes"), POLLS)
def test_retry_after_says_when_within_a_minute_and_a_day(wish: str, minutes: int) -> None:
    world, ca = advised()
    ca.advice_after = wish
    run(world, MINUTE)
    assert pauses(world, 2) == [minutes, minutes]


def test_a_certificate_that_expired_or_was_replaced_is_not_asked_about() -> None:
    world, ca = issued()
    asked = ca.count("renewal-info")
    refused = ca.rule(acme("new-order"), problem("rejectedIdentifier", 403))
    world.clock.move(days=91)
    run(world, 48 * HOUR)
    assert ca.count("renewal-info") == asked
    refused.remove()
    ca.window = ("2027-05-01T00:00:00Z", "2027-05-02T00:00:00Z")
    run(world, 48 * HOUR)
    assert world.web.status.revision == 2
    seen = world.observer.glance(world.web)
    assert seen.target is not None
    assert seen.target.leaf is not None
    later = [each.number for each in ca.seen if each.kind == "renewal-info"][asked:]
    assert later
    assert set(later) == {seen.target.leaf.renewal_id}


# Windows that are over


def test_of_many_certificates_revoked_at_once_each_is_due_within_ten_minutes_and_not_all_at_once() -> None:
    over = Window(NOW - timedelta(hours=1), NOW - timedelta(minutes=30))
    spec, fresh = certificate().spec, leaf()
    due = sorted(
        (renewal_time(spec, fresh, heard(over, None, fresh, uid, NOW), uid) - NOW) / RUSH
        for uid in (f"uid-{number}" for number in range(2000))
    )
    assert 0 <= due[0] < 0.01
    assert 0.99 < due[-1] < 1
    for tenth in range(10):
        assert 120 < sum(10 * part >= tenth and 10 * part < tenth + 1 for part in due) < 280


def test_a_window_that_moves_along_with_each_question_does_not_move_the_moment() -> None:
    """Boulder answers for a revoked certificate: from an hour ago to half an hour ago, whenever it is asked."""
    spec, fresh, uid = certificate().spec, leaf(), "uid-1"
    before: Window | None = None
    due = set()
    for minutes in range(5):
        now = NOW + timedelta(minutes=minutes)
        before = heard(Window(now - HOUR, now - HOUR / 2), before, fresh, uid, now)
        due.add(renewal_time(spec, fresh, before, uid))
    assert len(due) == 1


def test_close_to_its_end_nothing_is_put_off() -> None:
    fresh = leaf(not_after=NOW + timedelta(hours=2))
    over = Window(NOW - timedelta(hours=1), NOW - timedelta(minutes=30))
    assert last_call(fresh) < NOW
    assert renewal_time(certificate().spec, fresh, heard(over, None, fresh, "u", NOW), "u") == last_call(
        fresh
    )


def test_a_revoked_certificate_is_replaced_within_ten_minutes_and_a_restart_does_not_move_the_moment() -> (
    None
):
    world, ca = issued()
    ca.window = ("2026-11-24T11:30:00Z", "2026-11-24T11:45:00Z")
    world.clock.move(hours=1)
    world.turn()
    due = world.web.status.renewal_time
    assert due is not None
    assert timedelta(0) <= due - world.clock() <= RUSH
    written = len([ref for ref, _ in world.disk.objects.written if ref == WEB])
    heir = World(world.disk)
    secret = heir.disk.secrets.bodies["shop", "web-tls"]
    heir.cache.put_target(("shop", "web-tls"), read_target(secret, NAMES))
    heir.turn(CA)
    heir.turn(WEB)
    assert heir.web.status.renewal_time == due
    assert len([ref for ref, _ in world.disk.objects.written if ref == WEB]) == written
    ca.window = ("2027-01-10T00:00:00Z", "2027-01-12T00:00:00Z")
    run(heir, RUSH + MINUTE)
    assert ca.count("finalize") == 2


def test_a_ca_that_advises_the_past_for_ever_is_followed_ever_less_often() -> None:
    world, ca = odd_world()
    ca.window = ("2000-01-01T00:00:00Z", "2000-01-02T00:00:00Z")

    def past(_body: dict[str, Any]) -> dict[str, Any]:
        window = {"start": world.clock() - HOUR, "end": world.clock() - HOUR / 2}
        return {"suggestedWindow": {bound: moment.isoformat() for bound, moment in window.items()}}

    ca.rule(acme("renewal-info"), edited(past))
    run(world, 48 * HOUR)
    assert 5 <= ca.count("finalize") <= 12


# Why


def explained(url: str) -> World:
    world, ca = advised()
    ca.rule(acme("renewal-info"), telling(explanationURL=url))
    run(world, 4 * HOUR)
    return world


def test_what_the_ca_explains_is_told_by_condition_and_event_once() -> None:
    world = explained("https://ca.example/incident/1")
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[0] == "True"
    assert "The CA says when it is to be renewed, and why, at https://ca.example/incident/1" in ready[2]
    told = [
        (warning, message) for _, warning, reason, message in world.disk.events.told if reason == "Renewing"
    ]
    window = "between 2027-01-10T00:00:00Z and 2027-01-12T00:00:00Z"
    why = "and says why at https://ca.example/incident/1"
    assert told == [(True, f"The CA wants the certificate renewed {window}, {why}")]
    heir = reborn(world)
    run(heir, 12 * HOUR)
    assert len([each for each in world.disk.events.told if each[2] == "Renewing"]) == 1


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://ca.example/", "see above", "https://a.example/" + "x" * 999]
)
def test_what_is_no_link_is_not_told(url: str) -> None:
    world = explained(url)
    ready = world.condition("Ready")
    assert ready is not None
    assert "says" not in ready[2]
    assert world.web.status.renewal_info is not None
    assert [each for each in world.disk.events.told if each[2] == "Renewing"] == []


# What an order replaces


def replaced(ca: FakeCa) -> list[bool]:
    """Of each order that was asked for, whether it named a predecessor."""
    return [bool(payload.get("replaces")) for kind, payload in ca.payloads if kind == "new-order"]


def renewing() -> tuple[World, FakeCa]:
    world, ca = issued()
    ca.window = ("2027-04-20T00:00:00Z", "2027-04-22T00:00:00Z")
    world.clock.move(days=75)
    return world, ca


REFUSALS: list[Any] = [
    pytest.param(problem("alreadyReplaced", 409), [True, False], id="replaced already"),
    pytest.param(problem("malformed", 400), [True, False], id="not understood"),
    pytest.param(problem("malformed", 404), [True, False], id="predecessor not known"),
    pytest.param(problem("unauthorized", 403), [True, False], id="predecessor of another account"),
    pytest.param(problem("rateLimited", 429), [True], id="nothing to do with it"),
    pytest.param(problem("serverInternal", 500), [True], id="nothing to do with it either"),
]


@pytest.mark.parametrize(("answer", "orders"), REFUSALS)
def test_a_predecessor_that_is_refused_is_left_out_once(answer: Answer, orders: list[bool]) -> None:
    world, ca = renewing()
    ca.rule(acme("new-order"), answer, times=1)
    asked = ca.count("new-order")
    world.turn()
    assert replaced(ca) == [False, *orders]
    assert ca.count("new-order") == asked + len(orders)


def test_a_ca_that_fails_at_a_predecessor_for_ever_is_asked_without_after_three_failures() -> None:
    world, ca = renewing()
    ca.rule(acme("new-order"), problem("serverInternal", 500), times=3)
    run(world, HOUR)
    assert replaced(ca) == [False, True, True, True, False]
    assert world.web.status.revision == 2


def test_a_second_order_names_the_predecessor_again_only_if_the_first_became_invalid() -> None:
    world, ca = renewing()
    ca.rejects = {"www.example.org"}
    run(world, MINUTE)
    assert replaced(ca) == [False, True]
    ca.rejects = set()
    ca.rule(acme("certificate"), problem("malformed", 404), times=1)
    run(world, 10 * MINUTE)
    assert replaced(ca) == [False, True, True]
    run(world, 10 * HOUR)
    assert replaced(ca) == [False, True, True, False]
    assert world.web.status.revision == 2


def test_an_order_of_other_names_altogether_replaces_nothing() -> None:
    world, ca = issued()
    world.disk.apply(WEB, certificate_spec(dnsNames=["new.example.org"]))
    world.see_all()
    run(world, MINUTE)
    assert replaced(ca) == [False, False]
