"""The responder as a process against a real API server: what it serves, what it costs, what it survives."""

from __future__ import annotations

import http.client
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from signal import SIGTERM
from typing import TYPE_CHECKING, NamedTuple

import pytest

from certwright.kube.api import KubeApi
from certwright.kube.connection import load_configuration
from certwright.kube.tables import KubeTables
from certwright.resources.names import FIELD_MANAGER, ApiNames
from certwright.solver.tables import Row, table_body, table_name
from tests.kit.control_plane import ControlPlane
from tests.kit.operator_process import NAMESPACE
from tests.kit.ports import LOOPBACK
from tests.kit.responder_process import USER, Responder, install_responder
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.cluster

VALIDATORS = 20
TOKENS = 500
#: Rows that a validator's table gets at a time.
BATCH = 25
MOST_MEMORY_KIB = 64 * 1024


class Answer(NamedTuple):
    status: int
    kind: str
    body: str


class Tables:
    """Writes token tables as the operator does."""

    def __init__(self, plane: ControlPlane) -> None:
        configuration = load_configuration(str(plane.kubeconfig()))
        api = KubeApi(configuration, pool_size=VALIDATORS, field_manager=FIELD_MANAGER)
        self._tables = KubeTables(api, ApiNames(), NAMESPACE)
        self._plane = plane

    def put(self, index: int, *rows: Row) -> str:
        """Write a table with these rows; returns its version."""
        standing = self._tables.read(table_name(index))
        wanted = {row.key: row.key_authorization for row in rows}
        body = table_body(ApiNames(), NAMESPACE, index, wanted, over=standing)
        written = self._tables.replace(body) if standing else self._tables.create(body)
        return str(written["metadata"]["resourceVersion"])

    def delete(self, index: int) -> None:
        self._plane.kubectl("delete", "configmap", table_name(index), "--namespace", NAMESPACE)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane.start(tmp_path_factory.mktemp("plane"), controller_manager=False) as running:
        install_responder(running)
        yield running


@pytest.fixture(scope="module")
def tables(plane: ControlPlane) -> Tables:
    return Tables(plane)


@pytest.fixture
def responder(plane: ControlPlane, tmp_path: Path) -> Iterator[Responder]:
    running = Responder.start(tmp_path, plane, "--drain=1s")
    yield running
    assert running.stop() == 0, running.process.last_words()


def ask(responder: Responder, path: str, host: str, method: str = "GET", address: str = LOOPBACK) -> Answer:
    """One request on a connection of its own, as CAs do."""
    connection = http.client.HTTPConnection(address, responder.port, timeout=20)
    try:
        connection.request(method, path, headers={"Host": host, "Accept": "*/*", "User-Agent": "a CA"})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers["Content-Type"], answer.read().decode())
    finally:
        connection.close()


def challenge(token: str) -> str:
    return f"/.well-known/acme-challenge/{token}"


def row(host: str, number: int = 0) -> Row:
    """One with lengths as in reality: 128 bits and more of token, 256 bits of thumbprint (RFC 8555 §8)."""
    token = f"{number:05d}{host.translate(str.maketrans('.:', '--')):x<38}"
    return Row(host, token, f"{token}.{'thumbprint':t<43}")


def answered(responder: Responder, one: Row) -> bool:
    return ask(responder, challenge(one.token), one.host).body == one.key_authorization


def reached(responder: Responder, index: int, version: str) -> None:
    eventually(
        lambda: responder.served().get(table_name(index)) == version,
        f"version {version} of table {index} to be served",
        timeout=60,
        explain=responder.process.last_words,
    )


def cpu_seconds(responder: Responder) -> float:
    """User and system time so far (proc_pid_stat(5))."""
    fields = Path(f"/proc/{responder.process.pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_twenty_validators_with_500_tokens_each_miss_none_once_the_version_is_served(
    responder: Responder, tables: Tables
) -> None:
    """Each row is asked for as soon as its table's version is told, while all other tables change, too."""

    def validate(index: int) -> list[Row]:
        host = f"validator-{index}.example.test"
        rows = [row(host, number) for number in range(TOKENS)]
        missed = []
        for start in range(0, TOKENS, BATCH):
            reached(responder, index, tables.put(index, *rows[: start + BATCH]))
            missed += [one for one in rows[start : start + BATCH] if not answered(responder, one)]
        return missed

    before = cpu_seconds(responder)
    with ThreadPoolExecutor(VALIDATORS) as pool:
        missed = list(pool.map(validate, range(VALIDATORS)))
    spent = cpu_seconds(responder) - before

    now_kib, peak_kib = responder.memory_kib()
    print(
        f"{VALIDATORS * TOKENS} rows validated with {spent:.1f} s of CPU, tables and /served included; ",
        end="",
    )
    print(f"resident {now_kib / 1024:.1f} MiB, at most {peak_kib / 1024:.1f} MiB")
    assert missed == [[] for _ in range(VALIDATORS)]
    metrics = responder.page("/metrics")
    assert f'certwright_responder_requests_total{{status="200"}} {VALIDATORS * TOKENS:.1f}' in metrics
    assert f"certwright_responder_rows {VALIDATORS * TOKENS:.1f}" in metrics
    assert peak_kib <= MOST_MEMORY_KIB
    lines = responder.log.read_text().splitlines()
    assert len([line for line in lines if "table loaded" in line]) == VALIDATORS
    assert len(lines) < 2 * VALIDATORS, "a line for each request?"


