"""The table at the end of `make test`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit import tiers


@pytest.mark.parametrize(
    ("markers", "tier"),
    [
        ((), "unit"),
        (("parametrize",), "unit"),
        (("usefixtures", "servers"), "servers"),
        (("cluster", "long"), "cluster"),
        (("cluster", "node"), "node"),
    ],
)
def test_a_test_is_of_the_tier_that_its_marker_names(markers: tuple[str, ...], tier: str) -> None:
    assert tiers.tier_of(markers) == tier


def test_runs_are_added_up_and_what_did_not_run_says_why(tmp_path: Path) -> None:
    file = tmp_path / "tiers"
    tiers.append(file, [("unit", "passed", ""), ("unit", "passed", ""), ("servers", "skipped", "no named")])
    tiers.append(
        file, [("unit", "failed", ""), ("node", "skipped", "needs root"), ("node", "skipped", "needs root")]
    )
    tiers.append(file, [("cluster", "passed", ""), ("cluster", "skipped", "too slow")])
    assert tiers.table(tiers.read(file)).splitlines() == [
        "tier        passed  failed  skipped",
        "unit             2       1        0",
        "servers          0       0        1  did not run: no named",
        "cluster          1       0        1  too slow",
        "afterwards       0       0        0  not reached: what runs before it failed, or was ended",
        "node             0       0        2  did not run: needs root",
    ]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_each_test_is_counted_once_however_many_workers_there_are(tmp_path: Path, workers: str) -> None:
    root = Path(__file__).parents[2]
    file, case = (
        tmp_path / "tiers",
        f"{__file__}::test_where_nothing_ran_at_all_there_is_a_table_all_the_same",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"-n{workers}", case]
    environment = os.environ | {tiers.VARIABLE: str(file)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert tiers.read(file)["unit"].counts == {"passed": 1}


def test_where_nothing_ran_at_all_there_is_a_table_all_the_same(tmp_path: Path) -> None:
    told = tiers.table(tiers.read(tmp_path / "none"))
    assert told.count("not reached") == len(tiers.TIERS)
