"""A leader that was stopped in the middle of its work, and wakes when another has done it, does nothing any more."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from certwright.resources.attempt import attempt_name
from tests.cluster.faulty_bench import Gate
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
from tests.kit.fault_proxy import FaultProxy
from tests.kit.faults import acme, kube
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cluster.replicas import Replicas, Site
    from tests.kit.faults import Asked, Matcher

pytestmark = pytest.mark.cluster

#: Seconds; six times what a Lease lasts.
LONG = 60.0
#: Seconds until a successor has done everything.
PATIENCE = 60.0
#: Certificates whose turns are stopped at one place each: what was asked last, of whom, and how the name is proven.
#: What such a turn would do next, were it free to, is what each is named by.
PLACES = {
    "new-account": ("CA", "dns-01"),
    "create-attempt": ("cluster", "dns-01"),
    "note-order": ("CA", "dns-01"),
    "publish": ("cluster", "dns-01"),
    "apply-route": ("cluster", "http-01"),
    "answer-challenge": ("CA", "dns-01"),
    "finalize": ("CA", "dns-01"),
    "store-secret": ("CA", "dns-01"),
}


@dataclass
class Stage:
    """Two replicas, their ways to the API server by name, and a way to the CA for each place."""

    home: Site
    replicas: Replicas
    ways: dict[str, FaultProxy]
    authorities: dict[str, FaultProxy]


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ExitStack() as stack:
        directory = tmp_path_factory.mktemp("woken")
        home = stack.enter_context(site(directory))
        plane, pebble = home.bench.control_plane, home.bench.pebble

        def proxy(name: str, url: str, ca_file: Path) -> FaultProxy:
            return stack.enter_context(FaultProxy.start(directory / "proxies" / name, url, ca_file))

        ways = {name: proxy(name, plane.url, plane.ca_file) for name in ("woken-a", "woken-b")}
        authorities = {name: proxy(name, pebble.directory_url, pebble.ca_file) for name in PLACES}
        replicas = stack.enter_context(home.replicas(*ways, through=ways))
        yield Stage(home, replicas, ways, authorities)


def last_asked(place: str, uid: str) -> Matcher:
    """The request after whose answer a turn is about to do what the place is named by."""
    attempt = attempt_name(uid)
    return {
        "new-account": acme("new-nonce"),
        # Both are looked at live before anything is begun.
        "create-attempt": then(kube("get", "certificates", place), kube("get", "secrets", f"{place}-tls")),
        "note-order": acme("new-order"),
        "publish": kube("update", "secrets", attempt),
        "apply-route": kube("update", "secrets", attempt),
        # It has two names: the second challenge follows the first.
        "answer-challenge": acme("challenge"),
        "finalize": acme("order"),
        "store-secret": acme("certificate"),
    }[place]


def then(first: Matcher, second: Matcher) -> Matcher:
    """Requests that `second` means, once one was seen that `first` means."""
    seen: list[Asked] = []

    def matches(asked: Asked) -> bool:
        if first(asked):
            seen.append(asked)
        return bool(seen) and second(asked)

    return matches


@pytest.mark.parametrize("sleep", [0.0, LONG], ids=["once all is done", "after a minute"])
def test_a_woken_leader_finds_everything_done_and_touches_nothing(
    stage: Stage, tell: Callable[[str], None], sleep: float
) -> None:
    bench, sleeper = stage.home.bench, stage.replicas.leader()
    (successor,) = stage.replicas.others(sleeper)
    way, since = stage.ways[name_of(sleeper)], bench.pebble.mark()
    tenant = TwoWays(bench)
    gates = close_gates(stage, tenant, way)
    authorities = stage.authorities
    tenant.apply(
        *(tenant.issuer_through(authorities[each], f"{each}-ca", PLACES[each][1]) for each in PLACES)
    )
    for gate in gates:
        gate.await_held()
    sleeper.process.send(signal.SIGSTOP)
    stopped = time.monotonic()
    for gate in gates:
        gate.open()
    tenant.await_ready(*PLACES, timeout=PATIENCE)
    tenant.assert_nothing_left()
    tell(
        f"the successor had {len(PLACES)} certificates done {time.monotonic() - stopped:.1f} s after the stop"
    )
    before = secrets_of(tenant)
    pause(stopped + sleep - time.monotonic())
    mark, ca_marks = way.mark(), {place: ca.mark() for place, ca in authorities.items()}
    sleeper.process.send(signal.SIGCONT)
    eventually(lambda: sleeper.ready() and gauge(sleeper, PROCESSING) == 0, "its turns to end", 30)
    pause(5)
    asked = Counter(request_of(each) for each in way.seen[mark:] if not each.asked.is_watch)
    tell("\n".join(f"asked by the woken: {n:3} {verb} {what}" for (verb, what), n in sorted(asked.items())))
    assert (leads(sleeper), leads(successor)) == (False, True)
    assert asked["update", "leases"] <= 1, "the one that may have been on its way"
    assert {verb for verb, what in asked if what != "leases"} <= {"get", "list"}
    for place, ca in authorities.items():
        assert ca.requests("POST", since=ca_marks[place]) == [], place
    assert secrets_of(tenant) == before
    tenant.assert_nothing_left()
    assert_finalized_once(bench, since, len(PLACES), lost_orders=1)
    tenant.assert_each_written_once()
    successor.process.send(signal.SIGTERM)
    tenant.apply(tenant.certificate("later", issuer=WAYS[0]))
    tenant.await_ready("later")
    assert leads(sleeper), "as a standby it was as good as any"


PROCESSING = 'certwright_queue_depth{state="processing"}'


def close_gates(stage: Stage, tenant: TwoWays, way: FaultProxy) -> list[Gate]:
    """Certificates that wait for their issuers, and will get so far and no further."""
    for place in PLACES:
        hosts = [
            f"{i}.{place}.{tenant.namespace}.example.test" for i in range(1 + (place == "answer-challenge"))
        ]
        tenant.apply(tenant.certificate(place, *hosts, issuer=f"{place}-ca"))
    uids = {each["metadata"]["name"]: each["metadata"]["uid"] for each in tenant.all_certificates()}
    return [
        Gate(way if whom == "cluster" else stage.authorities[place], last_asked(place, uids[place]), 1)
        for place, (whom, _) in PLACES.items()
    ]


def secrets_of(tenant: TwoWays) -> dict[str, str]:
    """The resourceVersion of each Secret of a Certificate."""
    listed = tenant.all("secret", selector="certwright.dev/secret=target")
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in listed}


def pause(seconds: float) -> None:
    threading.Event().wait(max(0.0, seconds))
