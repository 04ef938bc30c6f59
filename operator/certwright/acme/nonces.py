"""Nonces that the CA has handed out and that were not used yet (RFC 8555 §6.5)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: As many as acmez keeps: more than concurrent requests need; the oldest, which go stale first, fall out.
MOST_KEPT = 64
#: Seconds; our choice, since no CA says how long: Boulder remembers the last 65,536, so that theirs end the sooner the
#: busier it is, and Pebble's hold until it ends. A good one that is dropped costs a HEAD, a stale one that is sent a
#: signature and a refusal.
OLDEST_USED = 3600.0


class NoncePool:
    """Newest first, one pool for each directory. Threads may share it: a deque's ends are atomic.

    Attributes:
        seconds: monotonic clock. It may stand still while the machine sleeps; then a nonce is taken for younger than it
            is, and the CA refuses it.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.seconds = seconds
        self._kept: deque[tuple[str, float]] = deque(maxlen=MOST_KEPT)

    def take(self) -> str | None:
        """The newest nonce, which is ours alone from now on; None if there is none that is young enough."""
        oldest = self.seconds() - OLDEST_USED
        while True:
            try:
                nonce, since = self._kept.pop()
            except IndexError:
                return None
            if since >= oldest:
                return nonce

    def keep(self, nonce: str | None) -> None:
        """Put a nonce by that the CA has just given; None is nothing to keep."""
        if nonce is not None:
            self._kept.append((nonce, self.seconds()))

    def __len__(self) -> int:
        return len(self._kept)
