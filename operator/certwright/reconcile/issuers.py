"""One turn of the wheel for one Issuer or ClusterIssuer: is its account open, and what does its status say?"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.acme.refusals import Refused
from certwright.failures import NeedsPerson, NotYet, Setback, TryLater
from certwright.reconcile.backoff import hold
from certwright.reconcile.gates import Traveller
from certwright.reconcile.problems import moment
from certwright.reconcile.unreadable import tell_unreadable
from certwright.resources.certificate import Certificate
from certwright.resources.condition import Condition
from certwright.resources.conditions import Reason, sentence
from certwright.resources.issuer import Issuer, read_issuer
from certwright.resources.issuer_status import (
    AcmeStatus,
    IssuerStatus,
    issuer_status_to_dict,
    read_issuer_status,
)
from certwright.resources.metadata import Unreadable

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.reconcile.accounts import Account, Accounts
    from certwright.reconcile.cache import Cache
    from certwright.reconcile.gates import Gates
    from certwright.reconcile.memory import Memory
    from certwright.reconcile.opening import Opening
    from certwright.reconcile.ports import Clock, Dice, Events, Objects, Wake
    from certwright.resources.ledger import Hold
    from certwright.resources.names import ApiNames, Ref

log = logging.getLogger(__name__)

#: Failures that CAs count: an outage that is over is no reason to try these again sooner.
COUNTED_BY_CA = frozenset(
    reason.word
    for reason in (Reason.VALIDATION_FAILED, Reason.ORDER_FAILED, Reason.RATE_LIMITED, Reason.CAA_FORBIDS)
)
#: A CA that did not answer is asked again after this long, once for all who wait, until it answers.
OUTAGE_LOOK = timedelta(seconds=15)
#: The first time a little later, when those whose turns failed have written down why.
FIRST_PROBE = timedelta(seconds=3)
#: A wait of an issuer is looked at again after this long when nobody said when.
LOOK = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerLoop:
    """Keeps issuers' accounts open; safe to run for different issuers at the same time."""

    cache: Cache
    memory: Memory
    accounts: Accounts
    gates: Gates
    opening: Opening
    objects: Objects
    events: Events
    names: ApiNames
    clock: Clock
    dice: Dice
    wake: Wake
    failures: Counter[Ref] = field(default_factory=Counter)
    holds: dict[Ref, tuple[object, datetime]] = field(default_factory=dict)
    answered: dict[Ref, object] = field(default_factory=dict)

    def begin_term(self) -> None:
        """We lead from now on: whoever led before may have opened what we hold, or failed where we did not."""
        for told in (self.failures, self.holds, self.answered):
            told.clear()

    def turn(self, ref: Ref) -> datetime | None:
        """Open the account if it is not; returns when to look again, None for "on change"."""
        issuer = self.cache.issuer(ref)
        if issuer is None:
            return self._vanished(ref)
        if isinstance(issuer, Unreadable):
            self.accounts.drop(ref)
            tell_unreadable(issuer, self.objects, self.clock())
            return None
        account = self.accounts.get(ref)
        holds_end = self.gates.forget_idle(issuer.spec.server, account.url if account else "")
        look_again = self._turn(issuer, account)
        return min((each for each in (look_again, holds_end) if each), default=None)

    def _turn(self, issuer: Issuer, account: Account | None) -> datetime | None:
        """The same for one that can be read."""
        if account is not None and self._fits(account, issuer):
            if since := self.memory.outage_of(issuer.ref):
                return self._probe(account, since)
            # A status that says otherwise tells of a fault that is over, or was written by somebody else.
            said = _was_ready(issuer) and issuer.status.limits == self._limits(issuer, account)
            return None if said else self._record(issuer, account, None)
        if (until := self._held_until(issuer)) and self.clock() < until:
            return until
        question = self._question(issuer)
        opened, setback = self._opened(issuer)
        look_again = self._record(issuer, opened, setback)
        if look_again is not None:
            self.holds[issuer.ref] = (question, look_again)
        else:
            self.answered[issuer.ref] = self._question(issuer)
        return look_again

    def _opened(self, issuer: Issuer) -> tuple[Account | None, Setback | None]:
        """The account, or why there is none."""
        who = Traveller.registering(issuer)
        try:
            self.gates.enter(who)
            opened = self.opening.open(issuer)
        except Refused as refused:
            held = self.gates.refused(who, refused)
            if held is not None and isinstance(refused, TryLater):
                refused.retry_after = held
            return None, refused
        except Setback as setback:
            return None, setback
        else:
            self.gates.passed(who.uid)
            return opened, None
        finally:
            self.gates.leave(who.uid)

    def _limits(self, issuer: Issuer, account: Account | None) -> tuple[Hold, ...]:
        """What holds this issuer's Certificates back."""
        return self.gates.shown(issuer.ref, issuer.spec.server, account.url if account else "")

    def _probe(self, account: Account, since: datetime) -> datetime | None:
        """See whether the CA answers again; if so, those that failed because it did not are tried again now."""
        if self.clock() - since < FIRST_PROBE:
            return since + FIRST_PROBE
        try:
            account.authority.probe()
        except Setback:
            return self.clock() + OUTAGE_LOOK
        self.memory.end_outage(account.issuer, self.clock())
        for ref in self.cache.certificates_of_issuer(account.issuer):
            known = self.cache.certificate(ref)
            failure = known.status.failure if isinstance(known, Certificate) else None
            if known is not None and failure is not None and failure.reason == Reason.CA_UNREACHABLE.word:
                self.memory.lift_hold(known.meta.uid)
                self.wake(ref)
        return None

    def _fits(self, account: Account, issuer: Issuer) -> bool:
        """Whether the open account still is what the spec and the Secrets that it names say."""
        same = (account.issuer_uid, account.generation) == (issuer.meta.uid, issuer.meta.generation)
        return same and self.answered.get(issuer.ref) == self._question(issuer)

    def _held_until(self, issuer: Issuer) -> datetime | None:
        """When an issuer that failed is due again: our own status write wakes it too, and must not make a loop."""
        question, until = self.holds.get(issuer.ref, (None, None))
        return until if question == self._question(issuer) else None

    def _question(self, issuer: Issuer) -> object:
        """What the answer hangs on here: the spec, and the Secrets that it names."""
        return issuer.meta.uid, issuer.meta.generation, self.cache.versions_of_issuer(issuer.ref)

    def _key_secret(self, issuer: Issuer) -> tuple[str, str]:
        return self.opening.credentials.namespace_of(issuer.ref), issuer.spec.private_key_secret.name

    def _vanished(self, ref: Ref) -> datetime | None:
        found = self.objects.read(ref)
        if found is not None:
            self.cache.note_issuer(read_issuer(found, self.names))
            return self.clock()
        self.accounts.drop(ref)
        self.memory.forget_issuer(ref)
        self.gates.forget(ref)
        self.failures.pop(ref, None)
        self.holds.pop(ref, None)
        self.answered.pop(ref, None)
        return None

    def _record(
        self,
        issuer: Issuer,
        opened: Account | None,
        setback: Setback | None,
    ) -> datetime | None:
        now = self.clock()
        ref = issuer.ref
        look_again: datetime | None = None
        if opened is not None:
            self.accounts.put(opened)
            self.cache.put_secret_version(self._key_secret(issuer), opened.key_version)
            self.failures.pop(ref, None)
            self.holds.pop(ref, None)
            if _is_changed(issuer):
                self.gates.relent(opened.url)
            self._wake_certificates(issuer)
        else:
            # What was open was opened for another spec or key: it is not used for this one.
            self.accounts.drop(ref)
        if setback is not None:
            look_again = self._next_look(ref, setback, now)
        limits = self._limits(issuer, opened)
        self._write(issuer, replace(issuer_verdict(issuer, opened, setback, look_again, now), limits=limits))
        return look_again

    def _next_look(self, ref: Ref, setback: Setback, now: datetime) -> datetime:
        if isinstance(setback, NotYet):
            return now + (setback.look_again_in or LOOK)
        self.failures[ref] += 1
        if setback.reason == Reason.CA_UNREACHABLE.word:
            return now + OUTAGE_LOOK
        return now + hold(setback, self.failures[ref], self.dice())

    def _wake_certificates(self, issuer: Issuer) -> None:
        """Wake who waits for the issuer, and lift the holds that its change or recovery may have mended."""
        changed = _is_changed(issuer)
        recovered = not changed and not _was_ready(issuer)
        for ref in self.cache.certificates_of_issuer(issuer.ref):
            known = self.cache.certificate(ref)
            failure = known.status.failure if isinstance(known, Certificate) else None
            if known is not None and failure is not None:
                counted = failure.reason in COUNTED_BY_CA
                if changed or (recovered and not counted):
                    self.memory.lift_hold(known.meta.uid)
            self.wake(ref)

    def _write(self, issuer: Issuer, status: IssuerStatus) -> None:
        old, new = issuer_status_to_dict(issuer.status), issuer_status_to_dict(status)
        if old == new:
            return
        written = self.objects.write_status(
            issuer.ref,
            issuer.meta,
            new,
            unchanged=lambda live: issuer_status_to_dict(read_issuer_status(live)) == old,
        )
        if written is None:
            self.cache.drop_issuer(issuer.ref)
            return
        self.cache.note_issuer(read_issuer(written, self.names))
        self._tell(issuer, status)
        # Those that wait say why in their own status, and that reason just changed.
        if not self.accounts.get(issuer.ref):
            for certificate in self.cache.certificates_of_issuer(issuer.ref):
                self.wake(certificate)

    def _tell(self, issuer: Issuer, status: IssuerStatus) -> None:
        ready = next(each for each in status.conditions if each.type == "Ready")
        was = next((each for each in issuer.status.conditions if each.type == "Ready"), None)
        if was is not None and (was.status, was.reason) == (ready.status, ready.reason):
            return
        log.info("issuer", extra={"object": str(issuer.ref), "reason": ready.reason, "why": ready.message})
        try:
            self.events.post(
                issuer.ref,
                issuer.meta,
                warning=ready.status != "True",
                reason=ready.reason,
                message=ready.message,
                action="Registering",
            )
        except Setback:
            return


