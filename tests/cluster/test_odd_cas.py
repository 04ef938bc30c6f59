"""Pebble's moods, by the operator and under `-strict`: nonces, reused authorizations, blocked names, odd advice."""

from __future__ import annotations

import base64
import json
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.pebble import Pebble
from tests.kit.pebble_settings import PebbleSettings
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench
    from tests.kit.pebble_log import PebbleRequests

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

#: Of each CA. What the calm one is asked is the same for every certificate.
ORDERS = {"calm": 20, "moody": 100}
#: Seconds for all of them on a machine that does other things too, and for a request whose nonce was refused ten
#: times: one in a thousand at fifty percent, and it is tried again after a minute.
PATIENCE = 300
UNSIGNED = ("directory", "new-nonce", "renewal-info")


class Cas:
    """CAs of one test, each with an issuer of its name."""

    def __init__(self, tenant: Tenant, directory: Path, servers: ExitStack) -> None:
        self._tenant, self._directory, self._servers = tenant, directory, servers

    def start(self, name: str, **settings: Any) -> Pebble:
        """Start a Pebble, and make the issuer."""
        nameserver = self._tenant.bench.nameserver
        resolver = f"{nameserver.host}:{nameserver.port}"
        knobs: dict[str, Any] = {"nonce_reject_percent": 0, "dns_server": resolver} | settings
        ca = self._servers.enter_context(Pebble.start(self._directory / name, PebbleSettings(**knobs)))
        self._tenant.apply(self.issuer(name, ca))
        self._tenant.await_ready(name, kind="issuer")
        return ca

    def issuer(self, name: str, ca: Pebble, **acme: Any) -> dict[str, Any]:
        bundle = base64.b64encode(ca.ca_pem.encode()).decode()
        return self._tenant.issuer(name, server=ca.directory_url, caBundle=bundle, **acme)


@pytest.fixture
def cas(tenant: Tenant, tmp_path: Path) -> Iterator[Cas]:
    with ExitStack() as servers:
        yield Cas(tenant, tmp_path, servers)


def signed(seen: PebbleRequests) -> int:
    """How many of the requests were signed, so that their nonces could be refused."""
    return sum(count for kind, count in seen.arrived.items() if kind not in UNSIGNED)


def test_every_second_nonce_refused_costs_twice_the_requests_and_no_order(
    tenant: Tenant, cas: Cas, tell: Callable[[str], None]
) -> None:
    started = {
        "calm": cas.start("calm", nonce_reject_percent=0, always_valid=True),
        "moody": cas.start("moody", nonce_reject_percent=50, always_valid=True),
    }
    marks = {name: ca.mark() for name, ca in started.items()}
    wanted = [f"{ca}-{number}" for ca, count in ORDERS.items() for number in range(count)]
    began = time.monotonic()
    tenant.apply(*(tenant.certificate(name, issuer=name.partition("-")[0]) for name in wanted))
    tenant.await_ready(*wanted, timeout=PATIENCE)
    took = time.monotonic() - began
    seen = {name: ca.requests(marks[name]) for name, ca in started.items()}
    calm, moody = (signed(seen[name]) / count for name, count in ORDERS.items())
    tell(
        f"{len(wanted)} certificates in {took:.1f} s; signed requests a certificate: {calm:.2f} with all nonces taken, "
        f"{moody:.2f} with every second refused: {moody / calm:.2f} times as many"
    )
    for name, count in ORDERS.items():
        requests = seen[name]
        assert len(requests.orders) == len(requests.finalized) == len(requests.issued) == count
    assert moody / calm <= 2.3
    _delete_at_once(tenant)


def _delete_at_once(tenant: Tenant) -> None:
    """All in one request: kubectl would delete them one after the other, five a second."""
    path = f"/apis/certwright.dev/v1/namespaces/{tenant.namespace}/certificates"
    tenant.plane.kubectl("delete", "--raw", path)


@pytest.mark.parametrize(("percent", "challenges"), [(0, range(7, 8)), (50, range(4, 8)), (100, range(4, 5))])
def test_names_that_the_account_has_proven_are_not_proven_again(
    percent: int, challenges: range, tenant: Tenant, cas: Cas, tell: Callable[[str], None]
) -> None:
    """Four names; three of them twice where the CA takes no proof for granted."""
    ca = cas.start("ca-of-old", authz_reuse_percent=percent)
    zone = f"{tenant.namespace}.example.test"
    old = [f"{letter}.{zone}" for letter in "abcd"]
    tenant.apply(tenant.certificate("first", *old, issuer="ca-of-old"))
    tenant.await_ready("first")
    tenant.apply(tenant.certificate("second", *old[:3], issuer="ca-of-old"))
    tenant.await_ready("second")
    tenant.assert_pair("second-tls")
    asked = ca.requests().arrived
    tell(f"{percent} %: {asked['challenge']} challenges for 4 + 3 names")
    assert asked["challenge"] in challenges
    eventually(lambda: not tenant.attempts(), "attempts to be gone")
    assert tenant.names_in_use() == set()


