"""The operator's counters and gauges, in a registry of their own."""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram

from certwright.metrics.aliases import Requests
from certwright.metrics.catalog import (
    ACTIONS,
    ATTEMPTS,
    CHALLENGES,
    CRASHES,
    ISSUANCE,
    MOST_HOSTS,
    OTHER,
    REQUESTS,
)
from certwright.metrics.figures import Figures
from certwright.metrics.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from certwright.metrics.figures import QueueFigures, TokenFigures
    from certwright.resources.certificate import Certificate
    from certwright.resources.issuer import Issuer
    from certwright.resources.metadata import Unreadable

_STATUSES = frozenset(str(int(status)) for status in HTTPStatus) | {"0"}


class Metrics:
    """What is counted where it happens; the rest is read when it is scraped, see `watch`.

    Args:
        aliases: whether it is told under cert-manager's names as well.
    """

    def __init__(self, *, aliases: bool = False) -> None:
        self._aliases = aliases
        self.registry = CollectorRegistry()
        self._hosts: set[str] = set()
        self._lock = threading.Lock()
        self._actions = Counter(ACTIONS.name, ACTIONS.meaning, ACTIONS.labels, registry=self.registry)
        self._requests = Histogram(
            REQUESTS.name,
            REQUESTS.meaning,
            REQUESTS.labels,
            registry=self.registry,
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )
        if aliases:
            self.registry.register(Requests(self._requests))
        self._crashes = Counter(CRASHES.name, CRASHES.meaning, registry=self.registry)
        self._attempts = Counter(ATTEMPTS.name, ATTEMPTS.meaning, ATTEMPTS.labels, registry=self.registry)
        self._issuance = Histogram(
            ISSUANCE.name,
            ISSUANCE.meaning,
            ISSUANCE.labels,
            registry=self.registry,
            buckets=(1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400),
        )
        # What begins at 1 has not increased, as Prometheus sees it: rates would miss the first.
        self._attempts.labels("issued", "")
        for challenge in CHALLENGES:
            self._issuance.labels(challenge)

    def count_action(self, action: str, reason: str) -> None:
        """One action was done, or ended early for `reason`."""
        self._actions.labels(action, reason).inc()

    def count_attempt(self, failure: str) -> None:
        """An attempt ended: with a certificate in its Secret, or with the failure of this reason."""
        self._attempts.labels("failed" if failure else "issued", failure).inc()

    def observe_issuance(self, challenges: frozenset[str], seconds: float) -> None:
        """A certificate was stored.

        Args:
            challenges: types of those that proved its names.
            seconds: since its order was begun.
        """
        told = "mixed" if len(challenges) > 1 else next(iter(challenges), "none")
        self._issuance.labels(told).observe(max(0.0, seconds))

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
        *,
        queue: Callable[[], QueueFigures],
        leading: Callable[[], tuple[bool, int]],
        tokens: Callable[[], TokenFigures],
        relist_age: Callable[[], float],
        certificates: Callable[[], Collection[Certificate | Unreadable]],
        issuers: Callable[[], Collection[Issuer | Unreadable]],
        clock: Callable[[], datetime],
    ) -> None:
        """Serve figures that are read when scraped.

        Args:
            leading: whether this process leads, and how often the Lease changed hands.
            tokens: of the token tables.
            relist_age: seconds since the caches were last compared with the whole cluster.
            certificates, issuers: all that the watches have shown.
        """
        self.registry.register(Figures(queue, leading, tokens, relist_age))
        self.registry.register(Objects(certificates, issuers, clock, aliases=self._aliases))