def _is_changed(issuer: Issuer) -> bool:
    """Whether somebody changed the spec since its status was written."""
    return issuer.status.observed_generation != issuer.meta.generation


def _was_ready(issuer: Issuer) -> bool:
    """Whether it worked before this turn by its own status, which a restart of the operator does not change."""
    said = any(each.type == "Ready" and each.status == "True" for each in issuer.status.conditions)
    return said and issuer.status.observed_generation == issuer.meta.generation


def issuer_verdict(
    issuer: Issuer,
    account: Account | None,
    setback: Setback | None,
    look_again: datetime | None,
    now: datetime,
) -> IssuerStatus:
    """The whole status of an issuer after a turn."""
    acme = _acme_status(issuer, account) if account else issuer.status.acme
    if account is not None:
        message = f"The ACME account {account.url} works."
        said = [("Ready", "True", Reason.ACCOUNT_REGISTERED.word, message)]
        said.append(("AccountReady", "True", Reason.ACCOUNT_REGISTERED.word, message))
    else:
        reason, message = _told(setback, look_again)
        said = [("Ready", "False", reason, message), ("AccountReady", "False", reason, message)]
        kind = "Stalled" if isinstance(setback, NeedsPerson) else "Reconciling"
        said.append((kind, "True", reason, message))
    said.append(("Accepted", "True", Reason.ACCEPTED.word, "The spec is valid."))
    conditions = tuple(_condition(issuer, each, now) for each in said)
    return IssuerStatus(observed_generation=issuer.meta.generation, conditions=conditions, acme=acme)


