"""Keeps the token tables in step with the cluster: a thread that lists, watches, and begins again after every trouble.

While the API server is away, what is known goes on being answered. New rows count only once every ready pod answers
for them, so a pod that cannot follow is unready after a while: the others must not wait for it.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from certwright.failures import Setback
from certwright.solver.responder.standing import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from certwright.solver.responder.standing import StandingTables, Table

log = logging.getLogger(__name__)

Json: TypeAlias = dict[str, Any]

#: Seconds before the first new try and the longest one; each is twice the one before, less a part that is thrown, so
#: that pods which lost the same API server do not come back together.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
SPREAD = 0.5
#: Seconds without any progress, far above the longest time that a list, a silent watch or a pause may take.
STUCK = 180.0
#: Seconds without a list, an event or the orderly end of a watch after which a pod is unready. A watch in which
#: nothing happens ends earlier than that.
BEHIND = 60.0
#: A watch that ends sooner than this has brought no news; the next one is not begun at once.
SHORT_WATCH = 1.0


class Page(Protocol):
    """Some of the tables; `version` is that of the whole list."""

    @property
    def tables(self) -> list[Json]:
        """As the API server sent them."""

    @property
    def version(self) -> str:
        """From which to watch."""


class TableSource(Protocol):
    """Where the tables are; fitted by `kube/table_watch.py`. Every failure is a Setback."""

    def pages(self) -> Iterator[Page]:
        """All tables, a few at a time."""

    def changes(self, since: str) -> Iterator[tuple[str, Json]]:
        """ADDED, MODIFIED, DELETED or BOOKMARK with the object, from a version on, until the server ends it."""


class Watching:
    """The watch thread.

    Args:
        seconds: monotonic clock.
        dice: a number from 0 up to 1.
        wait: sleeps for seconds, or less if `stop` was called; the default does that.

    Attributes:
        restarts: how often it had to begin again.
        trouble: why the cluster cannot be read now, or "".
    """

    def __init__(
        self,
        source: TableSource,
        tables: StandingTables,
        *,
        seconds: Callable[[], float],
        dice: Callable[[], float],
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._source = source
        self._tables = tables
        self._seconds = seconds
        self._dice = dice
        self._stopping = threading.Event()
        self._wait = wait or self._stopping.wait
        self._thread = threading.Thread(target=self.run, name="watch", daemon=True)
        self._listed = threading.Event()
        self._progress = self._in_step = seconds()
        self._failures = 0
        self.restarts = 0
        self.trouble = ""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End at the next change or pause; the thread is a daemon and need not be waited for."""
        self._stopping.set()

    @property
    def complete(self) -> bool:
        """Whether all tables have been seen once."""
        return self._listed.is_set()

    def wrong(self) -> str:
        """What a restart of the process may mend, or "". An API server that is away is no such thing."""
        if not self._thread.is_alive():
            return "the tables are not watched any more"
        if (silent := self._seconds() - self._progress) > STUCK:
            return f"nothing was heard of the tables for {silent:.0f} s"
        return ""

    def unready(self) -> str:
        """Why new rows are not, or may not be, answered here, or "".

        It ends with a new list, for trouble leads to one; the rows that are known are answered all the while.
        """
        if not self.complete:
            return f"the token tables are still being listed; {self.trouble or 'this takes a moment'}"
        if (behind := self._seconds() - self._in_step) < BEHIND:
            return ""
        return f"the token tables were last in step {behind:.0f} s ago; {self.trouble or 'nothing was heard since'}"

    def run(self) -> None:
        """List and watch until stopped."""
        while not self._stopping.is_set():
            try:
                self.list_and_watch()
            except Setback as setback:
                if setback.message != self.trouble:
                    log.warning("tables cannot be watched, trying again", extra={"why": setback.message})
                self.trouble = setback.message
            except Exception:
                log.exception("tables cannot be watched, trying again")
                self.trouble = "an unexpected error, see the log"
            else:
                return
            self._progress = self._seconds()
            self.restarts += 1
            self._pause()
            self._progress = self._seconds()

    def list_and_watch(self) -> None:
        """Read all tables, then follow their changes; returns when stopped, ends with what went wrong.

        The list is read from the store and not from a cache, so it never goes back in time. Every trouble leads to a
        new one: nothing that was missed meanwhile has to be guessed.
        """
        version = self._list()
        while not self._stopping.is_set():
            began = self._seconds()
            for kind, body in self._source.changes(version):
                self._take(kind, body)
                version = body["metadata"]["resourceVersion"]
                self._progress = self._in_step = self._seconds()
                self._failures = 0
                if self._stopping.is_set():
                    return
            self._progress = self._in_step = self._seconds()
            if self._progress - began < SHORT_WATCH:
                self._pause()
            else:
                self._failures = 0

    def _list(self) -> str:
        """All tables, seen by requests all at once; returns the version from which to watch."""
        version = ""
        found: dict[str, Table] = {}
        for page in self._source.pages():
            found |= map(read_table, page.tables)
            version = page.version
            self._progress = self._seconds()
        self._tables.replace(found)
        self._in_step = self._seconds()
        self.trouble = ""
        for name, table in found.items():
            _tell(name, table)
        log.info("tables listed", extra={"tables": len(found), "rows": self._tables.row_count})
        self._listed.set()
        return version

    def _take(self, kind: str, body: Json) -> None:
        """One event of the watch; a bookmark only tells how far it has come."""
        if kind in ("ADDED", "MODIFIED"):
            name, table = read_table(body)
            is_new = name not in self._tables
            self._tables.put(name, table)
            _tell(name, table, logging.INFO if is_new else logging.DEBUG)
        elif kind == "DELETED":
            self._tables.drop(body["metadata"]["name"])
            log.info("table dropped", extra={"table": body["metadata"]["name"]})

    def _pause(self) -> None:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self._wait(pause * (1 - SPREAD * self._dice()))


def _tell(name: str, table: Table, level: int = logging.INFO) -> None:
    log.log(level, "table loaded", extra={"table": name, "version": table.version, "rows": len(table.rows)})
