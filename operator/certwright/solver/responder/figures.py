"""The responder's metrics: plain numbers, read when they are scraped. No label grows with what strangers ask."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

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
        requests = CounterMetricFamily(
            "certwright_responder_requests", "Requests for challenges by status.", labels=["status"]
        )
        for status, count in self._answers.items():
            requests.add_metric([str(int(status))], count)
        yield requests
        yield GaugeMetricFamily("certwright_responder_rows", "Rows of all token tables.", value=self._rows())
        yield GaugeMetricFamily(
            "certwright_responder_connections", "Open connections.", value=self._connections()
        )
        yield CounterMetricFamily(
            "certwright_responder_watch_restarts",
            "How often the watch of the token tables began again.",
            value=self._restarts(),
        )
        yield CounterMetricFamily(
            "certwright_responder_dropped_connections",
            "Connections closed to make room for new ones.",
            value=self._dropped(),
        )
