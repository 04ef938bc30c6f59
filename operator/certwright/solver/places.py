"""What is known of each namespace that has routes; it is rebuilt from the cluster by whoever takes the lead."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from certwright.failures import Setback
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from certwright.resources.responder import Responder
    from certwright.solver.upkeep import Key, Known

#: Namespaces in which something may fail before the rest is left for the next time: then it fails everywhere.
MOST_FAILURES = 10


@dataclass(slots=True)
class Place:
    """One namespace.

    Attributes:
        lock: held while Service and slices are worked on, and while it is decided that they may go.
        known: its objects.
        service_uid: of the Service that the slices belong to.
        responders: whom the slices show; None before the first look.
        quiet_until: monotonic seconds; before that nobody tries without being asked.
        users: how many are at work here; `Places` counts them.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    known: dict[Key, Known] = field(default_factory=dict)
    service_uid: str = ""
    responders: tuple[Responder, ...] | None = None
    quiet_until: float = -inf
    users: int = 0

    @property
    def has_routes(self) -> bool:
        """Whether there is an Ingress, or may be one."""
        # A copy, because Ingresses come and go without the lock.
        return any(kind == "Ingress" for kind, _ in tuple(self.known))

    def forget(self) -> None:
        """Nothing is there any more, or nothing is known."""
        self.known.clear()
        self.service_uid, self.responders = "", None


class Places:
    """All of them.

    Attributes:
        complete: every Ingress of ours that there was has been listed: what is not known here does not exist.
        closed: where that is not so, because the last look was refused.
        idle: since when a namespace is known to have a Service and no route.
        serviced: namespaces in which a Service of ours was listed, of whichever process, and not removed since.
    """

    def __init__(self) -> None:
        self.complete = False
        self.closed: frozenset[str] = frozenset()
        self.idle: dict[str, datetime] = {}
        self.serviced: set[str] = set()
        self._lock = threading.Lock()
        self._places: dict[str, Place] = {}

    @contextmanager
    def at(self, namespace: str) -> Iterator[Place]:
        """That of a namespace, the same for all who are at work there; whatever is noted is noted inside.

        The last to leave drops a place of which nothing is known: there are namespaces that come and go.
        """
        with self._lock:
            place = self._places.setdefault(namespace, Place())
            place.users += 1
        try:
            yield place
        finally:
            with self._lock:
                place.users -= 1
                if not (place.users or place.known or place.service_uid):
                    del self._places[namespace]

    def is_known(self, namespace: str) -> bool:
        """Whether no Ingress of ours stands in a namespace but those that are known."""
        return self.complete and namespace not in self.closed

    def has_routes(self, namespace: str) -> bool:
        """Whether a namespace has an Ingress, or may have one."""
        with self._lock:
            place = self._places.get(namespace)
        return place is not None and place.has_routes

    def items(self) -> list[tuple[str, Place]]:
        """Those that something is known of, or somebody is at work in; to look at, or to name the namespaces."""
        with self._lock:
            return list(self._places.items())


class Troubles:
    """Setbacks of single namespaces, which must not keep the others waiting."""

    def __init__(self) -> None:
        self._first: Setback | None = None
        self._count = 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Go on after a setback, unless it will meet every other namespace, too."""
        try:
            yield
        except Setback as setback:
            self._count += 1
            if setback.reason == Reason.NOT_LEADING.word or self._count >= MOST_FAILURES:
                raise
            self._first = self._first or setback

    def tell(self) -> None:
        """Raise the first of them, if there was one."""
        if self._first is not None:
            raise self._first
