"""What happens when this process takes the lead, and when it loses it.

Standbys watch and cache, and take no work. Whoever takes the lead forgets what it remembered of attempts, because
another process may have moved them since, and learns them again from the cluster before it takes any work.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from certwright.failures import Setback

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.reconcile.cache import Cache
    from certwright.reconcile.memory import Memory
    from certwright.reconcile.ports import Seconds, Wake
    from certwright.resources.attempt import Attempt

log = logging.getLogger(__name__)

#: Seconds that turns of an earlier term are waited for. Later they do no harm either: the fence stops each of them
#: before its next call, but what they remember would be mixed with what is learnt now.
DRAIN = 30.0
#: Seconds between two looks at turns that are still running, and between two tries to learn what there is.
STEP, RETRY = 0.05, 1.0


class Tables(Protocol):
    """The token tables, as far as terms concern them."""

    def begin(self) -> None:
        """Read them again before anything is written."""

    def settle(self) -> None:
        """Everything that is wanted was published: what nobody wants may go."""

    def end(self) -> None:
        """Write nothing any more."""


class Keeper(Protocol):
    """Whoever keeps the routes."""

    def begin(self) -> None:
        """Everything that lives is known: what does not may go."""

    def end(self) -> None:
        """Keep nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading:
    """Begins and ends terms, one after the other: `end` is called after `begin` has returned.

    Attributes:
        busy: how many turns are running.
        pause, resume: of the work queue.
        learn: forgets what was remembered of attempts and issuers, finds them anew, and compares the caches with the
            cluster; raises a `Setback`.
        republish: puts the proofs of an attempt back where this process publishes them.
        wait: sleeps that many seconds, or until the process stops.
    """

    cache: Cache
    memory: Memory
    tables: Tables
    keeper: Keeper
    busy: Callable[[], int]
    pause: Callable[[], None]
    resume: Callable[[], None]
    learn: Callable[[], None]
    republish: Callable[[Attempt], None]
    wake: Wake
    wait: Callable[[float], object]
    seconds: Seconds

    def begin(self, leads: Callable[[], bool]) -> None:
        """Take the lead: returns when work goes on, or when the lead is lost again."""
        self._drain()
        self.tables.begin()
        while leads():
            try:
                self.learn()
            except Setback as setback:
                log.warning("the cluster cannot be read yet", extra={"why": setback.message})
                self.wait(RETRY)
                continue
            break
        if not leads():
            return
        for attempt in self.memory.attempts():
            try:
                self.republish(attempt)
            except Setback as setback:
                facts = {"object": str(attempt.certificate), "why": setback.message}
                log.warning("a proof cannot be published again", extra=facts)
        self.tables.settle()
        self.keeper.begin()
        for issuer in self.cache.issuers():
            self.wake(issuer.ref)
        self.resume()
        log.info("working", extra={"attempts": len(self.memory.attempts())})

    def end(self) -> None:
        """The lead is lost: take no more work. Turns under way end at their next call, at the fence."""
        self.pause()
        self.tables.end()
        self.keeper.end()

    def _drain(self) -> None:
        give_up = self.seconds() + DRAIN
        while self.busy() and self.seconds() < give_up:
            self.wait(STEP)
