"""Keeps routes in step with the solver pods while proofs are up, and clears away what nobody needs.

One thread, which makes no request while there is nothing to keep, but for a look at everything now and then.
"""

from __future__ import annotations

import logging
import threading
from contextlib import nullcontext
from math import inf
from typing import TYPE_CHECKING, Protocol

from certwright.failures import NotYet, Setback

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime, timedelta

log = logging.getLogger(__name__)

#: Seconds between two looks at the solver pods while routes stand. A pod that leaves answers for longer than that.
REFRESH = 2.0
#: Seconds between two looks at all routes of the cluster: while some may have to go, and otherwise.
SOON, SELDOM = 60.0, 600.0
#: Seconds after a fault of ours outside any request.
PAUSE_AFTER_FAULT = 5.0


class Routes(Protocol):
    """What is kept; fitted by `http01.Http01`."""

    @property
    def unsettled(self) -> bool:
        """Whether something stands that will have to go."""

    def begin(self) -> None:
        """Others may have changed everything."""

    def refresh(self) -> None:
        """Have routes lead to the solver pods of now."""

    def sweep(self, lives: Callable[[str], bool], now: datetime) -> None:
        """Remove what no living attempt needs."""


class RouteKeeper:
    """The thread. It works between `begin` and `end` only.

    Args:
        lives: whether an attempt Secret of this name is one that is still worked on.
        linger: how long a Service stays without routes; looks come at least twice in that time.
        round_of_term: makes what is done inside belong to the present term, so that it ends with it.
    """

    def __init__(
        self,
        routes: Routes,
        *,
        lives: Callable[[str], bool],
        linger: timedelta,
        clock: Callable[[], datetime],
        seconds: Callable[[], float],
        round_of_term: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._routes = routes
        self._round = round_of_term
        self._lives = lives
        self._soon = min(SOON, max(1.0, linger.total_seconds() / 2))
        self._clock = clock
        self._seconds = seconds
        self._leading = self._stopping = False
        self._swept_at = -inf
        #: Whether the last look at all routes was not brought to its end.
        self._cut_short = False
        self._bell = threading.Event()
        self._thread = threading.Thread(target=self._run, name="route-keeper", daemon=True)

    def begin(self) -> None:
        """This process leads, and every living attempt is known."""
        self._routes.begin()
        self._swept_at = -inf
        self._leading = True
        self._bell.set()

    def end(self) -> None:
        """This process does not lead any more."""
        self._leading = False

    def start(self) -> None:
        """Begin to run; there is nothing to do until `begin`."""
        self._thread.start()

    def stop(self) -> None:
        """End without waiting for a request that is under way."""
        self._stopping = True
        self._bell.set()

    def step(self) -> float:
        """Do what is due; seconds until the next step."""
        if not self._leading:
            return SELDOM
        try:
            with self._round():
                self._keep()
        except NotYet:
            return REFRESH  # somebody else was at it, or we do not lead any more
        except Setback as setback:
            log.warning("routes could not be kept, trying again", extra={"why": setback.message})
        return min(REFRESH, self._soon)

    def _keep(self) -> None:
        self._routes.refresh()
        now = self._seconds()
        soon = self._cut_short or self._routes.unsettled
        if now - self._swept_at >= (self._soon if soon else SELDOM):
            self._swept_at, self._cut_short = now, True
            self._routes.sweep(self._lives, self._clock())
            self._cut_short = False

    def _run(self) -> None:
        while not self._stopping:
            self._bell.clear()
            try:
                pause = self.step()
            except Exception:
                log.exception("routes could not be kept, trying again")
                pause = PAUSE_AFTER_FAULT
            self._bell.wait(pause)
