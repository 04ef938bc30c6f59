"""Reads live objects as the cluster's admin over one connection: a kubectl costs more CPU than what is waited for."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter

#: Where objects of a kind are, by its plural name.
_APIS = {
    "certificates": "/apis/certwright.dev/v1",
    "issuers": "/apis/certwright.dev/v1",
    "clusterissuers": "/apis/certwright.dev/v1",
    "configmaps": "/api/v1",
    "secrets": "/api/v1",
    "services": "/api/v1",
    "namespaces": "/api/v1",
    "pods": "/api/v1",
    "endpointslices": "/apis/discovery.k8s.io/v1",
    "ingresses": "/apis/networking.k8s.io/v1",
    "leases": "/apis/coordination.k8s.io/v1",
    "events": "/apis/events.k8s.io/v1",
    "roles": "/apis/rbac.authorization.k8s.io/v1",
}


class NotThere(LookupError):  # noqa: N818 - named by what happened
    """There is no such object."""


class Reader:
    """Reads; any thread may use it.

    Args:
        url: of the API server.
        ca_file: that its certificate is checked with.
        pair: files of the client's certificate and key.
    """

    def __init__(self, url: str, ca_file: str, pair: tuple[str, str]) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = ca_file
        self._session.cert = pair
        self._session.mount("https://", HTTPAdapter(pool_maxsize=20))

    def close(self) -> None:
        """Give the connection back."""
        self._session.close()

    def one(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        """The object.

        Args:
            kind: plural, as in "certificates", which are ours.

        Raises:
            NotThere: there is none.
            requests.RequestException: the server does not answer, or refuses.
        """
        found: dict[str, Any] = self.path(f"{_place(kind, namespace)}/{name}")
        return found

    def all(self, kind: str, namespace: str = "", *, selector: str = "") -> list[dict[str, Any]]:
        """The objects of a namespace, or of all, that have these labels.

        Raises:
            requests.RequestException: the server does not answer, or refuses.
        """
        listed: list[dict[str, Any]] = self.path(_place(kind, namespace), labelSelector=selector)["items"]
        return listed

    def path(self, path: str, **query: str) -> Any:
        """What the server answers to a GET of a path, parsed.

        Raises:
            NotThere: 404.
            requests.RequestException: the server does not answer, or refuses.
        """
        try:
            answer = self._session.get(f"{self._url}{path}", params=query, timeout=30)
        except (
            requests.ConnectionError
        ):  # a server that was started again knows nothing of a connection that we kept
            answer = self._session.get(f"{self._url}{path}", params=query, timeout=30)
        if answer.status_code == requests.codes.not_found:
            raise NotThere(path)
        answer.raise_for_status()
        return answer.json()

    def answers(self, path: str) -> bool:
        """Whether the server answers with success."""
        try:
            return self._session.get(f"{self._url}{path}", timeout=10).ok
        except (requests.ConnectionError, requests.Timeout):
            return False


def _place(kind: str, namespace: str) -> str:
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"{_APIS[kind]}{within}/{kind}"
