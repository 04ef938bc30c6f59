"""Attempt Secrets: the fence and journal of orders, in the operator's own namespace."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from certwright.failures import NeedsPerson
from certwright.kube.secrets import encoded, secret_path
from certwright.resources.attempt import Attempt, Proof, Wait
from certwright.resources.certificate import PrivateKeySpec
from certwright.resources.conditions import Reason
from certwright.resources.decoding import prepared
from certwright.resources.names import Ref
from certwright.resources.solver_spec import SolverSpec
from certwright.resources.wish import Wish
from certwright.secret_text import SecretText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certwright.kube.api import Json, KubeApi
    from certwright.resources.names import ApiNames


@prepared
class _Journal(msgspec.Struct, frozen=True, kw_only=True):
    """What the Secret's `attempt.json` holds: everything but the key."""

    certificate: Ref
    certificate_uid: str
    issuer: Ref
    directory_url: str
    account_url: str
    names: tuple[str, ...]
    common_name: str | None
    key_spec: PrivateKeySpec
    public_key_sha256: str
    reason: str
    number: int
    started_at: datetime
    replaces: str
    order_url: str
    proofs: tuple[Proof, ...]
    solvers: tuple[SolverSpec, ...]
    wait: Wait | None = None
    rank: int = 0
    wish: Wish = Wish()


class KubeAttempts:
    """Attempts as Secrets; a damaged one is left alone, and named to the Certificate that comes upon it."""

    def __init__(self, api: KubeApi, names: ApiNames, namespace: str) -> None:
        self._api = api
        self._names = names
        self._namespace = namespace

    def create(self, attempt: Attempt) -> Attempt:
        """POST: whoever succeeds may order. Raises `AlreadyExists`."""
        answer = self._api.create(secret_path(self._namespace), self._body(attempt))
        return _stored(attempt, answer)

    def save(self, attempt: Attempt) -> Attempt:
        """PUT over the version that this one was made from. Raises `Conflict`."""
        answer = self._api.replace(secret_path(self._namespace, attempt.name), self._body(attempt))
        return _stored(attempt, answer)

    def delete(self, attempt: Attempt) -> None:
        """Remove it; gone already is success."""
        self._api.delete(secret_path(self._namespace, attempt.name), uid=attempt.uid)

    def read(self, name: str) -> Attempt | None:
        """The live attempt of this name, or None; raises NeedsPerson if something else stands there."""
        secret = self._api.get(secret_path(self._namespace, name))
        if secret is None:
            return None
        attempt = read_attempt(secret)
        if attempt is None:
            command = f"kubectl delete secret --namespace {self._namespace} {name}"
            message = (
                f"Secret {name} is no attempt that this version can read; if it is not yours, run: {command}"
            )
            raise NeedsPerson(Reason.ATTEMPT_UNREADABLE.word, message)
        return attempt

    def list_all(self) -> Iterator[Attempt]:
        """Every readable attempt there is."""
        selector = f"{self._names.secret_label}={self._names.attempt}"
        for page in self._api.pages(secret_path(self._namespace), selector=selector):
            yield from (attempt for secret in page if (attempt := read_attempt(secret)))

    def rivals(self, attempt: Attempt) -> list[Attempt]:
        """Other attempts for the same names at the same account, live."""
        selector = f"{self._names.names_label}={attempt.names_hash}"
        found = [
            other
            for page in self._api.pages(secret_path(self._namespace), selector=selector)
            for secret in page
            if (other := read_attempt(secret))
        ]
        return [other for other in found if other.uid != attempt.uid]

    def _body(self, attempt: Attempt) -> Json:
        journal = _Journal(**{field: getattr(attempt, field) for field in _Journal.__struct_fields__})
        metadata: dict[str, Any] = {
            "name": attempt.name,
            "namespace": self._namespace,
            "labels": {
                self._names.secret_label: self._names.attempt,
                self._names.names_label: attempt.names_hash,
            },
        }
        if attempt.uid:
            metadata |= {"uid": attempt.uid, "resourceVersion": attempt.resource_version}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": metadata,
            "data": {
                "attempt.json": encoded(msgspec.json.encode(journal).decode()),
                "tls.key": encoded(attempt.private_key.reveal()),
            },
        }


def read_attempt(secret: Json) -> Attempt | None:
    """The attempt that a Secret holds, or None if it is damaged."""
    try:
        data = secret["data"]
        journal = msgspec.json.decode(base64.b64decode(data["attempt.json"]), type=_Journal)
        key = SecretText(base64.b64decode(data["tls.key"]).decode())
        fields = {field: getattr(journal, field) for field in _Journal.__struct_fields__}
    except (KeyError, TypeError, ValueError, msgspec.MsgspecError):
        return None
    return _stored(Attempt(private_key=key, **fields), secret)


def _stored(attempt: Attempt, secret: Json) -> Attempt:
    metadata = secret["metadata"]
    return attempt.stored_as(uid=metadata["uid"], resource_version=metadata["resourceVersion"])
