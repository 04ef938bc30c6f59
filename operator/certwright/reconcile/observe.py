"""Gathering what a decision looks at: from the caches, and from the CA where the next step needs its answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.acme.messages import OrderStatus
from certwright.acme.refusals import Refused
from certwright.reconcile.backoff import LOOKS
from certwright.reconcile.gates import Traveller
from certwright.reconcile.observed import (
    Observed,
    OrderProgress,
    ReadyIssuer,
    RenewalAdvice,
    UnreadyIssuer,
)
from certwright.reconcile.orders import forgotten, is_forgotten
from certwright.reconcile.problems import held_until
from certwright.reconcile.renewal import USUAL_POLL, fraction
from certwright.reconcile.waits import LONGEST, begun, next_look, pause_at
from certwright.resources.attempt import Stage
from certwright.resources.certificate import Certificate
from certwright.resources.conditions import Reason
from certwright.resources.metadata import Unreadable
from certwright.resources.names import Ref
from certwright.resources.scope import EVERYWHERE, Scope
from certwright.resources.wish import wish_of

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.acme.messages import Order
    from certwright.reconcile.accounts import Account, Accounts
    from certwright.reconcile.cache import Cache
    from certwright.reconcile.gates import Gates
    from certwright.reconcile.memory import Memory, Progress
    from certwright.reconcile.ports import Clock
    from certwright.reconcile.target import Target
    from certwright.resources.attempt import Attempt
    from certwright.resources.issuer import Issuer
    from certwright.resources.names import ApiNames

#: How soon an order is looked at after something was done to it, where the CA does not say (RFC 8555 §7.5.1).
FIRST_LOOK = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Builds `Observed`.

    Attributes:
        started_at: of the process; first questions for renewal advice are spread from here on, or from when it took
            the lead.
        advice_ceiling: longest time between two such questions.
        scope: where we work.
    """

    cache: Cache
    memory: Memory
    accounts: Accounts
    gates: Gates
    clock: Clock
    names: ApiNames
    started_at: datetime
    advice_ceiling: timedelta
    scope: Scope = EVERYWHERE

    def __call__(self, certificate: Certificate) -> Observed:
        """Everything about this Certificate. Asks the CA only about an order that may have moved, or a profile.

        Raises:
            Held: the CA asked us to wait, and the order may have moved.
            Setback: the CA did not say how the order stands.
        """
        account = self.accounts.get(certificate.spec.issuer_ref)
        if account is not None:
            _look_for_profile(account, certificate)
        seen, now = self.glance(certificate), self.clock()
        attempt = seen.attempt
        held = (until := held_until(seen)) is not None and now < until
        if held or not attempt or not attempt.order_url or not account or account.url != attempt.account_url:
            return seen
        progress = self.memory.progress(certificate.meta.uid)
        if not _may_have_moved(progress, now):
            return seen
        self.gates.enter(Traveller.of(certificate, account, orders=False))
        self._look(account, attempt, progress)
        return self.glance(certificate)

    def glance(self, certificate: Certificate) -> Observed:
        """The same from memory alone."""
        ref, uid = certificate.ref, certificate.meta.uid
        attempt = self.memory.attempt(uid)
        progress = self.memory.progress(uid) if attempt and attempt.order_url else None
        target = self.cache.target((ref.namespace, certificate.spec.secret_name))
        if target is not None and target.leaf is not None and target.wish_hash:
            self.memory.note_wish(uid, target.leaf.serial_number, target.wish_hash)
        seen = Observed(
            certificate=certificate,
            issuer=self.issuer(certificate.spec.issuer_ref, beside=ref.namespace),
            target=target,
            attempt=attempt,
            progress=_told(progress) if progress else None,
            advice=self.memory.advice(uid),
            hold_lifted=self.memory.is_lifted(uid),
            hold=self.memory.hold_of(uid, certificate.meta.generation),
            owner_lives=target is not None and owner_lives(self.cache, certificate, target),
            older=older_rival(self.cache, certificate),
            used_by=", ".join(
                map(str, self.cache.issuers_of_secret((ref.namespace, certificate.spec.secret_name)))
            ),
            attempt_lost=attempt is None
            and certificate.status.attempt is not None
            and not self.memory.had_attempt(uid),
            restamped=self.memory.restamped(uid),
            noted_wish=self.memory.noted_wish(uid),
            names=self.names,
        )
        return self._with_advice(seen, uid)

    def issuer(self, ref: Ref, *, beside: str = "") -> ReadyIssuer | UnreadyIssuer:
        """What stands behind an issuerRef of a Certificate in the namespace `beside`."""
        account = self.accounts.get(ref)
        if account is not None:
            return ReadyIssuer(
                ref=ref,
                spec=account.spec,
                directory_url=account.spec.server,
                account_url=account.url,
                offers_renewal_info=account.directory.renewal_info is not None,
                profiles=account.authority.profiles,
            )
        known = self.cache.issuer(ref)
        if not self.scope.holds(ref.namespace):
            return _out_of_scope(ref)
        if known is None:
            return UnreadyIssuer(
                ref=ref, reason=Reason.ISSUER_NOT_FOUND.word, message=self._not_found(ref, beside)
            )
        return _unready(ref, known)

    def _not_found(self, ref: Ref, beside: str) -> str:
        """That there is no such issuer, and what was probably meant.

        Of other namespaces nothing is told: their names are not everybody's business.
        """
        other = Ref("ClusterIssuer", "", ref.name) if ref.namespace else Ref("Issuer", beside, ref.name)
        if self.cache.issuer(other) is not None:
            return f"{ref} does not exist, but {other} does; write kind: {other.kind} in spec.issuerRef"
        where = " in this namespace" if ref.namespace else ""
        return f"{ref} does not exist; create it{where} or correct spec.issuerRef, and this goes on by itself"

    def _look(self, account: Account, attempt: Attempt, progress: Progress) -> None:
        try:
            order = account.authority.ask(account.conversation.fetch_order(attempt.order_url))
        except Refused as refused:
            if not is_forgotten(refused, self.clock() - attempt.started_at):
                raise
            order = forgotten(attempt.order_url)
        note_order(progress, order, self.clock())

    def _with_advice(self, seen: Observed, uid: str) -> Observed:
        """Certificates that nobody asked about since the start are asked about one after the other."""
        leaf = seen.target.leaf if seen.target else None
        if leaf is None or leaf.renewal_id is None:
            return seen
        known = self.memory.advice(uid)
        if known is not None and known.serial_number == leaf.serial_number:
            return seen
        spread = min(USUAL_POLL, self.advice_ceiling) * fraction(uid, leaf.serial_number)
        advice = RenewalAdvice(
            serial_number=leaf.serial_number,
            window=seen.window,
            ask_again_at=(self.memory.term_began or self.started_at) + spread,
        )
        self.memory.put_advice(uid, advice)
        return replace(seen, advice=advice)


