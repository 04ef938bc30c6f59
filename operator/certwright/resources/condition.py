"""Conditions as they stand in a status (Kubernetes `metav1.Condition`), and moments as they are written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One statement about an object, and since when it has been so."""

    type: str
    status: str
    reason: str
    message: str
    last_transition_time: datetime
    observed_generation: int


def read_conditions(value: object) -> tuple[Condition, ...]:
    """The readable ones of a status; whatever else stands there is passed over."""
    entries = value if isinstance(value, list) else []
    return tuple(found for entry in entries if isinstance(entry, dict) and (found := _read(entry)))


def _read(entry: Mapping[str, Any]) -> Condition | None:
    since = read_moment(entry.get("lastTransitionTime"))
    texts = [entry.get(key) for key in ("type", "status", "reason", "message")]
    if since is None or not all(isinstance(text, str) for text in texts):
        return None
    generation = entry.get("observedGeneration")
    return Condition(
        type=str(texts[0]),
        status=str(texts[1]),
        reason=str(texts[2]),
        message=str(texts[3]),
        last_transition_time=since,
        observed_generation=generation if isinstance(generation, int) else 0,
    )


def condition_to_dict(condition: Condition) -> dict[str, Any]:
    """As it is written."""
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": write_moment(condition.last_transition_time),
        "observedGeneration": condition.observed_generation,
    }


def read_moment(value: object) -> datetime | None:
    """An RFC 3339 moment, or None if it is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def write_moment(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as Kubernetes writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
