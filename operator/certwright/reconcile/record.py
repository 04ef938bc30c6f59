"""Writing down what a turn taught: at most one status write, at most one event, and when to look again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.failures import NeedsPerson, NotYet, Setback
from certwright.reconcile import actions as do
from certwright.reconcile.backoff import AT_ONCE, hold, next_look
from certwright.reconcile.problems import moment
from certwright.reconcile.verdict import Turn, verdict
from certwright.resources.certificate import Certificate, read_certificate
from certwright.resources.certificate_status import read_status, status_to_dict
from certwright.resources.conditions import TOLD_AT_ONCE, Reason, sentence

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.reconcile.actions import Action
    from certwright.reconcile.cache import Cache
    from certwright.reconcile.memory import Memory
    from certwright.reconcile.observe import Observer
    from certwright.reconcile.observed import Observed
    from certwright.reconcile.ports import Clock, Dice, Events, Objects
    from certwright.resources.certificate_status import CertificateStatus
    from certwright.resources.names import ApiNames

#: A Secret that is not ours carries no label and is not watched: whoever waits for it looks again after this long.
CONFLICT_LOOK = timedelta(seconds=20)
#: Waits for the CA, which may have begun in an earlier process.
AT_CA = frozenset({Reason.AWAITING_VALIDATION.word, Reason.AWAITING_ISSUANCE.word})
#: Waits for a person are looked at now and then even if no event comes.
PERSON_LOOK = timedelta(minutes=10)
#: Of an event's 1,024 characters (Kubernetes events.k8s.io/v1, `note`) for the usual, where there is more to say.
EVENT_SHARE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a turn ended.

    Attributes:
        action: the last one that was decided upon.
        setback: why it ended early, or None.
        stored: whether a new certificate was written.
        again: whether the turn only ended because its time was used up.
    """

    action: Action
    setback: Setback | None
    stored: bool
    again: bool = False

    @property
    def failure(self) -> Setback | None:
        """The setback where it counts as a failure of an attempt: not a wait, nor what was decided beforehand."""
        decided = isinstance(self.action, do.Halt)
        return None if decided or isinstance(self.setback, NotYet) else self.setback


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Turns an outcome into status, event and the time of the next look."""

    objects: Objects
    events: Events
    cache: Cache
    memory: Memory
    observer: Observer
    names: ApiNames
    clock: Clock
    dice: Dice

    def __call__(self, certificate: Certificate, outcome: Outcome) -> datetime | None:
        """Write what changed; returns when to look again, None for "when something changes"."""
        now = self.clock()
        seen = self.observer.glance(certificate)
        turn = self._turn(seen, outcome, now)
        status = verdict(seen, turn, now)
        if turn.retry_at is not None:
            # Before the write: where that fails, the hold must not be lost with it.
            self.memory.hold(certificate.meta.uid, certificate.meta.generation, turn.retry_at)
        if not _is_passing(seen, outcome):
            self._write(certificate, status)
        return self._look_again(seen, outcome, turn, now)

    def _turn(self, seen: Observed, outcome: Outcome, now: datetime) -> Turn:
        setback, uid = outcome.setback, seen.certificate.meta.uid
        turn = Turn(setback=setback, failed=outcome.failure is not None, stored=outcome.stored)
        if outcome.failure is not None:
            failure = seen.certificate.status.failure
            pause = hold(outcome.failure, (failure.count if failure else 0) + 1, self.dice())
            return replace(turn, retry_at=now + pause)
        if isinstance(setback, NotYet) and seen.attempt is not None:
            progress = self.memory.progress(uid)
            if progress.waiting_for != setback.reason:
                # Another process may have begun to wait.
                since = progress.wait.since if progress.wait and setback.reason in AT_CA else now
                progress.waiting_for, progress.waiting_since, progress.looks = setback.reason, since, 0
            else:
                progress.looks += 1
            return replace(turn, waiting_since=progress.waiting_since)
        return turn

    def _write(self, certificate: Certificate, status: CertificateStatus) -> None:
        old = certificate.status
        if status_to_dict(status) == status_to_dict(old):
            return
        written = self.objects.write_status(
            certificate.ref,
            certificate.meta,
            status_to_dict(status),
            unchanged=lambda live: read_status(live) == read_status(status_to_dict(old)),
        )
        if written is None:
            self.cache.drop_certificate(certificate.ref)
            return
        self.cache.put_certificate(read_certificate(written, self.names))
        self._tell(certificate, status)

    def _tell(self, certificate: Certificate, status: CertificateStatus) -> None:
        """One event for a success, a new trouble, a CA's explanation; best effort, since the status says the same."""
        try:
            if status.revision > certificate.status.revision:
                until = moment(status.not_after) if status.not_after else "an unknown time"
                names = ", ".join(certificate.spec.dns_names)
                where = f"Secret {certificate.spec.secret_name}"
                remark = self.memory.take_remark(certificate.meta.uid)
                why = (
                    f", as annotation {self.names.renew} asked"
                    if _answers_request(status, certificate)
                    else ""
                )
                message = f"Issued a certificate for {names}, valid until {until}, in {where}{why}"
                message = _remarked(message, remark) if remark else message
                self._post(certificate, Reason.ISSUED.word, message, warning=bool(remark))
            elif (trouble := _trouble(status)) and trouble != _trouble(certificate.status):
                self._post(certificate, *trouble, warning=True)
            elif _begins_request(status, certificate.status):
                message = (
                    f"Renewal was asked for by annotation {self.names.renew}; the present certificate stays in use "
                    "until the new one is stored"
                )
                self._post(certificate, Reason.RENEWAL_REQUESTED.word, message, warning=False)
            if explanation := _new_explanation(status, certificate.status):
                self._post(certificate, Reason.RENEWING.word, explanation, warning=True)
        except Setback:
            return

    def _post(self, certificate: Certificate, reason: str, message: str, *, warning: bool) -> None:
        self.events.post(
            certificate.ref,
            certificate.meta,
            warning=warning,
            reason=reason,
            message=message,
            action="Issuing",
        )

    def _look_again(self, seen: Observed, outcome: Outcome, turn: Turn, now: datetime) -> datetime | None:
        setback = outcome.setback
        if turn.retry_at is not None:
            return turn.retry_at
        if isinstance(setback, NotYet):
            progress = self.memory.progress(seen.certificate.meta.uid) if seen.attempt else None
            return now + next_look(setback, progress.looks if progress else PATIENT_LOOKS)
        if isinstance(setback, NeedsPerson):
            if setback.reason == Reason.SECRET_CONFLICT.word:
                self.memory.doubt_target(seen.certificate.meta.uid)
                return now + CONFLICT_LOOK
            return now + PERSON_LOOK
        if isinstance(outcome.action, do.Rest) and not outcome.again:
            return outcome.action.until
        return now + AT_ONCE


