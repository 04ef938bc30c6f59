"""Whose the routes are: the role's, so that they vanish with it, and come back with the next one."""

from __future__ import annotations

from typing import Any

import pytest

from certwright.solver.routes import owned, route_name, shows
from tests.solver.route_bench import FOUR, OTHER_FOUR, SIX, Bench

INGRESS = route_name("a1", 0)
OWNED = [("Ingress", INGRESS), ("Service", "certwright-solver")]
SOMEBODY = {"apiVersion": "example.org/v1", "kind": "App", "name": "shop", "uid": "app-1"}


@pytest.fixture
def bench() -> Bench:
    bench = Bench(FOUR, SIX)
    bench.role = bench.cluster.new_role()
    return bench


def owners(bench: Bench, kind: str, name: str) -> list[str]:
    live = bench.cluster.get(kind, "shop", name)
    assert live
    return [each["uid"] for each in live["metadata"].get("ownerReferences", [])]


def test_ingress_and_service_are_the_roles_and_nobodys_deletion_waits_for_them(bench: Bench) -> None:
    bench.ensure()
    for kind, name in OWNED:
        live = bench.cluster.get(kind, "shop", name)
        assert live
        (owner,) = live["metadata"]["ownerReferences"]
        assert owner["uid"] == bench.role
        assert not {"blockOwnerDeletion", "controller"} & owner.keys()


def test_with_the_role_everything_goes_that_is_ours(bench: Bench) -> None:
    for owner, namespace in [("a1", "shop"), ("a2", "shop"), ("b1", "blog")]:
        bench.ensure(owner, namespace)
    bench.cluster.collect()
    assert len(bench.cluster.names()) == 9
    bench.cluster.new_role()
    bench.cluster.collect()
    assert bench.cluster.names() == []


def test_what_was_collected_with_the_old_role_is_made_again_for_the_new_one(bench: Bench) -> None:
    bench.ensure()
    bench.role = bench.cluster.new_role()
    bench.cluster.collect()
    bench.later()
    bench.ensure()
    bench.cluster.collect()
    assert owners(bench, "Ingress", INGRESS) == [bench.role]
    assert bench.cluster.addresses("shop").keys() == {"certwright-solver-ipv4", "certwright-solver-ipv6"}


def test_what_was_not_collected_yet_is_given_to_the_new_role(bench: Bench) -> None:
    bench.ensure()
    bench.role = bench.cluster.new_role()
    bench.later()
    bench.ensure()
    bench.cluster.collect()
    assert [owners(bench, *each) for each in OWNED] == [[bench.role], [bench.role]]


def test_what_was_made_for_a_role_that_was_gone_already_is_made_again_in_the_end(bench: Bench) -> None:
    bench.cluster.new_role()
    for _ in range(3):
        bench.ensure()
        bench.cluster.collect()
        bench.later()
    assert bench.cluster.names() == []
    bench.role = bench.cluster.role
    bench.ensure()
    bench.cluster.collect()
    assert INGRESS in bench.cluster.names()


def test_what_was_made_by_another_version_gets_its_owner_by_one_write_each(bench: Bench) -> None:
    role, bench.role = bench.role, None
    bench.ensure()
    assert owners(bench, "Ingress", INGRESS) == []
    bench.role = role
    bench.later()
    assert sorted(bench.writes_by(bench.ensure)) == [("apply", "Ingress"), ("apply", "Service")]
    assert [owners(bench, *each) for each in OWNED] == [[role], [role]]
    bench.later()
    assert bench.writes_by(bench.ensure) == []


def test_a_role_that_cannot_be_read_for_a_while_changes_nothing(bench: Bench) -> None:
    bench.ensure()
    before, bench.role = bench.role, None
    bench.later()
    assert bench.writes_by(bench.ensure) == []
    assert owners(bench, "Ingress", INGRESS) == [before]


def test_without_an_owner_routes_stand_all_the_same(bench: Bench) -> None:
    bench.role = None
    bench.ensure()
    bench.cluster.collect()
    assert [owners(bench, *each) for each in OWNED] == [[], []]


@pytest.mark.parametrize("role", [True, False])
def test_owners_that_others_name_stay_and_are_no_reason_to_write_or_to_wait(bench: Bench, role: bool) -> None:  # noqa: FBT001
    if not role:
        bench.role = None
    bench.ensure()
    for kind, name in OWNED:
        bench.cluster.put(kind, "shop", name, metadata={"ownerReferences": [SOMEBODY]})
    bench.restart()
    assert bench.writes_by(bench.ensure) == []
    bench.later()
    bench.ensure(host="other.example.org")
    expected = {"app-1", bench.role} if role else {"app-1"}
    assert [set(owners(bench, *each)) for each in OWNED] == [expected, expected]


def test_slices_of_a_service_that_goes_with_its_role_are_waited_for(bench: Bench) -> None:
    """As where somebody deletes the Service: they go a moment later, and come back with the next look."""
    bench.ensure()
    bench.role = bench.cluster.new_role()
    bench.cluster.vanish("Service", "shop", "certwright-solver")
    bench.cluster.vanish("Ingress", "shop", INGRESS)
    bench.cluster.pods = (OTHER_FOUR, SIX)
    bench.cluster.collect()
    bench.later()
    bench.ensure()
    assert bench.cluster.addresses("shop")["certwright-solver-ipv4"] == ["10.0.0.2"]


def test_an_owner_changes_no_manifest_that_others_hold() -> None:
    manifest: dict[str, Any] = {"kind": "Service", "metadata": {"name": "x"}}
    assert owned(manifest, None) is manifest
    assert owned(manifest, SOMEBODY)["metadata"] == {"name": "x", "ownerReferences": [SOMEBODY]}
    assert manifest == {"kind": "Service", "metadata": {"name": "x"}}


MINE = SOMEBODY | {"uid": "role-1"}


@pytest.mark.parametrize(
    ("live", "same"),
    [
        (None, False),
        ([], False),
        ([SOMEBODY], False),
        ([MINE], True),
        ([SOMEBODY, MINE | {"controller": False}], True),
        ([MINE | {"uid": "role-2"}], False),
    ],
)
def test_an_owner_is_there_or_not_whoever_else_is(live: Any, same: bool) -> None:  # noqa: FBT001
    assert shows({"ownerReferences": live}, {"ownerReferences": [MINE]}) is same
