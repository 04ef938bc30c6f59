"""What Prometheus has recorded of the operator's replicas: their real registries, scraped once a minute.

A story changes what there is, and lets time pass; `firing` says which alerts are so at its end.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from certwright.metrics.registry import Metrics
from tests.chart.promql import SECONDS, parse
from tests.chart.promql_values import vector
from tests.metrics.examples import NOW, QueueFigures, TokenFigures

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from certwright.resources.certificate import Certificate
    from certwright.resources.issuer import Issuer
    from certwright.resources.metadata import Unreadable
    from tests.chart.promql_values import Labels

#: Seconds between two scrapes, and between two looks at a rule: what Prometheus does unless it is told otherwise.
EVERY = 60.0


class Recording:
    """Samples by metric and labels; None stands where a scrape did not show the series any more (a stale marker)."""

    def __init__(self) -> None:
        self._of: dict[str, dict[Labels, list[tuple[float, float | None]]]] = defaultdict(dict)
        self._last: dict[str, set[tuple[str, Labels]]] = defaultdict(set)

    def series(self, metric: str) -> Iterable[tuple[Labels, list[tuple[float, float | None]]]]:
        """Labels and samples of each series of a metric, oldest first."""
        return self._of[metric].items()

    def scrape(self, now: float, target: str, shown: Iterable[tuple[str, Labels, float]]) -> None:
        """Add what a target shows; what it no longer shows ends."""
        seen = set()
        for metric, labels, told in shown:
            self._of[metric].setdefault(labels, []).append((now, told))
            seen.add((metric, labels))
        for metric, labels in self._last[target] - seen:
            self._of[metric][labels].append((now, None))
        self._last[target] = seen


@dataclass
class Replica:
    """One replica of the operator."""

    pod: str
    story: Story
    leads: bool = False
    queue: QueueFigures = field(default_factory=lambda: QueueFigures(oldest_seconds=0.0))
    relist_age: float = 90.0
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        """Have its registry show what the story has."""
        self.metrics.watch(
            queue=lambda: self.queue,
            leading=lambda: (self.leads, 7),
            tokens=TokenFigures,
            relist_age=lambda: self.relist_age,
            certificates=lambda: self.story.certificates,
            issuers=lambda: self.story.issuers,
            clock=lambda: self.story.now,
        )

    def shown(self) -> Iterable[tuple[str, Labels, float]]:
        """What a scrape finds, with the labels of the target where it has none of that name (honorLabels)."""
        target = {"namespace": "certwright", "pod": self.pod}
        for family in self.metrics.registry.collect():
            for sample in family.samples:
                if sample.name not in self.story.metrics:
                    continue
                own = {label: text for label, text in sample.labels.items() if text}
                yield sample.name, frozenset((target | own).items()), sample.value


class Story:
    """Two replicas of which one leads, and no Certificates, until it is told otherwise.

    Args:
        metrics: names of those that are recorded.
    """

    def __init__(self, metrics: Collection[str]) -> None:
        self.metrics = metrics
        self.now: datetime = NOW
        self.certificates: Sequence[Certificate | Unreadable] = ()
        self.issuers: Sequence[Issuer | Unreadable] = ()
        self.first, self.second = Replica("first", self, leads=True), Replica("second", self)
        self.replicas = [self.first, self.second]
        self.recording = Recording()
        self.begun = self.now

    def minutes(self, count: int, *, each: Callable[[], None] | None = None) -> None:
        """Let time pass; `each` is called once a minute."""
        for _ in range(count):
            if each is not None:
                each()
            for replica in (self.first, self.second):
                shown = replica.shown() if replica in self.replicas else ()
                self.recording.scrape(self.now.timestamp(), replica.pod, shown)
            self.now += timedelta(seconds=EVERY)

    def hours(self, count: int) -> None:
        """Let much time pass in which nothing changes."""
        self.minutes(60 * count)

    def firing(self, rule: Mapping[str, Any]) -> list[dict[str, str]]:
        """Labels of those for which a rule has been so for as long as it asks, at the end."""
        node, need = parse(rule["expr"]), int(rule["for"][:-1]) * SECONDS[rule["for"][-1]]
        since: dict[Labels, float] = {}
        now = self.begun.timestamp()
        end = (self.now - timedelta(seconds=EVERY)).timestamp()
        while now <= end:
            so = vector(node, self.recording, now)
            since = {labels: since.get(labels, now) for labels in so}
            last, now = now, now + EVERY
        return [dict(labels) for labels, begun in since.items() if last - begun >= need]


def at(when: datetime) -> str:
    """A moment as a status has it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def times(life: timedelta, left: timedelta, renewal_in: timedelta | None) -> dict[str, Any]:
    """The moments in the status of a certificate, reckoned from now; a suspended one has no renewal."""
    end = NOW + left
    renewal = None if renewal_in is None else at(NOW + renewal_in)
    return {"notBefore": at(end - life), "notAfter": at(end), "renewalTime": renewal}
