"""Doing what was decided: one exhaustive match, each case a few calls of the parts that know how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING

from certwright.acme.messages import OrderStatus
from certwright.acme.refusals import Refused
from certwright.failures import NotYet, Setback
from certwright.pki.chain import AnotherKey
from certwright.reconcile import actions as do
from certwright.reconcile.gates import Traveller
from certwright.reconcile.stamping import stamp
from certwright.reconcile.waits import NOTED_AFTER, begun, told
from certwright.resources.attempt import Stage
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from certwright.acme.messages import Order
    from certwright.reconcile.accounts import Account, Accounts
    from certwright.reconcile.actions import Action
    from certwright.reconcile.advice import Advice
    from certwright.reconcile.authorizations import Authorizations
    from certwright.reconcile.gates import Gates
    from certwright.reconcile.memory import Memory
    from certwright.reconcile.observed import Observed
    from certwright.reconcile.ordering import Ordering
    from certwright.reconcile.ports import Clock
    from certwright.reconcile.provers import TimeIsUp
    from certwright.reconcile.solving import Solving
    from certwright.reconcile.storing import Storing
    from certwright.resources.attempt import Attempt

#: Answers to a download after which the certificate will never come.
GONE = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


#: Waits and refusals in which the CA has no part: what is remembered of its order is not in doubt.
OURS = frozenset(
    reason.word
    for reason in (
        Reason.AWAITING_PROPAGATION,
        Reason.AWAITING_SOLVER,
        Reason.AWAITING_REACHABILITY,
        Reason.NAME_HELD_BACK,
        Reason.PROGRESSING,
        Reason.ROUTE_REFUSED,
    )
)


#: What is not begun while the CA has asked us to wait.
ASKS_CA = (do.AskRenewalInfo, do.PlaceOrder, do.SolveChallenges, do.FinalizeOrder, do.StoreCertificate)


class Then(Enum):
    """What a performed action means for the rest of the turn."""

    AGAIN = "again"
    """Something changed: observe and decide once more while there is time."""
    STORED = "stored"
    """The same, and a new certificate is in the Secret."""
    LOOK = "look"
    """Nothing was done: the live objects say otherwise than the cached ones; decide anew."""
    REST = "rest"
    """Nothing more to do now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Carries out one action; raises a `Setback` where it cannot."""

    accounts: Accounts
    memory: Memory
    ordering: Ordering
    authorizations: Authorizations
    solving: Solving
    storing: Storing
    advice: Advice
    gates: Gates
    clock: Clock

    def __call__(self, action: Action, seen: Observed, time_is_up: TimeIsUp) -> Then:
        """Do it; where the CA's answer to a step of the order is lost, the order is asked about again.

        Args:
            time_is_up: asked between calls; long work ends then and goes on next time.
        """
        if isinstance(action, ASKS_CA):
            # Outside: who is held has sent nothing, so that nothing is in doubt.
            self._enter(seen, orders=isinstance(action, do.PlaceOrder))
        try:
            then = self._do(action, seen, time_is_up)
        except Setback as setback:
            at_ca = isinstance(action, do.SolveChallenges | do.FinalizeOrder | do.StoreCertificate)
            if at_ca and setback.reason not in OURS:
                self.memory.progress(seen.certificate.meta.uid).doubt()
            if isinstance(action, do.PlaceOrder):
                self.gates.validations.release(seen.certificate.meta.uid)
            raise
        if then is Then.LOOK:
            self.gates.validations.release(seen.certificate.meta.uid)
        # A question for renewal advice never fails, whatever the CA said to it.
        if then is not Then.LOOK and not isinstance(action, do.AskRenewalInfo):
            self.gates.passed(seen.certificate.meta.uid)
            if isinstance(action, ASKS_CA):
                self.memory.note_answer(seen.certificate.spec.issuer_ref)
        return then

    def _enter(self, seen: Observed, *, orders: bool) -> None:
        self.gates.enter(Traveller.of(seen.certificate, self._account(seen), orders=orders))

    def _do(self, action: Action, seen: Observed, time_is_up: TimeIsUp) -> Then:  # noqa: C901, PLR0911, PLR0912  one case for each action
        match action:
            case do.Rest():
                return Then.REST
            case do.Halt(setback):
                raise setback
            case do.AskRenewalInfo():
                self.advice.ask(seen, self._account(seen))
            case do.Adopt(stamps) | do.Restamp(stamps):
                if not stamp(self.storing, seen, stamps):
                    return Then.LOOK
            case do.NoteLoss():
                # Nothing more in this turn: its status is written before an order is placed in the next.
                return Then.REST if self.storing.is_as_seen(seen) else Then.LOOK
            case do.NoteFailure(why):
                if not self.ordering.is_as_seen(seen):
                    return Then.LOOK
                raise why
            case do.PlaceOrder():
                if not self.ordering.place(seen, self._account(seen), time_is_up):
                    return Then.LOOK
            case do.SolveChallenges():
                self.solving.solve(_attempt(seen), self._account(seen), time_is_up)
            case do.FinalizeOrder():
                self.gates.validations.proven(_attempt(seen))
                self.storing.finalize(_attempt(seen), self._account(seen), _order(seen))
            case do.AwaitCA():
                raise self._await(seen)
            case do.ReviewAuthorizations():
                self._review(seen, time_is_up)
            case do.StoreCertificate():
                self.gates.validations.proven(_attempt(seen))
                self._store(seen)
                return Then.STORED
            case do.CloseAttempt():
                attempt = _attempt(seen)
                self.storing.close(attempt, self.accounts.get(attempt.issuer))
                self.advice.due_now(seen)
            case do.DropOrder(why):
                attempt = _attempt(seen)
                account = self.accounts.get(attempt.issuer)
                if why and account:
                    why = self.authorizations.explain(attempt, account, why, time_is_up)
                self._give_up(seen, attempt, account, time_is_up)
                if why is not None:
                    raise why
        return Then.AGAIN

    def _store(self, seen: Observed) -> None:
        """Store the certificate; an order whose certificate cannot be had or used is given up for a new one."""
        attempt, account = _attempt(seen), self._account(seen)
        progress = self.memory.progress(attempt.certificate_uid)
        try:
            self.storing.store(seen, attempt, account, _order(seen))
        except AnotherKey:
            self.storing.close(attempt, account)
            if progress.wait is not None and progress.wait.stage is Stage.SIGNING:
                raise  # the CA had our CSR
            raise self.ordering.taken(attempt) from None
        except Setback as setback:
            refused = isinstance(setback, Refused) and setback.status in GONE
            if refused or setback.reason == Reason.UNUSABLE_CERTIFICATE.word:
                self.storing.close(attempt, account)
            raise

    def _account(self, seen: Observed) -> Account:
        account = self.accounts.get(seen.certificate.spec.issuer_ref)
        if account is None:
            message = f"{seen.certificate.spec.issuer_ref} is being looked at again"
            raise NotYet(Reason.ISSUER_NOT_READY.word, message)
        return account

    def _await(self, seen: Observed) -> NotYet:
        """The CA is at work: says since when and until when, and notes a wait that lasts."""
        attempt, now = _attempt(seen), self.clock()
        progress = self.memory.progress(attempt.certificate_uid)
        wait = progress.wait or begun(None, Stage.VALIDATION, now)
        if wait != attempt.wait and now - wait.since >= NOTED_AFTER:
            self.storing.note_wait(attempt, wait)
        pause = progress.look_at - now if progress.look_at else None
        signing = wait.stage is Stage.SIGNING
        reason = Reason.AWAITING_ISSUANCE if signing else Reason.AWAITING_VALIDATION
        names = ", ".join(sorted({proof.identifier for proof in attempt.proofs}))
        return NotYet(reason.word, told(wait, names), look_again_in=pause)

    def _review(self, seen: Observed, time_is_up: TimeIsUp) -> None:
        """Find out why an order is still pending; one that is late although all is proven is waited for."""
        attempt, account = _attempt(seen), self._account(seen)
        why = self.authorizations.review(attempt, account, _order(seen), time_is_up)
        if why is not None:
            self._give_up(seen, attempt, account, time_is_up)
            raise why

    def _give_up(
        self, seen: Observed, attempt: Attempt, account: Account | None, time_is_up: TimeIsUp
    ) -> None:
        """Close an attempt whose order led to nothing.

        Where the order became invalid, the next one may name its predecessor again (RFC 9773 §5).
        """
        order = seen.progress.order if seen.progress else None
        self.storing.close(attempt, account, give_up=time_is_up)
        if order is not None and order.status is OrderStatus.INVALID:
            self.memory.note_replaced(attempt.certificate_uid, "")


def _attempt(seen: Observed) -> Attempt:
    if seen.attempt is None:
        raise AssertionError("decided upon an attempt that was not observed")
    return seen.attempt


def _order(seen: Observed) -> Order:
    if seen.progress is None or seen.progress.order is None:
        raise AssertionError("decided upon an order that was not observed")
    return seen.progress.order
