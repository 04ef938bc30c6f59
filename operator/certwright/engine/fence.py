"""The fence: nothing has an effect outside unless this process leads, in the term in which the work began."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from certwright.failures import NotYet
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator


class NotLeading(NotYet):
    """Another replica leads, or may do so soon; it, or a later turn, does the work."""


class Leadership(Protocol):
    """What the fence asks the elector."""

    @property
    def term(self) -> int:
        """Number of the present term, 0 while not leading."""


class Fence:
    """Asked before every effect outside of the process: writes to the cluster, orders, DNS changes.

    A worker's turn belongs to the term in which it began. If the lead was lost in between, what the turn knows may
    be old, even when we lead again: it may do nothing more. A thread that works without turns (it keeps nothing in
    mind from one effect to the next) is asked for the present moment only; one that does keep something opens a turn
    for each round.
    """

    def __init__(self, elector: Leadership) -> None:
        self._elector = elector
        self._here = threading.local()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """What this thread does inside belongs to the present term; a turn within a turn to the outer one's."""
        outer: int | None = getattr(self._here, "term", None)
        if outer is None:
            self._here.term = self._elector.term
        try:
            yield
        finally:
            self._here.term = outer

    def check(self) -> None:
        """Return if this thread may have an effect now.

        Raises:
            NotLeading: this process does not lead, or no longer in the term in which the thread's turn began.
        """
        term = self._elector.term
        begun: int | None = getattr(self._here, "term", None)
        if term == 0:
            raise NotLeading(
                Reason.NOT_LEADING.word, "this replica does not lead; the one that does goes on from here"
            )
        if begun is not None and begun != term:
            raise NotLeading(
                Reason.NOT_LEADING.word,
                "the lead was lost and won again while this was under way; it is looked at anew",
            )
