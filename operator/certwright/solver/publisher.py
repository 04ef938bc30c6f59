"""Keeps the token tables as the open attempts want them, and tells when every solver pod serves a row.

One thread. A step of it reads, writes one table, or asks the solver pods; `board.py` says which.
"""

from __future__ import annotations

import logging
import threading
from math import inf
from typing import TYPE_CHECKING

from certwright.failures import Setback
from certwright.solver.board import Board
from certwright.solver.hearing import Audience
from certwright.solver.tasks import Hear, Read, ReadAll, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from certwright.resources.names import ApiNames
    from certwright.solver.board import Figures
    from certwright.solver.responders import AskServed, Responders, Tables
    from certwright.solver.tables import Json, Row
    from certwright.solver.tasks import Task

log = logging.getLogger(__name__)

#: Seconds, after a fault of ours outside any request.
PAUSE_AFTER_FAULT = 1.0


class TokenTables:
    """The publisher. Every method may be called from any thread; only `step` makes requests.

    Before `begin` and after `end` nothing is written, and what is published is forgotten.

    Args:
        ask: asks one solver pod what it serves.
        checkpoint: called before and after each write of a table; raises where this process does not lead.
        seconds: monotonic clock.
        status_addresses: see `hearing.Audience`.
    """

    def __init__(
        self,
        *,
        tables: Tables,
        responders: Responders,
        ask: AskServed,
        names: ApiNames,
        namespace: str,
        checkpoint: Callable[[str], None],
        seconds: Callable[[], float],
        status_addresses: tuple[str, ...] = (),
    ) -> None:
        self._tables = tables
        self._checkpoint = checkpoint
        self._seconds = seconds
        self._audience = Audience(responders, ask, status_addresses)
        self._board = Board(names, namespace)
        self._term = 0
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="token-tables", daemon=True)

    def publish(self, owner: str, rows: Sequence[Row], wake: Callable[[], None]) -> None:
        """Have these rows served, in place of the owner's former ones; the same rows again are no change.

        Args:
            wake: called outside locks when all have become served; never if they are already.
        """
        with self._lock:
            news = self._board.publish(owner, rows, wake, self._seconds())
        if news:
            self._bell.set()

    def withdraw(self, owner: str) -> None:
        """The owner wants nothing served any more."""
        with self._lock:
            news = self._board.withdraw(owner)
        if news:
            self._bell.set()

    def served(self, row: Row) -> bool:
        """Whether every ready solver pod answers with this row, and there is one.

        It is about the pods that were ready when they were last asked. If that was over two seconds ago, they are
        listed and asked again for whoever asks next. A pod that became ready in between has the row all the same:
        it lists the tables before it is ready.
        """
        with self._lock:
            answer = self._board.is_served(row)
            refresh = answer and self._board.refresh(self._seconds())
        if refresh:
            self._bell.set()
        return answer

    def waiting_for(self, row: Row) -> str:
        """Why the row is not served yet, for people; empty if it is."""
        with self._lock:
            return self._board.waiting_for(row)

    def figures(self) -> Figures:
        """State for health and metrics."""
        with self._lock:
            return self._board.figures(self._seconds())

    def begin(self) -> None:
        """This process leads from now on: everything is read again, and nothing is removed until `settle`."""
        self._turn_over(leading=True)

    def settle(self) -> None:
        """Every open attempt has published its rows by now: what else is in the tables is nobody's."""
        with self._lock:
            self._board.settle()
        self._bell.set()

    def end(self) -> None:
        """This process does not lead any more: nothing is written."""
        self._turn_over(leading=False)

    def _turn_over(self, *, leading: bool) -> None:
        with self._lock:
            self._term += 1
            self._board.begin(leading=leading)
        self._bell.set()

    def start(self) -> None:
        """Begin to run; there is nothing to do until `begin`."""
        self._thread.start()

    def stop(self) -> None:
        """End without waiting for a request that is under way."""
        self._stopping = True
        self._bell.set()

    def _run(self) -> None:
        while not self._stopping:
            self._bell.clear()
            started = self._seconds()
            try:
                pause = self.step(started)
            except Exception:
                log.exception("a step of the token tables failed, going on")
                pause = PAUSE_AFTER_FAULT
            left = started + pause - self._seconds()
            self._bell.wait(None if pause == inf else max(left, 0.0))

    def step(self, now: float) -> float:
        """Do what is due; the answer is how many seconds after `now` something may be due again."""
        with self._lock:
            task, term = self._board.take(now), self._term
        pause = task if isinstance(task, float) else 0.0
        if not isinstance(task, float):
            self._attempt(task, term, now)
        with self._lock:
            wakes = self._board.look(now)
        for wake in wakes:
            _ring(wake)
        return pause

    def _attempt(self, task: Task, term: int, now: float) -> None:
        try:
            learn = self._do(task, now)
            with self._lock:
                if term == self._term:
                    learn()
        except Exception as error:  # noqa: BLE001  whatever a request ends in, the others must go on
            self._complain(task, error, term, now)

    def _do(self, task: Task, now: float) -> Callable[[], None]:
        """Make the requests of a task; the answer notes what was learnt, if this is still the same term."""
        match task:
            case ReadAll():
                bodies = list(self._tables.read_all())
                return lambda: self._board.saw_all(bodies, now)
            case Read(index=index):
                body = self._tables.read(task.name)
                return lambda: self._board.saw(index, body, now)
            case Write(index=index):
                written = self._write(task)
                return lambda: self._board.wrote(index, written, now)
            case Hear():
                hearing = self._audience.hear(now)
                return lambda: self._board.heard(hearing, now)

    def _write(self, task: Write) -> Json:
        self._checkpoint("before:write-table")
        write = self._tables.create if task.is_new else self._tables.replace
        written = write(task.body)
        self._checkpoint("after:write-table")
        return written

    def _complain(self, task: Task, error: Exception, term: int, now: float) -> None:
        with self._lock:
            news = self._board.failed(task, error, now) if term == self._term else ""
        if news:
            log.warning("HTTP-01 proofs are held up, trying again", extra={"why": news}, exc_info=_bug(error))


def _bug(error: Exception) -> Exception | None:
    """An error whose traceback is news."""
    return None if isinstance(error, Setback) else error


def _ring(wake: Callable[[], None]) -> None:
    try:
        wake()
    except Exception:
        log.exception("whoever waited for a token table could not be woken")
