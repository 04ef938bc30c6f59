"""The ports of `shim/ports.py` in memory: Ingresses and Certificates that watches show, and a queue worked by hand."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from certwright.engine.retries import Retries
from certwright.failures import NeedsPerson, NotYet, Setback, TryLater
from certwright.resources.names import FIELD_MANAGER, Ref
from certwright.shim.assembly import Shim
from tests.reconcile.fakes import Clock, FakeEvents
from tests.shim.situations import NAMES, OPTIONS, SITE, fields_of, ingress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from certwright.resources.metadata import Metadata
    from certwright.shim.applicant import Options


@dataclass
class Cluster:
    """Objects as the API server keeps them; `shown` is told of every change, as a watch is."""

    bodies: dict[Ref, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    reads: list[Ref] = field(default_factory=list)
    writes: list[tuple[str, Ref]] = field(default_factory=list)
    pending: list[tuple[Ref, dict[str, Any], bool]] = field(default_factory=list)
    version: int = 100
    refuses: Setback | None = None
    before_write: Callable[[Ref], None] = lambda _ref: None

    def put(self, ref: Ref, body: Mapping[str, Any]) -> dict[str, Any]:
        """Somebody wrote an object."""
        self.version += 1
        known = self.bodies.get(ref)
        kept: dict[str, Any] = json.loads(json.dumps(body))
        kept["metadata"]["resourceVersion"] = str(self.version)
        kept["metadata"].setdefault("uid", known["metadata"]["uid"] if known else f"uid-{self.version}")
        kept["metadata"].setdefault("creationTimestamp", "2026-11-24T12:00:00Z")
        self.bodies[ref] = kept
        self.pending.append((ref, copy.deepcopy(kept), False))
        return copy.deepcopy(kept)

    def drop(self, ref: Ref) -> None:
        """Somebody deleted an object."""
        self.pending.append((ref, self.bodies.pop(ref), True))

    # The ports

    def read(self, ref: Ref) -> dict[str, Any] | None:
        self.reads.append(ref)
        return copy.deepcopy(self.bodies.get(ref))

    def apply(self, body: dict[str, Any], *, replaces: Metadata | None) -> dict[str, Any]:
        ref = Ref(body["kind"], body["metadata"]["namespace"], body["metadata"]["name"])
        known = self._admit("apply", ref, replaces)
        applied = {"f:spec": fields_of(body["spec"])}
        if annotations := body["metadata"].get("annotations"):
            applied["f:metadata"] = {"f:annotations": fields_of(annotations)}
        entry = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": applied}
        metadata = (known["metadata"] if known else {}) | body["metadata"] | {"managedFields": [entry]}
        spec = known["spec"] if known else {}
        if known:
            (before,) = known["metadata"]["managedFields"]
            spec = {
                name: each for name, each in spec.items() if f"f:{name}" not in before["fieldsV1"]["f:spec"]
            }
        self.writes.append(("apply", ref))
        return self.put(ref, body | {"metadata": metadata, "spec": spec | body["spec"]})

    def delete(self, ref: Ref, *, meta: Metadata) -> None:
        if self._admit("delete", ref, meta) is not None:
            self.writes.append(("delete", ref))
            self.drop(ref)

    def _admit(self, verb: str, ref: Ref, seen: Metadata | None) -> dict[str, Any] | None:
        self.before_write(ref)
        if self.refuses is not None:
            raise self.refuses
        known = self.bodies.get(ref)
        version = known["metadata"]["resourceVersion"] if known else None
        is_gone = verb == "delete" and known is None
        if not is_gone and version != (seen.resource_version if seen else None):
            raise NotYet("ChangedMeanwhile", f"{ref} is another one now")
        return known


@dataclass
class Secrets:
    cluster: Cluster
    reads: int = 0

    def read(self, namespace: str, name: str) -> dict[str, Any] | None:
        self.reads += 1
        return self.cluster.secrets.get((namespace, name))


@dataclass
class Events(FakeEvents):
    """Counts how often it was asked to tell a mistake; a sentence that stands there is not told twice."""

    asked: int = 0

    def post_once(
        self, ref: Ref, meta: Metadata, *, warning: bool, reason: str, message: str, action: str
    ) -> None:
        self.asked += 1
        if (ref, warning, reason, message) not in self.told:
            self.post(ref, meta, warning=warning, reason=reason, message=message, action=action)


class Parts(NamedTuple):
    """Fits `shim.ports.Cluster`."""

    objects: Cluster
    certificates: Cluster
    secrets: Secrets
    events: Events


class Steady(Random):
    """Throws nothing off a pause."""

    def random(self) -> float:
        return 0.0


class World:
    """A cluster, the shim, and what is woken."""

    def __init__(self, options: Options = OPTIONS, cluster: Cluster | None = None) -> None:
        self.cluster = cluster or Cluster()
        self.clock, self.events, self.secrets = Clock(), Events(), Secrets(self.cluster)
        self.woken: dict[Ref, None] = {}
        self.points: list[str] = []
        self.kill_at = ""
        self.leaving = False
        self.shim = Shim(
            options,
            Parts(self.cluster, self.cluster, self.secrets, self.events),
            checkpoint=self._checkpoint,
            clock=self.clock,
            seconds=self.clock.seconds,
            wake=self._wake,
            leaving=lambda: self.leaving,
            retries=Retries(Steady()),
        )

    def ask(self, *blocks: dict[str, Any], ref: Ref = SITE, **changed: Any) -> None:
        """Somebody writes an Ingress."""
        body = ingress(*blocks, ref=ref, **changed)
        self.cluster.put(ref, body)

    def show(self) -> None:
        """The watches show what happened."""
        while self.cluster.pending:
            ref, body, deleted = self.cluster.pending.pop(0)
            self.show_one(ref, body, deleted=deleted)

    def show_one(self, ref: Ref, body: dict[str, Any], *, deleted: bool) -> None:
        match ref.kind:
            case "Ingress":
                self.shim.intake.object(ref.kind, body, deleted=deleted)
            case "Certificate":
                self.shim.intake.certificate(body, deleted=deleted)
            case _ if deleted:
                self.shim.intake.issuer_gone(ref)
            case _:
                self.shim.intake.issuer(ref, is_default=body["spec"].get("default", False))

    def run(self, order: Callable[[list[Ref]], Ref] = lambda refs: refs[0]) -> None:
        """Show and turn until nothing is left to do."""
        self.show()
        for _ in range(200):
            if not self.woken:
                return
            ref = order(list(self.woken))
            del self.woken[ref]
            self.shim.loop.turn(ref)
            self.show()
        raise AssertionError("the turns do not come to an end")

    def owners(self) -> dict[str, str]:
        """Of each Certificate, the UID of its controller."""
        return {
            ref.name: next((each["uid"] for each in body["metadata"].get("ownerReferences", [])), "")
            for ref, body in self.cluster.bodies.items()
            if ref.kind == "Certificate"
        }

    def spec(self, name: str) -> dict[str, Any]:
        spec: dict[str, Any] = self.cluster.bodies[certificate(name)]["spec"]
        return spec

    def told(self) -> list[str]:
        """`Reason: message` of every event."""
        return [f"{reason}: {message}" for _, _, reason, message in self.events.told]

    def _wake(self, ref: Ref) -> None:
        self.woken[ref] = None

    def _checkpoint(self, point: str) -> None:
        self.points.append(point)
        if point == self.kill_at:
            raise Killed(point)


class Killed(BaseException):
    """The process dies here."""


def certificate(name: str, namespace: str = "shop") -> Ref:
    return Ref("Certificate", namespace, name)


def foreign(name: str, **metadata: Any) -> dict[str, Any]:
    """A Certificate that a person wrote."""
    return {
        "apiVersion": NAMES.api_version,
        "kind": "Certificate",
        "metadata": {"name": name, "namespace": "shop", "managedFields": []} | metadata,
        "spec": {"secretName": name, "dnsNames": ["x.example.com"], "issuerRef": {"name": "ca"}},
    }


def cluster_issuer(name: str, *, is_default: bool = False) -> dict[str, Any]:
    return {"kind": "ClusterIssuer", "metadata": {"name": name}, "spec": {"default": is_default}}


AWAY = TryLater("APIServerUnavailable", "the API server is away")
FORBIDDEN = NeedsPerson("Forbidden", "exceeded quota: certificates")
