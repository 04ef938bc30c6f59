"""Orders at CAs with habits of their own: late, for ever busy, forgetful, or already of another mind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from certwright.acme.messages import Identifier, Order, OrderStatus
from certwright.reconcile.orders import foreign_names
from tests.reconcile.odd_ca import OddCa, apply_twin, odd_world, reborn
from tests.reconcile.small_ca import BASE, refusal
from tests.reconcile.test_lost_answers import run
from tests.reconcile.world import CA, WEB, Killed, World, certificate_spec, issuer_spec

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
A, B = "a.example.org", "b.example.org"
TWIN = replace(WEB, name="twin")


def edited(**fields: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda body: body | fields


def ready_condition(world: World) -> tuple[str, str, str]:
    told = world.condition("Ready")
    assert told is not None
    return told


def failure_of(world: World) -> tuple[str, str, int] | None:
    failure = world.web.status.failure
    return (failure.reason, failure.detail, failure.count) if failure else None


# Names that are proven already


def test_names_that_the_ca_knows_for_proven_need_no_solver_at_all() -> None:
    world, odd = odd_world(A, B, solvers=[])
    odd.ca.proven = {A, B}
    run(world, 5 * MINUTE)
    assert world.web.status.revision == 1
    assert (odd.count("authz"), odd.count("challenge"), odd.count("finalize")) == (2, 0, 1)
    assert not world.disk.dns.records


def test_without_a_solver_a_name_that_is_not_proven_says_so_and_goes_on_once_it_is() -> None:
    world, odd = odd_world(A, solvers=[])
    world.turn()
    assert ready_condition(world)[1] == "NoMatchingSolver"
    assert f"{A}, and the CA wants it proven; add one" in ready_condition(world)[2]
    odd.ca.proven = {A}
    odd.ca.authorizations["1-0"]["status"] = "valid"
    run(world, 10 * MINUTE)
    assert world.web.status.revision == 1
    assert len(odd.orders) == 1


def test_of_a_mix_only_what_is_pending_is_proven() -> None:
    world, odd = odd_world(A, B)
    odd.ca.proven = {B}
    run(world, 5 * MINUTE)
    assert world.web.status.revision == 1
    assert (odd.count("challenge"), odd.count("finalize")) == (1, 1)


def test_a_name_that_was_proven_and_is_pending_again_gets_a_new_order_that_proves_it() -> None:
    world, odd = odd_world(A, B)
    odd.ca.proven = {B}
    world.disk.dns.blind = ("ns2",)
    world.turn()
    odd.ca.proven = set()
    odd.ca.authorizations["1-1"]["status"] = "pending"
    world.disk.dns.blind = ()
    run(world, 30 * MINUTE)
    assert world.web.status.revision == 1
    assert (len(odd.orders), odd.count("finalize")) == (2, 1)


# Orders that take long


def test_an_order_that_is_late_though_all_is_proven_is_asked_about_and_nothing_else() -> None:
    world, odd = odd_world()
    odd.edits["order"] = edited(status="pending")
    run(world, 45 * MINUTE)
    assert (odd.count("challenge"), odd.count("finalize"), len(odd.orders)) == (1, 0, 1)
    assert odd.count("authz") == 2, "once for the challenge, once to see why it is late"
    status, reason, message = ready_condition(world)
    assert (status, reason) == ("False", "AwaitingValidation")
    assert "the CA has not said that the order is ready since 2026-11-24T12:10:0" in message
    assert "is waited for until 2026-11-25T12:10:0" in message
    odd.edits.clear()
    run(world, HOUR)
    assert world.web.status.revision == 1
    assert failure_of(world) is None


def test_an_order_that_stays_late_is_given_up_after_a_day() -> None:
    world, odd = odd_world()
    odd.edits["order"] = edited(status="pending")
    run(world, DAY + HOUR / 2)
    assert len(odd.orders) == 1
    told = failure_of(world)
    assert told is not None
    assert told[0] == "CATooSlow"
    assert "did not say that the order is ready, though all names are proven, between" in told[1]


SLOW: list[tuple[timedelta, int]] = [(10 * MINUTE, 1), (5 * HOUR, 1), (23 * HOUR, 1)]


@pytest.mark.parametrize(("lasting", "orders"), SLOW)
def test_a_ca_that_signs_for_hours_gets_no_second_order(lasting: timedelta, orders: int) -> None:
    world, odd = odd_world()
    odd.ca.lags = True
    run(world, lasting)
    assert ready_condition(world)[1] == "AwaitingIssuance"
    assert "since 2026-11-24T12:00:0" in ready_condition(world)[2]
    assert "until 2026-11-25T12:00:0" in ready_condition(world)[2]
    odd.ca.lags = False
    run(world, 2 * HOUR)
    assert world.web.status.revision == 1
    assert (len(odd.orders), odd.count("finalize")) == (orders, 1)
    assert failure_of(world) is None


def test_looks_at_a_slow_order_grow_from_fifteen_seconds_to_an_hour() -> None:
    world, odd = odd_world()
    odd.ca.lags = True
    looks: list[timedelta] = []
    begin, end = world.clock(), world.clock() + 23 * HOUR
    while world.clock() < end:
        asked = odd.count("order")
        again = world.turn()
        if odd.count("order") > asked:
            looks.append(world.clock() - begin)
        assert again is not None
        world.clock.now = again
    pauses = [later - earlier for earlier, later in pairwise(looks)]
    grown = [pause for at, pause in zip(looks, pauses, strict=False) if at > MINUTE]
    assert min(grown) >= timedelta(seconds=15)
    assert grown == sorted(grown)
    assert grown[-1] == HOUR
    assert timedelta(minutes=9) < max(pause for at, pause in zip(looks, pauses, strict=False) if at < HOUR)
    assert len(looks) < 100
    written = [body for ref, body in world.disk.objects.written if ref == WEB]
    assert len(written) <= 4, "a wait is told once"


WISHES = [
    pytest.param("30", timedelta(seconds=30), timedelta(seconds=31), id="thirty seconds"),
    pytest.param("900", 15 * MINUTE, 16 * MINUTE, id="a quarter of an hour"),
    pytest.param("86400", HOUR, HOUR, id="a day is taken for an hour"),
    pytest.param("9" * 40, HOUR, HOUR, id="for ever is taken for an hour"),
]


@pytest.mark.parametrize(("wish", "least", "most"), WISHES)
def test_what_the_ca_asks_for_is_kept_up_to_an_hour(wish: str, least: timedelta, most: timedelta) -> None:
    world, odd = odd_world()
    odd.ca.lags = True
    odd.headers["order"] = odd.headers["finalize"] = {"retry-after": wish}
    run(world, 2 * MINUTE)
    asked = odd.count("order")
    world.turn()
    again = world.turn()
    assert again is not None
    assert odd.count("order") <= asked + 1
    begin = world.clock()
    while odd.count("order") == asked:
        world.clock.now = max(again, world.clock() + timedelta(milliseconds=1))
        again = world.turn()
        assert again is not None
        assert world.clock() - begin <= most
    last = world.clock()
    asked = odd.count("order")
    while odd.count("order") == asked:
        world.clock.now = max(again, world.clock() + timedelta(milliseconds=1))
        again = world.turn()
        assert again is not None
    assert least <= world.clock() - last <= most


def test_restarts_ask_no_sooner_and_tell_nothing_anew() -> None:
    world, odd = odd_world()
    odd.ca.lags = True
    run(world, 3 * HOUR)
    attempt = next(iter(world.disk.attempts.stored.values()))
    assert attempt.wait is not None
    asked, written = odd.count("order"), len(world.disk.objects.written)
    for _ in range(50):
        world = reborn(world)
        world.turn()
        world.clock.move(seconds=5)
    assert odd.count("order") <= asked + 1
    assert [ref for ref, _ in world.disk.objects.written[written:] if ref == WEB] == []
    run(world, 22 * HOUR)
    told = failure_of(world)
    assert told is not None, "the deadline is that of the first process"
    assert told[0] == "CATooSlow"
    assert "between 2026-11-24T12:00:0" in told[1]


def test_on_the_happy_path_no_wait_is_noted() -> None:
    world, _ = odd_world()
    run(world, 5 * MINUTE)
    assert world.web.status.revision == 1
    assert world.disk.attempts.writes == ["create", "save", "delete"]


def test_a_slow_order_is_given_up_after_a_day_and_the_next_one_waits() -> None:
    world, odd = odd_world()
    odd.ca.lags = True
    run(world, DAY + 30 * MINUTE)
    told = failure_of(world)
    assert told is not None
    assert told[0] == "CATooSlow"
    assert "did not sign the certificate between 2026-11-24T12:00:0" in told[1]
    assert told[2] == 1
    assert len(odd.orders) == 1
    odd.ca.lags = False
    run(world, 2 * HOUR)
    assert world.web.status.revision == 1
    assert len(odd.orders) == 2


def test_the_orders_own_end_is_the_end_of_the_wait() -> None:
    world, odd = odd_world()
    odd.ca.lags = True
    odd.edits["order"] = odd.edits["finalize"] = edited(expires="2026-11-24T13:00:00Z")
    run(world, 50 * MINUTE)
    assert "until 2026-11-24T13:00:00Z" in ready_condition(world)[2]
    run(world, 20 * MINUTE)
    told = failure_of(world)
    assert told is not None
    assert told[0] == "CATooSlow"


def test_an_order_that_stays_ready_after_its_csr_is_asked_about_and_finalized_ever_less_often() -> None:
    world, odd = odd_world()
    odd.edits["finalize"] = odd.edits["order"] = lambda body: (
        body if body["status"] == "pending" else body | {"status": "ready"}
    )
    run(world, 55 * timedelta(seconds=1))
    assert odd.count("finalize") == 1
    run(world, HOUR)
    assert 3 <= odd.count("finalize") <= 7
    run(world, 22 * HOUR)
    assert odd.count("finalize") <= 32
    assert len(odd.orders) == 1
    odd.edits.clear()
    run(world, 2 * HOUR)
    assert world.web.status.revision == 1


def test_an_order_that_is_not_ready_after_all_is_asked_about_and_goes_on() -> None:
    world, odd = odd_world()
    odd.refuses["finalize"] = refusal("orderNotReady", 403)
    run(world, 2 * MINUTE)
    assert world.web.status.revision == 1
    assert (odd.count("finalize"), len(odd.orders)) == (2, 1)
    assert failure_of(world) is None


def test_a_ca_that_says_ready_and_not_ready_for_ever_is_not_asked_for_ever() -> None:
    world, odd = odd_world()
    odd.instead["finalize"] = refusal("orderNotReady", 403)
    run(world, DAY + 30 * MINUTE)
    assert odd.count("finalize") < 40
    told = failure_of(world)
    assert told is not None
    assert told[0] == "CATooSlow"
    assert len(odd.orders) == 1


def test_a_proof_that_is_checked_for_ever_fails_after_ten_minutes() -> None:
    world, odd = odd_world(A)
    odd.edits["order"] = edited(status="pending")
    odd.edits["challenge"] = edited(status="processing")
    odd.edits["authz"] = edited(status="pending")
    run(world, 8 * MINUTE)
    assert ready_condition(world)[1] == "AwaitingValidation"
    assert f"The CA has been checking {A} since 2026-11-24T12:00:0" in ready_condition(world)[2]
    assert failure_of(world) is None
    run(world, 4 * MINUTE)
    told = failure_of(world)
    assert told is not None
    assert told[0] == "ValidationFailed"
    assert told[1].startswith(f"{A}: the CA did not finish checking the proof between 2026-11-24T12:00:0")
    assert odd.deactivated() == [A]
    assert not world.disk.attempts.stored
    assert not world.disk.dns.records


def test_the_ten_minutes_outlive_the_process() -> None:
    world, odd = odd_world(A)
    odd.edits["order"] = edited(status="pending")
    odd.edits["authz"] = edited(status="pending")
    for _ in range(6):
        run(world, 2 * MINUTE)
        world = reborn(world)
    told = failure_of(world)
    assert told is not None
    assert told[0] == "ValidationFailed"
    assert odd.count("challenge") == 1


# Orders that are not ours


IDENTIFIERS = [
    pytest.param([A, "*.b.example.org"], "", id="as asked"),
    pytest.param(["*.b.example.org", A], "", id="in another order"),
    pytest.param(["*.B.example.ORG", A.upper()], "", id="in capitals"),
    pytest.param([], "", id="none told"),
    pytest.param([A], "without *.b.example.org", id="too few"),
    pytest.param(
        [A, "*.b.example.org", "c.example"], "with c.example, which nobody asked for", id="too many"
    ),
    pytest.param([A, "b.example.org"], "without *.b.example.org and with b.example.org", id="no wildcard"),
]


@pytest.mark.parametrize(("told", "why"), IDENTIFIERS)
def test_an_order_for_other_names_is_never_finalized(told: list[str], why: str) -> None:
    world, odd = odd_world(A, "*.b.example.org")
    named = [{"type": "dns", "value": name} for name in told]
    odd.edits["new-order"] = odd.edits["order"] = edited(identifiers=named)
    run(world, 5 * MINUTE)
    if not why:
        assert world.web.status.revision == 1
        return
    failure = failure_of(world)
    assert failure is not None
    assert why in failure[1]
    assert (odd.count("finalize"), odd.count("challenge"), len(odd.orders)) == (0, 0, 1)
    odd.edits.clear()
    run(world, 2 * HOUR)
    assert world.web.status.revision == 1


def test_names_that_change_in_an_order_under_way_end_it() -> None:
    world, odd = odd_world(A)
    odd.edits["order"] = edited(identifiers=[{"type": "dns", "value": B}])
    run(world, 5 * MINUTE)
    failure = failure_of(world)
    assert failure is not None
    assert f"without {A} and with {B}, which nobody asked for" in failure[1]
    assert odd.count("finalize") == 0
    assert not world.disk.attempts.stored


def test_an_address_is_no_name() -> None:
    order = Order("u", OrderStatus.READY, (Identifier("ip", "192.0.2.1"),), (), "f")
    why = foreign_names(order, ("192.0.2.1",))
    assert why is not None
    assert "with ip 192.0.2.1" in why.message


@pytest.mark.parametrize("status", ["valid", "processing"])
def test_an_order_that_was_completed_with_another_key_is_left_for_an_hour(status: str) -> None:
    world, odd = odd_world()
    certificate = {"certificate": f"{BASE}/certificate/9"} if status == "valid" else {}
    odd.edits["new-order"] = edited(status=status, **certificate)
    run(world, 50 * MINUTE)
    assert odd.count("new-order") == 1
    assert (odd.count("certificate"), odd.count("finalize")) == (0, 0)
    assert failure_of(world) is None
    assert not world.disk.attempts.stored
    odd.edits.clear()
    run(world, HOUR)
    assert world.web.status.revision == 1


def test_an_order_found_valid_for_another_key_is_left_without_counting_a_failure() -> None:
    """Two clusters with one account: the CA gave both the same order, and the other one finalized it."""
    world, odd = odd_world()
    world.disk.dns.blind = ("ns2",)
    world.turn()
    other, there = odd_world()
    run(other, 5 * MINUTE)
    odd.ca.certificates["9"] = there.ca.certificates["1"]
    odd.edits["order"] = edited(status="valid", certificate=f"{BASE}/certificate/9")
    heir = reborn(world)
    run(heir, 5 * MINUTE)
    assert odd.count("certificate") == 1
    assert failure_of(heir) is None
    assert not heir.disk.attempts.stored
    odd.edits.clear()
    heir.disk.dns.blind = ()
    run(heir, 2 * HOUR)
    assert heir.web.status.revision == 1


def test_a_certificate_for_another_key_of_an_order_that_had_our_csr_is_a_failure() -> None:
    world, odd = odd_world()
    other, there = odd_world()
    run(other, 5 * MINUTE)
    odd.ca.certificates["9"] = there.ca.certificates["1"]
    odd.edits["order"] = odd.edits["finalize"] = lambda body: (
        body | ({"certificate": f"{BASE}/certificate/9"} if body["status"] == "valid" else {})
    )
    run(world, 5 * MINUTE)
    failure = failure_of(world)
    assert failure is not None
    assert failure[0] == "UnusableCertificate"


# Orders that ran out


GONE: list[Any] = [
    pytest.param(lambda odd: odd.instead.update(order=refusal("malformed", 404)), id="404"),
    pytest.param(lambda odd: odd.instead.update(order=refusal("malformed", 400)), id="malformed"),
    pytest.param(
        lambda odd: odd.edits.update(order=edited(status="invalid", expires="2026-12-01T12:00:00Z")),
        id="invalid and expired",
    ),
    pytest.param(lambda odd: odd.edits.update(order=edited(status="invalid")), id="invalid, no end told"),
    pytest.param(lambda odd: odd.refuses.update(authz=refusal("malformed", 404)), id="authorization 404"),
    pytest.param(lambda odd: odd.edits.update(authz=edited(status="expired")), id="authorization expired"),
]


@pytest.mark.parametrize("forget", GONE)
def test_what_expired_while_we_were_away_for_ten_days_is_no_failure(forget: Callable[[OddCa], None]) -> None:
    world, odd = odd_world()
    world.disk.dns.blind = ("ns2",)
    world.turn()
    assert world.disk.attempts.stored
    world.clock.move(days=10)
    heir = reborn(world)
    forget(odd)
    heir.turn()
    odd.edits.clear()
    odd.instead.clear()
    heir.disk.dns.blind = ()
    assert failure_of(heir) is None
    run(heir, 5 * MINUTE)
    assert heir.web.status.revision == 1
    assert len(odd.orders) == 2
    assert failure_of(heir) is None


@pytest.mark.parametrize("forget", GONE)
def test_a_ca_that_forgets_what_is_young_is_not_asked_in_a_loop(forget: Callable[[OddCa], None]) -> None:
    world, odd = odd_world()
    world.disk.dns.blind = ("ns2",)
    world.turn()
    world = reborn(world)
    forget(odd)
    for _ in range(30):
        world.turn()
    assert len(odd.orders) <= 2
    assert failure_of(world) is not None


def test_an_order_without_an_end_is_as_good_as_any() -> None:
    world, odd = odd_world()
    odd.edits["new-order"] = odd.edits["order"] = lambda body: {
        key: value for key, value in body.items() if key != "expires"
    }
    run(world, 5 * MINUTE)
    assert world.web.status.revision == 1


# What an order leaves behind


def test_what_a_failed_order_leaves_pending_is_deactivated_and_nothing_else() -> None:
    world, odd = odd_world(A, B, "c.example.org")
    odd.ca.rejects = {A}
    odd.ca.idle = {B, "c.example.org"}
    run(world, 3 * MINUTE)
    assert {each["name"]: each["status"] for each in list(odd.authorizations.values())[:3]} == {
        A: "invalid",
        B: "deactivated",
        "c.example.org": "deactivated",
    }


def test_an_order_that_is_left_for_a_changed_spec_gives_up_its_names_one_request_each() -> None:
    world, odd = odd_world(A, B)
    world.disk.dns.blind = ("ns2",)
    world.turn()
    asked = len(odd.asked)
    world.disk.apply(WEB, certificate_spec(dnsNames=["new.example.org"]))
    world.disk.dns.blind = ()
    world.see_all()
    world.turn()
    assert odd.deactivated() == [A, B]
    assert odd.asked[asked : asked + 3] == ["authz", "authz", "new-order"]


def test_on_the_happy_path_nothing_is_deactivated() -> None:
    world, odd = odd_world(A, B)
    run(world, 5 * MINUTE)
    assert [payload for kind, payload in odd.payloads if kind == "authz" and payload] == []


def test_a_name_that_another_attempt_of_the_account_asks_for_is_left_alone() -> None:
    world, odd = odd_world(A, B)
    apply_twin(world, TWIN, dnsNames=[B, "c.example.org"])
    world.disk.dns.blind = ("ns2",)
    world.turn()
    world.turn(TWIN)
    world.disk.apply(WEB, certificate_spec(dnsNames=["new.example.org"]))
    world.see_all()
    world.turn()
    assert odd.deactivated() == [A]


@pytest.mark.parametrize(
    ("kind", "status"), [("serverInternal", 500), ("malformed", 405), ("unauthorized", 403)]
)
def test_a_ca_that_does_not_deactivate_holds_up_nothing(kind: str, status: int) -> None:
    world, odd = odd_world(A)
    world.disk.dns.blind = ("ns2",)
    world.turn()
    odd.refuses["authz"] = refusal(kind, status)
    world.disk.apply(WEB, certificate_spec(dnsNames=["new.example.org"]))
    world.disk.dns.blind = ()
    world.see_all()
    run(world, 5 * MINUTE)
    assert world.web.status.revision == 1
    assert failure_of(world) is None


def test_what_a_deleted_certificate_leaves_pending_is_deactivated() -> None:
    world, odd = odd_world(A)
    world.disk.dns.blind = ("ns2",)
    world.turn()
    del world.disk.objects.bodies[WEB]
    world.cache.drop_certificate(WEB)
    world.turn()
    assert odd.deactivated() == [A]


# Rivals


@pytest.mark.parametrize("outcome", ["stored", "failed"])
def test_who_waits_for_equal_names_is_woken_when_the_first_attempt_is_over(outcome: str) -> None:
    world, odd = odd_world(A)
    apply_twin(world, TWIN, dnsNames=[A])
    world.disk.dns.blind = ("ns2",)
    world.turn()
    world.turn(TWIN)
    assert TWIN not in world.woken
    odd.ca.rejects = set() if outcome == "stored" else {A}
    world.disk.dns.blind = ()
    run(world, MINUTE)
    assert TWIN in world.woken
    odd.ca.rejects = set()
    run(world, MINUTE, TWIN)
    assert ("shop", "twin-tls") in world.disk.secrets.bodies


def test_an_issuer_gets_a_solver_while_a_name_waits_for_one() -> None:
    world, odd = odd_world(A, solvers=[])
    world.turn()
    world.disk.apply(CA, issuer_spec())
    world.see_all()
    world.turn(CA)
    run(world, 30 * MINUTE)
    assert world.web.status.revision == 1
    assert len(odd.orders) == 1


@pytest.mark.parametrize("point", ["before:note-wait", "after:note-wait"])
def test_a_process_that_dies_when_it_notes_a_wait_costs_nothing(point: str) -> None:
    world, odd = odd_world()
    odd.ca.lags = True
    world.die_at = point
    with pytest.raises(Killed):
        run(world, 5 * MINUTE)
    odd.ca.lags = False
    heir = reborn(world)
    run(heir, 5 * MINUTE)
    assert heir.web.status.revision == 1
    assert (len(odd.orders), odd.count("finalize")) == (1, 1)
