"""The role whose deletion takes the routes with it: garbage collection removes what it owns.

`helm uninstall` deletes what the release has, and knows nothing of routes in users' namespaces. The operator's role is
the one object of the release that may own them: an owner is of no namespace or of the dependent's own (Kubernetes,
"Owners and Dependents").
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from certwright.failures import NeedsPerson

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.kube.api import Json, KubeApi
    from certwright.resources.scope import Scope

log = logging.getLogger(__name__)

_API_VERSION = "rbac.authorization.k8s.io/v1"
#: Seconds for which a role is taken to be the same. What is made for one that is gone is collected within seconds, and
#: found missing by the next look at the route.
TRUSTED = 10.0


class KubeRouteOwner:
    """Says who owns what is made in a namespace. May be called from any thread.

    Args:
        scope: where the operator works: everywhere by a ClusterRole, in some namespaces by a Role in each of them.
        role: its name; empty if nobody is to own the routes.
        seconds: monotonic clock.
    """

    def __init__(self, api: KubeApi, scope: Scope, role: str, seconds: Callable[[], float]) -> None:
        self._api = api
        self._scope = scope
        self._role = role
        self._seconds = seconds
        #: By namespace of the role: its reference, and until when that is believed.
        self._read: dict[str, tuple[Json | None, float]] = {}

    def of(self, namespace: str) -> Json | None:
        """An ownerReference for objects of this namespace, or None if there is no role that can be read.

        Nobody's deletion waits for what is owned, and nobody is its controller.

        Raises:
            TryLater: the API server did not answer.
        """
        if not self._role:
            return None
        where = "" if self._scope.is_whole_cluster else namespace
        known = self._read.get(where)
        if known is None or self._seconds() >= known[1]:
            before = known[0] if known else {}
            known = self._look(where, told=before is None), self._seconds() + TRUSTED
            self._read[where] = known
        return known[0]

    def _look(self, where: str, *, told: bool) -> Json | None:
        kind, plural = ("Role", f"namespaces/{where}/roles") if where else ("ClusterRole", "clusterroles")
        try:
            role = self._api.get(f"/apis/{_API_VERSION}/{plural}/{self._role}")
            why = "there is no such role"
        except NeedsPerson as refused:
            role, why = None, refused.message
        if role is not None:
            uid = role["metadata"]["uid"]
            return {"apiVersion": _API_VERSION, "kind": kind, "name": self._role, "uid": uid}
        if not told:
            message = (
                "routes have no owner, and will have to be removed by hand if the operator is uninstalled"
            )
            log.warning(message, extra={"namespace": where, "role": f"{kind} {self._role}", "why": why})
        return None
