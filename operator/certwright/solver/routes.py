"""Routes from a user's namespace to the solver pods, as objects of the API server. Pure.

An Ingress can only name a Service of its own namespace. So each namespace with routes has one Service without a
selector and an EndpointSlice for each address family that point at the solver pods elsewhere, and each attempt has
an Ingress for each of its solvers.

No Ingress is owned by its Certificate: whoever makes the route knows names, not UIDs, and an owner with a stale UID
would have the route collected within seconds. What an attempt leaves behind is found by label. Ingress and Service are
owned by the operator's own role instead, so that nothing of ours outlives its permissions: who uninstalls the operator
has garbage collection remove its routes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from certwright.resources.http01_spec import CLASS_ANNOTATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from certwright.resources.http01_spec import Http01IngressSpec
    from certwright.resources.names import ApiNames
    from certwright.resources.responder import Family, Responder
    from certwright.solver.tables import Row

Json: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal["Service", "EndpointSlice", "Ingress"]

FAMILIES: tuple[Family, ...] = ("IPv4", "IPv6")
SERVICE_NAME = "certwright-solver"
ROUTE_PREFIX = "certwright-http01-"
#: The port that CAs ask (RFC 8555 §8.3), and its name. Controllers match Service and slice by the name.
SERVICE_PORT, PORT_NAME = 80, "http"
#: More than this would be copied into every namespace and help nobody; Kubernetes' own controller stops there, too.
MOST_ENDPOINTS = 100
#: Where a CA looks (RFC 8555 §8.3).
CHALLENGE_PATH = "/.well-known/acme-challenge/"
SERVICE_NAME_LABEL = "kubernetes.io/service-name"
SLICE_OWNER_LABEL = "endpointslice.kubernetes.io/managed-by"
#: The field of an object's metadata that garbage collection goes by.
OWNERS = "ownerReferences"
MANAGED_BY: Mapping[str, str] = {"app.kubernetes.io/managed-by": "certwright"}
#: A list of allowed addresses for all Ingresses of a cluster would lock out the CA; cert-manager lifts it this way,
#: too. Nothing is said of redirects to HTTPS: ingress-nginx and HAProxy Ingress leave this path alone by default
#: (no-tls-redirect-locations), CAs follow such a redirect, and a template can say more.
DEFAULT_ANNOTATIONS: Mapping[str, str] = {
    "nginx.ingress.kubernetes.io/whitelist-source-range": "0.0.0.0/0,::/0"
}


def route_name(owner: str, position: int) -> str:
    """Name of the Ingress for one solver of an attempt: found again by whoever knows the two."""
    return f"{ROUTE_PREFIX}{hashlib.sha256(f'{owner}/{position}'.encode()).hexdigest()[:20]}"


def slice_name(family: Family) -> str:
    """Name of the EndpointSlice for one address family."""
    return f"{SERVICE_NAME}-{family.lower()}"


def reachable(responders: Iterable[Responder]) -> tuple[Responder, ...]:
    """The solver pods that routes lead to, in order: those on the port that most have.

    A slice has one port for all its addresses; they differ only while a rollout changes the port.
    """
    everyone = sorted(responders)
    ports = Counter(each.port for each in everyone)
    port = min(ports, key=lambda each: (-ports[each], each), default=0)
    return tuple(each for each in everyone if each.port == port)


def service_manifest(names: ApiNames, namespace: str, port: int) -> Json:
    """The Service that Ingresses of this namespace name.

    Args:
        port: where the solver pods answer.
    """
    entry = {
        "name": PORT_NAME,
        "port": SERVICE_PORT,
        "targetPort": port,
        "protocol": "TCP",
        "appProtocol": "http",
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE_NAME, "namespace": namespace, "labels": _labels(names)},
        "spec": {"type": "ClusterIP", "ipFamilyPolicy": "PreferDualStack", "ports": [entry]},
    }


def slice_manifest(
    names: ApiNames, namespace: str, family: Family, responders: Sequence[Responder], service_uid: str
) -> Json:
    """The addresses of one family; without any, an empty slice.

    Args:
        responders: of this family, all on one port, as `reachable` gives them.
        service_uid: the slice goes when that Service goes; nobody's deletion waits for it.
    """
    port = {"name": PORT_NAME, "protocol": "TCP", "appProtocol": "http"}
    owner = {"apiVersion": "v1", "kind": "Service", "name": SERVICE_NAME, "uid": service_uid}
    labels = _labels(names) | {SERVICE_NAME_LABEL: SERVICE_NAME, SLICE_OWNER_LABEL: names.group}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": slice_name(family),
            "namespace": namespace,
            "labels": labels,
            OWNERS: [owner],
        },
        "addressType": family,
        "ports": [port | {"port": responders[0].port}] if responders else [],
        "endpoints": [
            {"addresses": [each.address], "conditions": {"ready": True}}
            for each in responders[:MOST_ENDPOINTS]
        ],
    }


def ingress_manifest(
    names: ApiNames,
    namespace: str,
    owner: str,
    position: int,
    *,
    spec: Http01IngressSpec,
    rows: Iterable[Row],
) -> Json:
    """The Ingress that leads exactly these tokens of these hosts to the Service, over HTTP only."""
    template = spec.ingress_template.metadata
    annotations = {**DEFAULT_ANNOTATIONS, **template.annotations}
    if spec.class_ is not None:
        annotations[CLASS_ANNOTATION] = spec.class_
    ours = {names.solver_label: names.http01, names.attempt_label: owner}
    backend = {"service": {"name": SERVICE_NAME, "port": {"number": SERVICE_PORT}}}
    tokens: dict[str, list[Json]] = {}
    for host, token in sorted({row.key for row in rows}):
        path = {"path": f"{CHALLENGE_PATH}{token}", "pathType": spec.path_type.value, "backend": backend}
        tokens.setdefault(host, []).append(path)
    rules = [{"host": host, "http": {"paths": paths}} for host, paths in tokens.items()]
    chosen = {"ingressClassName": spec.ingress_class_name} if spec.ingress_class_name is not None else {}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": route_name(owner, position),
            "namespace": namespace,
            "labels": {**MANAGED_BY, **template.labels, **ours},
            "annotations": annotations,
        },
        "spec": chosen | {"rules": rules},
    }


def owned(manifest: Json, owner: Json | None) -> Json:
    """The same object, to be collected as garbage when its owner is gone.

    Args:
        owner: an ownerReference, or None for an object that somebody has to remove.
    """
    if owner is None:
        return manifest
    return manifest | {"metadata": manifest["metadata"] | {OWNERS: [owner]}}


def is_ours(names: ApiNames, live: Mapping[str, Any]) -> bool:
    """Whether an object was made by us: nothing else is ever written or deleted."""
    labels = live["metadata"].get("labels") or {}
    return bool(labels.get(names.solver_label) == names.http01)


def shows(live: Any, wanted: Any) -> bool:
    """Whether a live object has everything that is wanted; what others added to mappings, or as owners, is theirs.

    Other lists must be equal in length: an endpoint or a rule too many is a difference.
    """
    if isinstance(wanted, Mapping):
        there = live or {}
        return all(
            _has_owners(there.get(key) or [], value) if key == OWNERS else shows(there.get(key), value)
            for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        there = live or []
        return len(there) == len(wanted) and all(map(shows, there, wanted))
    return bool(live == wanted)


def _has_owners(live: Sequence[Any], wanted: Sequence[Any]) -> bool:
    return all(any(shows(each, owner) for each in live) for owner in wanted)


def _labels(names: ApiNames) -> dict[str, str]:
    return {**MANAGED_BY, names.solver_label: names.http01}
