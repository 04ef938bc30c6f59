"""Saying of an object that its spec cannot be understood, without touching what it made before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from certwright.resources.condition import Condition, condition_to_dict
from certwright.resources.conditions import Reason, sentence

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.reconcile.ports import Objects
    from certwright.resources.metadata import Unreadable


def tell_unreadable(unreadable: Unreadable, objects: Objects, now: datetime) -> None:
    """Write the conditions of an object that needs a person; everything else in its status stays."""
    message = sentence(f"The spec cannot be used: {unreadable.problem}. Correct it, or upgrade the operator.")
    said = [("Ready", "False"), ("Stalled", "True")]
    conditions = [
        condition_to_dict(_condition(unreadable, kind, value, message, now)) for kind, value in said
    ]
    status: dict[str, Any] = dict(unreadable.status) | {
        "observedGeneration": unreadable.meta.generation,
        "conditions": conditions,
    }
    if status != dict(unreadable.status):
        was = dict(unreadable.status)
        objects.write_status(unreadable.ref, unreadable.meta, status, unchanged=lambda live: live == was)


def _condition(unreadable: Unreadable, kind: str, value: str, message: str, now: datetime) -> Condition:
    known = next((each for each in unreadable.conditions if each.type == kind), None)
    since = known.last_transition_time if known and known.status == value else None
    return Condition(
        type=kind,
        status=value,
        reason=Reason.INVALID_SPEC.word,
        message=message,
        last_transition_time=since or now.replace(microsecond=0),
        observed_generation=unreadable.meta.generation,
    )
