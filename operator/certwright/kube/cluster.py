"""The cluster as one value: the connection to its API server, and every part that reads or writes there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certwright.kube.api import KubeApi
from certwright.kube.attempts import KubeAttempts
from certwright.kube.certificates import KubeCertificates
from certwright.kube.events import KubeEvents
from certwright.kube.ledgers import KubeLedgers
from certwright.kube.pauses import Pauses
from certwright.kube.responders import KubeResponders
from certwright.kube.route_owner import KubeRouteOwner
from certwright.kube.routes import KubeRoutes
from certwright.kube.secrets import KubeSecrets
from certwright.kube.statuses import KubeObjects
from certwright.kube.tables import KubeTables
from certwright.resources.names import FIELD_MANAGER

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kubernetes.client import Configuration

    from certwright.resources.names import ApiNames
    from certwright.resources.scope import Scope
    from certwright.settings import Settings

#: Connections beside one for each worker: the re-lister, the tables, the keeper of routes, and one to spare.
OTHERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What the operator may do in its cluster; whoever has it has all of it, so it is handed on in parts."""

    api: KubeApi
    objects: KubeObjects
    certificates: KubeCertificates
    secrets: KubeSecrets
    attempts: KubeAttempts
    ledgers: KubeLedgers
    events: KubeEvents
    responders: KubeResponders
    tables: KubeTables
    routes: KubeRoutes
    route_owner: KubeRouteOwner

    @classmethod
    def of(
        cls,
        configuration: Configuration,
        settings: Settings,
        names: ApiNames,
        scope: Scope,
        *,
        permit: Callable[[], None],
        seconds: Callable[[], float],
        clock: Callable[[], datetime],
    ) -> Cluster:
        """Build all parts over one pool of connections; nothing is sent yet.

        Args:
            permit: asked before every write; raises where this process does not lead.
            seconds: monotonic.
        """
        api = KubeApi(
            configuration,
            pool_size=settings.workers + OTHERS,
            field_manager=FIELD_MANAGER,
            permit=permit,
            pauses=Pauses(seconds),
        )
        namespace = settings.namespace
        return cls(
            api=api,
            objects=KubeObjects(api, names),
            certificates=KubeCertificates(api, names),
            secrets=KubeSecrets(api, names),
            attempts=KubeAttempts(api, names, namespace),
            ledgers=KubeLedgers(api, names, namespace),
            events=KubeEvents(
                api,
                names,
                controller=names.controller,
                instance=settings.instance,
                clock=clock,
            ),
            responders=KubeResponders(api, namespace, settings.responder_service),
            tables=KubeTables(api, names, namespace),
            routes=KubeRoutes(api, names, scope),
            route_owner=KubeRouteOwner(api, scope, settings.owner_role, seconds),
        )
