"""Metadata of objects as far as we use it, and objects whose spec cannot be understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.resources.condition import Condition
    from certwright.resources.names import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What the API server says of an object (Kubernetes API conventions, "Metadata")."""

    name: str
    namespace: str
    uid: str
    generation: int
    resource_version: str
    created: str = ""
    """RFC 3339 in UTC with whole seconds, so that texts compare as moments do."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """An object whose spec breaks a rule that we know.

    Attributes:
        conditions: of its present status.
        problem: one sentence that says what to correct.
    """

    ref: Ref
    meta: Metadata
    conditions: tuple[Condition, ...]
    status: Mapping[str, Any]
    problem: str


def read_metadata(body: Mapping[str, Any]) -> Metadata:
    """Metadata of an object as the API server sends it; what is missing is empty."""
    metadata = _mapping(body.get("metadata"))
    generation = metadata.get("generation")
    return Metadata(
        name=_text(metadata.get("name")),
        namespace=_text(metadata.get("namespace")),
        uid=_text(metadata.get("uid")),
        generation=generation if isinstance(generation, int) else 0,
        resource_version=_text(metadata.get("resourceVersion")),
        created=_text(metadata.get("creationTimestamp")),
        labels=_texts(metadata.get("labels")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> dict[str, str]:
    return {key: text for key, text in _mapping(value).items() if isinstance(text, str)}
