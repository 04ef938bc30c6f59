"""Asking the CA when it would like a certificate renewed (RFC 9773). Its failure never fails a turn."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.acme.flows import fetch_renewal_info
from certwright.failures import Setback
from certwright.reconcile.observed import RenewalAdvice, Window
from certwright.reconcile.renewal import USUAL_POLL, is_sane, next_poll

if TYPE_CHECKING:
    from certwright.reconcile.accounts import Account
    from certwright.reconcile.memory import Memory
    from certwright.reconcile.observed import Observed
    from certwright.reconcile.ports import Checkpoint, Clock

#: Two certificates of one Certificate within this time are not followed by a third on the CA's advice alone.
CALM = timedelta(minutes=10)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Asks, remembers, and says when to ask again.

    Attributes:
        ceiling: longest time between two questions for one certificate.
    """

    memory: Memory
    clock: Clock
    checkpoint: Checkpoint
    ceiling: timedelta

    def ask(self, seen: Observed, account: Account) -> None:
        """Ask about the certificate in the Secret; without an answer the last one stays."""
        leaf = seen.target.leaf if seen.target else None
        if leaf is None or leaf.renewal_id is None:
            return
        uid = seen.certificate.meta.uid
        known = RenewalAdvice(
            serial_number=leaf.serial_number,
            window=seen.window,
            ask_again_at=self.clock() + next_poll(USUAL_POLL, self.ceiling),
        )
        try:
            self.checkpoint("before:renewal-info")
            answer = account.authority.ask(fetch_renewal_info(account.directory, leaf.renewal_id))
            self.checkpoint("after:renewal-info")
        except Setback as refusal:
            log.info("no renewal advice", extra={"object": str(seen.certificate.ref), "why": str(refusal)})
            self.memory.put_advice(uid, known)
            return
        # In whole seconds, as the status keeps it: the moment is drawn by the bounds, before and after a restart.
        start, end = answer.start.replace(microsecond=0), answer.end.replace(microsecond=0)
        advised = Window(start, end, answer.explanation_url or "")
        window = advised if is_sane(advised, leaf) else None
        again = self.clock() + next_poll(answer.retry_after, self.ceiling)
        self.memory.put_advice(uid, replace(known, window=window, ask_again_at=again))

    def due_now(self, seen: Observed) -> None:
        """Let the certificate that was just stored be asked about first of all."""
        leaf = seen.target.leaf if seen.target else None
        if leaf is not None and leaf.renewal_id is not None:
            now = self.clock()
            before = self.memory.note_stored(seen.certificate.meta.uid, now)
            # A CA whose windows are always in the past would otherwise have every certificate replaced at once.
            calm = before is None or now - before > CALM
            ask_at = now if calm else now + CALM
            advice = RenewalAdvice(serial_number=leaf.serial_number, window=None, ask_again_at=ask_at)
            self.memory.put_advice(seen.certificate.meta.uid, advice)
