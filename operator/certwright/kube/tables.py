"""ConfigMaps that hold token tables, in the operator's own namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from certwright.kube.api import Json, KubeApi
    from certwright.resources.names import ApiNames


class KubeTables:
    """Fits `solver.responders.Tables`."""

    def __init__(self, api: KubeApi, names: ApiNames, namespace: str) -> None:
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"
        self._selector = f"{names.table_label}={names.tokens}"

    def read_all(self) -> list[Json]:
        """Every ConfigMap with our label, live."""
        return [table for page in self._api.pages(self._path, selector=self._selector) for table in page]

    def read(self, name: str) -> Json | None:
        """The live ConfigMap of this name, labelled or not, or None."""
        return self._api.get(f"{self._path}/{name}")

    def create(self, body: Json) -> Json:
        """POST; raises `AlreadyExists`."""
        return self._api.create(self._path, body)

    def replace(self, body: Json) -> Json:
        """PUT over the version that the body names; raises `Conflict`."""
        return self._api.replace(f"{self._path}/{body['metadata']['name']}", body)