def _look_for_profile(account: Account, certificate: Certificate) -> None:
    """See that the directory is not old where it lacks the profile that is wanted."""
    profile = wish_of(certificate.spec, account.spec).profile
    if profile and profile not in account.authority.profiles:
        account.authority.doubt_directory()


def owner_lives(cache: Cache, certificate: Certificate, target: Target) -> bool:
    """Whether the Certificate that a Secret names exists and still names the Secret."""
    owner = cache.certificate(Ref("Certificate", certificate.ref.namespace, target.certificate_name))
    # A spec that cannot be understood is no reason to give its Secret away: it may be mended.
    return isinstance(owner, Unreadable) or (
        owner is not None and owner.spec.secret_name == certificate.spec.secret_name
    )


def older_rival(cache: Cache, certificate: Certificate) -> str:
    """Name of the oldest Certificate that names the same Secret as this one, if that is another, or ""."""
    oldest = certificate
    for ref in cache.certificates_of_secret((certificate.ref.namespace, certificate.spec.secret_name)):
        other = cache.certificate(ref)
        if isinstance(other, Certificate) and _age(other) < _age(oldest):
            oldest = other
    return "" if oldest.ref == certificate.ref else oldest.ref.name


def _age(certificate: Certificate) -> tuple[str, str]:
    """Sorts older ones first; those of one second by UID, which is as good as any other order that stays."""
    return certificate.meta.created, certificate.meta.uid


def note_order(progress: Progress, order: Order, now: datetime) -> None:
    """Remember what the CA reported and when it may be asked again."""
    progress.order, progress.noted = order, False
    if order.status is OrderStatus.PROCESSING:
        progress.wait = begun(progress.wait, Stage.SIGNING, now, order)
    elif order.status is OrderStatus.PENDING and progress.wait and progress.wait.stage is Stage.SIGNING:
        progress.wait = begun(progress.wait, Stage.READINESS, now, order)  # it was not ready for the CSR
    pause = LOOKS[min(progress.looks, len(LOOKS) - 1)] if order.retry_after is None else order.retry_after
    progress.look_at = now + min(pause, LONGEST)
    if progress.wait is not None:
        later = max(progress.look_at, now + pause_at(now - progress.wait.since))
        progress.look_at = min(later, max(progress.wait.until, now))


def _told(progress: Progress) -> OrderProgress:
    return OrderProgress(
        order=progress.order,
        answered=progress.answered,
        look_at=progress.look_at,
        wait=progress.wait,
        finalize_at=progress.finalize_at,
    )


def _may_have_moved(progress: Progress, now: datetime) -> bool:
    if progress.order is None and not (progress.noted and progress.wait):
        return True
    if progress.wait is not None and progress.look_at is None:
        progress.look_at = next_look(progress.wait, now)
    if progress.look_at is not None and now < progress.look_at:
        return False
    if progress.order is None or progress.order.status is OrderStatus.PROCESSING:
        return True
    if progress.order.status is OrderStatus.READY:
        return progress.finalize_at is not None
    return progress.answered and progress.order.status is OrderStatus.PENDING


def _out_of_scope(ref: Ref) -> UnreadyIssuer:
    message = (
        f"the operator works in some namespaces only (--watch-namespace) and does not read {ref}; "
        "name an Issuer of this namespace in spec.issuerRef, or install the operator for all namespaces"
    )
    return UnreadyIssuer(ref=ref, reason=Reason.CLUSTER_ISSUERS_OFF.word, message=message)


def _unready(ref: Ref, issuer: Issuer | Unreadable) -> UnreadyIssuer:
    reason = Reason.ISSUER_NOT_READY.word
    if isinstance(issuer, Unreadable):
        return UnreadyIssuer(ref=ref, reason=reason, message=f"{ref} is not usable: {issuer.problem}")
    ready = next((each for each in issuer.status.conditions if each.type == "Ready"), None)
    if ready is None or ready.status == "True":
        message = f"the account of {ref} is being looked up"
        return UnreadyIssuer(ref=ref, reason=Reason.REGISTERING.word, message=message)
    return UnreadyIssuer(ref=ref, reason=reason, message=f"{ref} is not ready: {ready.message}")