def _remarked(message: str, remark: str) -> str:
    """The remark goes before a long list of names."""
    return f"{sentence(message, EVENT_SHARE)}. But {remark}"


#: Waits without an attempt (an issuer that is not there) are woken by events; looking is only a net below them.
PATIENT_LOOKS = 99


def _is_passing(seen: Observed, outcome: Outcome) -> bool:
    """A wait that is over in a moment and that nobody needs to be told of, before anything was begun."""
    setback = outcome.setback
    return isinstance(setback, NotYet) and setback.reason not in TOLD_AT_ONCE and seen.attempt is None


def _new_explanation(status: CertificateStatus, old: CertificateStatus) -> str:
    """Why the CA wants a certificate renewed, where it has something to say: mostly that something happened."""
    info, known = status.renewal_info, old.renewal_info
    if info is None or not info.explanation_url or (known and known.explanation_url == info.explanation_url):
        return ""
    times = f"between {moment(info.start)} and {moment(info.end)}"
    return f"The CA wants the certificate renewed {times}, and says why at {info.explanation_url}"


def _begins_request(status: CertificateStatus, old: CertificateStatus) -> bool:
    """Whether the first attempt at a renewal that was asked for has just begun."""
    requested = status.attempt is not None and status.attempt.reason == Reason.RENEWAL_REQUESTED.word
    return requested and old.attempt is None and status.failure is None


def _answers_request(status: CertificateStatus, certificate: Certificate) -> bool:
    """Whether a certificate in place of an earlier one is what somebody asked for by annotation."""
    old = certificate.status
    return bool(old.serial_number) and status.last_handled_renew != old.last_handled_renew


def _trouble(status: CertificateStatus) -> tuple[str, str] | None:
    """Reason and message of what is wrong, without the part that changes at every attempt."""
    if status.failure is not None:
        return status.failure.reason, status.failure.detail
    for condition in status.conditions:
        waits_for_person = condition.type == "Ready" and condition.reason in TOLD_AT_ONCE
        if condition.type == "Stalled" or waits_for_person:
            return condition.reason, condition.message
    return None
