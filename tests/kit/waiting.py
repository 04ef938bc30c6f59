"""Waiting for a condition: the only place in the tests that sleeps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: Between two looks that cost nothing.
_PAUSE_SECONDS = 0.05
#: A look by kubectl costs as much CPU as what is waited for; it takes a third of the time, on a busy machine less.
_PAUSE_FOR_LOOK = 2.0
_LONGEST_PAUSE_SECONDS = 1.0


class WaitedInVain(AssertionError):  # noqa: N818 - named by what happened
    """The condition did not come true in time. The message says what was waited for and what was seen."""


def eventually(
    condition: Callable[[], T],
    what: str,
    timeout: float = 10.0,
    *,
    tolerate: tuple[type[Exception], ...] = (),
    explain: Callable[[], str] = str,
) -> T:
    """Look again and again until the condition is truthy, and return what it then was.

    Args:
        condition: looked at about twenty times a second, less often if it takes long, and at least once.
        what: completes the sentence "waited 10 s for …".
        timeout: seconds.
        tolerate: exceptions that mean "not yet"; any other ends the wait at once.
        explain: asked once, after the last look, for what helps to understand (a log's end, an object).

    Raises:
        WaitedInVain: the time was up.
    """
    deadline = time.monotonic() + timeout
    while True:
        seen: object
        began = time.monotonic()
        try:
            seen = outcome = condition()
            if outcome:
                return outcome
        except tolerate as problem:
            seen = f"{type(problem).__name__}: {problem}"
        now = time.monotonic()
        if now >= deadline:
            raise WaitedInVain(f"waited {timeout:g} s for {what}; last seen: {seen}\n{explain()}".rstrip())
        pause = max(_PAUSE_SECONDS, _PAUSE_FOR_LOOK * (now - began))
        time.sleep(min(pause, _LONGEST_PAUSE_SECONDS))
