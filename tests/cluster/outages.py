"""A server is gone for a while: what was begun goes on soon after its return, and nothing is ordered twice."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.cluster.faulty_bench import GOES_ON, WAYS, WORK, Gate
from tests.kit.faults import DropAnswer, acme
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.cluster.faulty_bench import FaultyBench, FaultyTenant


def an_outage_of_the_api_server(seconds: float, tenant: FaultyTenant, faulty: FaultyBench) -> None:
    """Idle, just applied, applied meanwhile, and with each step just done at the CA when the outage begins."""
    mark = faulty.bench.pebble.mark()
    idle = tenant.of_each_way("idle")
    tenant.seconds_until_done(*idle)
    gates, names = [], []
    for point in ("finalize", "challenge", "new-order"):
        gates.append(Gate(faulty.ca, acme(point), times=len(idle)))
        names += tenant.of_each_way(f"at-{point}")
        gates[-1].await_held()
    names += tenant.of_each_way("just-applied")
    faulty.api.down()
    for gate in gates:
        gate.open()
    names += tenant.of_each_way("meanwhile")
    faulty.stay_alive(seconds)
    mark_of_return, returned = faulty.ca.mark(), time.monotonic()
    faulty.api.up()
    tenant.seconds_until_done(*names, timeout=GOES_ON + WORK)
    assert_soon_ordered(faulty, mark_of_return, returned)
    tenant.assert_done(mark, len(idle) + len(names))


def an_outage_of_the_ca(seconds: float, tenant: FaultyTenant, faulty: FaultyBench) -> None:
    """Idle, applied meanwhile, and at each step of an order; the answers to what was just asked are lost."""
    mark = faulty.bench.pebble.mark()
    idle = tenant.of_each_way("idle")
    tenant.seconds_until_done(*idle)
    names = []
    for point in ("certificate", "finalize", "challenge", "authorization"):
        lost = faulty.ca.rule(acme(point), DropAnswer(silent=True), times=len(idle))
        names += tenant.of_each_way(f"at-{point}")
        eventually(lambda lost=lost: lost.hits == len(idle), f"both to be at {point}", 25)  # type: ignore[misc]
    faulty.ca.down()
    names += tenant.of_each_way("meanwhile")
    faulty.stay_alive(seconds)
    for name in idle:
        assert tenant.condition("certificate", name, "Ready")["status"] == "True"
    mark_of_return, returned = faulty.ca.mark(), time.monotonic()
    faulty.ca.up()
    tenant.seconds_until_done(*names, timeout=GOES_ON + WORK)
    assert_soon_ordered(faulty, mark_of_return, returned)
    tenant.assert_done(mark, len(idle) + len(names))


def assert_soon_ordered(faulty: FaultyBench, since: int, returned: float) -> None:
    """What was applied during the outage, one Certificate for each way of proving, did not wait for long."""
    waited = [each.at - returned for each in faulty.ca.matching(acme("new-order"), since)]
    print(f"ordered after {[round(each, 1) for each in waited]} s")
    assert len(waited) >= len(WAYS)
    assert max(waited) <= GOES_ON
