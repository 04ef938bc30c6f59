"""Pauses after failures of one kind of request. Pure."""

from __future__ import annotations

from math import inf

from certwright.failures import Setback, TryLater

#: Seconds before the second try, and the longest pause.
FIRST, LONGEST = 1.0, 10.0
#: Longest pause that an API server may wish for (Retry-After), in seconds.
LONGEST_WISH = 60.0


class Patience:
    """One kind of request.

    Args:
        complaint: what cannot be done while it fails, as in "the token tables cannot be written".

    Attributes:
        until: monotonic time before which it is not tried.
        trouble: what went wrong last, for people; empty when all is well.
    """

    def __init__(self, complaint: str) -> None:
        self._complaint = complaint
        self.calm()

    def calm(self) -> None:
        """All is well, or nothing is known."""
        self.until = -inf
        self.trouble = ""
        self._kind = ""
        self._pause = FIRST

    def failed(self, error: Exception, now: float) -> bool:
        """It failed: the next try comes after a pause that doubles. True if this kind of failure is news."""
        wish = error.retry_after if isinstance(error, TryLater) else None
        pause = max(self._pause, min(wish.total_seconds(), LONGEST_WISH)) if wish else self._pause
        self.until = now + pause
        self._pause = min(self._pause * 2, LONGEST)
        told = error.message if isinstance(error, Setback) else f"a fault of ours ({type(error).__name__})"
        self.trouble = f"{self._complaint}: {told}"
        before, self._kind = (
            self._kind,
            error.reason if isinstance(error, Setback) else type(error).__name__,
        )
        return self._kind != before
