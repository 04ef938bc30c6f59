"""Permissions as values: granted by the manifests that are shipped, used according to an API server's audit log."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The authorizer's words, in an annotation of each audited request.
_REASON = re.compile(r'^RBAC: allowed by (?:Cluster)?RoleBinding "[^"]+" of (ClusterRole|Role) "([^"]+)"')
_CREATED = 201


class Grant(NamedTuple):
    """One verb on one resource by one role."""

    role: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.role}: {self.verb} {self.resource}"


def granted(manifests: Path) -> Iterator[Grant]:
    """All that the roles in a file of manifests grant, each alone."""
    for body in yaml.safe_load_all(manifests.read_text()):
        if body["kind"] not in ("Role", "ClusterRole"):
            continue
        role = f"{body['kind']} {body['metadata']['name']}"
        for rule in body["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        yield Grant(role, f"{resource}.{group}".removesuffix("."), verb)


def used(audit_log: Path) -> Iterator[Grant]:
    """Every use of a role that the log tells of; an apply that creates is a use of `create` as well."""
    with audit_log.open() as lines:
        for line in lines:
            if "RBAC: allowed by" in line and '"objectRef"' in line and line.endswith("\n"):
                yield from _uses(json.loads(line))


def _uses(event: dict[str, Any]) -> Iterator[Grant]:
    reason = _REASON.match(event["annotations"].get("authorization.k8s.io/reason", ""))
    if reason is None:
        return
    target = event["objectRef"]
    name = "/".join(filter(None, (target["resource"], target.get("subresource", ""))))
    resource = f"{name}.{target.get('apiGroup', '')}".removesuffix(".")
    role = f"{reason[1]} {reason[2]}"
    yield Grant(role, resource, event["verb"])
    if event["verb"] == "patch" and event.get("responseStatus", {}).get("code") == _CREATED:
        yield Grant(role, resource, "create")
