"""From a watch event to cache and queue. Called by kopf's handlers and by the re-lister; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from certwright.reconcile.account_keys import secret_version
from certwright.reconcile.target import read_target
from certwright.resources.certificate import Certificate, read_certificate
from certwright.resources.condition import read_moment
from certwright.resources.issuer import Issuer, read_issuer
from certwright.shim.ingress import KIND as INGRESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from certwright.reconcile.cache import Cache, SecretKey
    from certwright.reconcile.credentials import Credentials
    from certwright.reconcile.memory import Memory
    from certwright.reconcile.ports import Wake
    from certwright.resources.metadata import Unreadable
    from certwright.resources.names import ApiNames, Ref
    from certwright.shim.intake import Intake


#: In place of the version of a Secret that is not there any more.
GONE = "gone"


class Source:
    """Takes what the watches show; called from kopf's threads, several at once, so every call is short."""

    def __init__(
        self,
        *,
        cache: Cache,
        memory: Memory,
        credentials: Credentials,
        names: ApiNames,
        wake: Wake,
        credential_changed: Callable[[Ref, datetime], None],
        intake: Intake,
    ) -> None:
        """Make one for a cache.

        Args:
            credential_changed: hears of an issuer one of whose Secrets was changed, and when.
            intake: hears of what asks for certificates, and of what was made for it.
        """
        self._intake = intake
        self._cache = cache
        self._memory = memory
        self._credentials = credentials
        self._names = names
        self._wake = wake
        self._credential_changed = credential_changed

    def certificate(self, body: Mapping[str, Any], *, deleted: bool) -> None:
        """A Certificate appeared, changed or went."""
        certificate = read_certificate(body, self._names)
        before = self._cache.certificate(certificate.ref)
        if deleted:
            self._cache.drop_certificate(certificate.ref)
            self._memory.forget_advice(certificate.meta.uid)
        else:
            self._cache.put_certificate(certificate)
        self._wake(certificate.ref)
        self._intake.certificate(body, deleted=deleted)
        if isinstance(before, Certificate):
            self._wake_rivals(before, self._cache.certificate(certificate.ref))

    def _wake_rivals(self, before: Certificate, now: Certificate | Unreadable | None) -> None:
        """A Certificate that is gone, or names another Secret now, leaves its Secret to whoever waits for it."""
        if isinstance(now, Certificate) and now.spec.secret_name == before.spec.secret_name:
            return
        for ref in self._cache.certificates_of_secret((before.ref.namespace, before.spec.secret_name)):
            self._wake(ref)

    def issuer(self, body: Mapping[str, Any], *, deleted: bool) -> None:
        """An Issuer or ClusterIssuer appeared, changed or went; who waits for it hears of it."""
        issuer = read_issuer(body, self._names)
        known = self._cache.issuer(issuer.ref)
        if deleted:
            self._cache.drop_issuer(issuer.ref)
            self._intake.issuer_gone(issuer.ref)
        else:
            self._cache.put_issuer(issuer, self._secrets_of(issuer))
            self._intake.issuer(issuer.ref, is_default=isinstance(issuer, Issuer) and issuer.is_default)
        self._wake(issuer.ref)
        if deleted or known is None:
            for certificate in self._cache.certificates_of_issuer(issuer.ref):
                self._wake(certificate)

    def ingress(self, body: Mapping[str, Any], *, deleted: bool) -> None:
        """An Ingress appeared, changed or went."""
        self._intake.object(INGRESS, body, deleted=deleted)

    def secret(self, body: Mapping[str, Any], *, deleted: bool) -> None:
        """A Secret that carries our label appeared, changed, lost the label or went."""
        metadata = body.get("metadata") or {}
        key = (str(metadata.get("namespace", "")), str(metadata.get("name", "")))
        if (metadata.get("labels") or {}).get(self._names.secret_label) == self._names.target:
            self._target(body, key, deleted=deleted)
        else:
            self._of_issuers(body, key, deleted=deleted)

    def _target(self, body: Mapping[str, Any], key: SecretKey, *, deleted: bool) -> None:
        if deleted:
            self._cache.drop_target(key)
        else:
            self._cache.put_target(key, read_target(body, self._names))
        for certificate in self._cache.certificates_of_secret(key):
            self._wake(certificate)

    def _of_issuers(self, body: Mapping[str, Any], key: SecretKey, *, deleted: bool) -> None:
        if self._cache.target(key) is not None:
            # It was a target until somebody changed its label.
            self._target(body, key, deleted=True)
        version = GONE if deleted else secret_version(body)
        if self._cache.secret_version(key) == version:
            return
        self._cache.put_secret_version(key, version)
        self._credentials.forget(*key)
        for issuer in self._cache.issuers_of_secret(key):
            self._wake(issuer)
            self._lift(issuer, None if deleted else _written_at(body))

    def _lift(self, issuer: Ref, changed_at: datetime | None) -> None:
        """A credential changed: who waited for it is woken, and what failed before that is tried again now."""
        if changed_at is not None:
            self._credential_changed(issuer, changed_at)
        for ref in self._cache.certificates_of_issuer(issuer):
            known = self._cache.certificate(ref)
            if not isinstance(known, Certificate) or _is_content(known):
                continue
            failure = known.status.failure
            if failure is not None and changed_at is not None and failure.at <= changed_at:
                self._memory.lift_hold(known.meta.uid)
            self._wake(ref)

    def _secrets_of(self, issuer: Issuer | Unreadable) -> Iterator[SecretKey]:
        """The Secrets that an issuer names, where it may read them."""
        if not isinstance(issuer, Issuer):
            return
        namespace, spec = self._credentials.namespace_of(issuer.ref), issuer.spec
        yield namespace, spec.private_key_secret.name
        if spec.ca_bundle_secret:
            yield namespace, spec.ca_bundle_secret.name
        if spec.external_account_binding:
            yield namespace, spec.external_account_binding.key_secret.name
        for solver in spec.solvers:
            if solver.dns01 and solver.dns01.rfc2136.tsig_secret:
                yield namespace, solver.dns01.rfc2136.tsig_secret.name


def _written_at(body: Mapping[str, Any]) -> datetime | None:
    """When a Secret was last written, as the API server keeps it: it holds also at the first look after a start."""
    metadata = body.get("metadata") or {}
    entries = metadata.get("managedFields") or []
    texts = [metadata.get("creationTimestamp"), *(entry.get("time") for entry in entries)]
    return max((when for text in texts if (when := read_moment(text))), default=None)


def _is_content(certificate: Certificate) -> bool:
    """Whether nothing was in its way when it was last looked at."""
    ready = any(each.type == "Ready" and each.status == "True" for each in certificate.status.conditions)
    return ready and certificate.status.failure is None
