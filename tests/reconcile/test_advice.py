"""Asking the CA when it would like a certificate renewed: its failure never fails a turn."""

from __future__ import annotations

from datetime import timedelta

from certwright.reconcile import actions as do
from certwright.reconcile.decide import decide
from certwright.reconcile.observed import Window
from certwright.reconcile.renewal import renewal_time
from certwright.reconcile.target import read_target
from certwright.resources.certificate_status import read_status
from tests.kit.fake_ca_faults import problem
from tests.kit.faults import acme
from tests.reconcile.fakes import NAMES
from tests.reconcile.world import CA, WEB, World

HOUR = timedelta(hours=1)


def issued(start: str = "2027-01-10T00:00:00Z", end: str = "2027-01-12T00:00:00Z") -> World:
    world = World().ready()
    world.disk.ca.window, world.disk.ca.advice_after = (start, end), "3600"
    world.turns()
    return world


def test_a_new_certificate_is_asked_about_at_once_and_the_window_is_kept_in_the_status() -> None:
    world = issued()
    info = world.web.status.renewal_info
    assert info is not None
    assert (info.start.isoformat(), info.end.isoformat()) == (
        "2027-01-10T00:00:00+00:00",
        "2027-01-12T00:00:00+00:00",
    )
    assert world.web.status.renewal_time is not None
    assert info.start <= world.web.status.renewal_time <= info.end
    assert world.disk.ca.count("renewal-info") == 1


def test_it_is_asked_again_when_the_ca_said() -> None:
    world = issued()
    again = world.turn()
    assert again == world.clock() + HOUR
    world.clock.now = again
    world.turn()
    assert world.disk.ca.count("renewal-info") == 2


def test_an_unchanged_window_writes_nothing() -> None:
    world = issued()
    written = len(world.disk.objects.written)
    for _ in range(4):
        world.clock.move(hours=1)
        world.turn()
    assert world.disk.ca.count("renewal-info") == 5
    assert len(world.disk.objects.written) == written


def test_a_window_in_the_past_renews_now_and_says_what_it_replaces() -> None:
    world = issued()
    world.disk.ca.window = ("2026-11-24T11:30:00Z", "2026-11-24T11:45:00Z")
    world.clock.move(hours=1)
    world.turn()
    world.disk.ca.window = None
    world.turns()
    assert world.disk.ca.count("finalize") == 2
    orders = [payload for kind, payload in world.disk.ca.payloads if kind == "new-order"]
    assert [bool(order.get("replaces")) for order in orders] == [False, True]


def test_without_an_answer_the_last_window_stays_and_the_turn_goes_on() -> None:
    world = issued()
    before = world.web.status
    world.disk.ca.rule(acme("renewal-info"), problem("serverInternal", 500), times=1)
    world.clock.move(hours=1)
    again = world.turn()
    assert world.web.status == before
    assert again is not None
    assert timedelta(minutes=5) <= again - world.clock() <= timedelta(minutes=5.5)


def test_a_ca_that_never_answers_leaves_the_usual_moment() -> None:
    world = World().ready()
    world.disk.ca.rule(acme("renewal-info"), problem("serverInternal", 500))
    world.turns()
    status = world.web.status
    assert status.renewal_info is None
    assert status.renewal_time is not None
    assert status.not_after is not None
    assert timedelta(days=30) <= status.not_after - status.renewal_time <= timedelta(days=32)
    assert status.failure is None


def test_a_window_after_the_end_of_the_certificate_is_no_advice() -> None:
    world = issued("2028-01-01T00:00:00Z", "2028-01-02T00:00:00Z")
    assert world.web.status.renewal_info is None


def test_the_moment_is_the_same_before_and_after_a_restart() -> None:
    """Also where the CA's window has fractions of seconds, which a status has not."""
    world = issued("2027-01-10T00:00:00.123456789Z", "2027-01-12T00:00:00.987654321Z")
    before, written = world.web.status.renewal_time, len(world.disk.objects.written)
    heir = World(world.disk)
    secret = heir.disk.secrets.bodies["shop", "web-tls"]
    heir.cache.put_target(("shop", "web-tls"), read_target(secret, NAMES))
    heir.turn(CA)
    heir.turn(WEB)
    assert heir.web.status.renewal_time == before
    assert len(world.disk.objects.written) == written


def test_after_a_restart_questions_are_spread_over_hours() -> None:
    world = issued()
    heir = World(world.disk)
    heir.turn(CA)
    heir.turns()
    advice = heir.memory.advice("uid-web")
    assert advice is not None
    assert heir.clock() <= advice.ask_again_at <= heir.clock() + 6 * HOUR


def test_advice_for_another_certificate_is_not_used() -> None:
    world = issued()
    seen = world.observer.glance(world.web)
    assert seen.target is not None
    assert seen.target.leaf is not None
    assert seen.window is not None
    status = read_status({"serialNumber": "other", "renewalInfo": {"window": {"start": "x"}}})
    assert status.renewal_info is None
    moved = renewal_time(
        seen.certificate.spec, seen.target.leaf, Window(seen.window.start, seen.window.end), "uid-web"
    )
    assert isinstance(decide(seen, moved), do.PlaceOrder)
    assert not isinstance(decide(seen, moved - timedelta(seconds=1)), do.PlaceOrder)
