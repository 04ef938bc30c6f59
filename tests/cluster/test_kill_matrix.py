"""kill -9 at every point: after a restart all ends as if nothing had been.

Nothing that is compared comes from the operator: orders and finalizes are counted in Pebble's own log, CSRs are looked
at on their way to it, and the cluster is read as an administrator.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.cluster.conftest import token_rows
from tests.cluster.kill_bench import KillBench, kill_bench
from tests.cluster.kill_case import HEAD, Case
from tests.cluster.kill_points import (
    ACCOUNT,
    ANOTHER_KEY,
    CALLS,
    CONTACT,
    DNS,
    HTTP,
    LOSE_AN_ORDER,
    STAMP,
    attempt_is_there,
    known_points,
    matrix,
    points_in_code,
)
from tests.kit.fake_ca import FakeCa
from tests.kit.fake_ca_server import FakeCaServer
from tests.kit.faults import Answer, kube, on
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.cluster


class Told(NamedTuple):
    """A write that only tells people something: it has no point of its own, and is met on the wire."""

    way: str
    resource: str
    number: int


#: The first status says that it is being worked on, the second that it is ready.
TOLD = [
    Told(DNS, "certificates/status", 1),
    Told(HTTP, "certificates/status", 2),
    Told(DNS, "events", 1),
]
#: What is done between taking the lead and the first turn, and which request of its kind it is: before a process stands
#: for the lead at all, it has listed the attempts once.
TAKING_THE_LEAD = {
    "the Lease was written": (kube("update", "leases", "certwright"), 1, "after"),
    "the attempts are listed": (on("GET", "/namespaces/certwright/secrets$"), 2, "before"),
    "the token tables are read": (kube("list", "configmaps"), 1, "before"),
    "the routes are looked through": (kube("list", "ingresses"), 1, "before"),
}


@pytest.fixture(scope="module")
def killing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillBench]:
    with kill_bench(tmp_path_factory.mktemp("killing")) as killing:
        yield killing


@dataclass(frozen=True)
class Mind:
    """What the cases share.

    Attributes:
        ends: how a Certificate of each way ends when nobody dies.
        cases: all that came to their end.
    """

    ends: dict[str, dict[str, Any]] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)

    def assert_as_if_nothing_had_been(self, case: Case) -> None:
        """One order, one certificate, one key, and the same end."""
        self.cases.append(case)
        assert case.finalizes == 1
        assert case.orders == (2 if case.point.rpartition(":")[0] in LOSE_AN_ORDER else 1)
        case.assert_consistent()
        assert case.end_state() == self.ends[case.way]


@pytest.fixture(scope="module")
def mind(killing: KillBench) -> Mind:
    """A Certificate of each way that nobody is killed for."""
    mind = Mind()
    for way in CALLS:
        case = Case(killing, way, "never")
        case.apply()
        case.live()
        mind.ends[way] = case.end_state()
        mind.assert_as_if_nothing_had_been(case)
    return mind


@pytest.fixture(autouse=True)
def nobody_lives_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """A case that fails leaves no operator to the next."""
    yield
    if "killing" in request.fixturenames:
        killing: KillBench = request.getfixturevalue("killing")
        killing.rest()


def test_every_point_in_the_code_is_killed_at() -> None:
    assert points_in_code() == known_points()


def test_every_call_has_a_point_on_either_side() -> None:
    calls = {point.partition(":")[2] for point in points_in_code()}
    assert points_in_code() == {f"{side}:{call}" for side in ("before", "after") for call in calls}


@pytest.mark.parametrize(("way", "point"), matrix())
def test_a_killed_operator_comes_to_the_same_end(
    way: str, point: str, killing: KillBench, mind: Mind
) -> None:
    case = Case(killing, way, point)
    case.apply()
    case.die()
    noted = case.noted_keys()
    assert attempt_is_there(point) in (None, bool(noted))
    case.live()
    mind.assert_as_if_nothing_had_been(case)
    assert set(noted) <= {csr.key for csr in case.csrs()}, "another key was used than the one that was noted"


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("told", TOLD, ids=lambda told: f"{told.way}-{told.resource}-{told.number}")
def test_a_status_or_an_event_that_was_cut_off_changes_nothing(
    told: Told, side: str, killing: KillBench, mind: Mind
) -> None:
    case = Case(killing, told.way, f"{side}:{told.resource}:{told.number}")
    case.apply()
    name = case.name if told.resource.endswith("/status") else ""
    case.die_on_the_wire(kube("create patch", told.resource, name), told.number, side)
    case.live()
    mind.assert_as_if_nothing_had_been(case)


def test_whoever_dies_while_taking_the_lead_takes_nothing_away(killing: KillBench, mind: Mind) -> None:
    """A proof that is up stays up until somebody knows whether it is needed."""
    case = Case(killing, HTTP, "taking the lead")
    case.apply()
    killing.die("after:answer-challenge:1")
    up = proofs_of(case)
    assert len([row for row in up if "row" in row]) == 2
    for matches, number, side in TAKING_THE_LEAD.values():
        killing.die_on_the_wire(matches, number, side)
        assert proofs_of(case) == up
    case.live()
    mind.assert_as_if_nothing_had_been(case)


@pytest.mark.parametrize("point", [point for call in ACCOUNT for point in call.points()])
def test_an_account_is_registered_once_with_the_key_that_was_stored_first(
    point: str, killing: KillBench
) -> None:
    tenant, pebble = killing.tenant, killing.bench.pebble
    name = point.replace(":", "-")
    mark = pebble.mark()
    tenant.apply(tenant.issuer(name))
    killing.die(point)
    stored = tenant.exists("secret", f"{name}-account")
    assert stored == (point != "before:create-account-key:1")
    key = tenant.secret(f"{name}-account") if stored else None
    killing.begin()
    tenant.await_ready(name, kind="issuer")
    assert key in (None, tenant.secret(f"{name}-account"))
    assert pebble.requests(mark).accounts_added == 1


@pytest.mark.parametrize("point", [point for call in ANOTHER_KEY for point in call.points()])
def test_a_key_of_a_kind_that_the_ca_does_not_take_is_replaced_once(
    point: str, killing: KillBench, tmp_path: Path
) -> None:
    """Pebble takes every kind, so this is a CA of the kit that takes RSA alone."""
    tenant, name = killing.tenant, point.replace(":", "-")
    with FakeCaServer.start(tmp_path, FakeCa(lambda: datetime.now(UTC), algorithms=("RS256",))) as other:
        bundle = base64.b64encode(other.ca_pem.encode()).decode()
        tenant.apply(tenant.issuer(name, server=other.directory_url, caBundle=bundle))
        killing.die(point)
        first = tenant.secret(f"{name}-account")
        killing.begin()
        tenant.await_ready(name, kind="issuer")
        killing.rest()
        tenant.plane.kubectl("delete", "issuer", name, "--namespace", tenant.namespace)
    last = tenant.secret(f"{name}-account")
    assert (first == last) == point.startswith("after")
    assert isinstance(serialization.load_pem_private_key(last["tls.key"], None), rsa.RSAPrivateKey)
    assert len(other.ca.accounts) == 1


@pytest.mark.parametrize("point", [point for call in CONTACT for point in call.points()])
def test_a_contact_is_changed_at_the_account_that_there_is(point: str, killing: KillBench) -> None:
    tenant, pebble = killing.tenant, killing.bench.pebble
    name, email = point.replace(":", "-"), f"{point.partition(':')[0]}@example.test"
    tenant.apply(tenant.issuer(name))
    killing.begin()
    tenant.await_ready(name, kind="issuer")
    killing.rest()
    mark = pebble.mark()
    tenant.apply(tenant.issuer(name, email=email))
    killing.die(point)
    killing.begin()
    eventually(
        lambda: tenant.get("issuer", name)["status"]["acme"].get("lastRegisteredEmail") == email,
        "the contact to be known",
        60,
    )
    tenant.await_ready(name, kind="issuer")
    assert pebble.requests(mark).accounts_added == 0


@pytest.mark.parametrize("point", [point for call in STAMP for point in call.points()])
def test_a_label_is_put_back_without_an_order(point: str, killing: KillBench, mind: Mind) -> None:
    case = next(case for case in mind.cases if case.way == DNS)
    before, mark = case.secret(), killing.bench.pebble.mark()
    killing.tenant.patch(
        "secret", f"{case.name}-tls", {"metadata": {"annotations": {"certwright.dev/issuer-name": None}}}
    )
    killing.die(point)
    killing.begin()
    eventually(lambda: case.end_state() == mind.ends[DNS], "the annotation to be back", 60)
    assert case.secret()["data"] == before["data"]
    assert killing.bench.pebble.requests(mark).orders == ()


def test_what_nobody_foresaw_holds_up_one_object_alone(killing: KillBench, mind: Mind) -> None:
    """A Secret without metadata is none that an API server sends: whoever reads it fails in a way of its own."""
    tenant = killing.tenant
    case = Case(killing, DNS, "another one fails")
    with killing.api.rule(kube("get", "secrets", "odd-account"), Answer(200, b"{}")):
        tenant.apply(tenant.issuer("odd"))
        killing.begin()
        tenant.await_condition(
            "odd", "Ready", lambda ready: ready.get("reason") == "InternalError", kind="issuer"
        )
        case.apply()
        case.await_end()
        assert killing.operator.page("/healthz") == "ok\n"
    tenant.await_ready("odd", kind="issuer")
    assert case.end_state() == mind.ends[DNS]


def test_in_the_end_nothing_is_left_and_the_ca_issued_as_much_as_was_asked(
    killing: KillBench, mind: Mind, tell: Callable[[str], None]
) -> None:
    killing.begin()
    eventually(lambda: not token_rows(killing.bench.control_plane), "the token tables to be empty", 60)
    killing.rest()
    tell("\n".join([HEAD, *(case.line() for case in mind.cases)]))
    assert [left for case in mind.cases for left in case.leftovers()] == []
    wanted = killing.tenant.all("certificate")
    assert {each["status"]["revision"] for each in wanted} == {1}
    finalized = killing.bench.pebble.requests().finalized
    assert len(finalized) == len(set(finalized)) == len(wanted)


def proofs_of(case: Case) -> list[str]:
    """What the CA needs to find: rows and Ingress."""
    return [left for left in case.leftovers() if left.startswith(("row", "ingress", "attempt"))]
