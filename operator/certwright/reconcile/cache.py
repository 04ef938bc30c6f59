"""What the watches have shown: Certificates, issuers and facts of Secrets, indexed by what a turn asks for.

Nothing is ever spent at a CA on what stands here alone: before an order the objects are read live.
"""

from __future__ import annotations

from collections import defaultdict
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeAlias

from certwright.resources.certificate import Certificate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certwright.reconcile.target import Target
    from certwright.resources.issuer import Issuer
    from certwright.resources.metadata import Metadata, Unreadable
    from certwright.resources.names import Ref

#: Namespace and name of a Secret.
SecretKey: TypeAlias = tuple[str, str]


class Cache:
    """Thread-safe; reads cost a dictionary look-up, whatever the size of the cluster."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._certificates: dict[Ref, Certificate | Unreadable] = {}
        self._issuers: dict[Ref, Issuer | Unreadable] = {}
        self._targets: dict[SecretKey, Target] = {}
        self._by_secret: dict[SecretKey, set[Ref]] = defaultdict(set)
        self._by_issuer: dict[Ref, set[Ref]] = defaultdict(set)
        self._issuers_by_secret: dict[SecretKey, set[Ref]] = defaultdict(set)
        self._secrets_by_issuer: dict[Ref, tuple[SecretKey, ...]] = {}
        self._versions: dict[SecretKey, str] = {}

    # Certificates

    def put_certificate(self, certificate: Certificate | Unreadable) -> None:
        """Remember a Certificate unless a newer version is known."""
        with self._lock:
            known = self._certificates.get(certificate.ref)
            if known and _is_older(certificate.meta, known.meta):
                return
            self._unindex(known)
            self._certificates[certificate.ref] = certificate
            if isinstance(certificate, Certificate):
                spec = certificate.spec
                self._by_secret[certificate.ref.namespace, spec.secret_name].add(certificate.ref)
                self._by_issuer[spec.issuer_ref].add(certificate.ref)

    def drop_certificate(self, ref: Ref) -> None:
        """Forget a Certificate that is known to be gone."""
        with self._lock:
            self._unindex(self._certificates.pop(ref, None))

    def certificate(self, ref: Ref) -> Certificate | Unreadable | None:
        """The Certificate as last seen."""
        with self._lock:
            return self._certificates.get(ref)

    def certificates(self) -> list[Certificate | Unreadable]:
        """All of them; for metrics and re-lists, never for a turn."""
        with self._lock:
            return list(self._certificates.values())

    def certificates_of_secret(self, key: SecretKey) -> tuple[Ref, ...]:
        """Certificates that name this Secret as their target."""
        with self._lock:
            return tuple(self._by_secret.get(key, ()))

    def certificates_of_issuer(self, ref: Ref) -> tuple[Ref, ...]:
        """Certificates that name this issuer."""
        with self._lock:
            return tuple(self._by_issuer.get(ref, ()))

    def _unindex(self, known: Certificate | Unreadable | None) -> None:
        if isinstance(known, Certificate):
            _discard(self._by_secret, (known.ref.namespace, known.spec.secret_name), known.ref)
            _discard(self._by_issuer, known.spec.issuer_ref, known.ref)

    # Issuers

    def put_issuer(self, issuer: Issuer | Unreadable, secrets: Iterable[SecretKey] = ()) -> None:
        """Remember an issuer, and the Secrets that it names."""
        with self._lock:
            known = self._issuers.get(issuer.ref)
            if known and _is_older(issuer.meta, known.meta):
                return
            self._unindex_issuer(issuer.ref)
            self._issuers[issuer.ref] = issuer
            self._secrets_by_issuer[issuer.ref] = tuple(secrets)
            for key in self._secrets_by_issuer[issuer.ref]:
                self._issuers_by_secret[key].add(issuer.ref)

    def drop_issuer(self, ref: Ref) -> None:
        """Forget an issuer that is known to be gone."""
        with self._lock:
            self._issuers.pop(ref, None)
            self._unindex_issuer(ref)

    def issuer(self, ref: Ref) -> Issuer | Unreadable | None:
        """The issuer as last seen."""
        with self._lock:
            return self._issuers.get(ref)

    def issuers(self) -> list[Issuer | Unreadable]:
        """All of them."""
        with self._lock:
            return list(self._issuers.values())

    def issuers_of_secret(self, key: SecretKey) -> tuple[Ref, ...]:
        """Issuers that read this Secret."""
        with self._lock:
            return tuple(self._issuers_by_secret.get(key, ()))

    def _unindex_issuer(self, ref: Ref) -> None:
        for key in self._secrets_by_issuer.pop(ref, ()):
            _discard(self._issuers_by_secret, key, ref)

    def note_issuer(self, issuer: Issuer | Unreadable) -> None:
        """Remember a version that we wrote ourselves; the Secrets that it names are as before."""
        with self._lock:
            self.put_issuer(issuer, self._secrets_by_issuer.get(issuer.ref, ()))

    def put_secret_version(self, key: SecretKey, version: str) -> None:
        """Remember which version of an issuer's Secret was seen last."""
        with self._lock:
            self._versions[key] = version

    def versions_of_issuer(self, ref: Ref) -> tuple[str | None, ...]:
        """Versions of the Secrets that an issuer names, as last seen."""
        with self._lock:
            return tuple(self._versions.get(key) for key in self._secrets_by_issuer.get(ref, ()))

    def secret_version(self, key: SecretKey) -> str | None:
        """Version of an issuer's Secret as last seen; None if it is not watched."""
        with self._lock:
            return self._versions.get(key)

    # Target Secrets

    def put_target(self, key: SecretKey, target: Target) -> None:
        """Remember the facts of a Secret, unless newer ones of the same Secret are known."""
        with self._lock:
            known = self._targets.get(key)
            if known and known.uid == target.uid and _older(target.resource_version, known.resource_version):
                return
            self._targets[key] = target

    def drop_target(self, key: SecretKey) -> None:
        """Forget a Secret; absence is believed for good only after a live read."""
        with self._lock:
            self._targets.pop(key, None)

    def target(self, key: SecretKey) -> Target | None:
        """Facts of the Secret as last seen."""
        with self._lock:
            return self._targets.get(key)

    def target_keys(self) -> list[SecretKey]:
        """All Secrets that are known; for re-lists."""
        with self._lock:
            return list(self._targets)


def _discard(index: dict[Any, set[Ref]], key: object, ref: Ref) -> None:
    refs = index.get(key)
    if refs is not None:
        refs.discard(ref)
        if not refs:
            del index[key]


def _is_older(new: Metadata, known: Metadata) -> bool:
    return new.uid == known.uid and _older(new.resource_version, known.resource_version)


def _older(new: str, known: str) -> bool:
    """Whether one resourceVersion precedes another: they are etcd's revisions, and comparable (KEP-5504)."""
    return new.isdigit() and known.isdigit() and int(new) < int(known)
