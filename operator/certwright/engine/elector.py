"""The elector: one thread that takes and keeps the Lease, and tells when this process leads.

`election.py` decides; this file asks the API server, waits, and never lets anything end its thread.
"""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from queue import SimpleQueue
from typing import TYPE_CHECKING

from certwright.engine.election import RACES, Election
from certwright.failures import Setback

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from certwright.engine.election import Asking
    from certwright.engine.lease import Leases

log = logging.getLogger(__name__)

#: Seconds. A crash is noticed after `LEASE`; a leader cut off from the API server stops after `RENEW_DEADLINE`.
LEASE, RENEW_DEADLINE, RETRY = 10.0, 6.0, 1.5
#: Seconds that `stop` waits for the Lease to be given back: two requests on a slow server.
GRACE = 5.0


class Elector:
    """Leads or stands by, for as long as the process lives; losing the lead ends a term, not the process.

    `on_lead` and `on_loss` run one after the other in a thread of their own, so rebuilding memory may take its time
    without delaying a renewal. An `on_lead` that raises is called again while its term lasts.
    """

    def __init__(
        self,
        leases: Leases,
        *,
        identity: str,
        process: str,
        seconds: Callable[[], float],
        clock: Callable[[], datetime],
        dice: Callable[[], float],
        on_lead: Callable[[int], None],
        on_loss: Callable[[int], None],
        restarts: bool = False,
        lease: float = LEASE,
        renew_deadline: float = RENEW_DEADLINE,
        retry: float = RETRY,
    ) -> None:
        """Make one that does not run yet.

        Args:
            leases: the Lease; each request must end within about half of `renew_deadline`, on connections that
                nothing else can fill.
            identity: what the Lease names the leader by; no two replicas have the same.
            process: random id of this process.
            seconds: monotonic.
            clock: aware wall clock; written for people, never judged by.
            dice: from 0 up to 1.
            on_lead: told of a term that begins.
            on_loss: told of a term that ended, once; `stop` does not tell.
            restarts: `identity` is passed on when the process is started again and never runs twice at a time (the
                name of a pod is): a new process takes the Lease of the former one without waiting.
            lease: seconds without a sign of life after which others take over.
            renew_deadline: seconds after the start of its last renewal for which a leader may act.
            retry: seconds between two tries.

        Raises:
            ValueError: the times leave no room for each other.
        """
        if not 0 < retry < renew_deadline < lease:
            raise ValueError(
                f"retry ({retry} s), renew deadline ({renew_deadline} s) and lease ({lease} s) must grow"
            )
        self._leases = leases
        self._retry = retry
        self._on_lead, self._on_loss = on_lead, on_loss
        self._election = Election(
            identity=identity,
            process=process,
            restarts=restarts,
            seconds=seconds,
            clock=clock,
            dice=dice,
            lease=lease,
            renew_deadline=renew_deadline,
            retry=retry,
        )
        self._told = 0
        self._stopping = threading.Event()
        self._news: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="elector", daemon=True)
        self._herald = threading.Thread(target=self._proclaim, name="herald", daemon=True)
        self.trouble = ""
        """Why the last try failed, for people; "" when all is well, leading or not."""

    def valid(self) -> bool:
        """Whether this process may act now. Looks at the clock, asks nobody, never blocks."""
        return self._election.term != 0

    @property
    def term(self) -> int:
        """Number of the unbroken stretch of leading that we are in, 0 while not leading; grows with each."""
        return self._election.term

    @property
    def holder(self) -> str:
        """Who has the Lease, as last seen."""
        return self._election.holder

    @property
    def transitions(self) -> int:
        """How often the Lease went from one process to another, as last seen."""
        return self._election.transitions

    def start(self) -> None:
        """Begin to try."""
        self._herald.start()
        self._thread.start()

    def stop(self, grace_seconds: float = GRACE) -> bool:
        """Lead no more, at once, and give the Lease back; whether the thread came to its end in time.

        Whoever still works should have ended before: from here on the fence refuses everything.
        """
        self._election.resign()
        self._stopping.set()
        self._news.put(None)
        if self._thread.ident is not None:
            self._thread.join(grace_seconds)
        return not self._thread.is_alive()

    def step(self) -> float:
        """One try; seconds until the next. The thread does nothing else."""
        self._tell()
        try:
            self._converse(self._election.attempt())
        except BaseException as error:  # noqa: BLE001  whatever it is, it is a failed try
            self._complain(error)
        else:
            self._recover()
        self._tell()
        return self._election.pause()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            pause = self.step()
        for _ in range(RACES):
            try:
                self._converse(self._election.release())
            except BaseException as error:  # noqa: BLE001  the successor has to wait, nothing worse
                self._complain(error)
            else:
                return

    def _converse(self, asking: Asking) -> None:
        with closing(asking):
            ask = next(asking, _OVER)
            while not isinstance(ask, _Over):
                answer = self._leases.read() if ask is None else self._leases.write(ask)
                try:
                    ask = asking.send(answer)
                except StopIteration:
                    return

    def _tell(self) -> None:
        """Pass on what changed since the last time."""
        told, term = self._told, self._election.term
        if told == term or self._election.resigned:
            return
        self._told = term
        if told:
            log.warning(
                "not leading any more", extra={"term": told, "why": self.trouble, "holder": self.holder}
            )
            self._news.put(lambda: self._on_loss(told))
        if term:
            log.info("leading", extra={"term": term, "transitions": self.transitions})
            self._news.put(lambda: self._enter(term))

    def _proclaim(self) -> None:
        while (news := self._news.get()) is not None:
            try:
                news()
            except BaseException:
                log.exception("a change of leader was not taken note of")

    def _enter(self, term: int) -> None:
        while self._election.term == term:
            try:
                self._on_lead(term)
            except BaseException:
                log.exception("taking the lead failed, trying again", extra={"term": term})
                self._stopping.wait(self._retry)
            else:
                return

    def _complain(self, error: BaseException) -> None:
        before = self.trouble
        self.trouble = error.message if isinstance(error, Setback) else f"{type(error).__name__}: {error}"
        if not before:
            unforeseen = None if isinstance(error, Setback) else error
            log.warning("the Lease is out of reach", extra={"why": self.trouble}, exc_info=unforeseen)

    def _recover(self) -> None:
        if self.trouble:
            log.info("the Lease is within reach again")
        self.trouble = ""


class _Over:
    """The conversation needs no request at all."""


_OVER = _Over()
