"""Secrets in memory, with what server-side apply does to them: fences, shared fields, and who set what."""

from __future__ import annotations

import base64
import copy
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from certwright.failures import NotYet
from certwright.resources.names import FIELD_MANAGER, ApiNames

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from certwright.reconcile.ports import Json
    from certwright.secret_text import SecretText

NAMES = ApiNames()


def conflict(message: str) -> NotYet:
    return NotYet("ChangedMeanwhile", message, look_again_in=timedelta(0))


@dataclass
class Versions:
    """One counter of resourceVersions for all kinds, as etcd has it."""

    next: count[int] = field(default_factory=lambda: count(100))

    def __call__(self) -> str:
        return str(next(self.next))


def b64(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return base64.b64encode(raw).decode()


@dataclass
class FakeSecrets:
    """Secrets by namespace and name.

    Attributes:
        applied: every apply of ours that changed something; `applies` counts the others too.
        strips: whether a webhook takes our label away from whatever we write.
    """

    versions: Versions = field(default_factory=Versions)
    bodies: dict[tuple[str, str], Json] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    applied: list[Json] = field(default_factory=list)
    applies: int = 0
    overtaken: bool = False
    strips: bool = False

    def put(
        self, namespace: str, name: str, data: Mapping[str, str | bytes], label: str | None = None
    ) -> Json:
        """Somebody creates or replaces a Secret; `data` is not encoded yet."""
        version = self.versions()
        self.bodies[namespace, name] = {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": f"uid-{name}-{version}",
                "resourceVersion": version,
                "labels": {NAMES.secret_label: label} if label else {},
            },
            "type": "Opaque",
            "data": {key: b64(text) for key, text in data.items()},
        }
        return self.bodies[namespace, name]

    def edit(
        self,
        namespace: str,
        name: str,
        manager: str,
        *,
        data: Mapping[str, str | bytes] | None = None,
        labels: Mapping[str, str | None] | None = None,
        annotations: Mapping[str, str | None] | None = None,
    ) -> None:
        """Somebody edits a Secret under a field manager of their own; None takes a key away."""
        body = self.bodies[namespace, name]
        changes: dict[str, Mapping[str, str | None]] = {
            "data": {key: b64(text) for key, text in (data or {}).items()},
            "labels": labels or {},
            "annotations": annotations or {},
        }
        for place, changed in changes.items():
            there = _place(body, place)
            for key, text in changed.items():
                if there.get(key) == text:
                    continue
                _disown(body, place, key)
                if text is None:
                    there.pop(key, None)
                else:
                    there[key] = text
                    _own(body, manager, place, key)
        body["metadata"]["resourceVersion"] = self.versions()

    def read(self, namespace: str, name: str) -> Json | None:
        self.reads.append(name)
        return copy.deepcopy(self.bodies.get((namespace, name)))

    def apply_target(
        self,
        *,
        namespace: str,
        name: str,
        data: Mapping[str, str],
        key: SecretText,
        annotations: Mapping[str, str],
        replaces: tuple[str, str] | None,
    ) -> Json:
        encoded = {each: b64(text) for each, text in (dict(data) | {"tls.key": key.reveal()}).items()}
        return self._apply(namespace, name, encoded, annotations, replaces)

    def stamp_target(self, secret: Json, *, fields: Collection[str], annotations: Mapping[str, str]) -> Json:
        metadata = secret["metadata"]
        data = {each: text for each, text in secret["data"].items() if each in fields}
        replaces = (metadata["uid"], metadata["resourceVersion"])
        return self._apply(metadata["namespace"], metadata["name"], data, annotations, replaces)

    def _apply(
        self,
        namespace: str,
        name: str,
        data: Mapping[str, str],
        annotations: Mapping[str, str],
        replaces: tuple[str, str] | None,
    ) -> Json:
        """What we say is so, with force; what we said before and do not say any more goes."""
        self.applies += 1
        known = self.bodies.get((namespace, name))
        present = (known["metadata"]["uid"], known["metadata"]["resourceVersion"]) if known else None
        if present != replaces:
            raise conflict(f"Secret {name} is another one than was looked at")
        body = known or self.put(namespace, name, {}) | {"type": "kubernetes.io/tls"}
        self.bodies[namespace, name] = body
        before = copy.deepcopy(body)
        said: dict[str, Mapping[str, str]] = {
            "data": data,
            "annotations": annotations,
            "labels": {NAMES.secret_label: NAMES.target},
        }
        for place, values in said.items():
            there = _place(body, place)
            for key in _owned(body, FIELD_MANAGER, place) - set(values):
                there.pop(key, None)
                _disown(body, place, key)
            for key, text in values.items():
                if there.get(key) != text:
                    _disown(body, place, key)
                there[key] = text
                _own(body, FIELD_MANAGER, place, key)
        if self.strips:
            _place(body, "labels").pop(NAMES.secret_label)
        if body != before or known is None:
            body["metadata"]["resourceVersion"] = self.versions()
            self.applied.append(copy.deepcopy(body))
        return copy.deepcopy(body)

    def create_account_key(
        self, *, namespace: str, name: str, field: str, key: SecretText, directory: str
    ) -> Json | None:
        if self.overtaken or (namespace, name) in self.bodies:
            return None
        body = self.put(namespace, name, {field: key.reveal()}, NAMES.account)
        _place(body, "annotations")[NAMES.directory] = directory
        _own(body, FIELD_MANAGER, "data", field)
        return copy.deepcopy(body)

    def replace_account_key(self, secret: Json, *, field: str, key: SecretText) -> Json:
        metadata = secret["metadata"]
        body = self.bodies.get((metadata["namespace"], metadata["name"]))
        if body is None or body["metadata"]["resourceVersion"] != metadata["resourceVersion"]:
            raise conflict(f"Secret {metadata['name']} is another one than was looked at")
        _place(body, "data")[field] = b64(key.reveal())
        body["metadata"]["resourceVersion"] = self.versions()
        return copy.deepcopy(body)


def _place(body: Json, place: str) -> dict[str, Any]:
    whole = body if place == "data" else body["metadata"]
    found: dict[str, Any] = whole.setdefault(place, {})
    return found


def _fields(entry: Json, place: str) -> dict[str, Any]:
    whole = entry["fieldsV1"] if place == "data" else entry["fieldsV1"].setdefault("f:metadata", {})
    found: dict[str, Any] = whole.setdefault(f"f:{place}", {})
    return found


def _owned(body: Json, manager: str, place: str) -> set[str]:
    entries = body["metadata"].get("managedFields", [])
    return {
        key.removeprefix("f:")
        for entry in entries
        if entry["manager"] == manager
        for key in _fields(entry, place)
    }


def _disown(body: Json, place: str, key: str) -> None:
    for entry in body["metadata"].get("managedFields", []):
        _fields(entry, place).pop(f"f:{key}", None)


def _own(body: Json, manager: str, place: str, key: str) -> None:
    entries = body["metadata"].setdefault("managedFields", [])
    mine = next((entry for entry in entries if entry["manager"] == manager), None)
    if mine is None:
        mine = {"manager": manager, "fieldsV1": {}}
        entries.append(mine)
    _fields(mine, place)[f"f:{key}"] = {}
