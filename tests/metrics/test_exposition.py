"""`/healthz`, `/readyz` and `/metrics`, over real HTTP."""

from __future__ import annotations

import http.client
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from certwright.metrics.exposition import Exposition
from certwright.metrics.registry import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric


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


class Patient(Collector):
    """Waits for a second scrape to come in beside the first, for as long as one would need to."""

    def __init__(self) -> None:
        self.second = threading.Event()
        self.scrapes = 0
        self.met = False

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        self.scrapes += 1
        if self.scrapes == 1:
            self.met = self.second.wait(0.5)
        else:
            self.second.set()
        return iter(())


def test_one_page_is_made_at_a_time_however_many_ask() -> None:
    patient, registry = Patient(), CollectorRegistry()
    registry.register(patient)
    exposition = Exposition(0, registry, alive=str, ready=str)
    exposition.start()
    bench = Bench(exposition, {})
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(bench.ask, "/metrics") for _ in range(2)]
        assert [answer.result()[0] for answer in answers] == [200, 200]
    exposition.stop()
    assert (patient.scrapes, patient.met) == (2, False)


def test_there_is_nothing_else(bench: Bench) -> None:
    assert bench.ask("/")[0] == 404
    assert bench.ask("/debug")[0] == 404


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="the machine has no IPv6")
def test_it_listens_on_both_families(bench: Bench) -> None:
    assert bench.ask("/healthz", "::1")[0] == 200


def test_a_taken_port_is_refused_at_once(bench: Bench) -> None:
    with pytest.raises(OSError, match="use"):
        Exposition(bench.exposition.port, Metrics().registry, alive=str, ready=str)
