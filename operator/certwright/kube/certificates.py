"""Certificates that are made for Ingresses: written by server-side apply, so that what others add stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.kube.secrets import NO_VERSION

if TYPE_CHECKING:
    from certwright.kube.api import Json, KubeApi
    from certwright.resources.metadata import Metadata
    from certwright.resources.names import ApiNames, Ref


class KubeCertificates:
    """Fits `shim.ports.Certificates`."""

    def __init__(self, api: KubeApi, names: ApiNames) -> None:
        self._api = api
        self._names = names

    def apply(self, body: Json, *, replaces: Metadata | None) -> Json:
        """Apply over the version that was seen, or make it where there was none.

        Fields that somebody else set are taken over where we set them too, as long as the object is the one that was
        seen; one that is new is never forced upon another.

        Raises:
            Conflict: something else stands there.
        """
        metadata = body["metadata"]
        fence = {"resourceVersion": NO_VERSION}
        if replaces is not None:
            fence = {"uid": replaces.uid, "resourceVersion": replaces.resource_version}
        path = self._path(metadata["namespace"], metadata["name"])
        return self._api.apply(path, body | {"metadata": metadata | fence}, force=replaces is not None)

    def delete(self, ref: Ref, *, meta: Metadata) -> None:
        """Remove the version that was seen; gone already is success.

        Raises:
            Conflict: something else stands there.
        """
        path = self._path(ref.namespace, ref.name)
        self._api.delete(path, uid=meta.uid, resource_version=meta.resource_version)

    def _path(self, namespace: str, name: str) -> str:
        return f"/apis/{self._names.api_version}/namespaces/{namespace}/certificates/{name}"
