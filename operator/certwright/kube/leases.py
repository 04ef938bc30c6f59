"""The operator's Lease, through which replicas agree on a leader."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from certwright.engine.lease import LeaseRecord
from certwright.failures import NeedsPerson
from certwright.kube.api import AlreadyExists, Conflict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certwright.kube.api import Json, KubeApi
    from certwright.resources.names import ApiNames

#: Seconds to connect (with time for one lost packet) and to be answered: half of the elector's renew deadline.
LEASE_TIMEOUT = (1.5, 3.0)
API_VERSION = "coordination.k8s.io/v1"


class KubeLeases:
    """Reads and writes one Lease. For one thread: it remembers the object, to keep what others put on it."""

    def __init__(self, api: KubeApi, names: ApiNames, namespace: str, name: str) -> None:
        """Make one for the Lease `name`.

        Args:
            api: a client of its own, with `LEASE_TIMEOUT`: renewals must not queue behind other requests.
        """
        self._api = api
        self._names = names
        self._namespace = namespace
        self._name = name
        self._collection = f"/apis/{API_VERSION}/namespaces/{namespace}/leases"
        self._body: Json = {}

    def read(self) -> LeaseRecord | None:
        """The live Lease, or None if there is none."""
        with _permission_needed():
            body = self._api.get(f"{self._collection}/{self._name}")
        return None if body is None else self._remember(body)

    def write(self, record: LeaseRecord) -> LeaseRecord | None:
        """POST, or PUT over the version that `record` names; None if somebody was faster."""
        body = self._filled(record)
        try:
            with _permission_needed():
                if record.version:
                    stored = self._api.replace(f"{self._collection}/{self._name}", body)
                else:
                    stored = self._api.create(self._collection, body)
        except (AlreadyExists, Conflict):
            return None
        return self._remember(stored)

    def _remember(self, body: Json) -> LeaseRecord:
        self._body = body
        return read_lease(body, self._names)

    def _filled(self, record: LeaseRecord) -> Json:
        known = self._body if record.version else {}
        metadata = dict(known.get("metadata") or {}) | {"name": self._name, "namespace": self._namespace}
        metadata.pop("managedFields", None)
        annotations = dict(metadata.get("annotations") or {})
        annotations.pop(self._names.process, None)
        if record.process:
            annotations[self._names.process] = record.process
        metadata["annotations"] = annotations
        if record.version:
            metadata["resourceVersion"] = record.version
        spec = dict(known.get("spec") or {}) | {
            "holderIdentity": record.holder,
            "leaseDurationSeconds": record.duration,
            "leaseTransitions": record.transitions,
            "acquireTime": _micro_time(record.acquired),
            "renewTime": _micro_time(record.renewed),
        }
        return {"apiVersion": API_VERSION, "kind": "Lease", "metadata": metadata, "spec": spec}


def read_lease(body: Json, names: ApiNames) -> LeaseRecord:
    """What a Lease says; whatever is missing or odd in it says nothing."""
    metadata, spec = body["metadata"], body.get("spec") or {}
    return LeaseRecord(
        holder=spec.get("holderIdentity") or "",
        process=(metadata.get("annotations") or {}).get(names.process) or "",
        duration=spec.get("leaseDurationSeconds") or 0,
        transitions=spec.get("leaseTransitions") or 0,
        acquired=_moment(spec.get("acquireTime")),
        renewed=_moment(spec.get("renewTime")),
        version=metadata["resourceVersion"],
    )


def _micro_time(moment: datetime | None) -> str | None:
    """RFC3339Micro (k8s.io/apimachinery, metav1.MicroTime)."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}" if moment else None


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


@contextmanager
def _permission_needed() -> Iterator[None]:
    """Say what the Role lacks; the API server's own words name the verb."""
    try:
        yield
    except NeedsPerson as refused:
        advice = "no replica can lead without get, create and update of leases in coordination.k8s.io"
        raise NeedsPerson(refused.reason, f"{refused.message}; {advice}") from refused
