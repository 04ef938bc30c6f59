"""Whatever the API server does, it costs time: no second order, no second finalize, nothing left behind."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.cluster.faulty_bench import GOES_ON, WORK, FaultyTenant, faulty_bench, faulty_tenant
from tests.kit.faults import (
    CutStream,
    Delay,
    DropAnswer,
    ErrorEvent,
    MuteStream,
    Stale,
    acme,
    kube,
    on,
    refusal,
)
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.faulty_bench import FaultyBench
    from tests.kit.faults import Fault

pytestmark = pytest.mark.cluster

KOPF = "kopf/"
WRITES = kube("write")
LEASE = kube("get create update patch", "leases")
#: As the API server words it (apiserver/pkg/endpoints/handlers/responsewriters/errors.go).
FORBIDDEN = (
    'secrets "web-tls" is forbidden: User "system:serviceaccount:certwright:certwright" cannot patch '
    'resource "secrets" in API group "" in the namespace "x"'
)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyBench]:
    with faulty_bench(tmp_path_factory.mktemp("api-faults")) as faulty:
        yield faulty


@pytest.fixture
def tenant(faulty: FaultyBench) -> Iterator[FaultyTenant]:
    with faulty_tenant(faulty) as tenant:
        yield tenant


STORMS = {"401": 15, "403": 15, "429": 15, "500": 15, "503": 15}


@pytest.mark.parametrize("code", STORMS)
def test_a_storm_of_errors_passes(code: str, tenant: FaultyTenant, faulty: FaultyBench) -> None:
    """Every request is answered so, the watches' too; kopf ends itself at some of them."""
    mark = faulty.bench.pebble.mark()
    with faulty.api.rule(on(), refusal(int(code), retry_after=1 if code in ("429", "503") else None)):
        faulty.api.cut()
        names = tenant.of_each_way("web")
        faulty.stay_alive(STORMS[code])
    tenant.seconds_until_done(*names)
    tenant.assert_done(mark, len(names))


WATCHES: dict[str, Fault] = {
    "ends with 410": ErrorEvent(410, "Expired"),
    "ends with another error": ErrorEvent(500, "InternalError"),
    "is refused with 410": refusal(410, "Expired"),
    "is closed each second": CutStream(seconds=1),
}


@pytest.mark.parametrize("name", WATCHES)
def test_a_watch_that_breaks_misses_nothing(name: str, tenant: FaultyTenant, faulty: FaultyBench) -> None:
    """While it lasts, work goes on by what is listed; a delete is seen as well."""
    mark, asked = faulty.bench.pebble.mark(), faulty.api.mark()
    began = time.monotonic()
    with faulty.api.rule(kube("watch"), WATCHES[name]):
        faulty.api.cut()
        names = tenant.of_each_way("web")
        tenant.seconds_until_done(*names, timeout=2 * (GOES_ON + WORK))
        took = time.monotonic() - began
        lists = faulty.api.matching(kube("list", "certificates", agent=KOPF), asked)
        print(f"{len(lists)} lists of certificates by the watch layer in {took:.0f} s")
        assert len(lists) <= 2 * took, "a fault of the watch must not become a storm of lists"
    tenant.assert_done(mark, len(names))


def test_a_silent_watch_is_noticed(tenant: FaultyTenant, faulty: FaultyBench) -> None:
    """Open, but without a byte, not even a bookmark: nothing tells it from a quiet one but time."""
    mark = faulty.bench.pebble.mark()
    asked = faulty.api.mark()
    faulty.api.rule(kube("watch", "certificates"), MuteStream(), times=1)
    faulty.api.cut()
    eventually(
        lambda: faulty.api.matching(kube("watch", "certificates"), asked), "the watch to be silent", 60
    )
    silent = faulty.api.mark()
    names = tenant.of_each_way("web")
    tenant.seconds_until_done(*names, timeout=150)
    first, *_ = faulty.api.matching(kube("watch list", "certificates", agent=KOPF), silent)
    print(f"noticed after {first.at - faulty.api.matching(kube('watch', 'certificates'), asked)[0].at:.0f} s")
    tenant.assert_done(mark, len(names))


def test_an_operator_that_starts_from_old_lists_orders_nothing_again(
    tenant: FaultyTenant, faulty: FaultyBench
) -> None:
    """A replica of the API server that lags shows the time before the certificates were issued."""
    mark = faulty.bench.pebble.mark()
    faulty.operator.kill()
    names = tenant.of_each_way("web")
    with faulty.ca.rule(acme("new-order"), Delay(5, 5)):
        started = faulty.api.mark()
        faulty.operator.begin()
        lists = kube("list", "secrets", agent=KOPF)
        eventually(lambda: any(each.status for each in faulty.api.matching(lists, started)), "kopf's list")
        past = faulty.api.photograph()
        tenant.seconds_until_done(*names, timeout=90)
    faulty.operator.kill()
    # Not the routes: they are listed again and again, and without a resourceVersion no server answers from the past.
    kinds = [kube("list", kind) for kind in ("certificates", "issuers", "clusterissuers", "secrets")]
    with faulty.api.rule(lambda asked: any(each(asked) for each in kinds), Stale(past)) as rule:
        faulty.operator.begin()
        names += tenant.of_each_way("later")
        tenant.seconds_until_done(*names[2:])
    assert rule.hits >= 9, "both the watch layer and the re-lister saw the past"
    tenant.assert_done(mark, len(names))


STALE_READS = {
    "of the Certificate": kube("get", "certificates", "web"),
    "of the target Secret": kube("get", "secrets", "web-tls"),
}


