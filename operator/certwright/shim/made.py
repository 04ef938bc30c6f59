"""Certificates that were made for something that asks, as far as that is told by the Certificate itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certwright.resources.json_values import list_of, mapping_of, text_of
from certwright.resources.metadata import Metadata, read_metadata
from certwright.resources.names import FIELD_MANAGER, Ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.resources.names import ApiNames


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A Certificate with a controlling owner that asks by annotations.

    Attributes:
        owner, owner_uid: who controls it (Kubernetes, "Owners and Dependents").
        spec: that part of its spec which we applied and nobody changed since, empty if we never did.
        by_default: whether we noted that its issuer is the one that was the default.
        going: whether it is being deleted.
    """

    ref: Ref
    meta: Metadata
    owner: Ref
    owner_uid: str
    spec: Mapping[str, Any]
    by_default: bool
    going: bool

    @property
    def issuer(self) -> tuple[str, str]:
        """Kind and name of the issuer that we wrote."""
        issuer = mapping_of(self.spec.get("issuerRef"))
        return text_of(issuer.get("kind")), text_of(issuer.get("name"))

    def says_what(self, other: Made) -> bool:
        """Whether nothing that concerns us differs: a new status does not."""
        return (self.meta.uid, self.owner_uid, self.spec, self.by_default, self.going) == (
            other.meta.uid,
            other.owner_uid,
            other.spec,
            other.by_default,
            other.going,
        )


def read_made(body: Mapping[str, Any], names: ApiNames, kinds: Mapping[str, str]) -> Made | None:
    """A Certificate as the API server sends it, or None where nothing that asks controls it.

    Args:
        kinds: API group of each kind that asks.
    """
    metadata = mapping_of(body.get("metadata"))
    owner = next(filter(None, map(mapping_of, _controllers(metadata))), None)
    if owner is None:
        return None
    kind, group = text_of(owner.get("kind")), text_of(owner.get("apiVersion")).partition("/")[0]
    if kinds.get(kind) != group:
        return None
    meta = read_metadata(body)
    fields = _applied_fields(metadata)
    annotations = mapping_of(metadata.get("annotations"))
    noted = f"f:{names.issuer_by_default}" in mapping_of(
        mapping_of(fields.get("f:metadata")).get("f:annotations")
    )
    return Made(
        ref=Ref("Certificate", meta.namespace, meta.name),
        meta=meta,
        owner=Ref(kind, meta.namespace, text_of(owner.get("name"))),
        owner_uid=text_of(owner.get("uid")),
        spec=_part(mapping_of(body.get("spec")), mapping_of(fields.get("f:spec"))),
        by_default=noted and annotations.get(names.issuer_by_default) == "true",
        going=bool(metadata.get("deletionTimestamp")),
    )


def _controllers(metadata: Mapping[str, Any]) -> list[Any]:
    references = map(mapping_of, list_of(metadata.get("ownerReferences")))
    return [each for each in references if each.get("controller") is True]


def _applied_fields(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields that an apply of ours set (Kubernetes, server-side apply, `fieldsV1`); statuses are apart."""
    for entry in map(mapping_of, list_of(metadata.get("managedFields"))):
        ours = entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
        if ours and not entry.get("subresource"):
            return mapping_of(entry.get("fieldsV1"))
    return {}


def _part(value: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those fields of a value that a field set names."""
    part: dict[str, Any] = {}
    for key, below in fields.items():
        name = key.removeprefix("f:")
        if not key.startswith("f:") or name not in value:
            continue
        inner = value[name]
        named = isinstance(inner, dict) and any(each.startswith("f:") for each in mapping_of(below))
        part[name] = _part(inner, mapping_of(below)) if named else inner
    return part
