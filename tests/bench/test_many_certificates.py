"""The scenarios of ten thousand Certificates run, and count what they should; no test asserts a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from certwright.kube.api import PAGE
from certwright.resources.certificate import Certificate, read_certificate
from tests.bench import listing, scrape
from tests.bench.many_certificates import bodies, pages
from tests.metrics.examples import NAMES

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
#: More than a page shows.
COUNT = PAGE + 3


def run(scenario: str) -> dict[str, Any]:
    """In a process of its own, which it pins to one core."""
    program = f"import json; from tests.bench import {scenario} as it; print(json.dumps(it.measure({COUNT}, rounds=1)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def results() -> dict[ModuleType, dict[str, Any]]:
    return {listing: run("listing"), scrape: run("scrape")}


Results = dict[Any, dict[str, Any]]


def test_the_real_command_lists_all_of_them(results: Results) -> None:
    printed = {each["name"]: each["printed"] for each in results[listing]["costs"]}
    assert printed["list of none"] == 0
    assert printed["http.client and json.loads"] == 1
    assert printed["list"] == COUNT + 1, "a line for each, and the heads"
    assert printed["list --output json"] > COUNT
    assert all(each["cpu"] > 0 and each["peak"] > 2**20 for each in results[listing]["costs"])


def test_a_scrape_shows_all_of_them(results: Results) -> None:
    counts = results[scrape]["counts"]
    assert counts["samples"] > 4 * COUNT
    assert counts["bytes of a page, cert-manager's names too"] > counts["bytes of a page"] > 400 * COUNT
    assert all(each["cpu"] > 0 for each in results[scrape]["costs"])


@pytest.mark.parametrize("scenario", [listing, scrape])
def test_people_get_a_table(results: Results, scenario: Any) -> None:
    lines = scenario.table(results[scenario]).splitlines()
    assert len(lines) == 1 + sum(len(results[scenario][part]) for part in ("costs", "ratios", "counts"))
    assert f"Certificates: {COUNT}" in lines


def test_what_is_served_are_certificates_a_page_at_a_time() -> None:
    shown = [json.loads(page) for page in pages(COUNT)]
    assert [len(page["items"]) for page in shown] == [PAGE, 3]
    assert [page["metadata"].get("continue") for page in shown] == [str(PAGE), None]
    assert all(isinstance(read_certificate(body, NAMES), Certificate) for body in bodies(3))
    assert json.loads(pages(0)[0])["items"] == []
