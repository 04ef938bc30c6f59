"""From what the watches show to the register, and to the queue where something is to be looked at.

An object that does not ask and for which nothing was made is not remembered and costs no turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from certwright.resources.names import Ref
from certwright.shim.kinds import GROUPS, KINDS
from certwright.shim.made import read_made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from certwright.shim.applicant import Options
    from certwright.shim.made import Made
    from certwright.shim.register import Register


class Intake:
    """Called from the threads of watches and re-lister; every call is short."""

    def __init__(self, register: Register, options: Options, wake: Callable[[Ref], None]) -> None:
        """Args: wake: puts the key of something that asks into the queue."""
        self._register = register
        self._options = options
        self._wake = wake

    def object(self, kind: str, body: Mapping[str, Any], *, deleted: bool) -> None:
        """An object of a kind that may ask appeared, changed or went."""
        it = KINDS[kind].read(body, self._options)
        if deleted or not self._options.concern_us(it.annotations):
            self.applicant_gone(it.ref)
            return
        before = self._register.claims(it.ref)
        if self._register.put_applicant(it):
            self._wake(it.ref)
            self._wake_claimants(it.ref.namespace, before - self._register.claims(it.ref))

    def applicant_gone(self, ref: Ref) -> None:
        """Something is gone, or asks no more; whoever waits for a Secret that it asked for hears of it."""
        before = self._register.claims(ref)
        if self._register.drop_applicant(ref) or self._register.made_for(ref):
            self._wake(ref)
        self._wake_claimants(ref.namespace, before)

    def concerns_us(self, kind: str, metadata: Mapping[str, Any]) -> bool:
        """Whether an object asks, by its metadata alone."""
        return self._options.concern_us(KINDS[kind].annotations(metadata, self._options))

    def applicants(self) -> set[Ref]:
        """All that are known to ask; for re-lists."""
        return set(self._register.applicants())

    def certificate(self, body: Mapping[str, Any], *, deleted: bool) -> None:
        """A Certificate appeared, changed or went; its status is no matter here."""
        made = None if deleted else read_made(body, self._options.names, GROUPS)
        if made is None:
            metadata = body.get("metadata") or {}
            ref = Ref("Certificate", str(metadata.get("namespace", "")), str(metadata.get("name", "")))
            self._other(ref, self._register.drop_made(ref), is_gone=deleted)
            return
        known = self._register.put_made(made)
        if known is made:
            return
        self._wake(made.owner)
        if known is not None and known.owner_uid != made.owner_uid:
            self._other(made.ref, known, is_gone=False)

    def certificates(self) -> set[Ref]:
        """All that were made for something that asks, also those that no watch has shown yet; for re-lists."""
        return set(self._register.all_made())

    def certificate_gone(self, ref: Ref) -> None:
        """A Certificate is known to be gone."""
        self._other(ref, self._register.drop_made(ref), is_gone=True)

    def issuer(self, ref: Ref, *, is_default: bool) -> None:
        """An issuer appeared or changed; only what is marked as the default matters here."""
        if ref.kind == "ClusterIssuer" and self._register.put_cluster_issuer(ref.name, is_default=is_default):
            self._wake_all(self._register.defaulters())

    def issuer_gone(self, ref: Ref) -> None:
        """An issuer is gone."""
        if ref.kind == "ClusterIssuer" and self._register.drop_cluster_issuer(ref.name):
            self._wake_all(self._register.defaulters())

    def _other(self, ref: Ref, known: Made | None, *, is_gone: bool) -> None:
        """What stood under a name has gone or changed hands: its owner, and whoever waits for the name."""
        if known is not None:
            self._wake(known.owner)
        if is_gone or known is not None:
            self._wake_all(self._register.claimants((ref.namespace, ref.name)))

    def _wake_claimants(self, namespace: str, names: Iterable[str]) -> None:
        for name in names:
            self._wake_all(self._register.claimants((namespace, name)))

    def _wake_all(self, refs: Iterable[Ref]) -> None:
        for ref in refs:
            self._wake(ref)