@pytest.mark.parametrize("name", STALE_READS)
def test_a_read_of_the_past_spoils_no_order(name: str, tenant: FaultyTenant, faulty: FaultyBench) -> None:
    """What is read live before an order may be older than what the watch has shown."""
    mark = faulty.bench.pebble.mark()
    tenant.apply(tenant.certificate("web"))
    tenant.seconds_until_done("web")
    past = faulty.api.photograph()
    other = f"other.{tenant.namespace}.example.test"
    with faulty.api.rule(STALE_READS[name], Stale(past), times=2) as rule:
        tenant.apply(tenant.certificate("web", other))
        tenant.seconds_until_done("web")
    assert rule.hits > 0
    tenant.assert_done(mark, 2)
    assert tenant.names_of("web-tls") == {other}


def test_conflicts_are_looked_at_again(tenant: FaultyTenant, faulty: FaultyBench) -> None:
    mark = faulty.bench.pebble.mark()
    with faulty.api.rule(kube("create update patch"), refusal(409, "Conflict"), probability=0.3) as rule:
        names = [name for number in range(5) for name in tenant.of_each_way(f"web-{number}")]
        tenant.seconds_until_done(*names, timeout=120)
    print(f"{rule.hits} conflicts")
    tenant.assert_done(mark, len(names))


def test_a_throttled_namespace_waits_as_asked_and_holds_up_no_other(
    tenant: FaultyTenant, faulty: FaultyBench
) -> None:
    mark, asked, wish = faulty.bench.pebble.mark(), faulty.api.mark(), 5
    other = FaultyTenant(faulty)
    here = on("", f"/namespaces/{tenant.namespace}/")
    throttled = faulty.api.rule(lambda asked: WRITES(asked) and here(asked), refusal(429, retry_after=wish))
    with throttled:
        names = tenant.of_each_way("web")
        elsewhere = other.of_each_way("web")
        other.seconds_until_done(*elsewhere)
        faulty.stay_alive(4 * wish)
    tenant.seconds_until_done(*names)
    tenant.assert_done(mark, len(names) + len(elsewhere))
    refused: dict[str, float] = {}
    early: Counter[str] = Counter()
    for each in faulty.api.requests(path=f"/namespaces/{tenant.namespace}/", since=asked):
        if WRITES(each.asked):
            early[each.asked.path] += each.at < refused.get(each.asked.path, 0) + wish
            if each.status == 429:
                refused[each.asked.path] = each.at
    # What the watch shows of the attempt's begin may lead to one more.
    assert max(early.values()) <= 1, early


KINDS_OF_WRITES = {
    "creating the attempt": kube("create", "secrets"),
    "noting the order": kube("update", "secrets"),
    "storing the certificate": kube("patch", "secrets"),
    "writing the status": kube("patch", "certificates/status"),
    "deleting the attempt": kube("delete", "secrets"),
    "telling an event": kube("create", "events"),
}


@pytest.mark.parametrize("kind", KINDS_OF_WRITES)
def test_a_write_whose_answer_was_lost_is_found_again(
    kind: str, tenant: FaultyTenant, faulty: FaultyBench
) -> None:
    mark = faulty.bench.pebble.mark()
    with faulty.api.rule(KINDS_OF_WRITES[kind], DropAnswer(), times=2) as rule:
        names = tenant.of_each_way("web")
        tenant.seconds_until_done(*names)
    assert rule.hits == 2
    tenant.assert_done(mark, len(names))


def test_a_slow_store_only_slows_down(tenant: FaultyTenant, faulty: FaultyBench) -> None:
    """As with an etcd that is short of disk; the Lease's writes are spared, see the elector's own tests."""
    mark = faulty.bench.pebble.mark()
    with faulty.api.rule(lambda asked: WRITES(asked) and not LEASE(asked), Delay(2, 5)):
        names = [name for number in range(3) for name in tenant.of_each_way(f"web-{number}")]
        tenant.seconds_until_done(*names, timeout=120)
    tenant.assert_done(mark, len(names))


def test_a_missing_permission_for_secrets_is_named(tenant: FaultyTenant, faulty: FaultyBench) -> None:
    mark = faulty.bench.pebble.mark()
    with faulty.api.rule(kube("patch", "secrets", "web-tls"), refusal(403, "Forbidden", message=FORBIDDEN)):
        tenant.apply(tenant.certificate("web"))
        said = tenant.await_condition("web", "Ready", lambda ready: ready.get("reason") == "Forbidden")
        assert "cannot patch" in said["message"]
        assert '"secrets"' in said["message"]
    # Nothing tells that the permission came back: it is tried again after a minute.
    tenant.seconds_until_done("web", timeout=70 + WORK)
    tenant.assert_done(mark, 1)


def test_events_that_may_not_be_told_hold_up_nothing(tenant: FaultyTenant, faulty: FaultyBench) -> None:
    mark = faulty.bench.pebble.mark()
    with faulty.api.rule(kube("create patch update", "events"), refusal(403)) as rule:
        names = tenant.of_each_way("web")
        tenant.seconds_until_done(*names)
        eventually(lambda: rule.hits >= len(names), "events to be refused")
    tenant.assert_done(mark, len(names))


def test_who_may_not_renew_the_lease_steps_down(tenant: FaultyTenant, faulty: FaultyBench) -> None:
    mark = faulty.bench.pebble.mark()
    with faulty.api.rule(LEASE, refusal(403)):
        faulty.stay_alive(8)
        names = tenant.of_each_way("web")
        faulty.stay_alive(5)
        assert faulty.bench.pebble.requests(mark).orders == (), "without the lead nothing may be ordered"
    tenant.seconds_until_done(*names)
    tenant.assert_done(mark, len(names))
