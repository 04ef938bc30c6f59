"""Renewals that somebody asks for by annotation: when one is pending, what answers it, and whole lives of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from certwright.acme.messages import OrderStatus
from certwright.failures import TryLater
from certwright.reconcile import actions as do
from certwright.reconcile.decide import decide
from certwright.reconcile.losses import is_lost
from certwright.reconcile.renewal_request import handled_value, is_pending
from certwright.reconcile.stamps import wanted_stamps
from certwright.reconcile.target import read_target
from certwright.reconcile.verdict import Turn, verdict
from certwright.resources.certificate import Certificate, read_certificate
from certwright.resources.condition import write_moment
from certwright.resources.conditions import Reason
from certwright.resources.renew_value import kept_value
from tests.kit.fake_ca_faults import problem
from tests.kit.faults import acme
from tests.reconcile.meddling import KEY
from tests.reconcile.situations import (
    NAMES,
    NOW,
    TARGET,
    UNREADY,
    attempt,
    certificate,
    leaf,
    progress,
    seen,
    target,
)
from tests.reconcile.test_loop import POINTS, assert_issued
from tests.reconcile.world import CA, WEB, Killed, World

if TYPE_CHECKING:
    from certwright.reconcile.observed import Observed

FIRST, SECOND = "2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z"
REQUESTED = Reason.RENEWAL_REQUESTED.word


def asking(value: str, handled: str = "", **changed: Any) -> Certificate:
    """The usual Certificate with the annotation, and a status that tells which value was answered last."""
    status = changed.pop("status", {}) | ({"lastHandledRenew": handled} if handled else {})
    return replace(certificate(status, **changed), renew=value)


def noted(value: str, **changed: Any) -> Any:
    """The usual Secret with a note of the value that was answered last."""
    return target(handled_renew=value, **changed)


PENDING = [
    pytest.param(seen(certificate=asking(FIRST)), id="the first value, beside a certificate without a note"),
    pytest.param(seen(certificate=asking(SECOND), target=noted(FIRST)), id="another than is noted"),
    pytest.param(
        seen(certificate=asking(SECOND, handled=FIRST), target=noted(FIRST)), id="another than both know"
    ),
    pytest.param(
        seen(certificate=asking(FIRST, handled=SECOND), target=noted(SECOND)), id="an earlier one again"
    ),
    pytest.param(
        seen(certificate=asking(FIRST), target=target(certificate_name="", stamps={})),
        id="a Secret of ours whose name was taken away",
    ),
]
NOT_PENDING = [
    pytest.param(seen(), id="no annotation"),
    pytest.param(seen(target=noted(FIRST)), id="an annotation that was removed"),
    pytest.param(seen(certificate=asking("", handled=FIRST)), id="an empty one"),
    pytest.param(seen(certificate=asking(FIRST), target=noted(FIRST)), id="the same as is noted"),
    pytest.param(
        seen(certificate=asking(FIRST, handled=FIRST)),
        id="a note that somebody took away, known to the status",
    ),
    pytest.param(
        seen(certificate=asking(FIRST, handled=FIRST), target=noted(SECOND)), id="a Secret from a backup"
    ),
    pytest.param(
        seen(certificate=asking(FIRST, handled=SECOND), target=noted(FIRST)), id="a status from a backup"
    ),
    pytest.param(seen(certificate=asking(FIRST), target=None), id="no Secret: what is made answers it"),
    pytest.param(seen(certificate=asking(FIRST), target=target(leaf=None)), id="no certificate in it"),
    pytest.param(
        seen(certificate=asking(FIRST), target=target(certificate_name="other", stamps={})),
        id="a Secret that is still to be taken over",
    ),
]


@pytest.mark.parametrize("situation", PENDING)
def test_a_new_value_is_an_order_of_its_own(situation: Observed) -> None:
    assert is_pending(situation)
    action = decide(situation, NOW)
    assert isinstance(action, do.PlaceOrder)
    assert action.problem.reason is Reason.RENEWAL_REQUESTED
    assert "renewal was asked for by annotation certwright.dev/renew" in action.problem.message


@pytest.mark.parametrize("situation", NOT_PENDING)
def test_nothing_else_asks_for_one(situation: Observed) -> None:
    assert not is_pending(situation)
    action = decide(situation, NOW)
    assert not isinstance(action, do.PlaceOrder) or action.problem.reason is not Reason.RENEWAL_REQUESTED


HELD_BACK = [
    pytest.param({"issuer": UNREADY}, do.Halt, id="an issuer that is not there"),
    pytest.param({"hold": NOW + timedelta(hours=1)}, do.Rest, id="a hold of this process"),
    pytest.param({"owner_lives": True, "target": target(certificate_name="other")}, do.Halt, id="a conflict"),
]


@pytest.mark.parametrize(("facts", "kind"), HELD_BACK)
def test_what_holds_other_orders_back_holds_it_back(facts: dict[str, Any], kind: type) -> None:
    assert isinstance(decide(seen(certificate=asking(FIRST), **facts), NOW), kind)


def test_it_waits_for_the_hold_of_a_failure_however_often_the_value_changes() -> None:
    until = NOW + timedelta(hours=6)
    failed = {"nextAttemptTime": write_moment(until)}
    for value in (FIRST, SECOND):
        assert decide(seen(certificate=asking(value, status=failed)), NOW) == do.Rest(until)


def test_it_waits_while_the_certificate_is_suspended() -> None:
    assert decide(seen(certificate=asking(FIRST, suspend=True)), NOW) == do.Rest(None)


def test_a_value_that_changes_or_goes_drops_no_order_under_way() -> None:
    going = {"attempt": attempt(reason=REQUESTED), "progress": progress(OrderStatus.PENDING)}
    for value in ("", FIRST, SECOND):
        assert decide(seen(certificate=asking(value), **going), NOW) == do.SolveChallenges()


def test_an_attempt_without_an_order_is_dropped_where_the_annotation_went() -> None:
    begun = attempt(reason=REQUESTED, order_url="")
    assert isinstance(decide(seen(certificate=asking(FIRST), attempt=begun), NOW), do.PlaceOrder)
    assert decide(seen(attempt=begun), NOW) == do.DropOrder(None)


def test_a_valid_certificate_stays_ready_whatever_becomes_of_the_request() -> None:
    asked = asking(FIRST)
    under_way = seen(certificate=asked, attempt=attempt(reason=REQUESTED))
    failed = Turn(setback=TryLater("CAError", "no"), failed=True, retry_at=NOW + timedelta(minutes=1))
    for situation, turn in ((under_way, Turn()), (under_way, failed), (seen(certificate=asked), failed)):
        status = verdict(situation, turn, NOW)
        said = {each.type: (each.status, each.reason) for each in status.conditions}
        assert said["Ready"] == ("True", "Issued")
        assert "Reconciling" not in said
        assert "Stalled" not in said
        assert status.last_handled_renew == ""
    issuing = next(each for each in verdict(under_way, Turn(), NOW).conditions if each.type == "Issuing")
    assert issuing.reason == REQUESTED
    assert issuing.message == (
        "Renewal was asked for by annotation certwright.dev/renew. A new certificate is being ordered; the present "
        "one stays in use."
    )


def test_a_failure_is_remembered_until_the_request_is_answered_or_taken_back() -> None:
    failure = {"reason": "CAError", "detail": "no", "at": write_moment(NOW), "count": 3}
    asked = asking(FIRST, status={"failure": failure})
    assert verdict(seen(certificate=asked), Turn(), NOW).failure is not None
    assert verdict(seen(certificate=asked, target=noted(FIRST)), Turn(), NOW).failure is None
    assert verdict(seen(certificate=replace(asked, renew="")), Turn(), NOW).failure is None


def test_a_certificate_that_somebody_replaced_is_not_lost_by_asking_for_another() -> None:
    status = {
        "serialNumber": "99",
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": write_moment(NOW)}],
    }
    situation = seen(certificate=asking(FIRST, status=status), target=target(leaf=leaf(serial_number="98")))
    assert is_pending(situation)
    assert not is_lost(situation, NOW)


def stamp(situation: Observed) -> str | None:
    return wanted_stamps(situation).get(NAMES.last_handled_renew)


def test_the_note_is_put_back_and_none_is_made_for_nothing() -> None:
    assert stamp(seen()) is None
    assert stamp(seen(certificate=asking(FIRST, handled=FIRST))) == FIRST
    assert stamp(seen(target=noted(FIRST))) == FIRST, "the annotation went"
    assert stamp(seen(certificate=certificate({"lastHandledRenew": FIRST}))) == FIRST, "both went"


def test_a_certificate_that_is_taken_over_answers_the_value_that_stands_there() -> None:
    foreign = noted("of-another", certificate_name="other")
    assert stamp(seen(certificate=asking(FIRST), target=foreign)) == FIRST
    assert stamp(seen(target=foreign)) is None
    assert handled_value(seen(certificate=asking(FIRST), target=foreign)) == "", "until it is taken over"


VALUES = [
    ("2026-11-24T12:00:00+01:00", "2026-11-24T12:00:00+01:00"),
    ("  7\n", "7"),
    (" \n\t", ""),
    ("ticket-" + "1" * 56, "ticket-" + "1" * 56),
]
HOSTILE = ["1" * 64, "a b", "\x1b[2J", "é", "a\nb", "{{ now }}", "-rf", "\ud800", "x" * 300_000]


@pytest.mark.parametrize(("value", "kept"), VALUES)
def test_a_plain_value_is_kept(value: str, kept: str) -> None:
    assert kept_value(value) == kept


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_any_other_value_is_kept_as_a_short_hash_that_stays_as_it_is(value: str) -> None:
    kept = kept_value(value)
    assert kept.startswith("sha256-")
    assert len(kept) <= 63
    assert kept_value(kept) == kept
    assert kept_value(value + "x") != kept


def test_what_somebody_wrote_over_the_note_is_no_evidence_and_does_not_stay() -> None:
    world = issued()
    annotate(world, FIRST)
    world.turns()
    for text in (None, SECOND, "\x1b[2J" * 10_000):
        world.disk.secrets.edit(*KEY, "kubectl-annotate", annotations={NAMES.last_handled_renew: text})
        assert note(successor(world)) == FIRST
    assert orders(world) == 2


@pytest.mark.parametrize("annotations", [{NAMES.renew: 7}, {NAMES.renew: None}, [], "x", None])
def test_what_is_no_annotation_asks_for_nothing(annotations: object) -> None:
    spec = {"secretName": "a", "dnsNames": ["a.example"], "issuerRef": {"name": "ca"}}
    body = {"metadata": {"annotations": annotations}, "spec": spec}
    read = read_certificate(body, NAMES)
    assert isinstance(read, Certificate)
    assert read.renew == ""


def annotate(world: World, value: str | None, name: str = NAMES.renew) -> None:
    """Somebody sets an annotation of the Certificate or removes it, and the watch shows it."""
    world.disk.annotate(WEB, name, value)
    world.see_all()


def issued() -> World:
    world = World().ready()
    world.turns()
    return world


def successor(world: World) -> World:
    """Another process leads, whose watches have shown what there is; all that it does."""
    heir = World(world.disk)
    heir.cache.put_target(KEY, read_target(heir.disk.secrets.bodies[KEY], NAMES))
    heir.turn(CA)
    heir.turns()
    return heir


def orders(world: World) -> int:
    return world.disk.ca.count("new-order")


def note(world: World) -> str | None:
    annotations: dict[str, str] = world.disk.secrets.bodies[KEY]["metadata"]["annotations"]
    return annotations.get(NAMES.last_handled_renew)


def told(world: World) -> list[tuple[str, str]]:
    return [(reason, text) for ref, _, reason, text in world.disk.events.told if ref == WEB]


def test_each_new_value_is_one_renewal_and_the_same_value_none() -> None:
    world = issued()
    assert (orders(world), note(world), world.web.status.last_handled_renew) == (1, None, "")
    for count, value in enumerate((FIRST, SECOND, FIRST), start=2):
        for _ in range(3):
            annotate(world, value)
            world.turns()
        assert (orders(world), note(world), world.web.status.last_handled_renew) == (count, value, value)
    assert_issued(world.disk)
    assert world.web.status.revision == 4
    assert world.web.status.losses == ()
    stored = [text for reason, text in told(world) if reason == "Issued"]
    because = ", as annotation certwright.dev/renew asked"
    assert [text.endswith(because) for text in stored] == [False, True, True, True]


def test_an_annotation_that_goes_and_comes_back_asks_for_nothing() -> None:
    world = issued()
    annotate(world, FIRST)
    world.turns()
    for value in (None, FIRST, None):
        annotate(world, value)
        world.turns()
    assert (orders(world), note(world)) == (2, FIRST)


def test_a_value_at_the_first_issuance_is_answered_by_it() -> None:
    world = World()
    world.disk.apply_usual()
    annotate(world, FIRST)
    world.turn(CA)
    world.turns()
    assert (orders(world), note(world), world.web.status.last_handled_renew) == (1, FIRST, FIRST)
    assert "asked" not in told(world)[0][1]


def test_another_process_asks_for_nothing_again() -> None:
    world = issued()
    annotate(world, FIRST)
    world.turns()
    for _ in range(2):
        successor(world)
    assert orders(world) == 2


def test_an_ordinary_renewal_keeps_the_note_and_answers_a_new_value() -> None:
    world = issued()
    annotate(world, FIRST)
    world.turns()
    annotate(world, None)
    world.clock.move(days=80)
    world.turns()
    assert (orders(world), note(world)) == (3, FIRST)
    annotate(world, SECOND)
    world.clock.move(days=80)
    world.turns()
    assert (orders(world), note(world)) == (4, SECOND)


def test_a_value_that_comes_while_an_order_is_under_way_is_answered_by_it() -> None:
    world = issued()
    world.disk.dns.blind = ("ns2",)
    annotate(world, FIRST)
    world.turn()
    assert world.condition("Issuing") is not None
    annotate(world, SECOND)
    world.turn()
    world.disk.dns.blind = ()
    world.turns()
    assert (orders(world), note(world), world.web.status.last_handled_renew) == (2, SECOND, SECOND)
    assert told(world)[1][1] == (
        "Renewal was asked for by annotation certwright.dev/renew; the present certificate stays in use until the new "
        "one is stored"
    )
    assert [reason for reason, _ in told(world)] == ["Issued", REQUESTED, "Issued"]


def test_an_unrelated_annotation_costs_no_write() -> None:
    world = issued()
    world.turns()
    written = len(world.disk.objects.written)
    annotate(world, "something", "example.org/other")
    world.turns()
    assert (orders(world), len(world.disk.objects.written)) == (1, written)


def test_a_request_that_fails_keeps_the_certificate_and_backs_off() -> None:
    world = issued()
    before = world.disk.secrets.bodies[KEY]
    world.disk.ca.rule(acme("new-order"), problem("rejectedIdentifier", 403, "not today"), times=2)
    annotate(world, FIRST)
    world.turn()
    failing, ready = world.condition("RenewalFailing"), world.condition("Ready")
    assert failing is not None
    assert ready is not None
    assert (failing[1], ready[0]) == ("Rejected", "True")
    assert "Next attempt at" in failing[2]
    assert world.disk.secrets.bodies[KEY] == before
    for value in (SECOND, FIRST):
        annotate(world, value)
        world.clock.move(minutes=1)
        world.turn()
    assert orders(world) == 2, "each new value would have been refused too"
    world.clock.move(hours=7)
    world.turn()
    assert world.web.status.failure is not None
    assert world.web.status.failure.count == 2
    world.clock.move(days=2)
    world.turns()
    assert (note(world), world.condition("RenewalFailing")) == (FIRST, None)
    assert world.web.status.failure is None


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_each_value_is_still_one_renewal(point: str) -> None:
    world = issued()
    annotate(world, FIRST)
    world.die_at = point
    with pytest.raises(Killed):
        world.turns()
    world.clock.move(seconds=5)
    successor(world)
    again = successor(world)
    assert_issued(world.disk)
    # Only a crash between the CA's answer and the note of it may cost an order, and never a finalized one. The CA
    # refuses to link a second order to the same predecessor (RFC 9773 §5), and is asked once more without.
    assert orders(world) == (4 if point == "before:note-order" else 2)
    assert world.disk.ca.count("finalize") == 2
    assert (note(again), again.web.status.last_handled_renew) == (FIRST, FIRST)
    assert again.web.status.revision == 2


def test_the_usual_secret_carries_no_note() -> None:
    assert NAMES.last_handled_renew not in TARGET.stamps
    assert NAMES.last_handled_renew in NAMES.stamps
