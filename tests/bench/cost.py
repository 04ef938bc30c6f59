"""What a piece of work costs this process: seconds of CPU, its own threads' alone."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Work:
    """One way to do something `count` times; `share` of the usual count is enough for what is slow."""

    name: str
    do: Callable[[int], object]
    share: float = 1.0


@dataclass(frozen=True)
class Cost:
    """Of one time of doing something, in the best of all rounds: others on the machine can only add to it.

    Attributes:
        name: of the work.
        times: that it was done, in all rounds.
        cpu: seconds of CPU.
        wall: seconds by the clock; says more of the machine and its other users than of us.
    """

    name: str
    times: int
    cpu: float
    wall: float


@cache
def pinned() -> tuple[set[int], set[int]] | None:
    """Keep this process on one core; that one and the others for servers, or None where it cannot be done.

    Once for all scenarios: whoever is pinned sees no other cores any more.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None  # macOS
    cores = os.sched_getaffinity(0)
    ours = {min(cores)}
    os.sched_setaffinity(0, ours)
    return ours, (cores - ours) or ours


def costs(works: Sequence[Work], count: int, rounds: int) -> dict[str, Cost]:
    """Do all of the works in turn, `rounds` times, so that what slows the machine for a while slows them all."""
    seen: dict[str, list[tuple[float, float]]] = {work.name: [] for work in works}
    times = {work.name: max(1, round(count * work.share)) for work in works}
    for _ in range(rounds):
        for work in works:
            seen[work.name].append(_spent(work, times[work.name]))
    return {
        name: Cost(name, times[name] * rounds, min(cpu for cpu, _ in spent), min(wall for _, wall in spent))
        for name, spent in seen.items()
    }


def _spent(work: Work, times: int) -> tuple[float, float]:
    """Seconds of CPU and by the clock for each time."""
    cpu, wall = time.process_time(), time.perf_counter()
    work.do(times)
    return (time.process_time() - cpu) / times, (time.perf_counter() - wall) / times
