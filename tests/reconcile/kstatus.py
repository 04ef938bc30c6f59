"""What GitOps tools make of a status: `Compute` of sigs.k8s.io/cli-utils, pkg/kstatus/status/{generic,status}.go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def kstatus(generation: int, status: Mapping[str, Any]) -> str:
    """`InProgress`, `Failed` or `Current` for an object of this generation that is not being deleted."""
    observed = status.get("observedGeneration")
    if observed is not None and observed != generation:
        return "InProgress"
    conditions: list[Mapping[str, Any]] = status.get("conditions", [])
    for condition in conditions:
        if condition["type"] == "Reconciling" and condition["status"] == "True":
            return "InProgress"
        if condition["type"] == "Stalled" and condition["status"] == "True":
            return "Failed"
    ready = [condition["status"] for condition in conditions if condition["type"] == "Ready"]
    return "InProgress" if ready and ready[0] != "True" else "Current"
