"""Checkpoints: named moments before and after each call that has an effect outside.

At each the process may die in tests, and before each it is asked whether it may go on at all.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.engine.fence import Fence


def killer(kill_at: str) -> Callable[[str], None]:
    """A checkpoint that kills the process at the n-th passing of a named point; does nothing without a name."""
    # Names of points have a colon themselves: only a number behind the last one is a count.
    name, _, count = kill_at.rpartition(":")
    if not count.isdigit():
        name, count = kill_at, "1"
    left = [int(count)]

    def checkpoint(point: str) -> None:
        if point != name:
            return
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return checkpoint


def guarded(fence: Fence, checkpoint: Callable[[str], None]) -> Callable[[str], None]:
    """The same, and nothing begins while this process does not lead; raises `NotLeading`."""

    def guard(point: str) -> None:
        checkpoint(point)
        if point.startswith("before:"):
            fence.check()

    return guard
