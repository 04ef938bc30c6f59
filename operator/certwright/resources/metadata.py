"""Metadata of objects as far as we use it, and objects whose spec cannot be understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from certwright.resources.json_values import mapping_of, text_of

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
    metadata = mapping_of(body.get("metadata"))
    generation = metadata.get("generation")
    return Metadata(
        name=text_of(metadata.get("name")),
        namespace=text_of(metadata.get("namespace")),
        uid=text_of(metadata.get("uid")),
        generation=generation if isinstance(generation, int) else 0,
        resource_version=text_of(metadata.get("resourceVersion")),
        created=text_of(metadata.get("creationTimestamp")),
        labels=_texts(metadata.get("labels")),
    )


def _texts(value: object) -> dict[str, str]:
    return {key: text for key, text in mapping_of(value).items() if isinstance(text, str)}
