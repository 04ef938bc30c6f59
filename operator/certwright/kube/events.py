"""Events: one sentence beside an object."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from certwright.resources.conditions import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.kube.api import Json, KubeApi
    from certwright.resources.metadata import Metadata
    from certwright.resources.names import ApiNames, Ref


#: Bytes, not characters (Kubernetes, pkg/apis/core/validation/events.go).
NOTE_LIMIT = 1024


class KubeEvents:
    """Posts events.k8s.io/v1 Events (Kubernetes API reference, Event v1)."""

    def __init__(
        self, api: KubeApi, names: ApiNames, *, controller: str, instance: str, clock: Callable[[], datetime]
    ) -> None:
        self._api = api
        self._names = names
        self._controller = controller
        self._instance = instance
        self._clock = clock

    def post(
        self, ref: Ref, meta: Metadata, *, warning: bool, reason: str, message: str, action: str
    ) -> None:
        """Tell what happened to `ref`; events of cluster-scoped objects go to the namespace `default`."""
        namespace = ref.namespace or "default"
        now = self._clock().astimezone(UTC)
        note = sentence(message).encode()[:NOTE_LIMIT].decode(errors="ignore")
        digest = hashlib.sha256(f"{meta.uid}{reason}{note}{now.isoformat()}".encode()).hexdigest()[:16]
        regarding: Json = {
            "apiVersion": self._names.api_version,
            "kind": ref.kind,
            "name": ref.name,
            "uid": meta.uid,
            "resourceVersion": meta.resource_version,
        }
        if ref.namespace:
            regarding["namespace"] = ref.namespace
        body: Json = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{ref.name[:200]}.{digest}", "namespace": namespace},
            "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "action": action,
            "note": note,
            "regarding": regarding,
            "reportingController": self._controller,
            "reportingInstance": self._instance[:128],
        }
        self._api.create(f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", body)
