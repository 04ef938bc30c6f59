"""Who leads, as one candidate sees it. No thread and no network: `attempt()` asks for reads and writes by yielding.

The rules are those of client-go's tools/leaderelection:

- The leader renews by a write over the version that it knows, so two can never succeed at once.
- Others are judged by changes that were seen here and by the monotonic clock of this process, never by the times
  that they wrote: wall clocks differ, jump and stop.
- A leader trusts itself until `renew_deadline` seconds after the *start* of its last successful write. Others wait
  `lease` seconds from the moment when they saw that write, which is later. So no two believe to lead at once while
  their monotonic clocks run alike within lease / renew_deadline.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from certwright.engine.lease import LeaseRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import datetime

#: Yields what is to be written, or None to read; is sent what `Leases` answers, or thrown what it raises.
Asking: TypeAlias = "Generator[LeaseRecord | None, LeaseRecord | None, None]"

#: Part of the pause between two tries that is thrown, so that candidates do not march in step.
SPREAD = 0.2
#: Seconds between two tries at least.
SHORTEST_PAUSE = 0.05
#: How often a lost race is run again while giving the Lease back.
RACES = 3


class Tenure(NamedTuple):
    """One unbroken stretch of leading; `until` is a moment on the monotonic clock."""

    term: int = 0
    until: float = -math.inf


NONE = Tenure()


class Election:
    """One candidate. `valid`, `term` and `resign` are for any thread, the rest for the one that tries."""

    def __init__(
        self,
        *,
        identity: str,
        process: str,
        restarts: bool,
        seconds: Callable[[], float],
        clock: Callable[[], datetime],
        dice: Callable[[], float],
        lease: float,
        renew_deadline: float,
        retry: float,
    ) -> None:
        """Make a candidate that knows nothing yet; see `Elector` for what the arguments mean."""
        self._identity = identity
        self._process = process
        self._restarts = restarts
        self._seconds = seconds
        self._clock = clock
        self._dice = dice
        self._lease = lease
        self._renew_deadline = renew_deadline
        self._retry = retry
        self._tenure = NONE  # replaced as a whole, so that other threads never see half of one
        self._terms = 0
        self.resigned = False
        self._began = seconds()
        self._mine: LeaseRecord | None = (
            None  # what is stored, if it was we who wrote it and nothing is in doubt
        )
        self._seen: LeaseRecord | None = None
        self._since = -math.inf  # when it was first seen so; never, as long as there was no Lease
        self._looked = False
        self._predecessor: str | None = None  # process of an earlier life of ours that still has the Lease
        self._wrote = False

    @property
    def term(self) -> int:
        """Number of the present tenure, 0 while not leading."""
        tenure = self._tenure
        return tenure.term if not self.resigned and self._seconds() < tenure.until else 0

    @property
    def holder(self) -> str:
        """Who has the Lease as far as it was seen, "" if nobody."""
        return self._seen.holder if self._seen else ""

    @property
    def transitions(self) -> int:
        """How often the Lease changed hands, as far as it was seen."""
        return self._seen.transitions if self._seen else 0

    def resign(self) -> None:
        """Lead no more, from this moment on and for good."""
        self.resigned = True

    def attempt(self) -> Asking:
        """One try to take or keep the lead; whatever is thrown in leaves this candidate as it was."""
        self._began = self._seconds()
        # The shortcut of client-go: the leader knows the version, so it need not ask.
        if self._mine is not None and self.term and (yield from self._write(self._mine)):
            return
        self._see((yield None))
        if self._may_take():
            yield from self._write(self._seen)

    def release(self) -> Asking:
        """Give the Lease back, so that a successor need not wait; only after `resign`."""
        for _ in range(RACES if self._wrote else 0):
            stored = self._mine or (yield None)
            if stored is None or not self._is_ours(stored):
                return
            self._mine = None
            given_back = replace(stored, holder="", process="", duration=1, renewed=self._clock())
            if (yield given_back) is not None:
                return

    def pause(self) -> float:
        """Seconds until the next try: soon, and at the latest when something runs out."""
        now = self._seconds()
        due = self._began + self._retry * (1 - SPREAD * self._dice())
        runs_out = self._tenure.until if self.term else self._runs_out
        return max(SHORTEST_PAUSE, min(due, runs_out if now < runs_out else due) - now)

    def _write(self, known: LeaseRecord | None) -> Generator[LeaseRecord | None, LeaseRecord | None, bool]:
        began, self._mine = self._seconds(), None
        self._wrote = True
        stored = yield self._claim(known)
        if stored is not None:
            self._hold(stored, began)
        return stored is not None

    def _claim(self, known: LeaseRecord | None) -> LeaseRecord:
        now = self._clock()
        duration = math.ceil(self._lease)
        mine = LeaseRecord(
            holder=self._identity, process=self._process, duration=duration, acquired=now, renewed=now
        )
        if known is None:
            return mine
        if self._is_ours(known):
            return replace(known, duration=duration, renewed=now)
        return replace(mine, transitions=known.transitions + 1, version=known.version)

    def _hold(self, stored: LeaseRecord, began: float) -> None:
        """A write of ours is stored: lead, or lead on, unless its answer took too long to come."""
        now, until = self._seconds(), began + self._renew_deadline
        self._mine = stored
        self._note(stored, now)
        if now >= until:
            return
        if now >= self._tenure.until:
            self._terms += 1
        self._tenure = Tenure(self._terms, until)

    def _see(self, record: LeaseRecord | None) -> None:
        now = self._seconds()
        if not self._looked and record is not None and self._restarts and record.holder == self._identity:
            self._predecessor = record.process
        self._looked = True
        self._note(record, now)
        if record is not None and not self._is_ours(record):
            self._tenure = NONE

    def _note(self, record: LeaseRecord | None, now: float) -> None:
        """Any write to the object counts as a sign of life, whoever made it and whatever times it has."""
        if record != self._seen:
            self._seen, self._since = record, now

    def _may_take(self) -> bool:
        if self.resigned:
            return False
        record = self._seen
        if record is None:
            # One that was there and is gone was deleted under a leader that may not know yet.
            at_once = bool(self.term)
        else:
            at_once = self._is_ours(record) or self._is_predecessor(record) or record.given_back
        return at_once or self._seconds() >= self._runs_out

    @property
    def _runs_out(self) -> float:
        """When whoever gave the last sign of life has certainly noticed that it leads no more."""
        asked = self._seen.duration if self._seen else 0
        return self._since + max(self._lease, asked)

    def _is_ours(self, record: LeaseRecord) -> bool:
        return (record.holder, record.process) == (self._identity, self._process)

    def _is_predecessor(self, record: LeaseRecord) -> bool:
        return record.holder == self._identity and record.process == self._predecessor
