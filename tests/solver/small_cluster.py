"""A cluster in memory that holds Services, EndpointSlices and Ingresses, as far as routes can tell."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeAlias

from certwright.failures import NotYet
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from certwright.failures import Setback
    from certwright.resources.responder import Responder

Json: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[str, str, str]


class SmallCluster:
    """Fits `solver.upkeep.RouteObjects` and `solver.responders.Responders`, and writes down every request.

    An apply replaces what we applied before and keeps what others put there; the version changes with the content.

    Attributes:
        asked: verb, kind, namespace and name of each request so far.
        refuse: raised by writes of a kind, or of everything with "*"; `lose` after the write has been done.
        webhook: changes what is stored.
        meanwhile: called with verb, kind and namespace before each request is served.
        closed: kinds, or "*" for all, and the namespaces in which they are not listed.
        selects: whether lists heed the label selector.
        pods: the solver pods.
        role: UID of the operator's role, as garbage collection knows it.
    """

    def __init__(self, *pods: Responder) -> None:
        self.asked: list[tuple[str, str, str, str]] = []
        self.refuse: dict[str, Setback] = {}
        self.lose: dict[str, Setback] = {}
        self.webhook: Callable[[Json], None] = lambda _: None
        self.meanwhile: Callable[[str, str, str], None] = lambda *_: None
        self.closed: set[tuple[str, str]] = set()
        self.selects = True
        self.pods = pods
        self.role = ""
        self._applied: dict[Place, Json] = {}
        self._others: dict[Place, Json] = {}
        self._stored: dict[Place, Json] = {}
        self._count = 0

    # What routes ask

    def read(self, kind: str, namespace: str, name: str) -> Json | None:
        self._ask("get", kind, namespace, name)
        return copy.deepcopy(self._stored.get((kind, namespace, name)))

    def read_all(self, kind: str) -> tuple[Iterator[Json], frozenset[str]]:
        self._ask("list", kind, "", "")
        closed = frozenset(namespace for each, namespace in self.closed if each in (kind, "*"))
        return self._listed(kind, closed), closed

    def _listed(self, kind: str, closed: frozenset[str]) -> Iterator[Json]:
        for (each, namespace, _), stored in sorted(self._stored.items(), key=lambda item: item[0]):
            label = stored["metadata"].get("labels", {}).get("certwright.dev/solver")
            if each == kind and namespace not in closed and (label == "http-01" or not self.selects):
                yield {"metadata": copy.deepcopy(stored["metadata"])}

    def apply(self, body: Json, *, uid: str) -> Json:
        kind, metadata = body["kind"], body["metadata"]
        place = kind, metadata["namespace"], metadata["name"]
        self._ask("apply", *place)
        self._refused(kind)
        there = self._stored.get(place)
        if (there["metadata"]["uid"] if there else "") != uid:
            raise NotYet(Reason.CHANGED_MEANWHILE.word, "Precondition failed")
        self._applied[place] = copy.deepcopy(body)
        stored = self._store(place)
        if kind in self.lose:
            raise self.lose.pop(kind)
        return stored

    def delete(self, kind: str, namespace: str, name: str, *, uid: str) -> None:
        self._ask("delete", kind, namespace, name)
        self._refused(kind)
        there = self._stored.get((kind, namespace, name))
        if there and there["metadata"]["uid"] == uid:
            self.vanish(kind, namespace, name)

    def responders(self) -> tuple[Responder, ...]:
        return self.pods

    # What others do

    def put(self, kind: str, namespace: str, name: str, **fields: Any) -> None:
        """Somebody makes an object, or adds to one."""
        place = kind, namespace, name
        self._others[place] = _merged(self._others.get(place, {}), fields)
        self._store(place)

    def vanish(self, kind: str, namespace: str, name: str) -> None:
        """It is gone, whoever deleted it."""
        for each in (self._applied, self._others, self._stored):
            each.pop((kind, namespace, name), None)

    def new_role(self) -> str:
        """The role is deleted, and made again under its name; returns its UID."""
        self.role = f"role-{self._next()}"
        return self.role

    def collect(self) -> None:
        """Garbage collection: what was owned by something that is gone goes, and what that owned."""
        before = -1
        while before != len(self._stored):
            before = len(self._stored)
            living = {self.role, *(stored["metadata"]["uid"] for stored in self._stored.values())}
            for place, stored in list(self._stored.items()):
                owners = {each["uid"] for each in stored["metadata"].get("ownerReferences", [])}
                if owners and not owners & living:
                    self.vanish(*place)

    # What tests look at

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        return self._stored.get((kind, namespace, name))

    def names(self, kind: str = "", namespace: str = "") -> list[str]:
        """Names of what is there."""
        return sorted(
            name for each, where, name in self._stored if kind in ("", each) and namespace in ("", where)
        )

    def addresses(self, namespace: str) -> dict[str, list[str]]:
        """What each slice of a namespace shows."""
        return {
            name: [each["addresses"][0] for each in stored["endpoints"]]
            for (kind, where, name), stored in self._stored.items()
            if (kind, where) == ("EndpointSlice", namespace)
        }

    def writes(self, namespace: str = "") -> list[tuple[str, str]]:
        """Verb and kind of every write so far."""
        return [
            (verb, kind)
            for verb, kind, where, _ in self.asked
            if verb in ("apply", "delete") and namespace in ("", where)
        ]

    def _ask(self, verb: str, kind: str, namespace: str, name: str) -> None:
        self.asked.append((verb, kind, namespace, name))
        self.meanwhile(verb, kind, namespace)

    def _refused(self, kind: str) -> None:
        for each in (kind, "*"):
            if each in self.refuse:
                raise self.refuse[each]

    def _store(self, place: Place) -> Json:
        kind, namespace, name = place
        before = self._stored.get(place)
        usual = {"kind": kind, "metadata": {"namespace": namespace, "name": name}}
        content = _merged(_merged(usual, self._others.get(place, {})), self._applied.get(place, {}))
        self.webhook(content)
        known = before["metadata"] if before else {}
        content["metadata"]["uid"] = known.get("uid") or f"uid-{self._next()}"
        content["metadata"]["resourceVersion"] = known.get("resourceVersion", "")
        if content != before:
            content["metadata"]["resourceVersion"] = str(self._next())
        self._stored[place] = content
        return copy.deepcopy(content)

    def _next(self) -> int:
        self._count += 1
        return self._count


def _merged(under: Json, over: Json) -> Json:
    merged = copy.deepcopy(under)
    for key, value in over.items():
        if key == "ownerReferences":  # a list that is merged by UID, as the API server does
            uids = {each["uid"] for each in value}
            kept = [each for each in merged.get(key, []) if each["uid"] not in uids]
            merged[key] = copy.deepcopy([*kept, *value])
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged
