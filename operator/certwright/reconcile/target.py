"""The target Secret as facts: what drift is judged by. Its bytes go no further than this file."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certwright.pki import keys, leaf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.pki.keys import KeyFacts
    from certwright.pki.leaf import LeafFacts
    from certwright.resources.names import ApiNames

TLS_TYPE = "kubernetes.io/tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Facts of an existing Secret that a Certificate names.

    Attributes:
        label: value of the label that says what we use the Secret for, or "".
        certificate_name: the Certificate that the Secret says it belongs to, or "".
        directory: ACME directory that the certificate came from, or "".
        attempt_id: UID of the attempt that wrote it, or "".
        adopt: whether somebody handed the Secret over to us.
        controller: `Kind/name` of a controlling owner, or "".
        crt_manager: field manager that set tls.crt, or "" if it cannot be told.
        has_certificate: whether tls.crt is there and not empty.
        leaf: facts of the first certificate, None if unreadable or absent.
        key: facts of the private key, None if unreadable or absent.
    """

    uid: str
    resource_version: str
    type: str
    immutable: bool
    label: str
    certificate_name: str
    issuer_name: str
    issuer_kind: str
    directory: str
    attempt_id: str
    adopt: bool
    controller: str
    crt_manager: str
    has_certificate: bool
    has_key: bool
    leaf: LeafFacts | None
    key: KeyFacts | None


def read_target(secret: Mapping[str, Any], names: ApiNames) -> Target:
    """Facts of a Secret as the API server sends it; garbage in it is an observation, not an error."""
    metadata = _mapping(secret.get("metadata"))
    annotations = _mapping(metadata.get("annotations"))
    labels = _mapping(metadata.get("labels"))
    data = _mapping(secret.get("data"))
    certificate, key = _decoded(data.get("tls.crt")), _decoded(data.get("tls.key"))
    return Target(
        uid=str(metadata.get("uid", "")),
        resource_version=str(metadata.get("resourceVersion", "")),
        type=str(secret.get("type", "")),
        immutable=bool(secret.get("immutable", False)),
        label=str(labels.get(names.secret_label, "")),
        certificate_name=str(annotations.get(names.certificate_name, "")),
        issuer_name=str(annotations.get(names.issuer_name, "")),
        issuer_kind=str(annotations.get(names.issuer_kind, "")),
        directory=str(annotations.get(names.directory, "")),
        attempt_id=str(annotations.get(names.attempt_id, "")),
        adopt=annotations.get(names.adopt) == "true",
        controller=_controller(metadata.get("ownerReferences")),
        crt_manager=_crt_manager(metadata.get("managedFields")),
        has_certificate=bool(certificate),
        has_key=bool(key),
        leaf=leaf.read_leaf(certificate) if certificate else None,
        key=keys.read_facts(key) if key else None,
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _decoded(value: object) -> bytes:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        return b""


def _controller(references: object) -> str:
    for reference in references if isinstance(references, list) else []:
        if isinstance(reference, dict) and reference.get("controller") is True:
            return f"{reference.get('kind', '')}/{reference.get('name', '')}"
    return ""


def _crt_manager(managed_fields: object) -> str:
    """Who set tls.crt, by the API server's own bookkeeping (Kubernetes server-side apply, managedFields)."""
    for entry in managed_fields if isinstance(managed_fields, list) else []:
        fields = _mapping(_mapping(entry).get("fieldsV1"))
        if "f:tls.crt" in _mapping(fields.get("f:data")):
            return str(entry.get("manager", ""))
    return ""
