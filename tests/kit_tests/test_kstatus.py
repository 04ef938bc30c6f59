"""The kit's port of kstatus against the rules of the original, one row for each of its branches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.kstatus import kstatus


def conditions(**values: str) -> dict[str, Any]:
    """A status with these conditions, in this order."""
    return {"conditions": [{"type": kind, "status": value} for kind, value in values.items()]}


NEW = {"generation": 1}
GONE = {"generation": 2, "deletionTimestamp": "2026-11-24T12:00:00Z"}

ROWS = [
    ("a deletion comes before all else", GONE, conditions(Stalled="True"), "Terminating"),
    ("a deletion comes before the generation", GONE, {"observedGeneration": 1}, "Terminating"),
    ("an older generation was looked at", {"generation": 2}, {"observedGeneration": 1}, "InProgress"),
    (
        "that comes before the conditions",
        NEW,
        {"observedGeneration": -1} | conditions(Stalled="True"),
        "InProgress",
    ),
    ("a newer generation is not this one, either", NEW, {"observedGeneration": 2}, "InProgress"),
    ("without a generation nothing is compared", {}, {"observedGeneration": 7}, "Current"),
    ("without an observed one, either", NEW, conditions(Ready="True"), "Current"),
    ("at work", NEW, conditions(Reconciling="True"), "InProgress"),
    ("stuck", NEW, conditions(Stalled="True"), "Failed"),
    ("of both, the first that is listed", NEW, conditions(Reconciling="True", Stalled="True"), "InProgress"),
    ("the other way round", NEW, conditions(Stalled="True", Reconciling="True"), "Failed"),
    ("at work, though ready", NEW, conditions(Ready="True", Reconciling="True"), "InProgress"),
    ("stuck, though ready", NEW, conditions(Ready="True", Stalled="True"), "Failed"),
    ("what is False is not so", NEW, conditions(Stalled="False", Ready="True"), "Current"),
    ("not ready", NEW, conditions(Ready="False"), "InProgress"),
    ("not known to be ready", NEW, conditions(Ready="Unknown"), "InProgress"),
    ("conditions that it does not know", NEW, conditions(Suspended="True"), "Current"),
    ("nothing said is taken for finished", NEW, {}, "Current"),
]


@pytest.mark.parametrize(
    ("metadata", "status", "verdict"),
    [pytest.param(*row[1:], id=row[0]) for row in ROWS],
)
def test_an_object_is_what_the_original_says(
    metadata: dict[str, Any], status: dict[str, Any], verdict: str
) -> None:
    assert kstatus({"metadata": metadata, "status": status}) == verdict


def test_an_object_without_a_status_is_taken_for_finished() -> None:
    assert kstatus({"metadata": NEW}) == "Current"
