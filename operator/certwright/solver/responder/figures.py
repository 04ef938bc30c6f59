"""The responder's metrics: plain numbers, read when they are scraped. No label grows with what strangers ask."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from certwright.metrics.catalog import (
    RESPONDER_CONNECTIONS,
    RESPONDER_DROPPED,
    RESPONDER_REQUESTS,
    RESPONDER_RESTARTS,
    RESPONDER_ROWS,
)
from certwright.metrics.families import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http import HTTPStatus

    from prometheus_client import Metric


class Figures(Collector):
    """Counts answers, and asks the others for their numbers.

    Args:
        rows, connections: how many there are now.
        restarts, dropped: how often the watch began again, and connections that made room for others.

    Attributes:
        registry: to serve.
    """

    def __init__(
        self,
        *,
        rows: Callable[[], int],
        connections: Callable[[], int],
        restarts: Callable[[], int],
        dropped: Callable[[], int],
    ) -> None:
        self._answers: Counter[HTTPStatus] = Counter()
        self._rows = rows
        self._connections = connections
        self._restarts = restarts
        self._dropped = dropped
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def count(self, status: HTTPStatus) -> None:
        """One request was answered; called by one thread only."""
        self._answers[status] += 1

    def describe(self) -> Iterator[Metric]:
        """Nothing is known before the first scrape (prometheus_client would collect otherwise)."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Read the figures."""
        requests = counter(RESPONDER_REQUESTS)
        for status, count in self._answers.items():
            requests.add_metric([str(int(status))], count)
        yield requests
        yield gauge(RESPONDER_ROWS, self._rows())
        yield gauge(RESPONDER_CONNECTIONS, self._connections())
        yield counter(RESPONDER_RESTARTS, self._restarts())
        yield counter(RESPONDER_DROPPED, self._dropped())
