"""Families of the catalog, as prometheus_client wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from certwright.metrics.catalog import Series


def gauge(series: Series, value: float | None = None) -> GaugeMetricFamily:
    """A gauge, with its only value where it has no labels."""
    labels = series.labels if value is None else None
    return GaugeMetricFamily(series.name, series.meaning, value=value, labels=labels)


def counter(series: Series, value: float | None = None) -> CounterMetricFamily:
    """A counter, with its only value where it has no labels."""
    labels = series.labels if value is None else None
    return CounterMetricFamily(series.name, series.meaning, value=value, labels=labels)
