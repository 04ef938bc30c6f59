"""What the health port says."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from certwright.solver.responder.figures import Figures
from certwright.solver.responder.pages import Pages
from certwright.solver.responder.requests import Request

if TYPE_CHECKING:
    from certwright.solver.responder.answers import Answer


class Bench:
    def __init__(self) -> None:
        self.wrong = {"alive": "", "ready": ""}
        self.versions = {"certwright-tokens-0": "17"}
        self.figures = Figures(rows=lambda: 3, connections=lambda: 2, restarts=lambda: 1, dropped=lambda: 4)
        self.pages = Pages(
            self.figures.registry,
            alive=lambda: self.wrong["alive"],
            ready=lambda: self.wrong["ready"],
            served=lambda: self.versions,
        )

    def ask(self, path: str, method: str = "GET") -> Answer:
        return self.pages.answer(Request(method, "10.0.0.1", path, persists=True, must_be_told=False))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_healthy_one_says_ok(bench: Bench) -> None:
    for path in ("/healthz", "/readyz", "/readyz?verbose"):
        assert bench.ask(path) == (HTTPStatus.OK, b"ok\n", "text/plain; charset=utf-8")


def test_what_is_wrong_is_said(bench: Bench) -> None:
    bench.wrong.update(ready="stopping")
    assert bench.ask("/readyz")[:2] == (HTTPStatus.SERVICE_UNAVAILABLE, b"stopping\n")
    assert bench.ask("/healthz").status == HTTPStatus.OK
    bench.wrong.update(alive="the tables are not watched any more")
    assert bench.ask("/healthz").status == HTTPStatus.SERVICE_UNAVAILABLE


def test_served_tells_the_version_of_each_table(bench: Bench) -> None:
    answer = bench.ask("/served")
    assert json.loads(answer.body) == {"tables": {"certwright-tokens-0": "17"}}
    assert answer.content_type == "application/json"


def test_metrics_are_in_prometheus_form_and_count_by_status(bench: Bench) -> None:
    for status in (HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.OK):
        bench.figures.count(status)
    lines = bench.ask("/metrics").body.decode().splitlines()
    assert {line for line in lines if not line.startswith("#")} == {
        'certwright_responder_requests_total{status="200"} 2.0',
        'certwright_responder_requests_total{status="404"} 1.0',
        "certwright_responder_rows 3.0",
        "certwright_responder_connections 2.0",
        "certwright_responder_watch_restarts_total 1.0",
        "certwright_responder_dropped_connections_total 4.0",
    }


@pytest.mark.parametrize("path", ["/", "/debug", "/healthz/", "//healthz"])
def test_there_is_nothing_else(bench: Bench, path: str) -> None:
    assert bench.ask(path).status == HTTPStatus.NOT_FOUND


def test_nothing_can_be_changed(bench: Bench) -> None:
    assert bench.ask("/healthz", "POST").status == HTTPStatus.METHOD_NOT_ALLOWED
