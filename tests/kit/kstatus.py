"""What Flux, and others that read kstatus, make of an object of a custom kind.

The rules of `Compute` in sigs.k8s.io/cli-utils, pkg/kstatus/status/{status,generic}.go (of October 2025), without
those for built-in kinds. Everything is decided in this order: a deletion, the generation, the two standard
conditions as they are listed, `Ready`; an object that says nothing is taken for finished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Standard conditions, and what each makes of an object while it is True.
STANDARD = {"Reconciling": "InProgress", "Stalled": "Failed"}
#: What `Ready` makes of it; any other value decides nothing.
READY = {"True": "Current", "False": "InProgress", "Unknown": "InProgress"}


def kstatus(body: Mapping[str, Any]) -> str:
    """`Terminating`, `InProgress`, `Failed` or `Current` for an object as the API server gives it."""
    metadata, status = body["metadata"], body.get("status", {})
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    generation, observed = metadata.get("generation"), status.get("observedGeneration")
    if generation is not None and observed is not None and observed != generation:
        return "InProgress"
    conditions: list[Mapping[str, Any]] = status.get("conditions", [])
    for each in conditions:
        if each["type"] in STANDARD and each["status"] == "True":
            return STANDARD[each["type"]]
    said = (
        READY[each["status"]] for each in conditions if each["type"] == "Ready" and each["status"] in READY
    )
    return next(said, "Current")


def looked_at(generation: int, status: Mapping[str, Any]) -> dict[str, Any]:
    """An object of which only generation and status matter."""
    return {"metadata": {"generation": generation}, "status": status}
