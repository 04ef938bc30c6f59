"""A namespace that shows nothing for a while is not an empty one: nothing is concluded, and it is looked at again."""

from __future__ import annotations

import pytest

from certwright.solver.routes import route_name
from tests.solver.route_bench import Bench

INGRESS = route_name("a1", 0)
CLOSED = pytest.mark.parametrize("kind", ["Ingress", "Service", "*"])


@pytest.fixture
def bench() -> Bench:
    """Where an earlier process left a route, and this one has not looked yet."""
    bench = Bench()
    bench.ensure()
    bench.ensure("b1", "blog")
    bench.restart()
    return bench


@CLOSED
def test_a_route_of_an_earlier_process_is_found_when_its_namespace_opens(bench: Bench, kind: str) -> None:
    bench.cluster.closed.add((kind, "shop"))
    bench.living.clear()
    bench.sweep()
    assert bench.cluster.names("Ingress", "blog") == []
    assert bench.http01.unsettled, "it is looked at again soon"
    bench.cluster.closed.clear()
    bench.later()
    bench.sweep(minutes=20)
    assert bench.cluster.names("Ingress") == []
    assert bench.cluster.names("Service", "shop"), "its time begins now"


@CLOSED
def test_a_route_that_was_not_shown_is_removed_by_its_name(bench: Bench, kind: str) -> None:
    bench.cluster.closed.add((kind, "shop"))
    bench.sweep()
    bench.remove()
    assert bench.cluster.names("Ingress", "shop") == []
    assert bench.asked_by(lambda: bench.remove("other", "blog")) == [], "elsewhere all is known"


@CLOSED
def test_what_is_known_of_a_closed_namespace_is_not_forgotten(bench: Bench, kind: str) -> None:
    bench.ensure()
    bench.cluster.closed.add((kind, "shop"))
    bench.later()
    for minutes in (0, 10, 20):
        bench.sweep(minutes)
    assert bench.cluster.names("Service", "shop") == ["certwright-solver"]
    assert bench.asked_by(bench.remove) == [("delete", "Ingress")], "its UID is still known"


@CLOSED
def test_an_idle_service_goes_when_its_namespace_opens_and_its_time_counts_on(
    bench: Bench, kind: str
) -> None:
    bench.remove()
    bench.remove("b1", "blog")
    bench.sweep()
    bench.cluster.closed.add((kind, "shop"))
    for minutes in (5, 10, 15):
        bench.sweep(minutes)
    assert bench.cluster.names("Service", "blog") == []
    assert bench.cluster.names("Service", "shop") == ["certwright-solver"]
    bench.cluster.closed.clear()
    bench.sweep(minutes=16)
    assert bench.cluster.names("Service") == []
    assert not bench.http01.unsettled


def test_a_namespace_that_stays_closed_is_looked_at_as_long_as_it_is(bench: Bench) -> None:
    bench.cluster.closed.add(("*", "gone"))
    for owner, namespace in (("a1", "shop"), ("b1", "blog")):
        bench.remove(owner, namespace)
    bench.sweep()
    bench.sweep(minutes=10)
    assert bench.http01.unsettled
    bench.cluster.closed.clear()
    bench.sweep(minutes=11)
    assert not bench.http01.unsettled
