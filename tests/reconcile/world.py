"""A whole operator without doors: the reconcilers as `app.py` builds them, over fakes and a clock moved by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from certwright.metrics.registry import Metrics
from certwright.reconcile.assembly import Reconcilers, Surroundings
from certwright.resources.certificate import Certificate, read_certificate
from certwright.resources.issuer import Issuer, read_issuer
from certwright.resources.names import Ref
from tests.kit.fake_ca import FakeCa
from tests.reconcile.fakes import (
    NAMES,
    Clock,
    FakeAttempts,
    FakeDns01,
    FakeEvents,
    FakeLedgers,
    FakeObjects,
    FakeSecrets,
    Versions,
)
from tests.reconcile.small_web import SmallWeb

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.solver.dns01 import Dns01

HOME = "certwright"
BASE = "https://ca.example"
DIRECTORY_URL = f"{BASE}/dir"
WEB, CA = Ref("Certificate", "shop", "web"), Ref("Issuer", "shop", "ca")
DAY = timedelta(days=1)


class Killed(BaseException):
    """The process died here."""


@dataclass
class Disk:
    """What outlives the process: the cluster, the CA and the zones."""

    clock: Clock = field(default_factory=Clock)
    versions: Versions = field(default_factory=Versions)
    dns: FakeDns01 = field(default_factory=FakeDns01)
    events: FakeEvents = field(default_factory=FakeEvents)
    web: SmallWeb = field(default_factory=SmallWeb)
    ledgers: FakeLedgers = field(default_factory=FakeLedgers)

    def __post_init__(self) -> None:
        self.ca = FakeCa(self.clock, pause=lambda seconds: self.clock.move(seconds=seconds))
        self.objects = FakeObjects(self.versions)
        self.secrets = FakeSecrets(self.versions)
        self.attempts = FakeAttempts(self.versions)

    def apply(self, ref: Ref, spec: dict[str, Any], uid: str = "") -> None:
        """Somebody applies an object."""
        known = self.objects.bodies.get(ref)
        metadata: dict[str, Any] = (
            known["metadata"] if known else {"generation": 0, "uid": uid or f"uid-{ref.name}"}
        )
        self.objects.bodies[ref] = {
            "kind": ref.kind,
            "metadata": metadata
            | {
                "name": ref.name,
                "namespace": ref.namespace,
                "generation": metadata["generation"] + 1,
                "resourceVersion": self.versions(),
            },
            "spec": spec,
            "status": known["status"] if known else {"observedGeneration": -1},
        }

    def annotate(self, ref: Ref, name: str, value: str | None) -> None:
        """Somebody sets an annotation, or removes it: the generation stays (Kubernetes API conventions)."""
        metadata = self.objects.bodies[ref]["metadata"]
        changed = {**metadata.get("annotations", {}), name: value}
        kept = {key: text for key, text in changed.items() if text is not None}
        version = {"annotations": kept, "resourceVersion": self.versions()}
        self.objects.bodies[ref]["metadata"] = metadata | version

    def apply_usual(self, **spec: Any) -> None:
        """The Issuer shop/ca and the Certificate shop/web."""
        self.apply(CA, issuer_spec())
        self.apply(WEB, certificate_spec(**spec))


def certificate_spec(**spec: Any) -> dict[str, Any]:
    return {"secretName": "web-tls", "dnsNames": ["www.example.org"], "issuerRef": {"name": "ca"}} | spec


def issuer_spec(**acme: Any) -> dict[str, Any]:
    solver = {"name": "dns", "dns01": {"rfc2136": {"nameserver": "192.0.2.53:53"}}}
    usual = {"server": DIRECTORY_URL, "privateKeySecretRef": {"name": "ca-account"}, "solvers": [solver]}
    return {"acme": usual | acme}


class World:
    """One process over a disk. `die_at` kills it at a checkpoint."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = disk or Disk()
        self.clock = self.disk.clock
        self.die_at = ""
        self.leaving = False
        self.passed: list[str] = []
        self.woken: list[Ref] = []
        self.metrics = Metrics()
        self.parts = parts = Reconcilers(self._surroundings())
        self.cache, self.memory = parts.cache, parts.memory
        self.accounts, self.credentials = parts.accounts, parts.credentials
        self.observer, self.performer, self.recorder = parts.observer, parts.performer, parts.recorder
        self.opening, self.http01 = parts.opening, parts.http01
        self.certificates, self.issuers = parts.certificates, parts.issuers
        parts.gates.begin_term()
        self.see_all()

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            objects=self.disk.objects,
            secrets=self.disk.secrets,
            attempts=self.disk.attempts,
            ledgers=self.disk.ledgers,
            events=self.disk.events,
            connect=lambda _bundle: self.disk.ca,
            dns01=cast("Dns01", self.disk.dns),
            tables=self.disk.web,
            routes=self.disk.web,
            look=self.disk.web,
            names=NAMES,
            namespace=HOME,
            advice_ceiling=DAY,
            clock=self.clock,
            seconds=self.clock.seconds,
            dice=lambda: 0.0,
            checkpoint=self._checkpoint,
            wake=self.woken.append,
            hasten=self.woken.append,
            leaving=lambda: self.leaving,
            metrics=self.metrics,
        )

    def _checkpoint(self, point: str) -> None:
        self.passed.append(point)
        if point == self.die_at:
            raise Killed(point)

    def see_all(self) -> None:
        """The watches show everything that there is, and the re-lister finds the attempts."""
        for ref, body in self.disk.objects.bodies.items():
            if ref.kind == "Certificate":
                self.cache.put_certificate(read_certificate(body, NAMES))
            else:
                self.cache.put_issuer(read_issuer(body, NAMES))
        for attempt in self.disk.attempts.list_all():
            if self.memory.attempt(attempt.certificate_uid) is None:
                self.memory.put_attempt(attempt)
                self.parts.gates.validations.inherit(attempt)

    def turn(self, ref: Ref = WEB) -> datetime | None:
        """One turn of one object."""
        return self.certificates.turn(ref) if ref.kind == "Certificate" else self.issuers.turn(ref)

    def turns(self, ref: Ref = WEB, most: int = 20) -> datetime | None:
        """Turn after turn, the clock moved to when each asks to look again, until that is half an hour away."""
        for _ in range(most):
            again = self.turn(ref)
            if again is None or again - self.clock() >= timedelta(minutes=30):
                return again
            self.clock.now = max(self.clock.now, again)
        raise AssertionError(f"{ref} does not come to rest")

    def ready(self) -> World:
        """The usual objects, applied, seen, and the issuer's account open."""
        self.disk.apply_usual()
        self.see_all()
        self.turn(CA)
        return self

    @property
    def web(self) -> Certificate:
        known = self.cache.certificate(WEB)
        assert isinstance(known, Certificate)
        return known

    @property
    def issuer(self) -> Issuer:
        known = self.cache.issuer(CA)
        assert isinstance(known, Issuer)
        return known

    def condition(self, kind: str, ref: Ref = WEB) -> tuple[str, str, str] | None:
        """Status, reason and message of a condition as the cluster has it."""
        listed = self.disk.objects.bodies[ref]["status"].get("conditions", [])
        found = [(each["status"], each["reason"], each["message"]) for each in listed if each["type"] == kind]
        return found[0] if found else None