def test_names_that_the_account_has_proven_need_no_solver(tenant: Tenant, cas: Cas) -> None:
    ca = cas.start("ca-of-old", authz_reuse_percent=100)
    name = f"a.{tenant.namespace}.example.test"
    tenant.apply(tenant.certificate("first", name, issuer="ca-of-old"))
    tenant.await_ready("first")
    mark = ca.mark()
    tenant.apply(
        cas.issuer("ca-of-old", ca, solvers=[]), tenant.certificate("second", name, issuer="ca-of-old")
    )
    tenant.await_ready("second")
    tenant.assert_pair("second-tls")
    assert ca.requests(mark).arrived["challenge"] == 0


def test_one_blocked_name_of_ten_is_named_and_harms_nothing_else(
    tenant: Tenant, cas: Cas, tell: Callable[[str], None]
) -> None:
    zone = f"{tenant.namespace}.example.test"
    good, blocked = [f"n{number}.{zone}" for number in range(9)], f"bank.{zone}"
    ca = cas.start("strict", blocked_domains=(blocked,))
    tenant.apply(
        tenant.certificate("ten", *good, blocked, issuer="strict"),
        tenant.certificate("nine", *good[:4], issuer="strict"),
    )
    said = tenant.await_condition("ten", "Ready", lambda found: found.get("reason") == "Rejected")
    tell(f"{said['message']}")
    assert blocked in said["message"]
    assert not any(name in said["message"] for name in good)
    assert tenant.condition("certificate", "ten", "Stalled")["reason"] == "Rejected"
    tenant.await_ready("nine")
    assert tenant.condition("issuer", "strict", "Ready")["status"] == "True"
    assert len(ca.requests().orders) == 1, "a refused order is none"
    assert ca.requests().arrived["new-order"] == 2, "and is not asked for again"
    tenant.apply(tenant.certificate("ten", *good, issuer="strict"))
    tenant.await_ready("ten")
    tenant.assert_pair("ten-tls")


def window(begins: timedelta, ends: timedelta) -> str:
    """Renewal information whose window begins and ends so long from now."""
    now = datetime.now(UTC)
    bounds = {"start": (now + begins).isoformat(), "end": (now + ends).isoformat()}
    return json.dumps({"suggestedWindow": bounds})


DAY = timedelta(days=1)
ADVICE: dict[str, Callable[[], str]] = {
    "future": lambda: window(10 * DAY, 11 * DAY),
    "inverted": lambda: window(11 * DAY, 10 * DAY),
    "before-it-began": lambda: window(-20 * DAY, -10 * DAY),
    "empty": lambda: "{}",
    "garbage": lambda: "<html>not here</html>",
    "past": lambda: window(-DAY, timedelta(seconds=1)),
}


def test_only_advice_that_makes_sense_is_followed(tenant: Tenant, bench: Bench) -> None:
    """A window in the past renews, one in the future is waited for, nonsense changes nothing (RFC 9773 §4.2, §4.3)."""
    tenant.apply(*(tenant.certificate(name) for name in ADVICE))
    tenant.await_ready(*ADVICE)
    leaves = {name: tenant.leaf(f"{name}-tls") for name in ADVICE}
    # What comes before is the CA's own advice, which is in the middle of the life.
    for name, answer in ADVICE.items():
        bench.pebble.set_renewal_answer(tenant.secret(f"{name}-tls")["tls.crt"].decode(), answer())
    eventually(
        lambda: tenant.leaf("past-tls").serial_number != leaves["past"].serial_number, "the renewal", 60
    )

    def due(name: str) -> datetime:
        return datetime.fromisoformat(tenant.get("certificate", name)["status"]["renewalTime"])

    now = datetime.now(UTC)
    eventually(lambda: due("future") < now + 11 * DAY, "the window to be in the status", 60)
    assert due("future") > now + 10 * DAY - timedelta(minutes=2)
    mark = bench.pebble.mark()
    eventually(
        lambda: bench.pebble.requests(mark).arrived["renewal-info"] >= 2 * len(ADVICE),
        "two more questions",
        60,
    )
    for name in set(ADVICE) - {"past"}:
        assert tenant.leaf(f"{name}-tls").serial_number == leaves[name].serial_number, name
        assert tenant.condition("certificate", name, "Ready")["status"] == "True", name
    for name in set(ADVICE) - {"past", "future"}:
        assert due(name) > now + 30 * DAY, f"{name} is no advice"
