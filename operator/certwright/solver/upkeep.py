"""Objects brought into being as wanted, and removed, with as few requests as that takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, TypeAlias

from certwright.failures import NeedsPerson, NotYet
from certwright.resources.conditions import Reason
from certwright.solver.routes import OWNERS, Json, Kind, is_ours, shows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from certwright.resources.names import ApiNames

#: What was seen or written less than this ago is not read again.
TRUSTED = timedelta(seconds=10)
#: Garbage collection of what a deleted Service owned takes a second or two.
COLLECTED_LOOK = timedelta(seconds=2)

#: Kind and name of an object within its namespace.
Key: TypeAlias = tuple[Kind, str]


class RouteObjects(Protocol):
    """Services, EndpointSlices and Ingresses; fitted by `kube/routes.py`. Every failure is a Setback."""

    def read(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """The live object, ours or not, or None."""

    def read_all(self, kind: Kind) -> tuple[Iterable[Json], frozenset[str]]:
        """Metadata of all that carry our label, and the namespaces in which there may be more that nobody shows us."""

    def apply(self, body: Json, *, uid: str) -> Json:
        """Server-side apply to the object with this UID, or make it where `uid` is empty.

        Raises:
            NotYet: ChangedMeanwhile, there is another object, or none, or one that was not to be there.
            Setback: RouteRefused with the API server's words.
        """

    def delete(self, kind: Kind, namespace: str, name: str, *, uid: str) -> None:
        """Remove the object with this UID; gone already is success."""


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of an object.

    Attributes:
        wanted: what we had it be; None if we do not know what it is like.
        uid: empty while it may be there or not: an answer is awaited, or was lost.
        version: resourceVersion when it was as wanted.
        at: monotonic seconds of then.
    """

    wanted: Json | None
    uid: str
    version: str
    at: float


PERHAPS = Known(None, "", "", 0.0)


class Upkeep:
    """Keeps objects of one namespace; what is known of them is the caller's.

    No object may be worked on by two threads at a time.

    Args:
        checkpoint: called before and after each write; raises where this process may not write.
        seconds: monotonic clock.
    """

    def __init__(
        self,
        objects: RouteObjects,
        names: ApiNames,
        checkpoint: Callable[[str], None],
        seconds: Callable[[], float],
    ) -> None:
        self._objects = objects
        self._names = names
        self._checkpoint = checkpoint
        self._seconds = seconds

    def bring(self, known: dict[Key, Known], wanted: Json) -> str:
        """Have the object be as wanted; returns its UID.

        Raises:
            NeedsPerson: RouteRefused, an object of that name is not ours.
            Setback: as of `RouteObjects.apply`.
        """
        key: Key = wanted["kind"], wanted["metadata"]["name"]
        before = known.get(key, PERHAPS)
        trusted = before.wanted is not None and self._seconds() - before.at < TRUSTED.total_seconds()
        if trusted and before.wanted == wanted:
            return before.uid
        known[key] = PERHAPS
        live = None if trusted else self._objects.read(key[0], wanted["metadata"]["namespace"], key[1])
        if live is not None:
            self._claim(live, wanted)
        # A webhook that changes what we write is not fought: the version says that nothing happened since.
        untouched = live is not None and before.wanted == wanted and _version(live) == before.version
        if live is None or not (untouched or shows(live, wanted)):
            uid = live["metadata"]["uid"] if live else before.uid if trusted else ""
            self._checkpoint("before:apply-route")
            live = self._objects.apply(wanted, uid=uid)
            self._checkpoint("after:apply-route")
        known[key] = Known(wanted, live["metadata"]["uid"], _version(live), self._seconds())
        return known[key].uid

    def remove(self, known: dict[Key, Known], namespace: str, key: Key) -> None:
        """Have it gone, and forget it; what is not ours is left."""
        kind, name = key
        uid = known.get(key, PERHAPS).uid
        if not uid:
            live = self._objects.read(kind, namespace, name)
            going = live is None or live["metadata"].get("deletionTimestamp")
            uid = live["metadata"]["uid"] if live and not going and is_ours(self._names, live) else ""
        if uid:
            self._checkpoint("before:delete-route")
            self._objects.delete(kind, namespace, name, uid=uid)
            self._checkpoint("after:delete-route")
        known.pop(key, None)

    def stands(self, namespace: str, key: Key) -> bool:
        """Whether there is one that is ours."""
        live = self._objects.read(key[0], namespace, key[1])
        return live is not None and is_ours(self._names, live)

    def _claim(self, live: Json, wanted: Json) -> None:
        """Return if the object is ours to write."""
        kind, metadata = wanted["kind"], live["metadata"]
        where = f"{kind} {metadata['namespace']}/{metadata['name']}"
        if not is_ours(self._names, live):
            label = f"{self._names.solver_label}={self._names.http01}"
            command = f"kubectl delete {kind.lower()} --namespace {metadata['namespace']} {metadata['name']}"
            message = (
                f"{where} stands where the route to the solver pods is to be, and is left alone because it lacks "
                f"the label {label}; if nobody needs it, run: {command}"
            )
            raise NeedsPerson(Reason.ROUTE_REFUSED.word, message)
        if metadata.get("deletionTimestamp"):
            holders = ", ".join(metadata.get("finalizers") or ()) or "the API server"
            message = (
                f"{where} is still being deleted, and held by {holders}; a new one is made when it is gone"
            )
            raise NotYet(Reason.AWAITING_REACHABILITY.word, message)
        # To give an object to another owner takes the permission to delete it (admission plugin
        # OwnerReferencesPermissionEnforcement), which is had for the others; the old Service's slice is collected in
        # a moment.
        owners = _owners(live)
        if kind == "EndpointSlice" and owners and not owners.issuperset(_owners(wanted)):
            message = f"{where} belongs to a Service that was deleted; a new one is made when it is gone"
            raise NotYet(Reason.AWAITING_REACHABILITY.word, message, look_again_in=COLLECTED_LOOK)


def _owners(body: Json) -> set[str]:
    return {each["uid"] for each in body["metadata"].get(OWNERS) or ()}


def _version(live: Json) -> str:
    version: str = live["metadata"].get("resourceVersion") or ""
    return version
