"""Reading what issuers may read, and nothing else.

The right to create an Issuer must not be the right to read Secrets: an Issuer reads only Secrets of its own
namespace that somebody labelled for it; a ClusterIssuer reads those of the operator's namespace.
"""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from certwright.failures import NeedsPerson, NotYet, Setback
from certwright.resources.conditions import Reason
from certwright.secret_text import SecretText

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.reconcile.ports import Clock, Json, Secrets
    from certwright.resources.names import ApiNames, Ref
    from certwright.resources.secret_refs import SecretKeyRef

#: Secrets without our label are not watched: whatever waits for one looks again after this long.
LOOK_AGAIN = timedelta(seconds=20)
#: How long a credential is believed without an event; a refusal by its user forgets it at once.
FRESH = timedelta(minutes=5)
#: Credentials kept at once; past it all are read anew, which costs a request each.
MOST_KNOWN = 1000


class Credentials:
    """Secrets that issuers name, by the rules above."""

    def __init__(self, secrets: Secrets, names: ApiNames, namespace: str, clock: Clock) -> None:
        self._secrets = secrets
        self._names = names
        self._namespace = namespace
        self._clock = clock
        self._lock = Lock()
        self._known: dict[tuple[str, str], tuple[datetime, Json]] = {}

    def namespace_of(self, issuer: Ref) -> str:
        """Where an issuer's Secrets are."""
        return issuer.namespace or self._namespace

    def forget(self, namespace: str, name: str) -> None:
        """The Secret changed, or what it held was refused."""
        with self._lock:
            self._known.pop((namespace, name), None)

    def read(self, issuer: Ref, wanted: SecretKeyRef) -> SecretText:
        """The text under `wanted.key`, for this issuer.

        Raises:
            NotYet: it is missing or not labelled; in GitOps it often comes later.
            NeedsPerson: it may never be used as a credential, or is not text.
        """
        namespace = self.namespace_of(issuer)
        secret = self._secret(namespace, wanted.name)
        if secret is None:
            raise self._missing(issuer, namespace, wanted)
        self._refuse_foreign(issuer, namespace, wanted.name, secret)
        try:
            return _text(secret, wanted, namespace)
        except Setback:
            self.forget(namespace, wanted.name)
            raise

    def _missing(self, issuer: Ref, namespace: str, wanted: SecretKeyRef) -> NotYet:
        """The wait for somebody to make the Secret, in the namespace and with the label that it needs."""
        where = f"Secret {wanted.name} in namespace {namespace}"
        how = f'create it with the key "{wanted.key}"'
        if issuer.namespace:
            how = f"{how} and the label {self._names.secret_label}={self._names.credential}"
        else:
            how = f"a ClusterIssuer's Secrets are in the operator's namespace; {how}"
        return NotYet(
            Reason.CREDENTIAL_MISSING.word, f"{where} does not exist; {how}", look_again_in=LOOK_AGAIN
        )

    def _secret(self, namespace: str, name: str) -> Json | None:
        now = self._clock()
        with self._lock:
            known = self._known.get((namespace, name))
        if known and now - known[0] < FRESH:
            return known[1]
        secret = self._secrets.read(namespace, name)
        with self._lock:
            if secret is None:
                self._known.pop((namespace, name), None)
            else:
                if len(self._known) >= MOST_KNOWN:
                    self._known.clear()
                self._known[namespace, name] = (now, secret)
        return secret

    def _refuse_foreign(self, issuer: Ref, namespace: str, name: str, secret: Json) -> None:
        names = self._names
        label = (secret["metadata"].get("labels") or {}).get(names.secret_label, "")
        if label in (names.target, names.account, names.attempt):
            self.forget(namespace, name)
            message = f"Secret {name} in namespace {namespace} is marked as {label} and is never used as a credential"
            raise NeedsPerson(Reason.CREDENTIAL_INVALID.word, message)
        if issuer.namespace and label != names.credential:
            self.forget(namespace, name)
            raise unlabelled(names, namespace, name, names.credential)


def unlabelled(names: ApiNames, namespace: str, name: str, value: str) -> NotYet:
    """The wait for somebody to label a Secret, with the command that does it."""
    command = f"kubectl label secret --namespace {namespace} {name} {names.secret_label}={value}"
    message = (
        f"Secret {name} exists, but an Issuer may only read Secrets that are labelled for it; run `{command}`"
    )
    return NotYet(Reason.CREDENTIAL_UNLABELLED.word, message, look_again_in=LOOK_AGAIN)


def secret_bytes(secret: Json, key: str) -> bytes | None:
    """What a Secret holds under `key`, or None."""
    value = (secret.get("data") or {}).get(key)
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except (binascii.Error, ValueError):
        return None


def _text(secret: Json, wanted: SecretKeyRef, namespace: str) -> SecretText:
    found = secret_bytes(secret, wanted.key)
    if not found:
        advice = "add it, or have the issuer name the key that holds the credential"
        message = f'Secret {wanted.name} in namespace {namespace} has no key "{wanted.key}", or nothing in it; {advice}'
        raise NotYet(Reason.CREDENTIAL_MISSING.word, message, look_again_in=LOOK_AGAIN)
    try:
        return SecretText(found.decode().strip())
    except UnicodeDecodeError:
        message = f"key {wanted.key} of Secret {wanted.name} in namespace {namespace} is not text"
        raise NeedsPerson(Reason.CREDENTIAL_INVALID.word, message) from None
