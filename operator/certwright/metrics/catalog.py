"""Every metric, in one table. Labels are bounded: no series grows with what tenants make or CAs answer."""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import Metric

#: Distinct CAs that are told apart; tenants choose them in Issuers, so the rest share one label.
MOST_HOSTS = 20
OTHER = "other"
_STATUSES = frozenset(str(int(status)) for status in HTTPStatus) | {"0"}


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


class Metrics:
    """The operator's counters, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._hosts: set[str] = set()
        self._lock = threading.Lock()
        self._actions = Counter(
            "certwright_actions",
            "Actions of Certificate turns by kind, and by the reason they ended early, if they did.",
            ["action", "reason"],
            registry=self.registry,
        )
        self._requests = Histogram(
            "certwright_acme_request_duration_seconds",
            "Requests to ACME servers.",
            ["host", "method", "status"],
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
        self._crashes = Counter(
            "certwright_turn_crashes",
            "Turns that ended in an unexpected exception.",
            registry=self.registry,
        )

    def count_action(self, action: str, reason: str) -> None:
        """One action was done, or ended early for `reason`."""
        self._actions.labels(action, reason).inc()

    def count_crash(self) -> None:
        """A turn ended in an exception that nobody foresaw."""
        self._crashes.inc()

    def observe_request(self, method: str, host: str, status: int, seconds: float) -> None:
        """One request to a CA was answered, or failed with status 0."""
        told = str(status) if str(status) in _STATUSES else OTHER
        self._requests.labels(self._bounded(host), method, told).observe(seconds)

    def _bounded(self, host: str) -> str:
        """The host itself if it is among the first, else the label of all others."""
        with self._lock:
            if host not in self._hosts and len(self._hosts) < MOST_HOSTS:
                self._hosts.add(host)
            return host if host in self._hosts else OTHER

    def watch(
        self,
        queue: Callable[[], QueueFigures],
        certificates: Callable[[], tuple[int, int, float | None]],
        leading: Callable[[], tuple[bool, int]],
        tokens: Callable[[], TokenFigures],
    ) -> None:
        """Serve figures that are read when scraped.

        Args:
            certificates: number of Ready ones, of all, and the soonest notAfter in Unix seconds.
            leading: whether this process leads, and how often the Lease changed hands.
            tokens: of the token tables.
        """
        self.registry.register(_Figures(queue, certificates, leading, tokens))


class _Figures(Collector):
    """Gauges computed at scrape time from what the operator knows anyway."""

    def __init__(
        self,
        queue: Callable[[], QueueFigures],
        certificates: Callable[[], tuple[int, int, float | None]],
        leading: Callable[[], tuple[bool, int]],
        tokens: Callable[[], TokenFigures],
    ) -> None:
        self._queue = queue
        self._certificates = certificates
        self._leading = leading
        self._tokens = tokens

    def describe(self) -> Iterator[Metric]:
        """Nothing is known before the first scrape (prometheus_client would collect otherwise)."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Read the figures."""
        figures = self._queue()
        depth = GaugeMetricFamily("certwright_queue_depth", "Keys by state.", labels=["state"])
        depth.add_metric(["waiting"], figures.depth)
        depth.add_metric(["due_later"], figures.due_later)
        depth.add_metric(["processing"], figures.processing)
        yield depth
        yield GaugeMetricFamily(
            "certwright_queue_oldest_seconds",
            "How long the key that waits longest has waited.",
            value=figures.oldest_seconds,
        )
        yield from self._shared()
        ready, known, soonest = self._certificates()
        counts = GaugeMetricFamily("certwright_certificates", "Certificates by Ready.", labels=["ready"])
        counts.add_metric(["true"], ready)
        counts.add_metric(["false"], known - ready)
        yield counts
        if soonest is not None:
            yield GaugeMetricFamily(
                "certwright_soonest_expiry_timestamp_seconds",
                "The earliest notAfter of all certificates.",
                value=soonest,
            )

    def _shared(self) -> Iterator[Metric]:
        """Leadership, and what the solver pods are to answer."""
        leads, transitions = self._leading()
        yield GaugeMetricFamily("certwright_leader", "1 on the replica that leads.", value=float(leads))
        yield GaugeMetricFamily(
            "certwright_lease_transitions",
            "How often the Lease changed hands, as last seen.",
            value=transitions,
        )
        tokens = self._tokens()
        yield GaugeMetricFamily(
            "certwright_token_rows", "Proofs that solver pods are to answer.", value=tokens.rows
        )
        yield GaugeMetricFamily(
            "certwright_token_unserved_seconds",
            "How long the proof that waits longest for the solver pods has waited.",
            value=tokens.oldest_unserved_seconds,
        )
