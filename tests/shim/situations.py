"""Ingresses and Certificates as the API server sends them, for tables of sentences."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from certwright.resources.names import FIELD_MANAGER, ApiNames, Ref
from certwright.shim.applicant import Options
from certwright.shim.ingress import GROUP, KIND, read_ingress
from certwright.shim.made import read_made
from certwright.shim.wanted import manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.shim.applicant import Applicant
    from certwright.shim.made import Made
    from certwright.shim.wanted import Wanted

NAMES = ApiNames()
OPTIONS = Options(names=NAMES)
TLS_ACME = replace(OPTIONS, tls_acme=True)
KINDS = {KIND: GROUP}
SITE = Ref(KIND, "shop", "site")
ASKS = {"certwright.dev/issuer": "ca"}


def tls(secret: str | None, *hosts: str) -> dict[str, Any]:
    """One block of `spec.tls`."""
    return ({"secretName": secret} if secret is not None else {}) | ({"hosts": list(hosts)} if hosts else {})


WEB = tls("web-tls", "www.example.com", "example.com")


def ingress(
    *blocks: dict[str, Any],
    annotations: Mapping[str, str] = ASKS,
    ref: Ref = SITE,
    created: str = "2026-11-24T12:00:00Z",
    uid: str = "",
    version: str = "7",
    **metadata: Any,
) -> dict[str, Any]:
    """An Ingress with these TLS blocks."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": ref.name,
            "namespace": ref.namespace,
            "uid": uid or f"uid-{ref.name}",
            "resourceVersion": version,
            "creationTimestamp": created,
            "annotations": dict(annotations),
        }
        | metadata,
        "spec": {"tls": list(blocks)},
    }


def applicant(*blocks: dict[str, Any], options: Options = OPTIONS, **changed: Any) -> Applicant:
    """The same as a value."""
    return read_ingress(ingress(*blocks, **changed), options)


def fields_of(value: Mapping[str, Any]) -> dict[str, Any]:
    """`fieldsV1` of an apply of this value; lists are atomic, as in our CRDs."""
    return {f"f:{key}": fields_of(each) if isinstance(each, dict) else {} for key, each in value.items()}


def stored(body: Mapping[str, Any], *, uid: str = "", version: str = "5") -> dict[str, Any]:
    """What the API server keeps of an apply of ours that made the object."""
    kept: dict[str, Any] = json.loads(json.dumps(body))
    metadata = kept["metadata"]
    applied = {"f:spec": fields_of(kept["spec"])}
    if "annotations" in metadata:
        applied["f:metadata"] = {"f:annotations": fields_of(metadata["annotations"])}
    entry = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": applied}
    known = {"uid": uid or f"uid-{metadata['name']}", "resourceVersion": version, "managedFields": [entry]}
    return kept | {"metadata": metadata | known}


def made(it: Wanted, by: Applicant) -> Made:
    """The Certificate that comes of it."""
    found = read_made(stored(manifest(it, by, NAMES)), NAMES, KINDS)
    assert found is not None
    return found
