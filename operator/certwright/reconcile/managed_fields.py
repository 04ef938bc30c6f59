"""Who set what in an object, by the API server's own bookkeeping (Kubernetes server-side apply, managedFields)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from certwright.resources.json_values import mapping_of
from certwright.resources.names import FIELD_MANAGER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def last_setter(managed_fields: object, key: str) -> str:
    """Field manager that set a key of the data: us if we are among them, else the latest; "" if nobody is known."""
    found = [
        (str(entry.get("time", "")), str(entry.get("manager", "")))
        for entry in _entries(managed_fields)
        if f"f:{key}" in mapping_of(_fields(entry).get("f:data"))
    ]
    if any(manager == FIELD_MANAGER for _, manager in found):
        return FIELD_MANAGER
    return max(found, default=("", ""))[1]


def annotations_of(managed_fields: object, manager: str) -> frozenset[str]:
    """Annotations that this manager set and nobody changed since."""
    return frozenset(
        name.removeprefix("f:")
        for entry in _entries(managed_fields)
        if entry.get("manager") == manager
        for name in mapping_of(mapping_of(_fields(entry).get("f:metadata")).get("f:annotations"))
    )


def data_of(managed_fields: object, manager: str) -> frozenset[str]:
    """Keys of the data that this manager set and nobody changed since."""
    return frozenset(
        name.removeprefix("f:")
        for entry in _entries(managed_fields)
        if entry.get("manager") == manager
        for name in mapping_of(_fields(entry).get("f:data"))
    )


def _entries(managed_fields: object) -> Iterator[Mapping[str, Any]]:
    yield from filter(None, map(mapping_of, managed_fields if isinstance(managed_fields, list) else []))


def _fields(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping_of(entry.get("fieldsV1"))
