"""The evaluator gives what Prometheus gives; numbers are worked out by its documentation, by hand."""

from __future__ import annotations

import math

import pytest

from tests.chart.promql import NotPromql, parse
from tests.chart.promql_values import value
from tests.chart.recording import Recording

#: One sample a minute; `None` is a scrape that did not show the series.
SERIES: dict[str, list[float | None]] = {
    'up{pod="a"}': [1, 1, 1, 1, 1, 1],
    'up{pod="b"}': [1, 1, 0, None, None, None],
    'free{pod="a",zone="x"}': [5, 5, 5, 5, 5, 8],
    'free{pod="b",zone="x"}': [5, 5, 5, 5, 5, 2],
    'sent{pod="a"}': [0, 6, 12, 18, 24, 30],
    'sent{pod="b"}': [0, 0, 10, 0, 5, 5],
    'first{pod="a"}': [None, None, 1, 1, 1, 1],
    'late{pod="a"}': [1, None, None, None, None, None],
    'took{le="1"}': [0, 0, 0, 0, 0, 5],
    'took{le="2"}': [0, 0, 0, 0, 0, 8],
    'took{le="+Inf"}': [0, 0, 0, 0, 0, 10],
}
NOW = 300.0


def recording() -> Recording:
    made = Recording()
    for minute in range(6):
        shown = []
        for text, samples in SERIES.items():
            metric, _, rest = text.partition("{")
            labels = frozenset(
                (label, told.strip('"')) for label, told in (pair.split("=") for pair in rest[:-1].split(","))
            )
            if (sample := samples[minute]) is not None:
                shown.append((metric, labels, float(sample)))
        made.scrape(60.0 * minute, "all", shown)
    return made


def worth(expression: str, now: float = NOW) -> dict[str, float] | float:
    """The value of an expression, labels in words."""
    found = value(parse(expression), recording(), now)
    if isinstance(found, float):
        return found
    return {
        " ".join(f"{label}={told}" for label, told in sorted(labels)): number
        for labels, number in found.items()
    }


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("time() + 2 * 3 / 4 - 1", 300.5),
        # What is shown no more ends at once, not after five minutes.
        ("up", {"pod=a": 1}),
        ('up{pod!="a"}', {}),
        ('free{pod=~"a|c"}', {"pod=a zone=x": 8}),
        ('free{pod=~"."}', {"pod=a zone=x": 8, "pod=b zone=x": 2}),
        ('free{zone!~"xy?"}', {}),
        ('free{nothing=""} > 5', {"pod=a zone=x": 8}),
        ("5 < free", {"pod=a zone=x": 8}),
        ("sum by (zone) (free)", {"zone=x": 10}),
        ("max(free) - min(free)", {"": 6}),
        ("count(free == 7)", {}),
        ("bottomk(1, free)", {"pod=b zone=x": 2}),
        ("topk(1, free)", {"pod=a zone=x": 8}),
        ("free / free", {"pod=a zone=x": 1, "pod=b zone=x": 1}),
        ("free and up", {}),
        ("free and on (pod) up == 1", {"pod=a zone=x": 8}),
        ("free unless on (pod) up", {"pod=b zone=x": 2}),
        ("up or sent", {"pod=a": 1, "pod=b": 5}),
        ("max(up) or max(sent) unless max(sent)", {"": 1}),
        ("absent(nothing)", {"": 1}),
        ('absent(up{pod="c",job!="x"})', {"pod=c": 1}),
        ("absent(up)", {}),
        # Four samples in (60, 300] show 18; the minute before the first is added as if it had been like them.
        ('increase(sent{pod="a"}[4m])', {"pod=a": 24}),
        ('rate(sent{pod="a"}[4m])', {"pod=a": 0.1}),
        # From 10 it went to 0, which is a restart, and then to 5; the minute before is added as well.
        ('increase(sent{pod="b"}[4m])', {"pod=b": 5 * 240 / 180}),
        # Before the first sample it was zero: nothing is added.
        ('increase(sent{pod="a"}[1h])', {"pod=a": 30}),
        # It was not there, then it was 1: no increase, as far as Prometheus knows.
        ("increase(first[4m])", {"pod=a": 0}),
        ("increase(late[10m])", {}),
        ("histogram_quantile(0.5, took)", {"": 1}),
        ("histogram_quantile(0.65, took)", {"": 1.5}),
        ("histogram_quantile(0.95, took)", {"": 2}),
    ],
)
def test_an_expression_is_worth_what_prometheus_says(expression: str, expected: object) -> None:
    assert worth(expression) == pytest.approx(expected)


def test_of_nothing_there_is_no_quantile() -> None:
    found = worth("histogram_quantile(0.5, took)", 240.0)
    assert isinstance(found, dict)
    assert math.isnan(found[""])


def test_a_sample_counts_for_five_minutes_where_nobody_says_that_it_ended() -> None:
    assert worth('up{pod="a"}', NOW + 299) == {"pod=a": 1}
    assert worth('up{pod="a"}', NOW + 300) == {}
    assert worth("up", -1) == {}


@pytest.mark.parametrize(
    "expression",
    [
        "free > on (pod) up",
        "1 < 2",
        "1 and free",
        "sum(1)",
        "absent(free > 1)",
        "bottomk(free, free)",
        "histogram_quantile(free, took)",
    ],
)
def test_what_prometheus_refuses_or_this_does_not_know_is_refused(expression: str) -> None:
    with pytest.raises(NotPromql):
        worth(expression)
