"""`/healthz`, `/readyz` and `/metrics`, over real HTTP."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING, NamedTuple

import pytest

from certwright.metrics.exposition import Exposition
from certwright.metrics.registry import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator


class Bench(NamedTuple):
    exposition: Exposition
    wrong: dict[str, str]

    def ask(self, path: str, host: str = "127.0.0.1") -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(host, self.exposition.port, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, answer.headers["Content-Type"], body


@pytest.fixture(scope="module")
def listening() -> Iterator[Bench]:
    """One for all: the standard library's server takes half a second to stop."""
    wrong = {"alive": "", "ready": ""}
    exposition = Exposition(0, Metrics().registry, alive=lambda: wrong["alive"], ready=lambda: wrong["ready"])
    exposition.start()
    yield Bench(exposition, wrong)
    exposition.stop()


@pytest.fixture
def bench(listening: Bench) -> Bench:
    listening.wrong.update(alive="", ready="")
    return listening


def test_a_healthy_operator_says_ok(bench: Bench) -> None:
    assert bench.ask("/healthz") == (200, "text/plain; charset=utf-8", "ok\n")
    assert bench.ask("/readyz?verbose")[0] == 200


def test_what_is_wrong_is_said(bench: Bench) -> None:
    bench.wrong["ready"] = "the cluster is still being listed"
    assert bench.ask("/readyz") == (
        503,
        "text/plain; charset=utf-8",
        "the cluster is still being listed\n",
    )
    assert bench.ask("/healthz")[0] == 200
    bench.wrong["alive"] = "a turn has been running for 90 s"
    assert bench.ask("/healthz")[0] == 503


def test_metrics_are_in_prometheus_form(bench: Bench) -> None:
    status, kind, body = bench.ask("/metrics")
    assert status == 200
    assert kind.startswith("text/plain")
    assert "# TYPE certwright_turn_crashes_total counter" in body


def test_there_is_nothing_else(bench: Bench) -> None:
    assert bench.ask("/")[0] == 404
    assert bench.ask("/debug")[0] == 404


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="the machine has no IPv6")
def test_it_listens_on_both_families(bench: Bench) -> None:
    assert bench.ask("/healthz", "::1")[0] == 200


def test_a_taken_port_is_refused_at_once(bench: Bench) -> None:
    with pytest.raises(OSError, match="use"):
        Exposition(bench.exposition.port, Metrics().registry, alive=str, ready=str)
