"""`make bench` runs and says what it should. What it measures is for people: no test asserts a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench import client
from tests.bench.cost import Work, costs

ROOT = Path(__file__).parents[2]
FEW = {"count": 4, "rounds": 1, "threads": 2}


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """In a process of its own, which it pins to one core."""
    program = f"import json; from tests.bench import client; print(json.dumps(client.measure(**{FEW})))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_client_is_measured_beside_the_least_that_it_could_cost(result: dict[str, Any]) -> None:
    names = [each["name"] for each in result["costs"]]
    assert names[0] == "signing"
    assert names[-2:] == ["client, 1 thread", "client, 2 threads"]
    assert {"http.client, kept", "http.client, new connection each", "urllib3, kept", "requests, kept"} < set(
        names
    )
    assert all(each["cpu"] > 0 for each in result["costs"])


def test_a_client_of_two_threads_asks_for_two_nonces_at_most_and_connects_twice_at_most(
    result: dict[str, Any],
) -> None:
    """The account, four orders, the directory; a nonce for each thread that finds none put by."""
    counts = result["counts"]
    assert counts["signed requests"] == 5
    assert 1 <= counts["requests for nonces"] <= 2
    assert 1 <= counts["connections"] <= 2
    assert counts["requests in all"] == 5 + 1 + counts["requests for nonces"]


def test_people_get_a_table(result: dict[str, Any]) -> None:
    lines = client.table(result).splitlines()
    assert lines[1].split()[:2] == ["signing", "4"]
    assert any(line.startswith("client / (signing + http.client): ") for line in lines)


def test_works_take_turns_and_each_is_done_as_often_as_it_shall() -> None:
    done: list[tuple[str, int]] = []
    works = [
        Work("a", lambda times: done.append(("a", times))),
        Work("b", lambda times: done.append(("b", times)), 0.1),
    ]
    found = costs(works, 20, 2)
    assert done == [("a", 20), ("b", 2)] * 2
    assert [each.times for each in found.values()] == [40, 4]


def test_a_scenario_that_is_none_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "cleint"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "no such scenario: cleint" in done.stderr
