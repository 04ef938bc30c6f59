"""One turn of the wheel for one Certificate: observe, decide, perform, and at the end record."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.acme.refusals import ProblemKind, Refused
from certwright.failures import NotYet, Setback, TryLater
from certwright.reconcile import actions as do
from certwright.reconcile.accounts import Moved
from certwright.reconcile.decide import decide
from certwright.reconcile.gates import Traveller
from certwright.reconcile.perform import Then
from certwright.reconcile.record import Outcome
from certwright.reconcile.unreadable import tell_unreadable
from certwright.resources.certificate import Certificate, read_certificate
from certwright.resources.conditions import Reason
from certwright.resources.issuer import read_issuer

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from certwright.metrics.registry import Metrics
    from certwright.reconcile.accounts import Account, Accounts
    from certwright.reconcile.cache import Cache
    from certwright.reconcile.gates import Gates
    from certwright.reconcile.memory import Memory
    from certwright.reconcile.observe import Observer
    from certwright.reconcile.observed import Observed
    from certwright.reconcile.perform import Performer
    from certwright.reconcile.ports import Clock, Objects, Wake
    from certwright.reconcile.record import Recorder
    from certwright.reconcile.storing import Storing
    from certwright.resources.attempt import Attempt
    from certwright.resources.names import ApiNames, Ref

log = logging.getLogger(__name__)

#: Seconds that one turn may chain steps while the answers are at hand; checked between calls.
TURN_SECONDS = 15.0
#: Actions that one turn may chain: no honest path needs as many, so this stops a loop that makes no progress.
TURN_STEPS = 30
#: An account that worked for so long may have been forgotten since.
SETTLED = timedelta(seconds=10)
#: An account that was looked up so lately is not looked up again because it may not do something.
LOOKED_UP = timedelta(minutes=1)
#: How soon a turn that the API server did not answer is tried again.
API_SERVER_LOOK = timedelta(seconds=10)
#: How soon it is tried again to clear up behind a Certificate that is gone.
SWEEP_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateLoop:
    """Keeps Certificates moving; safe to run for different Certificates at the same time."""

    cache: Cache
    memory: Memory
    accounts: Accounts
    objects: Objects
    observer: Observer
    performer: Performer
    recorder: Recorder
    gates: Gates
    storing: Storing
    names: ApiNames
    clock: Clock
    seconds: Callable[[], float]
    wake: Wake
    leaving: Callable[[], bool]
    metrics: Metrics

    def turn(self, ref: Ref) -> datetime | None:
        """Bring one Certificate as far as it goes now; returns when to look again, None for "on change"."""
        certificate = self.cache.certificate(ref)
        if certificate is None:
            return self._vanished(ref)
        if not isinstance(certificate, Certificate):
            tell_unreadable(certificate, self.objects, self.clock())
            return None
        swept = [
            self._sweep(attempt)
            for attempt in self.memory.attempts_of(ref)
            if attempt.certificate_uid != certificate.meta.uid
        ]
        if self.memory.doubts_target(certificate.meta.uid):
            self.storing.refresh_target((ref.namespace, certificate.spec.secret_name))
        outcome = self._steps(certificate)
        latest = self.cache.certificate(ref)
        if not isinstance(latest, Certificate) or latest.meta.uid != certificate.meta.uid:
            return self.clock()
        look_again = self.recorder(latest, outcome)
        self._tell(ref, outcome)
        if all(swept):
            return look_again
        sweep_at = self.clock() + SWEEP_PAUSE
        return min(look_again, sweep_at) if look_again else sweep_at

    def _steps(self, certificate: Certificate) -> Outcome:
        """Observe, decide and perform for as long as each step opens the next."""
        deadline = self.seconds() + TURN_SECONDS

        def time_is_up() -> bool:
            return self.seconds() > deadline or self.leaving()

        action: do.Action = do.Rest(None)
        stored = False
        account = self.accounts.get(certificate.spec.issuer_ref)
        try:
            for step in range(TURN_STEPS):
                seen, action = self._decide(certificate, is_first=step == 0)
                account = self.accounts.get(certificate.spec.issuer_ref)
                then = self.performer(action, seen, time_is_up)
                if then is not Then.LOOK:
                    self.metrics.count_action(type(action).__name__, "")
                    _log_action(seen, action)
                if then is Then.STORED:
                    stored = True
                    self._measure(seen)
                if then is Then.REST:
                    return Outcome(action=action, setback=None, stored=stored)
                if time_is_up():
                    break
                latest = self.cache.certificate(certificate.ref)
                if not isinstance(latest, Certificate):
                    break
                certificate = latest
        except Refused as refused:
            self._hold_others(certificate, refused, account)
            setback = _forgivable(action, self._repair(certificate, refused, account))
            return Outcome(action=action, setback=setback, stored=stored)
        except Setback as caught:
            setback = _forgivable(action, self._weighed(certificate.spec.issuer_ref, caught, account))
            return Outcome(action=action, setback=setback, stored=stored)
        finally:
            self.gates.leave(certificate.meta.uid)
        return Outcome(action=action, setback=None, stored=stored, again=True)

    def _measure(self, seen: Observed) -> None:
        """A certificate was stored: count it, and how long that took."""
        self.metrics.count_attempt("")
        if seen.attempt is not None:
            challenges = frozenset(proof.type for proof in seen.attempt.proofs)
            seconds = (self.clock() - seen.attempt.started_at).total_seconds()
            self.metrics.observe_issuance(challenges, seconds)

    def _hold_others(self, certificate: Certificate, refused: Refused, account: Account | None) -> None:
        """Close what the refusal concerns besides this Certificate, which then waits as long as all others."""
        if account is None:
            return
        held = self.gates.refused(Traveller.of(certificate, account, orders=True), refused)
        if held is not None and isinstance(refused, TryLater):
            refused.retry_after = held

    def _decide(self, certificate: Certificate, *, is_first: bool) -> tuple[Observed, do.Action]:
        seen = self.observer(certificate)
        action = decide(seen, self.clock())
        if isinstance(action, do.Halt) and seen.target is None and is_first:
            # Absence is told only after a live look; what would order looks live anyway.
            self.storing.refresh_target((certificate.ref.namespace, certificate.spec.secret_name))
            seen = self.observer(certificate)
            action = decide(seen, self.clock())
        return seen, action

    def _repair(self, certificate: Certificate, refused: Refused, account: Account | None) -> Setback:
        """An account that the CA does not know any more is looked up again, and the Certificate waits for it.

        Args:
            account: that was refused; another worker may have had it replaced meanwhile.
        """
        if not refused.is_about_account:
            return refused
        age = self.clock() - account.opened_at if account is not None else timedelta.max
        is_unknown = refused.kind is ProblemKind.ACCOUNT_DOES_NOT_EXIST
        if age > LOOKED_UP or is_unknown:
            self._look_up_again(certificate.spec.issuer_ref, account)
        # A CA that finds the account, then does not know it, would have us go round and round: that is a failure.
        if is_unknown and age > SETTLED:
            message = "the CA does not know the account any more; it is registered again"
            return NotYet(Reason.REGISTERING.word, message)
        return refused

    def _look_up_again(self, issuer: Ref, account: Account | None) -> None:
        """Have the issuer open its account anew, unless another worker had it done meanwhile."""
        if account is not None and self.accounts.get(issuer) is account:
            self.accounts.drop(issuer)
            self.wake(issuer)

    def _weighed(self, issuer: Ref, setback: Setback, account: Account | None) -> Setback:
        """What a setback means for the issuer."""
        if isinstance(setback, Moved):
            self._look_up_again(issuer, account)
        if setback.reason == Reason.CA_UNREACHABLE.word and self.memory.note_outage(issuer, self.clock()):
            self.wake(issuer)  # whose turns find out when the CA is back
        if setback.reason == Reason.ISSUER_NOT_FOUND.word:
            return self._believed(issuer, setback)
        return setback

    def _believed(self, issuer: Ref, setback: Setback) -> Setback:
        """Watches of different kinds lag independently: an issuer is missing only after a live look."""
        found = self.objects.read(issuer)
        if found is None:
            return setback
        self.cache.note_issuer(read_issuer(found, self.names))
        self.wake(issuer)
        return NotYet(Reason.REGISTERING.word, f"the account of {issuer} is being looked up")

    def _tell(self, ref: Ref, outcome: Outcome) -> None:
        setback = outcome.setback
        action = type(outcome.action).__name__
        if outcome.failure is not None and not outcome.stored:
            self.metrics.count_attempt(outcome.failure.reason)
        if setback is None:
            if outcome.stored:
                log.info("certificate issued", extra={"object": str(ref), "action": action})
            return
        self.metrics.count_action(action, setback.reason)
        level = logging.DEBUG if isinstance(setback, NotYet) else logging.WARNING
        log.log(
            level,
            "turn ended early",
            extra={
                "object": str(ref),
                "action": action,
                "reason": setback.reason,
                "why": setback.message,
            },
        )

    def _vanished(self, ref: Ref) -> datetime | None:
        """Not in the cache: believe that it is gone only after a live look, then clear up behind it."""
        found = self.objects.read(ref)
        if found is not None:
            self.cache.put_certificate(read_certificate(found, self.names))
            return self.clock()
        pending = [attempt for attempt in self.memory.attempts_of(ref) if not self._sweep(attempt)]
        return self.clock() + SWEEP_PAUSE if pending else None

    def _sweep(self, attempt: Attempt) -> bool:
        """Take down what a vanished Certificate left behind; returns whether nothing is left."""
        deadline = self.seconds() + TURN_SECONDS
        try:
            self.storing.close(
                attempt,
                self.accounts.get(attempt.issuer),
                give_up=lambda: self.seconds() > deadline or self.leaving(),
            )
        except Setback:
            return False
        self.memory.forget(attempt.certificate_uid)
        return True


def _log_action(seen: Observed, action: do.Action) -> None:
    """One line for each action; looking and resting are for those who debug."""
    quiet = isinstance(action, do.Rest | do.AskRenewalInfo)
    facts = {"object": str(seen.certificate.ref), "action": type(action).__name__}
    if seen.attempt is not None:
        facts["attempt"] = str(seen.attempt.number)
    log.log(logging.DEBUG if quiet else logging.INFO, "done", extra=facts)


def _forgivable(action: do.Action, setback: Setback) -> Setback:
    """What is no failure of the certificate is only tried again: clearing up behind it, and our own API server."""
    if isinstance(action, do.CloseAttempt) and not isinstance(setback, NotYet):
        return NotYet(Reason.PROGRESSING.word, f"clearing up after the order: {setback.message}")
    if isinstance(setback, TryLater) and setback.reason == Reason.API_SERVER_UNAVAILABLE.word:
        # No failure of the attempt, and an outage of the cluster's own server is over sooner than a CA's.
        pause = setback.retry_after or API_SERVER_LOOK
        return NotYet(setback.reason, setback.message, look_again_in=pause)
    return setback
