"""Routes through a life: made once, kept in step, found again after a restart, and gone when nobody needs them."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.failures import NeedsPerson, NotYet, Setback, TryLater
from certwright.resources.conditions import Reason
from certwright.solver.places import MOST_FAILURES
from certwright.solver.routes import route_name
from tests.solver.route_bench import FOUR, OTHER_FOUR, SIX, Bench, Killed

FIRST = [("apply", "Service"), ("apply", "EndpointSlice"), ("apply", "Ingress")]


@pytest.fixture
def bench() -> Bench:
    return Bench()


# Making


def test_the_first_route_of_a_namespace_brings_service_and_slice_and_later_ones_only_themselves(
    bench: Bench,
) -> None:
    assert bench.writes_by(bench.ensure) == FIRST
    assert bench.writes_by(lambda: bench.ensure("a2")) == [("apply", "Ingress")]
    assert bench.cluster.names() == sorted(
        [route_name("a1", 0), route_name("a2", 0), "certwright-solver", "certwright-solver-ipv4"]
    )
    assert bench.cluster.addresses("shop") == {"certwright-solver-ipv4": ["10.0.0.1"]}


def test_a_slice_is_made_for_each_family_that_solver_pods_have() -> None:
    bench = Bench(FOUR, SIX)
    assert bench.writes_by(bench.ensure).count(("apply", "EndpointSlice")) == 2
    assert bench.cluster.addresses("shop") == {
        "certwright-solver-ipv4": ["10.0.0.1"],
        "certwright-solver-ipv6": ["2001:db8::1"],
    }


def test_slices_belong_to_the_service_of_their_namespace(bench: Bench) -> None:
    bench.ensure()
    service = bench.cluster.get("Service", "shop", "certwright-solver")
    cut = bench.cluster.get("EndpointSlice", "shop", "certwright-solver-ipv4")
    assert service
    assert cut
    (owner,) = cut["metadata"]["ownerReferences"]
    assert owner["uid"] == service["metadata"]["uid"]
    assert "blockOwnerDeletion" not in owner


def test_a_route_that_stands_is_asked_for_without_any_request(bench: Bench) -> None:
    bench.ensure()
    assert bench.asked_by(bench.ensure) == []


def test_a_route_that_stands_is_looked_at_again_after_a_while_and_not_written(bench: Bench) -> None:
    bench.ensure()
    bench.later()
    asked = bench.asked_by(bench.ensure)
    assert {verb for verb, _ in asked} <= {"get", "list"}
    assert ("get", "Ingress") in asked


def test_a_route_follows_its_rows(bench: Bench) -> None:
    bench.ensure()
    assert bench.writes_by(lambda: bench.ensure(host="other.example.org")) == [("apply", "Ingress")]
    ingress = bench.cluster.get("Ingress", "shop", route_name("a1", 0))
    assert ingress
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["other.example.org"]


def test_without_a_solver_pod_nothing_is_made(bench: Bench) -> None:
    bench.cluster.pods = ()
    with pytest.raises(NotYet) as wait:
        bench.ensure()
    assert wait.value.reason == Reason.AWAITING_SOLVER.word
    assert bench.cluster.writes() == []
    bench.cluster.pods = (FOUR,)
    bench.ensure()
    assert len(bench.cluster.names()) == 3


def test_many_attempts_of_a_namespace_at_once_make_its_service_once(bench: Bench) -> None:
    two_at_once = threading.Barrier(2)

    def meanwhile(verb: str, kind: str, _: str) -> None:
        if (verb, kind) == ("apply", "Service"):
            with contextlib.suppress(threading.BrokenBarrierError):
                two_at_once.wait(0.2)

    bench.cluster.meanwhile = meanwhile
    threads = [threading.Thread(target=bench.ensure, args=(f"a{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(bench.cluster.writes()) == sorted(FIRST + [("apply", "Ingress")] * 7)


# Counting


def test_a_namespace_costs_two_writes_an_attempt_and_few_for_itself() -> None:
    """The whole life: 40 attempts in two families, one of the solver pods replaced meanwhile."""
    bench = Bench(FOUR, SIX)
    for n in range(40):
        bench.ensure(f"a{n}")
        bench.ensure(f"a{n}")
        if n == 20:
            bench.cluster.pods = (OTHER_FOUR, SIX)
            bench.http01.refresh()
        bench.later()
        bench.sweep()
        bench.ensure(f"a{n}")
        bench.remove(f"a{n}")
    bench.sweep()
    bench.sweep(minutes=10)
    bench.cluster.collect()
    writes = bench.cluster.writes("shop")
    assert writes.count(("apply", "Ingress")) == writes.count(("delete", "Ingress")) == 40
    assert [each for each in writes if each[1] != "Ingress"] == [
        ("apply", "Service"),
        ("apply", "EndpointSlice"),
        ("apply", "EndpointSlice"),
        ("apply", "EndpointSlice"),
        ("delete", "Service"),
    ]
    assert bench.cluster.names() == []


# Removing


def test_a_route_is_removed_without_being_looked_for(bench: Bench) -> None:
    bench.ensure()
    assert bench.asked_by(bench.remove) == [("delete", "Ingress")]
    assert bench.cluster.names("Ingress") == []


def test_an_attempt_that_never_had_a_route_asks_nothing_once_all_routes_are_known(bench: Bench) -> None:
    assert bench.asked_by(bench.remove) == [("get", "Ingress")]
    bench.sweep()
    assert bench.asked_by(bench.remove) == []


def test_a_route_is_removed_once(bench: Bench) -> None:
    bench.ensure()
    bench.sweep()
    bench.remove()
    assert bench.asked_by(bench.remove) == []


@pytest.mark.parametrize("swept", [False, True], ids=["before the first list", "after it"])
def test_a_route_of_an_earlier_process_is_found_and_removed(bench: Bench, swept: bool) -> None:  # noqa: FBT001
    bench.ensure()
    bench.restart()
    if swept:
        bench.sweep()
    bench.remove()
    assert bench.cluster.names("Ingress") == []


def test_removing_what_somebody_deleted_is_success(bench: Bench) -> None:
    bench.ensure()
    bench.cluster.vanish("Ingress", "shop", route_name("a1", 0))
    bench.remove()
    bench.restart()
    bench.remove()


def test_removing_leaves_a_foreign_ingress_of_that_name(bench: Bench) -> None:
    bench.cluster.put("Ingress", "shop", route_name("a1", 0), metadata={"labels": {"team": "shop"}})
    bench.remove()
    assert bench.cluster.names("Ingress") == [route_name("a1", 0)]
    assert bench.cluster.writes() == []


def test_a_route_whose_answer_was_lost_is_removed_all_the_same(bench: Bench) -> None:
    bench.sweep()
    bench.cluster.lose["Ingress"] = TryLater(Reason.API_SERVER_UNAVAILABLE.word, "no answer")
    with pytest.raises(TryLater):
        bench.ensure()
    bench.remove()
    assert bench.cluster.names("Ingress") == []


def test_a_change_whose_answer_was_lost_is_looked_at_before_anything_is_believed(bench: Bench) -> None:
    bench.ensure()
    bench.cluster.lose["Ingress"] = TryLater(Reason.API_SERVER_UNAVAILABLE.word, "no answer")
    with pytest.raises(TryLater):
        bench.ensure(host="next.example.org")
    bench.ensure()
    ingress = bench.cluster.get("Ingress", "shop", route_name("a1", 0))
    assert ingress
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["www.example.org"]


# After a restart


def test_after_a_restart_everything_is_read_and_nothing_is_written_twice() -> None:
    bench = Bench(FOUR, SIX)
    bench.ensure()
    bench.restart()
    assert bench.writes_by(bench.ensure) == []
    assert bench.writes_by(lambda: bench.ensure("a2")) == [("apply", "Ingress")]


def test_after_a_restart_only_what_differs_is_written(bench: Bench) -> None:
    bench.ensure()
    bench.cluster.pods = (OTHER_FOUR,)
    bench.restart()
    assert bench.writes_by(bench.ensure) == [("apply", "EndpointSlice")]
    assert bench.cluster.addresses("shop") == {"certwright-solver-ipv4": ["10.0.0.2"]}


def test_who_takes_the_lead_again_believes_nothing_that_it_remembers(bench: Bench) -> None:
    bench.ensure()
    bench.sweep()
    for kind, name in [("Ingress", route_name("a1", 0)), ("Service", "certwright-solver")]:
        bench.cluster.vanish(kind, "shop", name)
    bench.cluster.collect()
    bench.http01.begin()
    assert bench.writes_by(bench.ensure) == FIRST
    assert bench.asked_by(lambda: bench.remove("a9")) == [("get", "Ingress")]


KILLS = ["before:apply-route", "after:apply-route", "before:delete-route", "after:delete-route"]


@pytest.mark.parametrize("point", KILLS)
@pytest.mark.parametrize("nth", range(3))
def test_killed_at_any_write_the_next_process_ends_where_a_fault_free_one_does(point: str, nth: int) -> None:
    bench = Bench()
    bench.kill_at, bench.lives_left = point, nth

    def life() -> None:
        bench.ensure()
        bench.remove()
        bench.sweep()
        bench.sweep(minutes=10)

    try:
        life()
    except Killed:
        bench.kill_at = ""
        bench.restart()
        bench.cluster.collect()
        life()
    bench.cluster.collect()
    assert bench.cluster.names() == []
    writes = bench.cluster.writes()
    assert all(writes.count(each) <= 2 for each in set(writes))


def test_points_surround_every_write(bench: Bench) -> None:
    bench.ensure()
    bench.remove()
    bench.sweep()
    bench.sweep(minutes=10)
    assert (
        bench.points
        == ["before:apply-route", "after:apply-route"] * 3
        + [
            "before:delete-route",
            "after:delete-route",
        ]
        * 2
    )


# What others do


@pytest.mark.parametrize("kind", ["Service", "EndpointSlice", "Ingress"])
def test_what_somebody_deleted_is_healed(bench: Bench, kind: str) -> None:
    bench.ensure()
    (name,) = bench.cluster.names(kind)
    bench.cluster.vanish(kind, "shop", name)
    bench.cluster.collect()
    bench.later()
    bench.ensure()
    assert bench.cluster.names() == sorted(
        [route_name("a1", 0), "certwright-solver", "certwright-solver-ipv4"]
    )


def test_a_deleted_service_is_healed_also_for_the_next_attempt(bench: Bench) -> None:
    bench.ensure()
    bench.cluster.vanish("Service", "shop", "certwright-solver")
    bench.cluster.collect()
    bench.later()
    assert bench.writes_by(lambda: bench.ensure("a2")) == FIRST


def test_slices_of_a_deleted_service_are_waited_for_not_taken_over(bench: Bench) -> None:
    bench.ensure()
    bench.cluster.vanish("Service", "shop", "certwright-solver")
    bench.later()
    with pytest.raises(NotYet, match="belongs to a Service that was deleted") as wait:
        bench.ensure()
    assert wait.value.reason == Reason.AWAITING_REACHABILITY.word
    assert wait.value.look_again_in
    bench.cluster.collect()
    bench.ensure()
    assert bench.cluster.addresses("shop") == {"certwright-solver-ipv4": ["10.0.0.1"]}


def test_a_slice_that_somebody_edited_is_mended(bench: Bench) -> None:
    bench.ensure()
    bench.cluster._applied["EndpointSlice", "shop", "certwright-solver-ipv4"]["endpoints"] = []
    bench.cluster.put("EndpointSlice", "shop", "certwright-solver-ipv4")
    bench.later()
    assert bench.writes_by(bench.ensure) == [("apply", "EndpointSlice")]


def test_what_others_add_stays_and_costs_no_write(bench: Bench) -> None:
    bench.ensure()
    for kind, name in [("Service", "certwright-solver"), ("Ingress", route_name("a1", 0))]:
        bench.cluster.put(
            kind, "shop", name, metadata={"labels": {"mesh": "on"}}, status={"loadBalancer": {}}
        )
    bench.later()
    assert bench.writes_by(bench.ensure) == []


def test_a_webhook_that_changes_what_we_write_is_not_fought(bench: Bench) -> None:
    def webhook(content: Any) -> None:
        if content["kind"] == "Ingress":
            content["spec"]["ingressClassName"] = "other"

    bench.cluster.webhook = webhook
    bench.ensure()
    for _ in range(5):
        bench.later()
        assert bench.writes_by(bench.ensure) == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Service", "certwright-solver"),
        ("EndpointSlice", "certwright-solver-ipv4"),
        ("Ingress", route_name("a1", 0)),
    ],
)
def test_an_object_of_that_name_that_is_not_ours_is_never_touched(bench: Bench, kind: str, name: str) -> None:
    bench.cluster.put(kind, "shop", name, metadata={"labels": {"team": "shop"}}, spec={"theirs": True})
    before = bench.cluster.get(kind, "shop", name)
    with pytest.raises(NeedsPerson) as refused:
        bench.ensure()
    assert refused.value.reason == Reason.ROUTE_REFUSED.word
    assert f"{kind} shop/{name}" in refused.value.message
    assert f"kubectl delete {kind.lower()} --namespace shop {name}" in refused.value.message
    bench.remove()
    bench.sweep()
    bench.sweep(minutes=60)
    assert bench.cluster.get(kind, "shop", name) == before


def test_an_ingress_that_its_controller_still_holds_is_waited_for(bench: Bench) -> None:
    held = {"deletionTimestamp": "2026-11-24T12:00:00Z", "finalizers": ["networking.gke.io/x"]}
    bench.ensure()
    bench.cluster.put("Ingress", "shop", route_name("a1", 0), metadata=held)
    bench.restart()
    with pytest.raises(NotYet, match=r"held by networking\.gke\.io/x"):
        bench.ensure()
    assert bench.writes_by(bench.remove) == []


REFUSALS = [
    pytest.param(NeedsPerson(Reason.ROUTE_REFUSED.word, "denied by policy"), id="a policy"),
    pytest.param(TryLater(Reason.ROUTE_REFUSED.word, "exceeded quota"), id="a quota"),
]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("kind", ["Service", "EndpointSlice", "Ingress"])
def test_a_refusal_costs_one_write_and_is_got_over(bench: Bench, kind: str, refusal: Setback) -> None:
    bench.cluster.refuse[kind] = refusal
    with pytest.raises(type(refusal)) as raised:
        bench.ensure()
    assert raised.value is refusal
    assert bench.cluster.writes().count(("apply", kind)) == 1
    bench.cluster.refuse.clear()
    bench.ensure()
    bench.remove()
    assert bench.cluster.writes().count(("apply", "Service")) <= 2
    assert bench.cluster.names("Ingress") == []


# Keeping in step


def test_slices_follow_the_solver_pods_with_one_write_each() -> None:
    bench = Bench(FOUR, SIX)
    bench.ensure()
    bench.ensure("b1", "blog")
    bench.cluster.pods = (FOUR, OTHER_FOUR, SIX)
    assert bench.writes_by(bench.http01.refresh) == [("apply", "EndpointSlice")] * 2
    for namespace in ("shop", "blog"):
        assert bench.cluster.addresses(namespace)["certwright-solver-ipv4"] == ["10.0.0.1", "10.0.0.2"]
    assert bench.asked_by(bench.http01.refresh) == [("list", "Responder")]


def test_nothing_is_asked_while_there_are_no_routes(bench: Bench) -> None:
    assert bench.asked_by(bench.http01.refresh) == []
    bench.ensure()
    bench.remove()
    bench.cluster.pods = (OTHER_FOUR,)
    assert bench.asked_by(bench.http01.refresh) == []


def test_a_new_route_does_not_trust_slices_that_were_not_kept_in_step(bench: Bench) -> None:
    bench.ensure()
    bench.remove()
    bench.cluster.pods = (OTHER_FOUR,)
    bench.later()
    assert bench.writes_by(lambda: bench.ensure("a2")) == [("apply", "EndpointSlice"), ("apply", "Ingress")]


def test_a_family_that_no_solver_pod_has_any_more_is_emptied_also_after_a_restart() -> None:
    for restarted in (False, True):
        bench = Bench(FOUR, SIX)
        bench.ensure()
        bench.cluster.pods = (FOUR,)
        if restarted:
            bench.restart()
            bench.ensure()
        else:
            bench.http01.refresh()
        assert bench.cluster.addresses("shop") == {
            "certwright-solver-ipv4": ["10.0.0.1"],
            "certwright-solver-ipv6": [],
        }


def test_without_solver_pods_slices_are_emptied_and_filled_again(bench: Bench) -> None:
    bench.ensure()
    bench.cluster.pods = ()
    assert bench.writes_by(bench.http01.refresh) == [("apply", "EndpointSlice")]
    assert bench.cluster.addresses("shop") == {"certwright-solver-ipv4": []}
    bench.cluster.pods = (FOUR,)
    assert bench.writes_by(bench.http01.refresh) == [("apply", "EndpointSlice")]


def test_routes_of_an_earlier_process_are_kept_in_step_once_they_are_listed(bench: Bench) -> None:
    """An upgrade restarts operator and solver pods together, while a CA may be looking."""
    bench.ensure()
    bench.restart()
    bench.cluster.pods = (OTHER_FOUR,)
    bench.sweep()
    assert bench.writes_by(bench.http01.refresh) == [("apply", "EndpointSlice")]
    assert bench.cluster.addresses("shop") == {"certwright-solver-ipv4": ["10.0.0.2"]}


def test_a_namespace_that_refuses_holds_up_no_other_and_is_not_asked_again_soon(bench: Bench) -> None:
    bench.ensure()
    bench.ensure("b1", "blog")
    bench.cluster.pods = (OTHER_FOUR,)
    bench.cluster.put("Service", "shop", "certwright-solver", metadata={"labels": {}})
    applied = bench.cluster._applied["Service", "shop", "certwright-solver"]
    applied["metadata"]["labels"] = {}
    bench.cluster.put("Service", "shop", "certwright-solver")
    bench.later()
    with pytest.raises(NeedsPerson, match="Service shop/certwright-solver"):
        bench.http01.refresh()
    assert bench.cluster.addresses("blog") == {"certwright-solver-ipv4": ["10.0.0.2"]}
    assert bench.asked_by(bench.http01.refresh) == [("list", "Responder")]
    bench.later(timedelta(minutes=6))
    with pytest.raises(NeedsPerson):
        bench.http01.refresh()


@pytest.mark.parametrize(
    ("reason", "most"), [(Reason.NOT_LEADING, 1), (Reason.API_SERVER_UNAVAILABLE, MOST_FAILURES)]
)
def test_what_meets_every_namespace_ends_the_round(bench: Bench, reason: Reason, most: int) -> None:
    for n in range(20):
        bench.ensure(f"a{n}", f"n{n}")
    bench.cluster.pods = (OTHER_FOUR,)
    bench.cluster.refuse["*"] = NotYet(reason.word, "not now")
    with pytest.raises(NotYet):
        bench.http01.refresh()
    assert len(bench.cluster.writes()) == 60 + most
    bench.cluster.refuse.clear()
    bench.later(timedelta(seconds=30))
    bench.http01.refresh()
    assert bench.cluster.addresses("n19") == {"certwright-solver-ipv4": ["10.0.0.2"]}


# Sweeping


def test_a_sweep_lists_each_kind_once_and_removes_routes_of_attempts_that_are_gone(bench: Bench) -> None:
    for owner, namespace in [("a1", "shop"), ("a2", "shop"), ("b1", "blog")]:
        bench.ensure(owner, namespace)
    bench.restart()
    bench.living = {"a2"}
    assert bench.asked_by(bench.sweep) == [
        ("list", "Ingress"),
        ("list", "Service"),
        ("delete", "Ingress"),
        ("delete", "Ingress"),
    ]
    assert bench.cluster.names("Ingress") == [route_name("a2", 0)]


def test_a_service_goes_when_no_route_has_used_it_for_the_linger(bench: Bench) -> None:
    bench.ensure()
    bench.remove()
    for minutes, left in [(0, 2), (9.9, 2), (10, 0)]:
        bench.sweep(minutes)
        bench.cluster.collect()
        assert len(bench.cluster.names()) == left


def test_a_route_in_between_begins_the_linger_anew(bench: Bench) -> None:
    bench.ensure()
    bench.remove()
    bench.sweep()
    bench.later()
    bench.ensure("a2")
    bench.sweep(minutes=5)
    bench.remove("a2")
    bench.later()
    bench.sweep(minutes=6)
    bench.sweep(minutes=15)
    assert bench.cluster.names("Service") == ["certwright-solver"]
    bench.sweep(minutes=16)
    assert bench.cluster.names("Service") == []


def test_after_a_restart_the_linger_counts_from_the_first_sweep(bench: Bench) -> None:
    bench.ensure()
    bench.remove()
    bench.sweep()
    bench.restart()
    bench.sweep(minutes=15)
    assert bench.cluster.names("Service") == ["certwright-solver"]
    bench.sweep(minutes=25)
    assert bench.cluster.names("Service") == []


def test_a_namespace_whose_service_went_gets_a_new_one(bench: Bench) -> None:
    bench.ensure()
    bench.remove()
    bench.sweep()
    bench.sweep(minutes=10)
    bench.cluster.collect()
    assert bench.writes_by(lambda: bench.ensure("a2")) == FIRST


def test_a_service_in_use_never_goes(bench: Bench) -> None:
    bench.ensure()
    for minutes in range(0, 60, 5):
        bench.later()
        bench.sweep(minutes)
    assert bench.cluster.names("Service") == ["certwright-solver"]


def test_a_route_that_was_deleted_by_hand_does_not_keep_the_service_for_ever(bench: Bench) -> None:
    bench.ensure()
    bench.cluster.vanish("Ingress", "shop", route_name("a1", 0))
    bench.later()
    bench.sweep()
    bench.sweep(minutes=10)
    assert bench.cluster.names("Service") == []


def test_it_is_told_whether_something_may_have_to_go(bench: Bench) -> None:
    assert bench.http01.unsettled
    bench.sweep()
    assert not bench.http01.unsettled
    bench.ensure()
    assert bench.http01.unsettled
    bench.remove()
    assert bench.http01.unsettled
    bench.restart()
    bench.sweep()
    assert bench.http01.unsettled
    bench.sweep(minutes=10)
    assert not bench.http01.unsettled


def test_the_service_of_an_earlier_process_may_have_to_go_also_when_its_last_route_went_by_name(
    bench: Bench,
) -> None:
    bench.ensure()
    bench.restart()
    bench.sweep()
    bench.remove()
    assert bench.http01.unsettled
    bench.sweep()
    bench.sweep(minutes=10)
    assert not bench.http01.unsettled
    assert bench.cluster.names("Service") == []


def test_nothing_has_to_go_where_somebody_deleted_everything(bench: Bench) -> None:
    bench.ensure()
    bench.remove()
    bench.cluster.vanish("Service", "shop", "certwright-solver")
    bench.later()
    bench.sweep()
    assert not bench.http01.unsettled


FOREIGN = [
    pytest.param("certwright-solver", {}, "Service", id="a Service without our label"),
    pytest.param("web", {"certwright.dev/solver": "http-01"}, "Service", id="a Service of another name"),
    pytest.param(route_name("gone", 0), {"certwright.dev/attempt": "gone"}, "Ingress", id="no label of ours"),
    pytest.param(
        "web",
        {"certwright.dev/solver": "http-01", "certwright.dev/attempt": "gone"},
        "Ingress",
        id="a copy of a route under another name",
    ),
    pytest.param(route_name("x", 0), {"certwright.dev/solver": "http-01"}, "Ingress", id="nobody's route"),
]


@pytest.mark.parametrize(("name", "labels", "kind"), FOREIGN)
def test_a_sweep_leaves_what_is_not_surely_ours(bench: Bench, name: str, labels: Any, kind: str) -> None:
    bench.cluster.selects = False
    bench.cluster.put(kind, "shop", name, metadata={"labels": labels})
    bench.sweep()
    bench.sweep(minutes=60)
    assert bench.cluster.names() == [name]


def test_a_sweep_does_not_judge_what_was_made_after_it_looked(bench: Bench) -> None:
    """An attempt was closed and opened again while the list was on its way."""
    bench.ensure()

    def meanwhile(verb: str, kind: str, _: str) -> None:
        if (verb, kind) == ("list", "Service"):
            bench.later()
            bench.ensure(host="next.example.org")
            bench.living.clear()

    bench.cluster.meanwhile = meanwhile
    bench.sweep()
    assert bench.cluster.names("Ingress") == [route_name("a1", 0)]


def test_a_service_stays_for_a_route_that_is_being_made(bench: Bench) -> None:
    bench.ensure()
    bench.remove()
    bench.sweep()

    def meanwhile(verb: str, kind: str, _: str) -> None:
        if (verb, kind) == ("get", "Ingress"):
            bench.sweep(minutes=20)

    bench.cluster.meanwhile = meanwhile
    bench.ensure("a2")
    assert bench.cluster.names("Service") == ["certwright-solver"]


def test_a_service_stays_for_a_route_that_was_made_while_others_were_removed(bench: Bench) -> None:
    for owner, namespace in [("a1", "blog"), ("b1", "shop")]:
        bench.ensure(owner, namespace)
        bench.remove(owner, namespace)
    bench.sweep()

    def meanwhile(verb: str, _: str, namespace: str) -> None:
        if (verb, namespace) == ("delete", "blog"):
            bench.ensure("b2", "shop")

    bench.cluster.meanwhile = meanwhile
    bench.sweep(minutes=20)
    assert bench.cluster.names("Service", "blog") == []
    assert bench.cluster.names("Service", "shop") == ["certwright-solver"]


def test_one_namespace_that_refuses_a_deletion_does_not_end_the_sweep(bench: Bench) -> None:
    for owner, namespace in [("a1", "blog"), ("b1", "shop")]:
        bench.ensure(owner, namespace)
    bench.living.clear()

    def meanwhile(verb: str, _: str, namespace: str) -> None:
        if (verb, namespace) == ("delete", "blog"):
            raise NeedsPerson(Reason.FORBIDDEN.word, "denied in blog")

    bench.cluster.meanwhile = meanwhile
    bench.later()
    with pytest.raises(NeedsPerson, match="denied in blog"):
        bench.sweep()
    assert bench.cluster.names("Ingress", "shop") == []
    bench.cluster.meanwhile = lambda *_: None
    bench.sweep()
    assert bench.cluster.names("Ingress") == []


def places(bench: Bench) -> list[str]:
    return [name for name, _ in bench.http01._places.items()]


def test_namespaces_without_anything_of_ours_are_forgotten(bench: Bench) -> None:
    for n in range(20):
        bench.ensure(f"a{n}", f"team-{n}")
        bench.remove(f"a{n}", f"team-{n}")
        bench.remove(f"b{n}", f"other-{n}")
    assert len(places(bench)) == 20, "their Services linger"
    bench.later()
    bench.sweep()
    bench.sweep(minutes=10)
    assert bench.cluster.names("Service") == []
    assert places(bench) == []
    assert not bench.http01.unsettled


def test_a_namespace_that_somebody_deleted_is_forgotten(bench: Bench) -> None:
    bench.ensure()
    for kind in ("Ingress", "EndpointSlice", "Service"):
        for name in bench.cluster.names(kind, "shop"):
            bench.cluster.vanish(kind, "shop", name)
    bench.later()
    bench.sweep()
    assert places(bench) == []


@pytest.mark.parametrize("kind", ["Service", "EndpointSlice", "Ingress"])
def test_a_namespace_that_refuses_is_forgotten_once_nobody_asks_for_routes(bench: Bench, kind: str) -> None:
    bench.cluster.refuse[kind] = NeedsPerson(Reason.ROUTE_REFUSED.word, "denied by policy")
    with pytest.raises(NeedsPerson):
        bench.ensure()
    bench.remove()
    bench.cluster.refuse.clear()
    bench.later()
    bench.sweep()
    bench.sweep(minutes=10)
    assert places(bench) == []
    assert bench.cluster.names("Ingress") == []


# Whatever happens

steps = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "ensure",
                "remove",
                "restart",
                "begin",
                "refresh",
                "sweep",
                "pods",
                "vanish",
                "later",
                "lose",
                "collect",
                "role",
                "closed",
            ]
        ),
        st.sampled_from(["a1", "a2", "a3"]),
        st.sampled_from(["Service", "EndpointSlice", "Ingress"]),
    ),
    max_size=25,
)


def happen(bench: Bench, step: str, owner: str, kind: str, minutes: int) -> None:
    match step:
        case "ensure":
            bench.ensure(owner)
        case "remove":
            bench.remove(owner)
        case "sweep":
            bench.sweep(minutes)
        case "pods":
            bench.cluster.pods = (OTHER_FOUR, SIX)
        case "vanish":
            for name in bench.cluster.names(kind):
                bench.cluster.vanish(kind, "shop", name)
        case "closed":
            bench.cluster.closed ^= {(kind, "shop")}
        case "role":
            bench.role = bench.cluster.new_role() if owner != "a3" else None
        case "lose":
            bench.cluster.lose[kind] = TryLater(Reason.API_SERVER_UNAVAILABLE.word, "no answer")
        case _:
            others = [
                bench.restart,
                bench.http01.begin,
                bench.http01.refresh,
                bench.later,
                bench.cluster.collect,
            ]
            {work.__name__: work for work in others}[step]()


@given(steps)
def test_whatever_happens_living_routes_can_be_had_and_dead_ones_go(
    story: list[tuple[str, str, str]],
) -> None:
    bench = Bench(FOUR)
    for minutes, (step, owner, kind) in enumerate(story):
        with contextlib.suppress(Setback):
            happen(bench, step, owner, kind, minutes)
    bench.cluster.lose.clear()
    bench.cluster.closed.clear()
    bench.cluster.collect()
    for _ in range(2):
        bench.later()
        for owner in sorted(bench.living):
            bench.ensure(owner)
        bench.http01.refresh()
    bench.cluster.collect()
    assert {route_name(owner, 0) for owner in bench.living} <= set(bench.cluster.names("Ingress"))
    if bench.living:
        shown = {address for each in bench.cluster.addresses("shop").values() for address in each}
        assert shown == {each.address for each in bench.cluster.pods}
    for owner in sorted(bench.living):
        bench.remove(owner)
    bench.later()
    bench.sweep(100)
    bench.sweep(110)
    bench.cluster.collect()
    assert bench.cluster.names() == []
    bench.later()
    bench.sweep(120)
    assert places(bench) == []
