"""Ingresses as what asks for certificates (Kubernetes, networking.k8s.io/v1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from certwright.resources.json_values import list_of, mapping_of, text_of
from certwright.resources.metadata import read_metadata
from certwright.resources.names import Ref
from certwright.shim.applicant import Applicant, Options, TlsBlock

if TYPE_CHECKING:
    from collections.abc import Mapping

KIND, GROUP, PLURAL = "Ingress", "networking.k8s.io", "ingresses"
API_VERSION = f"{GROUP}/v1"


def ingress_annotations(metadata: Mapping[str, Any], options: Options) -> dict[str, str]:
    """The annotations that say something to us; none where the Ingress is a route of our own to the solver pods."""
    if options.names.solver_label in mapping_of(metadata.get("labels")):
        return {}
    annotations = mapping_of(metadata.get("annotations"))
    return {
        name: text
        for name, text in annotations.items()
        if isinstance(text, str) and options.speaks_to_us(name)
    }


def read_ingress(body: Mapping[str, Any], options: Options) -> Applicant:
    """An Ingress as the API server sends it; never raises."""
    metadata = mapping_of(body.get("metadata"))
    meta = read_metadata(body)
    blocks = list_of(mapping_of(body.get("spec")).get("tls"))
    return Applicant(
        ref=Ref(KIND, meta.namespace, meta.name),
        api_version=API_VERSION,
        meta=meta,
        annotations=ingress_annotations(metadata, options),
        blocks=tuple(_block(at, mapping_of(block)) for at, block in enumerate(blocks)),
        going=bool(metadata.get("deletionTimestamp")),
    )


def _block(at: int, block: Mapping[str, Any]) -> TlsBlock:
    hosts = tuple(host for host in list_of(block.get("hosts")) if isinstance(host, str) and host)
    return TlsBlock(f"spec.tls[{at}]", text_of(block.get("secretName")), hosts)
