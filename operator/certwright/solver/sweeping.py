"""One look at all routes of the cluster: what nobody needs is removed, what is needed is remembered."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from certwright.solver.places import Troubles
from certwright.solver.routes import ROUTE_PREFIX, SERVICE_NAME, is_ours
from certwright.solver.upkeep import Key, Known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

    from certwright.resources.names import ApiNames
    from certwright.solver.places import Place, Places
    from certwright.solver.routes import Kind
    from certwright.solver.upkeep import RouteObjects, Upkeep


@dataclass(kw_only=True)
class Sweep:
    """One pass.

    Attributes:
        lives: whether an attempt Secret of this name is one that is still worked on.
        now: for the linger, which is counted over passes.
        began: monotonic seconds before anything was listed; what was done later is not judged by the list.
        linger: how long a Service without routes stays.
    """

    objects: RouteObjects
    upkeep: Upkeep
    names: ApiNames
    places: Places
    lives: Callable[[str], bool]
    now: datetime
    began: float
    linger: timedelta
    _troubles: Troubles = field(default_factory=Troubles)

    def run(self) -> None:
        """Raises the first Setback of a single namespace when the others are done."""
        (routes, one), (services, other) = self._listed("Ingress"), self._listed("Service")
        places, closed = self.places, one | other
        for namespace in closed:
            # What was shown before the refusal, or of one kind, is not all that there is.
            routes.pop(namespace, None)
            services.pop(namespace, None)
        for namespace in {*routes, *(name for name, _ in places.items())} - closed:
            with places.at(namespace) as place, place.lock:
                self._learn(place, routes.get(namespace, {}))
                self._forget_vanished(place, services.get(namespace, {}))
        places.complete, places.closed, places.serviced = True, closed, set(services)
        for namespace, listed in routes.items():
            for name, metadata in listed.items():
                with self._troubles.kept(), places.at(namespace) as place, place.lock:
                    self._judge(place, namespace, name, metadata)
        self._remove_idle(services)
        self._troubles.tell()

    def _listed(self, kind: Kind) -> tuple[dict[str, dict[str, Mapping[str, Any]]], frozenset[str]]:
        """Metadata by namespace and name; without what is being deleted already, and what was not named by us.

        And the namespaces of which that is not all.
        """
        found: defaultdict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
        listed, closed = self.objects.read_all(kind)
        for each in listed:
            metadata = each["metadata"]
            name = metadata["name"]
            named = name.startswith(ROUTE_PREFIX) if kind == "Ingress" else name == SERVICE_NAME
            if named and is_ours(self.names, each) and not metadata.get("deletionTimestamp"):
                found[metadata["namespace"]][name] = metadata
        return found, closed

    def _learn(self, place: Place, listed: Mapping[str, Mapping[str, Any]]) -> None:
        """Know what stands, and no more what somebody deleted."""
        for key, known in tuple(place.known.items()):
            if key[0] == "Ingress" and key[1] not in listed and known.uid and known.at < self.began:
                place.known.pop(key, None)
        for name, metadata in listed.items():
            place.known.setdefault(("Ingress", name), Known(None, metadata["uid"], "", self.began))

    def _forget_vanished(self, place: Place, listed: Mapping[str, Mapping[str, Any]]) -> None:
        """Somebody deleted the Service, and no route needs another."""
        service = place.known.get(("Service", SERVICE_NAME))
        if service and service.at < self.began and not listed and not place.has_routes:
            place.forget()

    def _judge(self, place: Place, namespace: str, name: str, metadata: Mapping[str, Any]) -> None:
        owner = metadata["labels"].get(self.names.attempt_label)
        known = place.known.get(("Ingress", name))
        made_since = known is not None and bool(known.uid) and known.at > self.began
        if owner and not made_since and not self.lives(owner):
            self.upkeep.remove(place.known, namespace, ("Ingress", name))

    def _remove_idle(self, services: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Delete Services that had no route for long enough; their slices are collected with them."""
        places, idle = self.places, self.places.idle
        unused = [namespace for namespace in services if not places.has_routes(namespace)]
        unseen = {namespace: since for namespace, since in idle.items() if namespace in places.closed}
        places.idle = unseen | {namespace: idle.get(namespace, self.now) for namespace in unused}
        for namespace, since in tuple(places.idle.items()):
            if self.now - since < self.linger or namespace in places.closed:
                continue
            with self._troubles.kept(), places.at(namespace) as place, place.lock:
                if place.has_routes:
                    continue
                key: Key = "Service", SERVICE_NAME
                place.known[key] = Known(None, services[namespace][SERVICE_NAME]["uid"], "", self.began)
                self.upkeep.remove(place.known, namespace, key)
                place.forget()
                del places.idle[namespace]
                places.serviced.discard(namespace)
