"""Asking the CA when it would like a certificate renewed (RFC 9773). Its failure never fails a turn."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.acme.flows import fetch_renewal_info
from certwright.acme.wording import NotUnderstood, https_url
from certwright.failures import Schedule, Setback, TryLater
from certwright.reconcile.observed import RenewalAdvice, Window
from certwright.reconcile.renewal import RUSH, failed_poll, fraction, heard, is_sane, next_poll

if TYPE_CHECKING:
    from certwright.pki.leaf import LeafFacts
    from certwright.reconcile.accounts import Account
    from certwright.reconcile.memory import Memory
    from certwright.reconcile.observed import Observed
    from certwright.reconcile.ports import Checkpoint, Clock

#: After a second certificate within a day the CA's advice on it is asked for so much later, after a third twice so, ...
CALM = timedelta(minutes=10)
#: ... and at least once in this time.
HASTE = timedelta(days=1)
#: Of an explanation, so that it fits into a sentence.
LONGEST_LINK = 300
#: Schedules of trouble that passes.
PASSING = frozenset({Schedule.TRANSIENT, Schedule.THROTTLE})

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
        uid, now = seen.certificate.meta.uid, self.clock()
        try:
            self.checkpoint("before:renewal-info")
            answer = account.authority.ask(fetch_renewal_info(account.directory, leaf.renewal_id))
            self.checkpoint("after:renewal-info")
        except Setback as refusal:
            self._note_failure(seen, leaf, refusal)
            return
        # In whole seconds, as the status keeps it: the moment is drawn by the bounds, before and after a restart.
        start, end = answer.start.replace(microsecond=0), answer.end.replace(microsecond=0)
        advised = Window(start, end, _link(answer.explanation_url))
        sane, rush = is_sane(advised, leaf), min(RUSH, self.ceiling)
        self.memory.put_advice(
            uid,
            RenewalAdvice(
                serial_number=leaf.serial_number,
                window=heard(advised, seen.window, leaf, uid, now, rush=rush) if sane else None,
                ask_again_at=now + next_poll(answer.retry_after, self.ceiling),
            ),
        )

    def _note_failure(self, seen: Observed, leaf: LeafFacts, refusal: Setback) -> None:
        """The last advice stays; trouble that passes is asked about again sooner than usual (RFC 9773 §4.3.3)."""
        uid = seen.certificate.meta.uid
        log.info("no renewal advice", extra={"object": str(seen.certificate.ref), "why": str(refusal)})
        before = seen.advice if seen.advice and seen.advice.serial_number == leaf.serial_number else None
        failures = (before.failures if before else 0) + 1
        passing = isinstance(refusal, TryLater) and refusal.schedule in PASSING
        pause = failed_poll(
            failures, self.ceiling, passing=passing and not isinstance(refusal, NotUnderstood)
        )
        if isinstance(refusal, TryLater) and refusal.retry_after is not None:
            pause = max(pause, next_poll(refusal.retry_after, self.ceiling))
        # The herd that was refused together shall not come back together.
        spread = pause / 10 * fraction(uid, leaf.serial_number, str(failures))
        advice = RenewalAdvice(
            serial_number=leaf.serial_number,
            window=seen.window,
            ask_again_at=self.clock() + pause + spread,
            failures=failures,
        )
        self.memory.put_advice(uid, advice)

    def due_now(self, seen: Observed) -> None:
        """Let the certificate that was just stored be asked about first of all."""
        leaf = seen.target.leaf if seen.target else None
        if leaf is not None and leaf.renewal_id is not None:
            now = self.clock()
            # A CA whose windows are always in the past would otherwise have every certificate replaced at once.
            hasty = self.memory.note_stored(seen.certificate.meta.uid, now)
            ask_at = now + (min(CALM * 2 ** (hasty - 1), HASTE) if hasty else timedelta(0))
            advice = RenewalAdvice(serial_number=leaf.serial_number, window=None, ask_again_at=ask_at)
            self.memory.put_advice(seen.certificate.meta.uid, advice)


def _link(url: str | None) -> str:
    """An address that may be shown, or ""."""
    try:
        return https_url(url, "an explanation") if url and len(url) <= LONGEST_LINK else ""
    except Setback:
        return ""
