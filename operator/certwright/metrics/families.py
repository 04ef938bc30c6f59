"""Families of the catalog, as prometheus_client wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certwright.metrics.catalog import Series


def family(series: Series, pairs: Iterable[tuple[dict[str, str], float]]) -> Metric:
    """Samples as they are: `add_metric` would make a dictionary of labels for each."""
    made = Metric(series.name, series.meaning, series.kind.value)
    made.samples.extend(Sample(series.name, labels, value) for labels, value in pairs)
    return made


def gauge(series: Series, value: float | None = None) -> GaugeMetricFamily:
    """A gauge, with its only value where it has no labels."""
    labels = series.labels if value is None else None
    return GaugeMetricFamily(series.name, series.meaning, value=value, labels=labels)


def counter(series: Series, value: float | None = None) -> CounterMetricFamily:
    """A counter, with its only value where it has no labels."""
    labels = series.labels if value is None else None
    return CounterMetricFamily(series.name, series.meaning, value=value, labels=labels)
