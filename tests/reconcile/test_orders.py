"""Orders at CAs with habits of their own: late, for ever busy, forgetful, or already of another mind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from certwright.acme.messages import Identifier, Order, OrderStatus
from certwright.reconcile.orders import foreign_names
from tests.kit.fake_ca_faults import Altered, problem
from tests.kit.fake_ca_policy import FOR_EVER, NOTHING
from tests.kit.faults import Answer, acme
from tests.reconcile.odd_ca import apply_twin, edited, odd_world, reborn, telling
from tests.reconcile.test_lost_answers import run
from tests.reconcile.world import CA, WEB, Killed, World, certificate_spec, issuer_spec

if TYPE_CHECKING:
    from tests.kit.fake_ca import FakeCa
    from tests.kit.fake_ca_faults import CaFault

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
A, B = "a.example.org", "b.example.org"
TWIN = replace(WEB, name="twin")


def deactivated(ca: FakeCa) -> list[str]:
    """Names whose authorizations were given up."""
    return [each.name for each in ca.authorizations.values() if each.status == "deactivated"]


def ready_condition(world: World) -> tuple[str, str, str]:
    told = world.condition("Ready")
    assert told is not None
    return told


def failure_of(world: World) -> tuple[str, str, int] | None:
    failure = world.web.status.failure
    return (failure.reason, failure.detail, failure.count) if failure else None


# Names that are proven already


def test_names_that_the_ca_knows_for_proven_need_no_solver_at_all() -> None:
    world, ca = odd_world(A, B, solvers=[])
    ca.prevalidated = {A, B}
    run(world, 5 * MINUTE)
    assert world.web.status.revision == 1
    assert (ca.count("authorization"), ca.count("challenge"), ca.count("finalize")) == (2, 0, 1)
    assert not world.disk.dns.records


def test_without_a_solver_a_name_that_is_not_proven_says_so_and_goes_on_once_it_is() -> None:
    world, ca = odd_world(A, solvers=[])
    world.turn()
    assert ready_condition(world)[1] == "NoMatchingSolver"
    assert f"{A}, and the CA wants it proven; add one" in ready_condition(world)[2]
    ca.settle("1-0", "valid")
    run(world, 10 * MINUTE)
    assert world.web.status.revision == 1
    assert len(ca.orders) == 1


def test_of_a_mix_only_what_is_pending_is_proven() -> None:
    world, ca = odd_world(A, B)
    ca.prevalidated = {B}
    run(world, 5 * MINUTE)
    assert world.web.status.revision == 1
    assert (ca.count("challenge"), ca.count("finalize")) == (1, 1)


def test_a_name_that_was_proven_and_is_pending_again_gets_a_new_order_that_proves_it() -> None:
    world, ca = odd_world(A, B)
    ca.prevalidated = {B}
    world.disk.dns.blind = ("ns2",)
    world.turn()
    ca.prevalidated = set()
    ca.settle("1-1", "pending")
    world.disk.dns.blind = ()
    run(world, 30 * MINUTE)
    assert world.web.status.revision == 1
    assert (len(ca.orders), ca.count("finalize")) == (2, 1)


# Orders that take long


def test_an_order_that_is_late_though_all_is_proven_is_asked_about_and_nothing_else() -> None:
    world, ca = odd_world()
    ca.readying = FOR_EVER
    run(world, 45 * MINUTE)
    assert (ca.count("challenge"), ca.count("finalize"), len(ca.orders)) == (1, 0, 1)
    assert ca.count("authorization") == 2, "once for the challenge, once to see why it is late"
    status, reason, message = ready_condition(world)
    assert (status, reason) == ("False", "AwaitingValidation")
    assert "the CA has not said that the order is ready since 2026-11-24T12:10:0" in message
    assert "is waited for until 2026-11-25T12:10:0" in message
    ca.readying = NOTHING
    run(world, HOUR)
    assert world.web.status.revision == 1
    assert failure_of(world) is None


def test_an_order_that_stays_late_is_given_up_after_a_day() -> None:
    world, ca = odd_world()
    ca.readying = FOR_EVER
    run(world, DAY + HOUR / 2)
    assert len(ca.orders) == 1
    told = failure_of(world)
    assert told is not None
    assert told[0] == "CATooSlow"
    assert "did not say that the order is ready, though all names are proven, between" in told[1]


SLOW: list[tuple[timedelta, int]] = [(10 * MINUTE, 1), (5 * HOUR, 1), (23 * HOUR, 1)]


@pytest.mark.parametrize(("lasting", "orders"), SLOW)
def test_a_ca_that_signs_for_hours_gets_no_second_order(lasting: timedelta, orders: int) -> None:
    world, ca = odd_world()
    ca.signing = FOR_EVER
    run(world, lasting)
    assert ready_condition(world)[1] == "AwaitingIssuance"
    assert "since 2026-11-24T12:00:0" in ready_condition(world)[2]
    assert "until 2026-11-25T12:00:0" in ready_condition(world)[2]
    ca.signing = NOTHING
    run(world, 2 * HOUR)
    assert world.web.status.revision == 1
    assert (len(ca.orders), ca.count("finalize")) == (orders, 1)
    assert failure_of(world) is None


def test_looks_at_a_slow_order_grow_from_fifteen_seconds_to_an_hour() -> None:
    world, ca = odd_world()
    ca.signing = FOR_EVER
    looks: list[timedelta] = []
    begin, end = world.clock(), world.clock() + 23 * HOUR
    while world.clock() < end:
        asked = ca.count("order")
        again = world.turn()
        if ca.count("order") > asked:
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
    world, ca = odd_world()
    ca.signing = FOR_EVER
    ca.retry_after = wish
    run(world, 2 * MINUTE)
    asked = ca.count("order")
    world.turn()
    again = world.turn()
    assert again is not None
    assert ca.count("order") <= asked + 1
    begin = world.clock()
    while ca.count("order") == asked:
        world.clock.now = max(again, world.clock() + timedelta(milliseconds=1))
        again = world.turn()
        assert again is not None
        assert world.clock() - begin <= most
    last = world.clock()
    asked = ca.count("order")
    while ca.count("order") == asked:
        world.clock.now = max(again, world.clock() + timedelta(milliseconds=1))
        again = world.turn()
        assert again is not None
    assert least <= world.clock() - last <= most


def test_restarts_ask_no_sooner_and_tell_nothing_anew() -> None:
    world, ca = odd_world()
    ca.signing = FOR_EVER
    run(world, 3 * HOUR)
    attempt = next(iter(world.disk.attempts.stored.values()))
    assert attempt.wait is not None
    asked, written = ca.count("order"), len(world.disk.objects.written)
    for _ in range(50):
        world = reborn(world)
        world.turn()
        world.clock.move(seconds=5)
    assert ca.count("order") <= asked + 1
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
    world, ca = odd_world()
    ca.signing = FOR_EVER
    run(world, DAY + 30 * MINUTE)
    told = failure_of(world)
    assert told is not None
    assert told[0] == "CATooSlow"
    assert "did not sign the certificate between 2026-11-24T12:00:0" in told[1]
    assert told[2] == 1
    assert len(ca.orders) == 1
    ca.signing = NOTHING
    run(world, 2 * HOUR)
    assert world.web.status.revision == 1
    assert len(ca.orders) == 2


def test_the_orders_own_end_is_the_end_of_the_wait() -> None:
    world, ca = odd_world()
    ca.signing = FOR_EVER
    for kind in ("finalize", "order"):
        ca.rule(acme(kind), telling(expires="2026-11-24T13:00:00Z"))
    run(world, 50 * MINUTE)
    assert "until 2026-11-24T13:00:00Z" in ready_condition(world)[2]
    run(world, 20 * MINUTE)
    told = failure_of(world)
    assert told is not None
    assert told[0] == "CATooSlow"


def test_an_order_that_stays_ready_after_its_csr_is_asked_about_and_finalized_ever_less_often() -> None:
    world, ca = odd_world()

    def forget_the_csr(body: dict[str, Any]) -> dict[str, Any]:
        ca.orders["1"].status = "ready"
        return body | {"status": "ready"}

    forgotten = ca.rule(acme("finalize"), edited(forget_the_csr))
    run(world, 55 * timedelta(seconds=1))
    assert ca.count("finalize") == 1
    run(world, HOUR)
    assert 3 <= ca.count("finalize") <= 7
    run(world, 22 * HOUR)
    assert ca.count("finalize") <= 32
    assert len(ca.orders) == 1
    forgotten.remove()
    run(world, 2 * HOUR)
    assert world.web.status.revision == 1


def test_an_order_that_is_not_ready_after_all_is_asked_about_and_goes_on() -> None:
    world, ca = odd_world()
    ca.rule(acme("finalize"), problem("orderNotReady", 403), times=1)
    run(world, 2 * MINUTE)
    assert world.web.status.revision == 1
    assert (ca.count("finalize"), len(ca.orders)) == (2, 1)
    assert failure_of(world) is None


@pytest.mark.parametrize(("wish", "least"), [("", 5), ("1", 5), ("120", 120)])
def test_an_order_that_is_not_ready_is_fetched_before_its_csr_is_sent_again_and_no_sooner_than_the_ca_says(
    wish: str, least: int
) -> None:
    world, ca = odd_world()
    ca.rule(acme("finalize"), problem("orderNotReady", 403, retry_after=wish), times=1)
    run(world, 5 * MINUTE)
    assert world.web.status.revision == 1
    asked = [each for each in ca.seen if each.kind in ("finalize", "order")]
    first, second = (position for position, each in enumerate(asked) if each.kind == "finalize")
    assert timedelta(seconds=least) <= asked[second].at - asked[first].at < timedelta(seconds=2 * least + 5)
    assert second - first > 1, "the order was fetched in between"


def test_a_ca_that_says_ready_and_not_ready_for_ever_is_not_asked_for_ever() -> None:
    world, ca = odd_world()
    ca.rule(acme("finalize"), problem("orderNotReady", 403))
    run(world, DAY + 30 * MINUTE)
    assert ca.count("finalize") < 40
    told = failure_of(world)
    assert told is not None
    assert told[0] == "CATooSlow"
    assert len(ca.orders) == 1


@pytest.mark.parametrize(
    ("wish", "looks"),
    [
        pytest.param("", [1, 2], id="no wish"),
        pytest.param("0", [1, 2], id="at once is taken for a second"),
        pytest.param("20", [20, 21], id="twenty seconds"),
        pytest.param("9" * 40, [600], id="for ever is taken for the ten minutes that proofs are waited for"),
    ],
)
def test_a_proof_is_first_looked_at_when_the_answer_to_its_challenge_says(
    wish: str, looks: list[int]
) -> None:
    """RFC 8555 §8.2."""
    world, ca = odd_world(A)
    ca.validating = FOR_EVER
    ca.rule(acme("challenge"), Altered({"retry-after": wish}))
    while not ca.count("challenge"):
        world.clock.now = world.turn() or world.clock()
    answered = next(each.at for each in ca.seen if each.kind == "challenge")
    while ca.count("order") < len(looks):
        world.clock.now = world.turn() or world.clock()
    seen = [each.at - answered for each in ca.seen if each.kind == "order"]
    assert [round(each.total_seconds()) for each in seen[: len(looks)]] == looks


def test_a_proof_that_is_checked_for_ever_fails_after_ten_minutes() -> None:
    world, ca = odd_world(A)
    ca.validating = FOR_EVER
    run(world, 8 * MINUTE)
    assert ready_condition(world)[1] == "AwaitingValidation"
    assert f"The CA has been checking {A} since 2026-11-24T12:00:0" in ready_condition(world)[2]
    assert failure_of(world) is None
    run(world, 4 * MINUTE)
    told = failure_of(world)
    assert told is not None
    assert told[0] == "ValidationFailed"
    assert told[1].startswith(f"{A}: the CA did not finish checking the proof between 2026-11-24T12:00:0")
    assert deactivated(ca) == [A]
    assert not world.disk.attempts.stored
    assert not world.disk.dns.records


def test_the_ten_minutes_outlive_the_process() -> None:
    world, ca = odd_world(A)
    ca.validating = FOR_EVER
    for _ in range(6):
        run(world, 2 * MINUTE)
        world = reborn(world)
    told = failure_of(world)
    assert told is not None
    assert told[0] == "ValidationFailed"
    assert ca.count("challenge") == 1


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


@pytest.mark.parametrize(("shown", "why"), IDENTIFIERS)
def test_an_order_for_other_names_is_never_finalized(shown: list[str], why: str) -> None:
    world, ca = odd_world(A, "*.b.example.org")
    ca.shows = lambda _names: shown
    run(world, 5 * MINUTE)
    if not why:
        assert world.web.status.revision == 1
        return
    failure = failure_of(world)
    assert failure is not None
    assert why in failure[1]
    assert (ca.count("finalize"), ca.count("challenge"), len(ca.orders)) == (0, 0, 1)
    ca.shows = list
    run(world, 2 * HOUR)
    assert world.web.status.revision == 1


def test_names_that_change_in_an_order_under_way_end_it() -> None:
    world, ca = odd_world(A)
    ca.rule(acme("order"), telling(identifiers=[{"type": "dns", "value": B}]))
    run(world, 5 * MINUTE)
    failure = failure_of(world)
    assert failure is not None
    assert f"without {A} and with {B}, which nobody asked for" in failure[1]
    assert ca.count("finalize") == 0
    assert not world.disk.attempts.stored


def test_an_address_is_no_name() -> None:
    order = Order("u", OrderStatus.READY, (Identifier("ip", "192.0.2.1"),), (), "f")
    why = foreign_names(order, ("192.0.2.1",))
    assert why is not None
    assert "with ip 192.0.2.1" in why.message


@pytest.mark.parametrize("status", ["valid", "processing"])
def test_an_order_that_was_completed_with_another_key_is_left_for_an_hour(status: str) -> None:
    world, ca = odd_world()
    certificate = {"certificate": ca.url("certificate", "9")} if status == "valid" else {}
    completed = ca.rule(acme("new-order"), telling(status=status, **certificate))
    run(world, 50 * MINUTE)
    assert ca.count("new-order") == 1
    assert (ca.count("certificate"), ca.count("finalize")) == (0, 0)
    assert ready_condition(world)[1] == "OrderTaken"
    assert failure_of(world) is None
    assert not world.disk.attempts.stored
    completed.remove()
    run(world, HOUR)
    assert world.web.status.revision == 1


def test_an_order_found_valid_for_another_key_is_left_without_counting_a_failure() -> None:
    """Two clusters with one account: the CA gave both the same order, and the other one finalized it."""
    world, ca = odd_world()
    world.disk.dns.blind = ("ns2",)
    world.turn()
    other, there = odd_world()
    run(other, 5 * MINUTE)
    ca.certificates["9"] = there.certificates["1"]
    completed = ca.rule(acme("order"), telling(status="valid", certificate=ca.url("certificate", "9")))
    heir = reborn(world)
    run(heir, 5 * MINUTE)
    assert ca.count("certificate") == 1
    assert failure_of(heir) is None
    assert not heir.disk.attempts.stored
    completed.remove()
    heir.disk.dns.blind = ()
    run(heir, 2 * HOUR)
    assert heir.web.status.revision == 1


def test_a_certificate_for_another_key_of_an_order_that_had_our_csr_is_a_failure() -> None:
    world, ca = odd_world()
    other, there = odd_world()
    run(other, 5 * MINUTE)
    ca.rule(acme("certificate"), Answer(200, there.certificates["1"].chains[0].encode()))
    run(world, 5 * MINUTE)
    failure = failure_of(world)
    assert failure is not None
    assert failure[0] == "UnusableCertificate"


# Orders that ran out


GONE: list[Any] = [
    pytest.param("order", problem("malformed", 404), None, id="404"),
    pytest.param("order", problem("malformed", 400), None, id="malformed"),
    pytest.param(
        "order", telling(status="invalid", expires="2026-12-01T12:00:00Z"), None, id="invalid and expired"
    ),
    pytest.param("order", telling(status="invalid"), None, id="invalid, no end told"),
    pytest.param("authorization", problem("malformed", 404), 1, id="authorization 404"),
    pytest.param("authorization", telling(status="expired"), None, id="authorization expired"),
]


@pytest.mark.parametrize(("kind", "fault", "times"), GONE)
def test_what_expired_while_we_were_away_for_ten_days_is_no_failure(
    kind: str, fault: CaFault, times: int | None
) -> None:
    world, ca = odd_world()
    ca.order_life = None
    world.disk.dns.blind = ("ns2",)
    world.turn()
    assert world.disk.attempts.stored
    world.clock.move(days=10)
    heir = reborn(world)
    with ca.rule(acme(kind), fault, times=times):
        heir.turn()
    heir.disk.dns.blind = ()
    assert failure_of(heir) is None
    run(heir, 5 * MINUTE)
    assert heir.web.status.revision == 1
    assert len(ca.orders) == 2
    assert failure_of(heir) is None


@pytest.mark.parametrize(("kind", "fault", "times"), GONE)
def test_a_ca_that_forgets_what_is_young_is_not_asked_in_a_loop(
    kind: str, fault: CaFault, times: int | None
) -> None:
    world, ca = odd_world()
    ca.order_life = None
    world.disk.dns.blind = ("ns2",)
    world.turn()
    world = reborn(world)
    ca.rule(acme(kind), fault, times=times)
    for _ in range(30):
        world.turn()
    assert len(ca.orders) <= 2
    assert failure_of(world) is not None


def test_an_order_without_an_end_is_as_good_as_any() -> None:
    world, ca = odd_world()
    ca.order_life = None
    run(world, 5 * MINUTE)
    assert world.web.status.revision == 1


# What an order leaves behind


def test_what_a_failed_order_leaves_pending_is_deactivated_and_nothing_else() -> None:
    world, ca = odd_world(A, B, "c.example.org")
    ca.rejects = {A}
    ca.idle = {B, "c.example.org"}
    run(world, 3 * MINUTE)
    assert {each.name: each.status for each in list(ca.authorizations.values())[:3]} == {
        A: "invalid",
        B: "deactivated",
        "c.example.org": "deactivated",
    }


def test_an_order_that_is_left_for_a_changed_spec_gives_up_its_names_one_request_each() -> None:
    world, ca = odd_world(A, B)
    world.disk.dns.blind = ("ns2",)
    world.turn()
    asked = len(ca.asked)
    world.disk.apply(WEB, certificate_spec(dnsNames=["new.example.org"]))
    world.disk.dns.blind = ()
    world.see_all()
    world.turn()
    assert deactivated(ca) == [A, B]
    assert ca.asked[asked : asked + 3] == ["authorization", "authorization", "new-order"]


def test_on_the_happy_path_nothing_is_deactivated() -> None:
    world, ca = odd_world(A, B)
    run(world, 5 * MINUTE)
    assert [payload for kind, payload in ca.payloads if kind == "authorization" and payload] == []


def test_a_name_that_another_attempt_of_the_account_asks_for_is_left_alone() -> None:
    world, ca = odd_world(A, B)
    apply_twin(world, TWIN, dnsNames=[B, "c.example.org"])
    world.disk.dns.blind = ("ns2",)
    world.turn()
    world.turn(TWIN)
    world.disk.apply(WEB, certificate_spec(dnsNames=["new.example.org"]))
    world.see_all()
    world.turn()
    assert deactivated(ca) == [A]


@pytest.mark.parametrize(
    ("kind", "status"), [("serverInternal", 500), ("malformed", 405), ("unauthorized", 403)]
)
def test_a_ca_that_does_not_deactivate_holds_up_nothing(kind: str, status: int) -> None:
    world, ca = odd_world(A)
    world.disk.dns.blind = ("ns2",)
    world.turn()
    refused = ca.rule(acme("authorization"), problem(kind, status), times=1)
    world.disk.apply(WEB, certificate_spec(dnsNames=["new.example.org"]))
    world.disk.dns.blind = ()
    world.see_all()
    run(world, 5 * MINUTE)
    assert refused.hits
    assert deactivated(ca) == []
    assert world.web.status.revision == 1
    assert failure_of(world) is None


def test_what_a_deleted_certificate_leaves_pending_is_deactivated() -> None:
    world, ca = odd_world(A)
    world.disk.dns.blind = ("ns2",)
    world.turn()
    del world.disk.objects.bodies[WEB]
    world.cache.drop_certificate(WEB)
    world.turn()
    assert deactivated(ca) == [A]


# Rivals


@pytest.mark.parametrize("outcome", ["stored", "failed"])
def test_who_waits_for_equal_names_is_woken_when_the_first_attempt_is_over(outcome: str) -> None:
    world, ca = odd_world(A)
    apply_twin(world, TWIN, dnsNames=[A])
    world.disk.dns.blind = ("ns2",)
    world.turn()
    world.turn(TWIN)
    assert TWIN not in world.woken
    ca.rejects = set() if outcome == "stored" else {A}
    world.disk.dns.blind = ()
    run(world, MINUTE)
    assert TWIN in world.woken
    ca.rejects = set()
    run(world, MINUTE, TWIN)
    assert ("shop", "twin-tls") in world.disk.secrets.bodies


def test_an_issuer_gets_a_solver_while_a_name_waits_for_one() -> None:
    world, ca = odd_world(A, solvers=[])
    world.turn()
    world.disk.apply(CA, issuer_spec())
    world.see_all()
    world.turn(CA)
    run(world, 30 * MINUTE)
    assert world.web.status.revision == 1
    assert len(ca.orders) == 1


@pytest.mark.parametrize("point", ["before:note-wait", "after:note-wait"])
def test_a_process_that_dies_when_it_notes_a_wait_costs_nothing(point: str) -> None:
    world, ca = odd_world()
    ca.signing = FOR_EVER
    world.die_at = point
    with pytest.raises(Killed):
        run(world, 5 * MINUTE)
    ca.signing = NOTHING
    heir = reborn(world)
    run(heir, 5 * MINUTE)
    assert heir.web.status.revision == 1
    assert (len(ca.orders), ca.count("finalize")) == (1, 1)
