"""Services, EndpointSlices and Ingresses that lead from users' namespaces to the solver pods."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.failures import NeedsPerson, TryLater
from certwright.kube.secrets import NO_VERSION
from certwright.resources.conditions import Reason
from certwright.resources.scope import EVERYWHERE, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from certwright.kube.api import Json, KubeApi
    from certwright.resources.names import ApiNames

log = logging.getLogger(__name__)

#: Where each kind is found, and as what.
_KINDS: Mapping[str, tuple[str, str]] = {
    "Service": ("/api/v1", "services"),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices"),
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses"),
}
#: Refusals that pass without anybody changing a policy; the API server names them in its text only.
_PASSING = ("exceeded quota", "being terminated")
#: Room in a quota comes when others are done; asking more often helps nobody.
REFUSED_PAUSE = timedelta(minutes=5)


class KubeRoutes:
    """Fits `solver.upkeep.RouteObjects`."""

    def __init__(self, api: KubeApi, names: ApiNames, scope: Scope = EVERYWHERE) -> None:
        self._api = api
        self._scope = scope
        self._selector = f"{names.solver_label}={names.http01}"
        #: By kind, where the last listing was refused.
        self._closed: dict[str, frozenset[str]] = {}

    def read(self, kind: str, namespace: str, name: str) -> Json | None:
        """The live object, ours or not, or None."""
        return self._api.get(_path(kind, namespace, name))

    def read_all(self, kind: str) -> tuple[list[Json], frozenset[str]]:
        """Metadata of all that carry our label, and the namespaces that we may not look into.

        A Role goes with its namespace, and comes a moment after it: neither must hold up the others.
        """
        found: list[Json] = []
        closed: set[str] = set()
        for namespace, path in self._scope.collections(*_KINDS[kind]):
            try:
                for page in self._api.pages(path, selector=self._selector, metadata_only=True):
                    found += page
            except NeedsPerson as refused:
                if not namespace or refused.reason != Reason.FORBIDDEN.word:
                    raise
                closed.add(namespace)
                if namespace not in self._closed.get(kind, ()):
                    facts = {"namespace": namespace, "why": refused.message}
                    log.warning("routes cannot be listed", extra=facts)
        self._closed[kind] = frozenset(closed)
        return found, self._closed[kind]

    def apply(self, body: Json, *, uid: str) -> Json:
        """Apply to the object with this UID, or make it where `uid` is empty.

        Raises:
            Conflict: another stands there, or none does; or one does that was not to be there.
            TryLater: RouteRefused, a quota is used up or the namespace is being deleted.
            NeedsPerson: RouteRefused, for any other reason.
        """
        metadata = body["metadata"]
        fence = {"uid": uid} if uid else {"resourceVersion": NO_VERSION}
        path = _path(body["kind"], metadata["namespace"], metadata["name"])
        with _refusals_explained(f"{body['kind']} {metadata['namespace']}/{metadata['name']}"):
            return self._api.apply(path, body | {"metadata": metadata | fence}, force=bool(uid))

    def delete(self, kind: str, namespace: str, name: str, *, uid: str) -> None:
        """Remove the object with this UID; gone already is success."""
        self._api.delete(_path(kind, namespace, name), uid=uid)


def _path(kind: str, namespace: str, name: str) -> str:
    group, plural = _KINDS[kind]
    return f"{group}/namespaces/{namespace}/{plural}/{name}"


@contextmanager
def _refusals_explained(what: str) -> Iterator[None]:
    """Say what was refused; the API server's own words name the quota, the policy or the field."""
    try:
        yield
    except NeedsPerson as refused:
        message = f"the API server refused {what}, which is to lead to the solver pods: {refused.message}"
        if any(words in refused.message for words in _PASSING):
            raise TryLater(Reason.ROUTE_REFUSED.word, message, retry_after=REFUSED_PAUSE) from refused
        raise NeedsPerson(Reason.ROUTE_REFUSED.word, message) from refused
