"""Days of several Certificates that share a name which the CA cannot validate."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from certwright.resources.names import Ref
from tests.kit.fake_ca_policy import problem_document
from tests.reconcile.days import Days
from tests.reconcile.world import CA, World, certificate_spec, issuer_spec

BROKEN = "broken.example.org"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEN = [Ref("Certificate", "shop", f"web-{number}") for number in range(10)]


def world_of(*refs: Ref, validating: float = 5.0) -> World:
    """Certificates, each with a name of its own and the broken one, at a CA that takes a moment to look."""
    world = World()
    world.disk.ca.rejects.add(BROKEN)
    world.disk.ca.validating = timedelta(seconds=validating)
    world.disk.apply(CA, issuer_spec())
    for ref in refs:
        apply(world, ref)
    world.see_all()
    world.turn(CA)
    return world


def apply(world: World, ref: Ref, uid: str = "") -> None:
    spec = certificate_spec(secretName=f"{ref.name}-tls", dnsNames=[f"{ref.name}.example.org", BROKEN])
    world.disk.apply(ref, spec, uid)


def looked_at(world: World, name: str = BROKEN) -> list[datetime]:
    """When the CA was told to look at proofs of a name, each of which it found wrong."""
    proofs = world.disk.ca.authorizations.values()
    return sorted(each.began for each in proofs if each.name == name and each.began is not None)


def most_within(span: timedelta, times: list[datetime]) -> int:
    return max(sum(begin <= each < begin + span for each in times) for begin in times)


@pytest.mark.parametrize("validating", [0.0, 5.0, 90.0])
def test_ten_certificates_with_one_broken_name_fail_three_times_an_hour_and_after_a_day_once(
    validating: float,
) -> None:
    world = world_of(*TEN, validating=validating)
    began = world.clock()
    days = Days(world, CA, *TEN)
    days.pass_by(minutes=59)
    assert len(looked_at(world)) == 3
    days.pass_by(days=4)
    times = looked_at(world)
    assert most_within(HOUR, times) == 3
    later = [each for each in times if each >= began + DAY + HOUR]
    assert most_within(DAY, later) == 1
    assert len(later) >= 2, "it is not given up either"


def test_those_who_wait_say_why_and_until_when_and_are_not_written_to_again_meanwhile() -> None:
    world = world_of(*TEN)
    days = Days(world, CA, *TEN)
    days.pass_by(minutes=10)
    told = [world.condition("Ready", ref) for ref in TEN]
    waiting = [each for each in told if each and each[1] == "NameHeldBack"]
    assert len(waiting) >= 7
    assert all(f"{BROKEN} failed 3 validations within an hour" in each[2] for each in waiting)
    assert all("The CA said last: saw another TXT record" in each[2] for each in waiting)
    (limit,) = world.disk.objects.bodies[CA]["status"]["limits"]
    assert (limit["subject"], limit["reason"]) == (BROKEN, "NameHeldBack")
    written, orders = len(world.disk.objects.written), len(world.disk.ca.orders)
    asked = len(world.disk.ca.seen)
    days.pass_by(minutes=40)
    assert len(world.disk.objects.written) - written <= 3, (
        "only who failed by itself tells of its own next try"
    )
    assert len(world.disk.ca.orders) == orders
    assert len(world.disk.ca.seen) == asked


def test_once_the_name_is_mended_all_are_issued_within_the_hour_and_nothing_is_held_any_more() -> None:
    world = world_of(*TEN)
    days = Days(world, CA, *TEN)
    days.pass_by(minutes=30)
    world.disk.ca.rejects.clear()
    days.pass_by(hours=1)
    assert all((ready := world.condition("Ready", ref)) and ready[0] == "True" for ref in TEN)
    assert "limits" not in world.disk.objects.bodies[CA]["status"]
    assert not any(ledger.failing for ledger in world.disk.ledgers.read_all())


def test_names_that_fail_hold_up_no_certificate_without_them() -> None:
    world = world_of(*TEN)
    other = Ref("Certificate", "shop", "other")
    world.disk.apply(other, certificate_spec(secretName="other-tls", dnsNames=["web-1.example.org"]))
    days = Days(world, CA, *TEN)
    days.pass_by(minutes=30)
    world.see_all()
    days.due[other] = world.clock()
    days.pass_by(minutes=1)
    ready = world.condition("Ready", other)
    assert ready
    assert ready[0] == "True"


@pytest.mark.parametrize("seconds", [60, 20, 3])
def test_a_certificate_that_is_deleted_and_made_again_all_the_time_wins_no_further_try(seconds: int) -> None:
    """A script in a loop; each time it is another object, whose own backoff begins anew."""
    ref = TEN[0]
    world = world_of(ref)
    days = Days(world, CA, ref)
    for round_ in range(3 * 3600 // seconds):
        days.pass_by(seconds=seconds)
        world.cache.drop_certificate(ref)
        del world.disk.objects.bodies[ref]
        apply(world, ref, uid=f"uid-{round_}")
        world.see_all()
        days.due[ref] = world.clock()
    times = looked_at(world)
    assert most_within(HOUR, times) == 3
    assert len(world.disk.ca.orders) <= 12


def test_a_process_that_dies_every_ten_minutes_knows_what_failed() -> None:
    world = world_of(*TEN)
    for _ in range(30):
        Days(world, CA, *TEN).pass_by(minutes=10)
        world = World(world.disk)
    assert most_within(HOUR, looked_at(world)) == 3


@pytest.mark.parametrize("point", ["after:answer-challenge", "before:delete-attempt"])
def test_a_process_that_dies_while_the_ca_looks_lets_nobody_slip_past(point: str) -> None:
    world = world_of(*TEN)
    for _ in range(6):
        world.die_at = point
        with pytest.raises(BaseException, match=point):
            Days(world, CA, *TEN).pass_by(hours=3)
        world = World(world.disk)
        world.turn(CA)
    assert most_within(HOUR, looked_at(world)) <= 3


def test_a_changed_issuer_has_the_name_tried_once_more_at_once() -> None:
    world = world_of(*TEN)
    days = Days(world, CA, *TEN)
    days.pass_by(minutes=30)
    assert len(looked_at(world)) == 3
    for minutes, tries in ((20, 4), (30, 4)):
        world.disk.apply(CA, issuer_spec(email=f"{minutes}@example.org"))
        world.see_all()
        days.due[CA] = world.clock()
        days.pass_by(minutes=2)
        assert len(looked_at(world)) == tries


def test_a_changed_credential_has_the_name_tried_once_more_at_once() -> None:
    world = world_of(*TEN)
    days = Days(world, CA, *TEN)
    days.pass_by(minutes=30)
    for tries in (4, 4):
        world.parts.credential_changed(CA, world.clock() - timedelta(minutes=10))
        days.due.update(dict.fromkeys(TEN, world.clock()))
        days.pass_by(minutes=2)
        assert len(looked_at(world)) == tries, "what failed after the change is known to the change"


@pytest.mark.parametrize("kind", ["serverInternal", "rateLimited"])
def test_a_ca_that_could_not_look_has_no_name_rest(kind: str) -> None:
    world = world_of(*TEN)
    world.disk.ca.judge = lambda _proof: problem_document(kind, "busy", status=503)
    Days(world, CA, *TEN).pass_by(hours=1)
    assert len(looked_at(world)) > 3
    assert not any(ledger.failing for ledger in world.disk.ledgers.read_all())


def test_proofs_that_we_do_not_see_ourselves_count_nothing() -> None:
    world = world_of(*TEN)
    world.disk.dns.blind = ("ns2.example.org",)
    Days(world, CA, *TEN).pass_by(hours=3)
    assert looked_at(world) == []
    assert world.disk.ledgers.writes == 0
