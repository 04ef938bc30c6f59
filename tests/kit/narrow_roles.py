"""Permissions of an operator that works in named namespaces only: Roles, and no ClusterRole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from tests.kit.control_plane import ControlPlane

Rule: TypeAlias = tuple[str, tuple[str, ...], tuple[str, ...]]

#: In each namespace that is watched: API group, resources, verbs.
WATCHED: tuple[Rule, ...] = (
    ("certwright.dev", ("certificates", "issuers"), ("get", "list", "watch")),
    ("certwright.dev", ("certificates",), ("create", "patch", "delete")),
    ("certwright.dev", ("certificates/status", "issuers/status"), ("patch",)),
    ("", ("secrets",), ("get", "list", "watch", "create", "patch")),
    ("events.k8s.io", ("events",), ("create",)),
    ("networking.k8s.io", ("ingresses",), ("get", "list", "watch", "create", "patch", "delete")),
    ("", ("services",), ("get", "list", "create", "patch", "delete")),
    ("discovery.k8s.io", ("endpointslices",), ("get", "create", "patch")),
    ("rbac.authorization.k8s.io", ("roles",), ("get",)),
)
#: In the operator's own.
OWN: tuple[Rule, ...] = (
    ("", ("secrets",), ("get", "list", "create", "update", "delete")),
    ("coordination.k8s.io", ("leases",), ("get", "create", "update")),
    ("", ("configmaps",), ("get", "list", "create", "update")),
    ("discovery.k8s.io", ("endpointslices",), ("list",)),
)


def grant(plane: ControlPlane, namespace: str, role: str, rules: tuple[Rule, ...]) -> None:
    """Make a Role in a namespace and bind it to the operator's ServiceAccount."""
    metadata = {"name": role, "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    made = [
        {
            "apiVersion": f"{group}/v1",
            "kind": "Role",
            "metadata": metadata,
            "rules": [
                {"apiGroups": [api], "resources": list(resources), "verbs": list(verbs)}
                for api, resources, verbs in rules
            ],
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "certwright", "namespace": "certwright"}],
        },
    ]
    items: dict[str, Any] = {"apiVersion": "v1", "kind": "List", "items": made}
    plane.kubectl("apply", "--filename", "-", input=json.dumps(items))
