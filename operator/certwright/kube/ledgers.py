"""ConfigMaps that hold ledgers, in the operator's own namespace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certwright.failures import NotYet
from certwright.resources.ledger import KEY, Ledger, ledger_to_text, read_ledger

if TYPE_CHECKING:
    from certwright.kube.api import Json, KubeApi
    from certwright.resources.names import ApiNames


class KubeLedgers:
    """Fits `reconcile.ports.Ledgers`."""

    def __init__(self, api: KubeApi, names: ApiNames, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"
        self._label = (names.ledger_label, names.holds)

    def read_all(self) -> list[Ledger]:
        """Every ledger that can be read, live."""
        selector = "=".join(self._label)
        found = [
            read_ledger(body) for page in self._api.pages(self._path, selector=selector) for body in page
        ]
        return [ledger for ledger in found if ledger is not None]

    def write(self, ledger: Ledger) -> Ledger:
        """Write the whole ledger over whatever stands there; only the leader does.

        Raises:
            Setback: it could not be written.
        """
        try:
            written = self._put(ledger, ledger.version)
        except NotYet:
            # Another leader wrote before us, or somebody deleted it: what we know now is newer.
            present = self._api.get(f"{self._path}/{ledger.name}")
            written = self._put(ledger, present["metadata"]["resourceVersion"] if present else "")
        return replace(ledger, version=written["metadata"]["resourceVersion"])

    def _put(self, ledger: Ledger, version: str) -> Json:
        body = self._body(ledger)
        if not version:
            return self._api.create(self._path, body)
        body["metadata"]["resourceVersion"] = version
        return self._api.replace(f"{self._path}/{ledger.name}", body)

    def _body(self, ledger: Ledger) -> Json:
        label, value = self._label
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": ledger.name, "namespace": self._namespace, "labels": {label: value}},
            "data": {KEY: ledger_to_text(ledger)},
        }