def _told(setback: Setback | None, look_again: datetime | None) -> tuple[str, str]:
    if setback is None:
        return Reason.REGISTERING.word, "The account is being looked up."
    text = setback.message[:1].upper() + setback.message[1:]
    if isinstance(setback, NotYet) or look_again is None:
        return setback.reason, sentence(f"{text}.")
    if setback.reason == Reason.CA_UNREACHABLE.word:
        # Without a moment, which would have the status written at every look.
        return setback.reason, sentence(f"{text}. It is asked again every {OUTAGE_LOOK.seconds} seconds.")
    return setback.reason, sentence(f"{text}. Next attempt at {moment(look_again)}.")


def _acme_status(issuer: Issuer, account: Account) -> AcmeStatus:
    directory = account.directory
    return AcmeStatus(
        account_url=account.url,
        caa_identities=directory.caa_identities,
        terms_of_service=directory.terms_of_service or "",
        profiles=dict(directory.profiles or {}),
        renewal_info=directory.renewal_info is not None,
        external_account_required=directory.external_account_required,
        last_registered_email=issuer.spec.email or "",
        key_thumbprint=account.key.thumbprint,
    )


def _condition(issuer: Issuer, said: tuple[str, str, str, str], now: datetime) -> Condition:
    kind, status, reason, message = said
    known = next((each for each in issuer.status.conditions if each.type == kind), None)
    since = known.last_transition_time if known and known.status == status else None
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message=message,
        last_transition_time=since or now.replace(microsecond=0),
        observed_generation=issuer.meta.generation,
    )
