"""Gauges of the process itself, read at scrape time from what its parts know anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from prometheus_client.registry import Collector

from certwright import __version__
from certwright.metrics.catalog import (
    BUILD,
    LEADER,
    LEASE_TRANSITIONS,
    QUEUE_DEPTH,
    QUEUE_OLDEST,
    RELIST_AGE,
    TOKEN_ROWS,
    TOKEN_UNSERVED,
)
from certwright.metrics.families import gauge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import Metric


class QueueFigures(Protocol):
    """What the work queue tells about itself."""

    @property
    def depth(self) -> int:
        """Keys that wait for a worker."""

    @property
    def due_later(self) -> int:
        """Keys that wait for their time."""

    @property
    def processing(self) -> int:
        """Keys in the hands of workers."""

    @property
    def oldest_seconds(self) -> float:
        """How long the key that waits longest has waited."""


class TokenFigures(Protocol):
    """What the publisher of token tables tells about itself."""

    @property
    def rows(self) -> int:
        """Rows that are wanted."""

    @property
    def oldest_unserved_seconds(self) -> float:
        """Seconds that the row which waits longest for the solver pods has waited, 0 if none waits."""


class Figures(Collector):
    """Queue, lead and token tables.

    Args:
        leading: whether this process leads, and how often the Lease changed hands.
        relist_age: seconds since the caches were last compared with the whole cluster.
    """

    def __init__(
        self,
        queue: Callable[[], QueueFigures],
        leading: Callable[[], tuple[bool, int]],
        tokens: Callable[[], TokenFigures],
        relist_age: Callable[[], float],
    ) -> None:
        self._queue = queue
        self._relist_age = relist_age
        self._leading = leading
        self._tokens = tokens

    def describe(self) -> Iterator[Metric]:
        """Nothing is known before the first scrape (prometheus_client would collect otherwise)."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Read the figures."""
        figures = self._queue()
        depth = gauge(QUEUE_DEPTH)
        depth.add_metric(["waiting"], figures.depth)
        depth.add_metric(["due_later"], figures.due_later)
        depth.add_metric(["processing"], figures.processing)
        yield depth
        yield gauge(QUEUE_OLDEST, figures.oldest_seconds)
        yield gauge(RELIST_AGE, self._relist_age())
        leads, transitions = self._leading()
        yield gauge(LEADER, float(leads))
        yield gauge(LEASE_TRANSITIONS, transitions)
        tokens = self._tokens()
        yield gauge(TOKEN_ROWS, tokens.rows)
        yield gauge(TOKEN_UNSERVED, tokens.oldest_unserved_seconds)
        build = gauge(BUILD)
        build.add_metric([__version__], 1)
        yield build
