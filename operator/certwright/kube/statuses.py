"""Certificates, issuers and what asks for certificates: read live; of ours, write the whole status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.kube.api import Conflict
from certwright.resources.names import FOREIGN_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.kube.api import Json, KubeApi
    from certwright.resources.metadata import Metadata
    from certwright.resources.names import ApiNames, Ref


class KubeObjects:
    """Our own kinds at the API server, and those that ask for certificates."""

    def __init__(self, api: KubeApi, names: ApiNames) -> None:
        self._api = api
        self._names = names

    def path(self, ref: Ref) -> str:
        """URL path of the object."""
        if ref.kind in FOREIGN_KINDS:
            api_version, plural = FOREIGN_KINDS[ref.kind]
            return f"/apis/{api_version}/namespaces/{ref.namespace}/{plural}/{ref.name}"
        where = f"/namespaces/{ref.namespace}" if ref.namespace else ""
        return f"/apis/{self._names.api_version}{where}/{self._names.plural(ref.kind)}/{ref.name}"

    def read(self, ref: Ref) -> Json | None:
        """The live object, or None."""
        return self._api.get(self.path(ref))

    def write_status(
        self, ref: Ref, meta: Metadata, status: Json, *, unchanged: Callable[[object], bool]
    ) -> Json | None:
        """Apply the whole status to the object with this UID; None if it is gone or was replaced.

        The API server ignores a wrong uid on the status subresource, so the resourceVersion is the fence: stale,
        it is answered by 409, and only a live object with the same UID, whose status is the one that the new one was
        reckoned from, is written again: somebody edited its spec or labels.

        Args:
            unchanged: whether a live status says what the one said that the new one was reckoned from.

        Raises:
            Conflict: another replica wrote the status meanwhile; what was reckoned is out of date.
        """
        try:
            return self._apply(ref, meta.resource_version, status)
        except Conflict:
            live = self.read(ref)
            if live is None or live["metadata"]["uid"] != meta.uid:
                return None
            if not unchanged(live.get("status")):
                raise
            return self._apply(ref, live["metadata"]["resourceVersion"], status)

    def _apply(self, ref: Ref, resource_version: str, status: Json) -> Json:
        metadata = {"name": ref.name, "resourceVersion": resource_version}
        if ref.namespace:
            metadata["namespace"] = ref.namespace
        body = {
            "apiVersion": self._names.api_version,
            "kind": ref.kind,
            "metadata": metadata,
            "status": status,
        }
        return self._api.apply(f"{self.path(ref)}/status", body, force=True)
