"""Our series under cert-manager's names, for dashboards and alerts that were written for it.

Only what we have is there: no summary's quantiles, no action of a request, and nothing of controllers and challenges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from certwright.metrics.catalog import (
    ALIAS_CLOCK,
    ALIAS_CLUSTER_ISSUER,
    ALIAS_EXPIRATION,
    ALIAS_ISSUER,
    ALIAS_NOT_AFTER,
    ALIAS_NOT_BEFORE,
    ALIAS_READY,
    ALIAS_RENEWAL,
    ALIAS_REQUEST_SECONDS,
    ALIAS_REQUESTS,
    REQUESTS,
)
from certwright.metrics.families import family, gauge
from certwright.resources.names import ApiNames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from prometheus_client import Histogram

    from certwright.metrics.catalog import Series
    from certwright.metrics.objects import Row

#: Values of a condition (Kubernetes API conventions, "Typical status properties").
_VALUES = ("True", "False", "Unknown")
_GROUP = {"issuer_group": ApiNames().group}


def of_objects(
    rows: Sequence[Row], accounts: Sequence[tuple[dict[str, str], str]], now: datetime
) -> Iterator[Metric]:
    """Of Certificates, and of issuers by labels and the value of their condition Ready. Pure."""
    named = [(row, row.labels | _GROUP) for row in rows]
    readiness = ((labels, row.ready.status if row.ready else "Unknown") for row, labels in named)
    yield family(ALIAS_READY, _by_value(readiness))
    yield _moments(ALIAS_EXPIRATION, ((labels, row.status.not_after) for row, labels in named))
    yield _moments(ALIAS_NOT_AFTER, ((labels, row.status.not_after) for row, labels in named))
    yield _moments(ALIAS_NOT_BEFORE, ((labels, row.status.not_before) for row, labels in named))
    yield _moments(ALIAS_RENEWAL, ((labels, row.status.renewal_time) for row, labels in named))
    for series, kind in ((ALIAS_ISSUER, "Issuer"), (ALIAS_CLUSTER_ISSUER, "ClusterIssuer")):
        ours = (
            ({label: each[label] for label in series.labels if label in each}, value)
            for each, value in accounts
            if each["kind"] == kind
        )
        yield family(series, _by_value(ours))
    yield gauge(ALIAS_CLOCK, now.timestamp())


def _by_value(pairs: Iterable[tuple[dict[str, str], str]]) -> Iterator[tuple[dict[str, str], float]]:
    for labels, value in pairs:
        for each in _VALUES:
            yield {**labels, "condition": each}, float(each == value)


def _moments(series: Series, pairs: Iterable[tuple[dict[str, str], datetime | None]]) -> Metric:
    return family(series, ((labels, moment.timestamp()) for labels, moment in pairs if moment))


class Requests(Collector):
    """Requests to CAs, as our histogram counts them."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram

    def describe(self) -> Iterator[Metric]:
        """Nothing is known before the first scrape (prometheus_client would collect otherwise)."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Counts and sums of the histogram."""
        found = [each for metric in self._histogram.collect() for each in metric.samples]
        # What is spoken to ACME servers is always https (RFC 8555 §6.1).
        counts, sums = (
            [
                ({"scheme": "https"} | each.labels, each.value)
                for each in found
                if each.name == REQUESTS.name + end
            ]
            for end in ("_count", "_sum")
        )
        yield family(ALIAS_REQUESTS, counts)
        seconds = Metric(ALIAS_REQUEST_SECONDS.name, ALIAS_REQUEST_SECONDS.meaning, "summary")
        for end, pairs in (("_count", counts), ("_sum", sums)):
            seconds.samples.extend(Sample(ALIAS_REQUEST_SECONDS.name + end, *pair) for pair in pairs)
        yield seconds
