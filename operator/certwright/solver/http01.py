"""HTTP-01: the routes of all namespaces, made when an attempt needs one, and removed when none does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.failures import NotYet, Setback
from certwright.resources.conditions import Reason
from certwright.solver.places import Places, Troubles
from certwright.solver.routes import (
    FAMILIES,
    ingress_manifest,
    owned,
    reachable,
    route_name,
    service_manifest,
    slice_manifest,
    slice_name,
)
from certwright.solver.sweeping import Sweep
from certwright.solver.upkeep import PERHAPS, TRUSTED, Upkeep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, timedelta

    from certwright.resources.http01_spec import Http01IngressSpec
    from certwright.resources.names import ApiNames
    from certwright.resources.responder import Family, Responder
    from certwright.solver.places import Place
    from certwright.solver.responders import Responders
    from certwright.solver.routes import Json
    from certwright.solver.tables import Row
    from certwright.solver.upkeep import Key, RouteObjects

#: Seconds for which slices are not kept in step where that failed; an attempt that asks tries all the same.
QUIET, QUIET_AFTER_REFUSAL = 30.0, 300.0


class Http01:
    """Routes. Every method may be called from any thread, but for one attempt from one at a time.

    What is written is remembered, and written again only if it differs or somebody else changed it.

    Args:
        responders: the solver pods.
        checkpoint: called before and after each write; raises where this process does not lead.
        seconds: monotonic clock.
        linger: how long a namespace keeps its Service after its last route, since the next one is often near.
        owner: ownerReference for what is made in a namespace, as of now, or None; asked before every look at it.
    """

    def __init__(
        self,
        *,
        routes: RouteObjects,
        responders: Responders,
        names: ApiNames,
        checkpoint: Callable[[str], None],
        seconds: Callable[[], float],
        linger: timedelta,
        owner: Callable[[str], Json | None] = lambda _: None,
    ) -> None:
        self._objects = routes
        self._responders = responders
        self._names = names
        self._seconds = seconds
        self._linger = linger
        self._owner = owner
        self._upkeep = Upkeep(routes, names, checkpoint, seconds)
        self._places = Places()
        #: Who answers, and until when that is believed without another look.
        self._answering: tuple[tuple[Responder, ...], float] = ((), seconds())

    @property
    def unsettled(self) -> bool:
        """Whether anything of ours may stand somewhere, so that a sweep could have something to do."""
        places = self._places
        standing = any(place.has_routes or place.service_uid for _, place in places.items())
        unseen = not places.complete or bool(places.closed)
        return unseen or standing or bool(places.idle or places.serviced)

    def begin(self) -> None:
        """This process leads from now on: others may have changed everything that it remembers."""
        self._places = Places()

    def ensure_route(
        self, namespace: str, owner: str, position: int, spec: Http01IngressSpec, rows: Iterable[Row]
    ) -> None:
        """Have these tokens of these hosts led to the solver pods, and nothing else; repeatable.

        Args:
            owner: name of the attempt Secret.
            position: of the solver within the attempt.

        Raises:
            NotYet: no solver pod is ready, or something of that name is about to go.
            Setback: RouteRefused, with what stands in the way.
        """
        ingress = ingress_manifest(self._names, namespace, owner, position, spec=spec, rows=rows)
        wanted = owned(ingress, self._owner(namespace))
        with self._places.at(namespace) as place:
            with place.lock:
                responders = self._those_answering()
                if not responders:
                    message = "no solver pod is ready, so there is nothing to route to"
                    raise NotYet(Reason.AWAITING_SOLVER.word, message)
                self._stand(namespace, place, responders)
                place.known.setdefault(_ingress(owner, position), PERHAPS)
            self._upkeep.bring(place.known, wanted)

    def remove_route(self, namespace: str, owner: str, position: int) -> None:
        """Have the route gone; gone already is success. No request where there is none for certain."""
        places = self._places
        key = _ingress(owner, position)
        with places.at(namespace) as place:
            if key in place.known or not places.is_known(namespace):
                self._upkeep.remove(place.known, namespace, key)

    def refresh(self) -> None:
        """Have the slices of every namespace with routes show the solver pods of now.

        Raises:
            Setback: the first of a single namespace, when the others are done.
        """
        places = self._places
        busy = [namespace for namespace, place in places.items() if place.has_routes]
        if not busy:
            return
        responders = self._read_responders()
        troubles = Troubles()
        for namespace in busy:
            with troubles.kept(), places.at(namespace) as place, place.lock:
                due = place.has_routes and place.responders != responders
                if due and self._seconds() >= place.quiet_until:
                    self._stand(namespace, place, responders)
        troubles.tell()

    def sweep(self, lives: Callable[[str], bool], now: datetime) -> None:
        """Remove the routes of attempts that do not live, and Services that no route has used for the linger.

        Two LISTs. Not to be called before everything that lives is known.

        Raises:
            Setback: the first of a single namespace, when the others are done.
        """
        Sweep(
            objects=self._objects,
            upkeep=self._upkeep,
            names=self._names,
            places=self._places,
            lives=lives,
            now=now,
            began=self._seconds(),
            linger=self._linger,
        ).run()

    def _stand(self, namespace: str, place: Place, responders: tuple[Responder, ...]) -> None:
        """Service and slices of a namespace; the caller holds its lock. Without responders the Service stays."""
        if not responders and not place.service_uid:
            return
        try:
            if responders:
                self._stand_service(namespace, place, responders[0].port)
            for family in FAMILIES:
                own = [each for each in responders if each.family == family]
                if own or self._has_slice(namespace, place, family):
                    wanted = slice_manifest(self._names, namespace, family, own, place.service_uid)
                    self._upkeep.bring(place.known, wanted)
        except Setback as setback:
            refused = setback.reason == Reason.ROUTE_REFUSED.word
            place.quiet_until = self._seconds() + (QUIET_AFTER_REFUSAL if refused else QUIET)
            raise
        place.responders = responders

    def _stand_service(self, namespace: str, place: Place, port: int) -> None:
        service = service_manifest(self._names, namespace, port)
        uid = self._upkeep.bring(place.known, owned(service, self._owner(namespace)))
        if uid != place.service_uid:
            # Slices of a Service that is gone go with it.
            for family in FAMILIES:
                place.known.pop(_slice(family), None)
            place.service_uid = uid

    def _has_slice(self, namespace: str, place: Place, family: Family) -> bool:
        """Whether a family that no solver pod has (any more) has a slice that must be emptied."""
        if place.responders is None:
            return self._upkeep.stands(namespace, _slice(family))
        return _slice(family) in place.known

    def _those_answering(self) -> tuple[Responder, ...]:
        """As of a moment ago."""
        responders, until = self._answering
        return responders if responders and self._seconds() < until else self._read_responders()

    def _read_responders(self) -> tuple[Responder, ...]:
        responders = reachable(self._responders.read())
        self._answering = responders, self._seconds() + TRUSTED.total_seconds()
        return responders


def _ingress(owner: str, position: int) -> Key:
    return "Ingress", route_name(owner, position)


def _slice(family: Family) -> Key:
    return "EndpointSlice", slice_name(family)
