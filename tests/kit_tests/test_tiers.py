"""The table at the end of `make test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kit import tiers

if TYPE_CHECKING:
    from pathlib import Path


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


def test_where_nothing_ran_at_all_there_is_a_table_all_the_same(tmp_path: Path) -> None:
    told = tiers.table(tiers.read(tmp_path / "none"))
    assert told.count("not reached") == len(tiers.TIERS)
