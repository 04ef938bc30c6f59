"""The ports of `reconcile/ports.py` in memory: a cluster of dictionaries that answers as an API server would."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from certwright.resources.ledger import KEY, Ledger, ledger_to_text, read_ledger
from certwright.resources.names import ApiNames, Ref
from tests.reconcile.fake_secrets import FakeSecrets, Versions, conflict
from tests.reconcile.situations import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from certwright.dns.provider import TxtRecord
    from certwright.failures import Setback
    from certwright.reconcile.ports import Json
    from certwright.resources.attempt import Attempt
    from certwright.resources.dns01_spec import Dns01Spec
    from certwright.resources.metadata import Metadata

__all__ = [
    "NAMES",
    "Clock",
    "FakeAttempts",
    "FakeDns01",
    "FakeEvents",
    "FakeLedgers",
    "FakeObjects",
    "FakeSecrets",
    "Versions",
    "conflict",
]
NAMES = ApiNames()


@dataclass
class Clock:
    """Stands still until it is moved; `seconds` is the same clock for deadlines."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return (self.now - NOW).total_seconds()

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class FakeObjects:
    """Certificates and issuers. `written` lists every status write; `fails` is raised by the next call."""

    versions: Versions = field(default_factory=Versions)
    bodies: dict[Ref, Json] = field(default_factory=dict)
    written: list[tuple[Ref, Json]] = field(default_factory=list)
    reads: int = 0
    fails: Setback | None = None
    write_fails: Setback | None = None

    def read(self, ref: Ref) -> Json | None:
        self._fail()
        self.reads += 1
        return copy.deepcopy(self.bodies.get(ref))

    def write_status(
        self, ref: Ref, meta: Metadata, status: Json, *, unchanged: Callable[[object], bool]
    ) -> Json | None:
        self._fail()
        if self.write_fails is not None:
            raise self.write_fails
        body = self.bodies.get(ref)
        if body is None or body["metadata"]["uid"] != meta.uid:
            return None
        if body["metadata"]["resourceVersion"] != meta.resource_version and not unchanged(body["status"]):
            raise conflict(f"{ref} has another status than was looked at")
        body["status"] = copy.deepcopy(status)
        body["metadata"]["resourceVersion"] = self.versions()
        self.written.append((ref, copy.deepcopy(status)))
        return copy.deepcopy(body)

    def _fail(self) -> None:
        failure, self.fails = self.fails, None
        if failure is not None:
            raise failure


@dataclass
class FakeAttempts:
    """Attempt Secrets by name, as values; with `blocked` something else stands at every name."""

    versions: Versions = field(default_factory=Versions)
    stored: dict[str, Attempt] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    blocked: Setback | None = None

    def create(self, attempt: Attempt) -> Attempt:
        if self.blocked or attempt.name in self.stored:
            raise conflict(f"{attempt.name} exists")
        version = self.versions()
        return self._put("create", attempt.stored_as(uid=f"uid-attempt-{version}", resource_version=version))

    def save(self, attempt: Attempt) -> Attempt:
        if self.stored[attempt.name].resource_version != attempt.resource_version:
            raise conflict(f"{attempt.name} changed")
        return self._put("save", attempt.stored_as(uid=attempt.uid, resource_version=self.versions()))

    def delete(self, attempt: Attempt) -> None:
        self.writes.append("delete")
        self.stored.pop(attempt.name, None)

    def read(self, name: str) -> Attempt | None:
        if self.blocked:
            raise self.blocked
        return self.stored.get(name)

    def list_all(self) -> Iterator[Attempt]:
        yield from list(self.stored.values())

    def rivals(self, attempt: Attempt) -> list[Attempt]:
        return [
            other
            for other in self.stored.values()
            if other.names_hash == attempt.names_hash and other.uid != attempt.uid
        ]

    def _put(self, verb: str, attempt: Attempt) -> Attempt:
        self.writes.append(verb)
        self.stored[attempt.name] = replace(attempt)
        return attempt


class FakeLedgers:
    """Ledgers as text, as their ConfigMaps hold them."""

    def __init__(self) -> None:
        self.bodies: dict[str, Json] = {}
        self.writes = 0
        self.fault: Setback | None = None

    def read_all(self) -> list[Ledger]:
        """Port."""
        return [ledger for body in self.bodies.values() if (ledger := read_ledger(body))]

    def write(self, ledger: Ledger) -> Ledger:
        """Port."""
        if self.fault:
            raise self.fault
        self.writes += 1
        metadata = {"name": ledger.name, "resourceVersion": str(self.writes)}
        self.bodies[ledger.name] = {"metadata": metadata, "data": {KEY: ledger_to_text(ledger)}}
        return replace(ledger, version=str(self.writes))


@dataclass
class FakeEvents:
    """What was told, as `(object, warning, reason, message)`; raises `fails` instead, if there is one."""

    told: list[tuple[Ref, bool, str, str]] = field(default_factory=list)
    fails: Setback | None = None

    def post(
        self, ref: Ref, meta: Metadata, *, warning: bool, reason: str, message: str, action: str
    ) -> None:
        assert meta.uid
        assert action
        if self.fails is not None:
            raise self.fails
        self.told.append((ref, warning, reason, message))


@dataclass
class FakeDns01:
    """DNS-01 over one set of records that everybody sees, but for the servers in `blind`."""

    records: set[tuple[str, str]] = field(default_factory=set)
    credentials_read: list[str] = field(default_factory=list)
    blind: tuple[str, ...] = ()
    fails: Setback | None = None
    open_fails: Setback | None = None

    def locate(self, spec: Dns01Spec, identifier: str) -> str:
        assert spec.rfc2136.nameserver
        return f"_acme-challenge.{identifier}"

    def open(self, spec: Dns01Spec, credential: Any) -> FakeDns01:
        if self.open_fails is not None:
            raise self.open_fails
        if spec.rfc2136.tsig_secret:
            self.credentials_read.append(credential(spec.rfc2136.tsig_secret).reveal())
        return self

    def unseen(self, spec: Dns01Spec, proof: Any) -> tuple[str, ...]:
        assert spec.rfc2136.nameserver
        return self.blind if (proof.fqdn, proof.value) in self.records else ("ns1",)

    def ensure_txt(self, record: TxtRecord) -> None:
        if self.fails is not None:
            raise self.fails
        self.records.add((record.fqdn, record.value))

    def remove_txt(self, record: TxtRecord) -> None:
        if self.fails is not None:
            raise self.fails
        self.records.discard((record.fqdn, record.value))
