"""The authorizations of an order that does not get on: what the CA thinks of each, and giving up what is left."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.acme.messages import AuthorizationStatus, OrderStatus
from certwright.failures import NotYet, Schedule, Setback, TryLater
from certwright.reconcile.failed_proofs import failed_proof, verdict_of
from certwright.reconcile.orders import OVER, is_known
from certwright.reconcile.problems import moment
from certwright.reconcile.validations import CameOf
from certwright.reconcile.waits import begun
from certwright.resources.attempt import Stage
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from certwright.acme.messages import Authorization, Order
    from certwright.reconcile.accounts import Account
    from certwright.reconcile.memory import Memory, Progress
    from certwright.reconcile.ports import Clock
    from certwright.reconcile.provers import TimeIsUp
    from certwright.reconcile.validations import Validations
    from certwright.resources.attempt import Attempt, Proof, Wait

log = logging.getLogger(__name__)

_OPEN = frozenset({AuthorizationStatus.PENDING, AuthorizationStatus.PROCESSING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizations:
    """Asks about them, counts what came of them, and deactivates them."""

    memory: Memory
    validations: Validations
    clock: Clock

    def review(
        self, attempt: Attempt, account: Account, order: Order, time_is_up: TimeIsUp
    ) -> Setback | None:
        """Why an order is still pending long after the CA was told of all proofs.

        Returns:
            What stands against one of its names; None if all are proven, so that the order alone is late.

        Raises:
            NotYet: the turn's time is used up; what was read is remembered.
        """
        progress = self.memory.progress(attempt.certificate_uid)
        for url in order.authorizations:
            if url in progress.standing:
                continue
            if time_is_up():
                read = f"{len(progress.standing)} of {len(order.authorizations)} authorizations were read"
                raise NotYet(Reason.PROGRESSING.word, read, look_again_in=timedelta(0))
            progress.standing[url] = self._ask(account, url)
        standing = [progress.standing[url] for url in order.authorizations]
        unproven = [each for each in standing if each.status is not AuthorizationStatus.VALID]
        if unproven:
            first = next((each for each in unproven if each.status in OVER), unproven[0])
            return _why(first, attempt, progress.wait)
        progress.standing.clear()
        progress.wait = begun(None, Stage.READINESS, self.clock(), order)
        return None

    def explain(self, attempt: Attempt, account: Account, why: Setback, time_is_up: TimeIsUp) -> Setback:
        """Why an order became invalid, in the CA's words about the name concerned (RFC 8555 §7.5.1)."""
        if why.reason != Reason.ORDER_FAILED.word:
            return why
        progress = self.memory.progress(attempt.certificate_uid)
        for proof in attempt.proofs:
            if time_is_up():
                break
            try:
                found = self._ask(account, proof.authorization_url)
            except Setback:
                continue
            progress.standing[found.url] = found
            if failed := _failed(found):
                return failed
        return why

    def settle(self, attempt: Attempt, account: Account | None, time_is_up: TimeIsUp) -> None:
        """Count the failed validations of an order that led to nothing, before anything of it is forgotten.

        A proof that the CA was told of, and of which nothing can be heard any more, may count at the CA; ours that the
        CA was never told of do not.
        """
        progress = self.memory.progress(attempt.certificate_uid)
        if progress.settled:
            return
        order, failed, unheard, proven = progress.order, dict[str, str](), list[str](), list[str]()
        may_ask = (
            account is not None and account.url == attempt.account_url and (not order or is_known(order))
        )
        is_lost = may_ask and order is not None and order.status is OrderStatus.INVALID
        for proof in attempt.proofs:
            told = self.validations.is_told(attempt, proof.name)
            if not told and not is_lost:
                continue
            found = progress.standing.get(proof.authorization_url)
            if found is None and may_ask and account and not time_is_up():
                found, may_ask = self._asked(account, progress, proof)
            if found is not None and (said := verdict_of(found)) is not None:
                failed[proof.name] = said
            elif found is not None and found.status is AuthorizationStatus.VALID:
                proven.append(proof.name)
            elif told and (found is None or found.status in _OPEN):
                unheard.append(proof.name)
        self.validations.settle(attempt, CameOf(failed, unheard, proven))
        progress.settled = True

    def _asked(self, account: Account, progress: Progress, proof: Proof) -> tuple[Authorization | None, bool]:
        """How an authorization stands, if the CA says so, and whether it may be asked further."""
        try:
            found = self._ask(account, proof.authorization_url)
        except Setback:
            return None, False
        progress.standing[found.url] = found
        return found, True

    def deactivate(self, attempt: Attempt, account: Account, time_is_up: TimeIsUp) -> None:
        """Give up what an attempt leaves unproven, so that it does not count against the account (RFC 8555 §7.5.2).

        Best effort: the first trouble ends it. A name that another attempt of the account asks for is left alone,
        since the CA may have given both the same authorization.
        """
        progress = self.memory.progress(attempt.certificate_uid)
        if progress.order is not None and not is_known(progress.order):
            return
        try:
            for position, proof in enumerate(attempt.proofs):
                if time_is_up():
                    return
                shared = self.memory.is_asked_by_others(attempt, proof.name)
                if shared or not self._is_open(account, progress, position, proof):
                    continue
                account.authority.ask(account.conversation.deactivate_authorization(proof.authorization_url))
        except Setback as setback:
            facts = {"object": str(attempt.certificate), "why": setback.message}
            log.info("authorizations of an order that was given up are left as they are", extra=facts)

    def _is_open(self, account: Account, progress: Progress, position: int, proof: Proof) -> bool:
        """Whether an authorization still waits for its proof; asked only where this process does not know."""
        if progress.fresh or progress.open.get(position):
            return True
        known = progress.standing.get(proof.authorization_url)
        return (known or self._ask(account, proof.authorization_url)).status in _OPEN

    def _ask(self, account: Account, url: str) -> Authorization:
        return account.authority.ask(account.conversation.fetch_authorization(url))


def _why(found: Authorization, attempt: Attempt, wait: Wait | None) -> Setback:
    """What stands against a name that is not proven."""
    if failed := _failed(found):
        return failed
    name = _asked(found)
    if found.status in OVER:
        message = f"{name}: the CA calls its authorization {found.status.value}; a new order is placed"
        return TryLater(Reason.ORDER_FAILED.word, message, identifier=name)
    if all(proof.authorization_url != found.url for proof in attempt.proofs):
        message = f"{name}: the CA took it for proven, and now wants it proven; a new order is placed"
        return TryLater(Reason.ORDER_FAILED.word, message, identifier=name)
    times = f" between {moment(wait.since)} and {moment(wait.until)}" if wait else ""
    message = f"{name}: the CA did not finish checking the proof{times}; the order was given up"
    return TryLater(Reason.VALIDATION_FAILED.word, message, schedule=Schedule.VALIDATION, identifier=name)


def _failed(found: Authorization) -> TryLater | None:
    """A failed validation of one name; the CA counts these, so it is tried again slowly."""
    error = next((each.error for each in found.challenges if each.error is not None), None)
    if error is None:
        return None
    return failed_proof(_asked(found), error)


def _asked(found: Authorization) -> str:
    return f"*.{found.identifier.value}" if found.wildcard else found.identifier.value
