"""Reads of the API server as an administrator, without kubectl, which takes a tenth of a second of CPU a call."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from kubernetes import config

if TYPE_CHECKING:
    from tests.kit.control_plane import ControlPlane


class RawReads:
    """Objects and lists by their path; for any thread."""

    def __init__(self, plane: ControlPlane) -> None:
        self._api = config.new_client_from_config(str(plane.kubeconfig()))  # type: ignore[no-untyped-call]

    def get(self, path: str, **query: str) -> Any:
        """The object at `path`, or None if there is none."""
        request = self._api.param_serialize(
            "GET", path, query_params=list(query.items()), header_params={"Accept": "application/json"}
        )
        answer = self._api.call_api(*request, _request_timeout=10)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        assert answer.status == HTTPStatus.OK, answer.status
        return json.loads(answer.read())

    def items(self, path: str, selector: str = "") -> list[dict[str, Any]]:
        """All of a collection that carry the labels."""
        found: list[dict[str, Any]] = self.get(path, **({"labelSelector": selector} if selector else {}))[
            "items"
        ]
        return found

    def close(self) -> None:
        """End its connections."""
        self._api.close()
        self._api.rest_client.pool_manager.clear()  # the client's own close leaves its connections to the collector
