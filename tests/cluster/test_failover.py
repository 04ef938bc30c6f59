"""Replicas take over from each other, whatever becomes of the leader: each certificate is issued once."""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections import Counter
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.cluster.replicas import (
    WAYS,
    TwoWays,
    assert_finalized_once,
    gauge,
    leads,
    name_of,
    request_of,
    site,
)
from tests.cluster.strikes import COLLECTIONS, End, Strikes
from tests.kit.chronicle import Chronicle
from tests.kit.fault_proxy import FaultProxy
from tests.kit.faults import Delay, acme
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cluster.replicas import Site

pytestmark = pytest.mark.cluster

#: Seconds from the end of a leader to the first effect of its successor.
AFTER_CRASH, AFTER_SIGTERM = 15.0, 5.0
#: Of five ends: a crash costs ten seconds, so most are friendlier.
MIXED = (End.CRASH, End.RESTART, *[End.LEAVE] * 3)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("failover")) as home:
        yield home


@pytest.fixture
def chronicle(home: Site) -> Iterator[Chronicle]:
    with Chronicle.start(home.bench.control_plane, COLLECTIONS) as chronicle:
        yield chronicle


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def test_ten_failovers_cost_twenty_certificates_nothing_but_time(
    home: Site, chronicle: Chronicle, tell: Callable[[str], None]
) -> None:
    fail_over(home, chronicle, tell, 10)


@pytest.mark.long
def test_fifty_failovers_cost_a_hundred_certificates_nothing_but_time(
    home: Site, chronicle: Chronicle, tell: Callable[[str], None]
) -> None:
    fail_over(home, chronicle, tell, 50)


def fail_over(home: Site, chronicle: Chronicle, tell: Callable[[str], None], times: int) -> None:
    """So many failovers in an order that is always the same, under a load of twice as many certificates."""
    bench, dice = home.bench, random.Random(100)
    ends = random.Random(50).sample(MIXED * (times // len(MIXED)), times)
    tenants = [TwoWays(bench) for _ in range(4)]
    since, began = bench.pebble.mark(), time.monotonic()
    with home.replicas(*(f"{times}-{each}" for each in "abc")) as replicas:
        strikes = Strikes(replicas, chronicle, bench.pebble)
        for number, end in enumerate(ends):
            tenant = tenants[number % len(tenants)]
            before, meanwhile = (
                tenant.certificate(f"{way}-{number}", issuer=way) for way in turned(WAYS, number)
            )
            replicas.await_successor(replicas.leader())
            tenant.apply(before)
            pause(dice.uniform(0.2, 2.0))
            ended = strikes.strike(end, partial(tenant.apply, meanwhile))
            if not ended.process.running:
                ended.begin(wait=False)
        for tenant in tenants:
            names = [each["metadata"]["name"] for each in tenant.all_certificates()]
            tenant.await_ready(*names, timeout=120)
            tenant.assert_nothing_left()
        took = time.monotonic() - began
        replicas.await_ready(*replicas.operators)  # one that starts dies of SIGTERM
    seen = bench.pebble.requests(since)
    struck = strikes.open_attempts
    tell(
        f"{strikes.table()}\n{took:.0f} s in all; attempts under way at a strike: {statistics.mean(struck):.1f}, "
        f"none at {struck.count(0)}; orders {len(seen.orders)}, finalizes {len(seen.finalized)}"
    )
    assert len(struck) == times
    assert_finalized_once(bench, since, 2 * times, lost_orders=times)
    for tenant in tenants:
        tenant.assert_each_written_once()
    assert struck.count(0) < times / 4, "most leaders were to be struck in the middle of work"
    assert max(effect for _, effect in strikes.took[End.CRASH]) < AFTER_CRASH
    assert max(effect for _, effect in strikes.took[End.RESTART]) < AFTER_CRASH
    assert max(effect for _, effect in strikes.took[End.LEAVE]) < AFTER_SIGTERM


def turned(ways: tuple[str, ...], number: int) -> tuple[str, ...]:
    """Each is first in turn."""
    first = number % len(ways)
    return ways[first:] + ways[:first]


def test_a_standby_is_ready_and_writes_nothing_until_its_leader_is_gone(
    home: Site, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    bench = home.bench
    names = ("idle-a", "idle-b")
    plane = bench.control_plane
    with ExitStack() as stack:
        ways = {
            name: stack.enter_context(FaultProxy.start(tmp_path / name, plane.url, plane.ca_file))
            for name in names
        }
        replicas = stack.enter_context(home.replicas(*names, through=ways))
        leader = replicas.leader()
        (standby,) = replicas.others(leader)
        tenant = TwoWays(bench)
        tenant.apply(*(tenant.certificate(way, issuer=way) for way in WAYS))
        tenant.await_ready(*WAYS)
        tenant.assert_nothing_left()
        asked = Counter(request_of(each) for each in ways[name_of(standby)].seen if not each.asked.is_watch)
        tell("\n".join(f"standby: {count:4} {verb} {what}" for (verb, what), count in sorted(asked.items())))
        assert {verb for verb, _ in asked} <= {"get", "list"}, "it began nothing while it led nobody"
        marks = {name: way.mark() for name, way in ways.items()}
        pause(10)
        for name, way in ways.items():
            idle = Counter(request_of(each) for each in way.seen[marks[name] :] if not each.asked.is_watch)
            verb = "update" if name == name_of(leader) else "get"
            assert set(idle) == {(verb, "leases")}
            assert 10 / 1.5 - 2 < idle[verb, "leases"] < 10 / 1.2 + 2
        assert [gauge(each, "certwright_leader") for each in (leader, standby)] == [1, 0]
        assert leader.ready()
        assert standby.ready()
        leader.kill()
        began = time.monotonic()
        tenant.apply(*(tenant.certificate(f"late-{way}", issuer=way) for way in WAYS))
        tenant.await_ready(*(f"late-{way}" for way in WAYS))
        tell(f"the standby had two new certificates ready {time.monotonic() - began:.1f} s after the crash")
        assert leads(standby)


def test_a_leader_that_is_asked_to_go_does_not_keep_its_successor_waiting_for_a_slow_ca(
    home: Site, chronicle: Chronicle, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    pebble, since = home.bench.pebble, home.bench.pebble.mark()
    with (
        FaultProxy.start(tmp_path, pebble.directory_url, pebble.ca_file) as ca,
        home.replicas("slow-a", "slow-b") as replicas,
    ):
        replicas.leader()
        tenant = TwoWays(home.bench)
        tenant.apply(tenant.issuer_through(ca, "slow", WAYS[0]))
        tenant.await_ready("slow", kind="issuer")
        ca.rule(acme("new-order"), Delay(20, 20), times=1)
        tenant.apply(tenant.certificate("web", issuer="slow"))
        eventually(lambda: ca.matching(acme("new-order")), "the order to be asked for", 30)
        strikes = Strikes(replicas, chronicle, pebble)
        strikes.strike(End.LEAVE)
        tell(strikes.table())
        tenant.await_ready("web")
        tenant.assert_nothing_left()
    assert strikes.took[End.LEAVE][0][1] < AFTER_SIGTERM
    assert_finalized_once(home.bench, since, 1, lost_orders=1)
