"""Nonces that the CA has handed out and that were not used yet (RFC 8555 §6.5)."""

from __future__ import annotations

from collections import deque

#: As many as acmez keeps: more than concurrent requests need; the oldest, which go stale first, fall out.
MOST_KEPT = 64


class NoncePool:
    """Newest first, one pool for each directory. Threads may share it: a deque's ends are atomic."""

    def __init__(self) -> None:
        self._kept: deque[str] = deque(maxlen=MOST_KEPT)

    def take(self) -> str | None:
        """The newest nonce, which is ours alone from now on; None if there is none."""
        try:
            return self._kept.pop()
        except IndexError:
            return None

    def keep(self, nonce: str | None) -> None:
        """Put a nonce by for later; None is nothing to keep."""
        if nonce is not None:
            self._kept.append(nonce)

    def __len__(self) -> int:
        return len(self._kept)
