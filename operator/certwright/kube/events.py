"""Events: one sentence beside an object."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from certwright.kube.api import AlreadyExists
from certwright.resources.conditions import sentence
from certwright.resources.names import FOREIGN_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.kube.api import Json, KubeApi
    from certwright.resources.metadata import Metadata
    from certwright.resources.names import ApiNames, Ref


#: Bytes, not characters (Kubernetes, pkg/apis/core/validation/events.go).
NOTE_LIMIT = 1024


class _Told(NamedTuple):
    """What is said of which object."""

    ref: Ref
    meta: Metadata
    type: str
    reason: str
    note: str
    action: str


def _note(message: str) -> str:
    return sentence(message).encode()[:NOTE_LIMIT].decode(errors="ignore")


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
        now = self._clock().astimezone(UTC)
        told = _Told(ref, meta, "Warning" if warning else "Normal", reason, _note(message), action)
        self._post(told, now, now.isoformat())

    def post_once(
        self, ref: Ref, meta: Metadata, *, warning: bool, reason: str, message: str, action: str
    ) -> None:
        """The same, unless this very sentence is told already: its name follows from it."""
        told = _Told(ref, meta, "Warning" if warning else "Normal", reason, _note(message), action)
        with suppress(AlreadyExists):
            self._post(told, self._clock().astimezone(UTC), "")

    def _post(self, told: _Told, now: datetime, salt: str) -> None:
        ref, meta = told.ref, told.meta
        namespace = ref.namespace or "default"
        digest = hashlib.sha256(f"{meta.uid}{told.reason}{told.note}{salt}".encode()).hexdigest()[:16]
        api_version, _ = FOREIGN_KINDS.get(ref.kind, (self._names.api_version, ""))
        regarding: Json = {
            "apiVersion": api_version,
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
            "type": told.type,
            "reason": told.reason,
            "action": told.action,
            "note": told.note,
            "regarding": regarding,
            "reportingController": self._controller,
            "reportingInstance": self._instance[:128],
        }
        self._api.create(f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", body)
