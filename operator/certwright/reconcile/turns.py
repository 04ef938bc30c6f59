"""A turn for any key: fenced, and with an answer for each way in which it can end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from certwright.engine.fence import NotLeading
from certwright.failures import Setback

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certwright.engine.fence import Fence
    from certwright.engine.retries import Retries
    from certwright.metrics.registry import Metrics
    from certwright.reconcile.assembly import Reconcilers
    from certwright.reconcile.ports import Clock, Seconds
    from certwright.resources.names import Ref

#: A turn for one key: when to look again, None for "on change".
Turn: TypeAlias = Callable[["Ref"], "datetime | None"]

log = logging.getLogger(__name__)

#: Seconds until a key is looked at again whose turn lost the lead; by then the queue is paused, or goes on.
STANDBY_PAUSE = 1.0
#: Seconds at most until a turn is tried again that the API server kept from its end.
CLUSTER_PAUSE = 20.0


def _is_told(faults: int) -> bool:
    """Whether an object hears of so many faults in a row: not of one, which may be a matter of the moment.

    Of 2, 4, 8 and so on: if each telling led to the next fault, the pauses between them would grow all the same.
    """
    return faults > 1 and faults & (faults - 1) == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """What the workers do with a key; safe to run for different keys at the same time.

    Attributes:
        others: turns for kinds that are not ours, by kind.
        refused: counts turns that the API server kept from their end.
        faults: counts turns that raised what nobody foresaw.
    """

    loops: Reconcilers
    fence: Fence
    refused: Retries[Ref]
    faults: Retries[Ref]
    metrics: Metrics
    clock: Clock
    seconds: Seconds
    others: Mapping[str, Turn] = field(default_factory=dict)

    def __call__(self, ref: Ref) -> float | None:
        """One turn for any kind; returns when the key is due again in monotonic seconds."""
        ours = self.loops.certificates.turn if ref.kind == "Certificate" else self.loops.issuers.turn
        turn = self.others.get(ref.kind, ours)
        try:
            with self.fence.turn():
                look_again = turn(ref)
        except NotLeading:
            return self.seconds() + STANDBY_PAUSE  # whoever leads looks at it
        except Setback as setback:
            # What is left is the cluster's: a status that could not be written, an object that could not be read.
            pause = min(self.refused.delay_seconds(ref), CLUSTER_PAUSE)
            facts = {"object": str(ref), "why": setback.message, "retry_in": round(pause, 1)}
            log.warning("turn could not be finished", extra=facts)
            return self.seconds() + pause
        self.refused.forget(ref)
        self.faults.forget(ref)
        if look_again is None:
            return None
        return self.seconds() + max(0.0, (look_again - self.clock()).total_seconds())

    def crashed(self, ref: Ref, error: BaseException) -> float:
        """An exception that nobody foresaw: keep its traceback, tell the object, try again with growing pauses.

        Returns:
            In how many seconds to try again.
        """
        self.metrics.count_crash()
        pause = self.faults.delay_seconds(ref)
        log.error("turn failed", extra={"object": str(ref), "retry_in": round(pause, 1)}, exc_info=error)
        if _is_told(self.faults.failures(ref)):
            with self.fence.turn():
                self.loops.tell_fault(ref, error)
        return pause