def test_only_the_exact_host_and_path_are_answered(responder: Responder, tables: Tables) -> None:
    one, other = row("a.example.test"), row("b.example.test")
    reached(responder, 30, tables.put(30, one, other))
    path = challenge(one.token)

    assert ask(responder, path, one.host) == Answer(200, "application/octet-stream", one.key_authorization)
    assert ask(responder, path, "A.Example.TEST.:80").status == HTTPStatus.OK
    assert ask(responder, path, one.host, "HEAD") == Answer(200, "application/octet-stream", "")
    tricks = {
        path: other.host,
        f"/{path}": one.host,
        f"{path}/": one.host,
        f"{path}?a=b": one.host,
        f"/x/..{path}": one.host,
        f"/.well-known/acme-challenge/../acme-challenge/{one.token}": one.host,
        path.replace("/.w", "/%2ew"): one.host,
        path.replace("0", "%30", 1): one.host,
        f"{path};a": one.host,
        challenge(other.token): one.host,
        challenge(one.token[:-1]): one.host,
        challenge(""): one.host,
        "/": one.host,
    }
    seen = {trick: ask(responder, trick, host) for trick, host in tricks.items()}
    assert {answer.status for answer in seen.values()} == {HTTPStatus.NOT_FOUND}, seen
    assert len({answer.body for answer in seen.values()}) == 1


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="the machine has no IPv6")
def test_it_answers_over_ipv6_and_for_an_ipv6_address(responder: Responder, tables: Tables) -> None:
    one = row("2001:db8::1")
    reached(responder, 31, tables.put(31, one))
    answer = ask(responder, challenge(one.token), "[2001:db8::1]", address="::1")
    assert answer.body == one.key_authorization


def test_a_table_that_is_deleted_is_answered_no_more(responder: Responder, tables: Tables) -> None:
    one = row("deleted.example.test")
    reached(responder, 32, tables.put(32, one))
    assert answered(responder, one)
    tables.delete(32)
    eventually(lambda: not answered(responder, one), "the row to be gone")
    assert table_name(32) not in responder.served()


def test_while_the_api_server_is_away_it_answers_and_afterwards_it_catches_up(
    plane: ControlPlane, responder: Responder, tables: Tables
) -> None:
    before, after = row("before.example.test"), row("after.example.test")
    reached(responder, 33, tables.put(33, before))
    plane.stop_api_server()
    try:
        eventually(lambda: "tables cannot be watched" in responder.log.read_text(), "the outage to be seen")
        assert answered(responder, before)
        assert (responder.status("/healthz"), responder.status("/readyz")) == (200, 200)
    finally:
        plane.start_api_server()
    reached(responder, 33, tables.put(33, before, after))
    assert answered(responder, after)
    figures = dict(line.rsplit(" ", 1) for line in responder.page("/metrics").splitlines() if line[0] != "#")
    assert float(figures["certwright_responder_watch_restarts_total"]) > 0


def test_one_that_starts_without_an_api_server_is_alive_and_not_ready(
    plane: ControlPlane, tmp_path: Path, tables: Tables
) -> None:
    one = row("early.example.test")
    version = tables.put(34, one)
    early = Responder(tmp_path, plane, port=0, flags=("--drain=0s",))
    plane.stop_api_server()
    try:
        early.begin(wait=False)
        eventually(lambda: early.status("/healthz") == HTTPStatus.OK, "it to answer", timeout=60)
        assert early.status("/readyz") == HTTPStatus.SERVICE_UNAVAILABLE
        assert "did not answer" in early.page("/readyz")
    finally:
        plane.start_api_server()
    eventually(early.ready, "it to be ready", timeout=60)
    reached(early, 34, version)
    assert early.stop() == 0


def test_told_to_end_it_is_unready_at_once_answers_for_the_drain_time_and_ends_well(
    plane: ControlPlane, tmp_path: Path, tables: Tables
) -> None:
    one = row("drained.example.test")
    version = tables.put(35, one)
    leaving = Responder.start(tmp_path, plane, "--drain=4s")
    reached(leaving, 35, version)
    leaving.process.send(SIGTERM)
    eventually(
        lambda: leaving.status("/readyz") == HTTPStatus.SERVICE_UNAVAILABLE, "it to be unready", timeout=3
    )
    assert leaving.status("/healthz") == HTTPStatus.OK
    assert answered(leaving, one)
    assert leaving.process.wait(30) == 0
    with pytest.raises(ConnectionRefusedError):
        ask(leaving, "/", one.host)


def test_it_lists_and_watches_config_maps_of_its_namespace_and_asks_nothing_else(
    plane: ControlPlane, tmp_path: Path
) -> None:
    mark = plane.audit().mark()
    watching = Responder.start(tmp_path, plane, "--drain=0s")
    asked = plane.audit().requests(USER, since=mark)
    assert watching.stop() == 0
    assert {(each.verb, each.resource, each.namespace) for each in asked} == {
        ("list", "configmaps", NAMESPACE),
        ("watch", "configmaps", NAMESPACE),
    }


@pytest.mark.parametrize(
    ("verb", "thing", "namespace"),
    [
        ("get", "secrets", NAMESPACE),
        ("list", "secrets", NAMESPACE),
        ("create", "configmaps", NAMESPACE),
        ("update", "configmaps", NAMESPACE),
        ("list", "configmaps", "default"),
    ],
)
def test_its_account_may_do_nothing_else(plane: ControlPlane, verb: str, thing: str, namespace: str) -> None:
    told = plane.kubectl("auth", "can-i", verb, thing, f"--as={USER}", "--namespace", namespace, check=False)
    assert told.strip() == "no"
