"""What an expression is worth at a moment of a recording, as Prometheus would have it.

Only what `promql.py` reads; what Prometheus refuses, such as two series that match one, is refused here as well.
"""

from __future__ import annotations

import math
import operator
import re
from bisect import bisect_right
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from tests.chart.promql import Aggregation, Binary, Call, NotPromql, Number, Selector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.chart.promql import Matcher, Node
    from tests.chart.recording import Recording

#: Seconds for which a sample counts where none is newer (Prometheus' `query.lookback-delta`).
LOOKBACK = 300.0
Labels: TypeAlias = frozenset[tuple[str, str]]
Vector: TypeAlias = "dict[Labels, float]"
Value: TypeAlias = "float | Vector"

_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right if right else math.copysign(math.inf, left) if left else math.nan,
}
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_AGGREGATIONS: Mapping[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "max": max,
    "min": min,
    "count": len,
}


def value(node: Node, recording: Recording, now: float) -> Value:
    """A number, or the value of each series by its labels (a metric's name is none of them).

    Raises:
        NotPromql: Prometheus would refuse it, or this does not know it.
    """
    match node:
        case Number(number):
            return number
        case Selector():
            return _instant(node, recording, now)
        case Aggregation():
            return _aggregated(node, recording, now)
        case Call():
            return _called(node, recording, now)
        case Binary():
            return _combined(node, value(node.left, recording, now), value(node.right, recording, now))


def _called(node: Call, recording: Recording, now: float) -> Value:
    match node:
        case Call("time"):
            return now
        case Call("absent", (Selector() as wanted,)):
            found = _instant(wanted, recording, now)
            return {} if found else {_told(wanted.matchers): 1.0}
        case Call("increase" | "rate" as name, (Selector() as wanted,)):
            return _increased(name, wanted, recording, now)
        case Call("histogram_quantile", (Number(share), buckets)):
            return _quantile(share, vector(buckets, recording, now))
        case _:
            raise NotPromql(f"{node} is not understood")


def vector(node: Node, recording: Recording, now: float) -> Vector:
    """The same where it must be series.

    Raises:
        NotPromql: it is a number.
    """
    found = value(node, recording, now)
    if isinstance(found, float):
        raise NotPromql(f"{node} is a number, and series are needed")
    return found


def _time(sample: tuple[float, float | None]) -> float:
    return sample[0]


def _told(matchers: Iterable[Matcher]) -> Labels:
    return frozenset((each.label, each.value) for each in matchers if each.operator == "=")


def _fits(labels: Mapping[str, str], matchers: Iterable[Matcher]) -> bool:
    """Expressions are anchored; a label that is not there is empty."""
    for each in matchers:
        there = labels.get(each.label, "")
        is_so = re.fullmatch(each.value, there) is not None if "~" in each.operator else there == each.value
        if is_so is each.operator.startswith("!"):
            return False
    return True


def _instant(wanted: Selector, recording: Recording, now: float) -> Vector:
    found: Vector = {}
    for labels, samples in recording.series(wanted.metric):
        until = bisect_right(samples, now, key=_time)
        when, told = samples[until - 1] if until else (now, None)
        if told is not None and when > now - LOOKBACK and _fits(dict(labels), wanted.matchers):
            found[labels] = told
    return found


def _increased(name: str, wanted: Selector, recording: Recording, now: float) -> Vector:
    found: Vector = {}
    seconds = wanted.seconds or 0.0
    for labels, samples in recording.series(wanted.metric):
        window = samples[
            bisect_right(samples, now - seconds, key=_time) : bisect_right(samples, now, key=_time)
        ]
        inside = [(when, told) for when, told in window if told is not None]
        if len(inside) > 1 and _fits(dict(labels), wanted.matchers):
            grown = _grown(inside, now - seconds, now)
            found[labels] = grown / seconds if name == "rate" else grown
    return found


def _grown(samples: list[tuple[float, float]], begin: float, end: float) -> float:
    """How much a counter grew, resets allowed for, extrapolated to the whole time (Prometheus' extrapolatedRate)."""
    pairs = list(pairwise(samples))
    grown = sum(after - before if after >= before else after for (_, before), (_, after) in pairs)
    (first, at_first), (last, _) = samples[0], samples[-1]
    seen = last - first
    usual = seen / len(pairs)
    to_begin, to_end = (gap if gap < usual * 1.1 else usual / 2 for gap in (first - begin, end - last))
    if grown > 0:
        to_begin = min(to_begin, seen * at_first / grown)  # it was zero then, and never less
    return grown * (seen + to_begin + to_end) / seen


def _kept(labels: Labels, names: Iterable[str] | None) -> Labels:
    return labels if names is None else frozenset(pair for pair in labels if pair[0] in names)


def _aggregated(node: Aggregation, recording: Recording, now: float) -> Vector:
    groups: dict[Labels, Vector] = defaultdict(dict)
    for labels, told in vector(node.operand, recording, now).items():
        groups[_kept(labels, node.by)][labels] = told
    if node.name in _AGGREGATIONS:
        do = _AGGREGATIONS[node.name]
        return {labels: float(do([*members.values()])) for labels, members in groups.items()}
    if not isinstance(node.some, Number):
        raise NotPromql(f"{node.name} of {node.some}")
    chosen: Vector = {}
    for members in groups.values():
        ordered = sorted(members.items(), key=lambda pair: pair[1], reverse=node.name == "topk")
        chosen.update(ordered[: int(node.some.value)])
    return chosen


def _combined(node: Binary, left: Value, right: Value) -> Value:
    if node.operator in ("and", "or", "unless"):
        if isinstance(left, float) or isinstance(right, float):
            raise NotPromql(f"{node.operator} of a number")
        return _of_sets(node, left, right)
    if node.on is not None:
        raise NotPromql(f"{node.operator} on some labels")
    if isinstance(left, float) and isinstance(right, float):
        if node.operator in _COMPARISONS:
            raise NotPromql("two numbers are compared")
        return _ARITHMETIC[node.operator](left, right)
    if isinstance(left, float):
        assert isinstance(right, dict)
        return _results(node, ((labels, left, told, told) for labels, told in right.items()))
    if isinstance(right, float):
        return _results(node, ((labels, told, right, told) for labels, told in left.items()))
    return _results(
        node, ((labels, told, right[labels], told) for labels, told in left.items() if labels in right)
    )


def _of_sets(node: Binary, left: Vector, right: Vector) -> Vector:
    there = {_kept(labels, node.on) for labels in right}
    if node.operator == "or":
        ours = {_kept(labels, node.on) for labels in left}
        return left | {labels: told for labels, told in right.items() if _kept(labels, node.on) not in ours}
    return {
        labels: told
        for labels, told in left.items()
        if (_kept(labels, node.on) in there) is (node.operator == "and")
    }


def _results(node: Binary, pairs: Iterable[tuple[Labels, float, float, float]]) -> Vector:
    """Of arithmetic the result; of a comparison the series for which it is so, as they are."""
    if node.operator in _COMPARISONS:
        is_so = _COMPARISONS[node.operator]
        return {labels: series for labels, one, other, series in pairs if is_so(one, other)}
    return {labels: _ARITHMETIC[node.operator](one, other) for labels, one, other, _ in pairs}


def _quantile(share: float, buckets: Vector) -> Vector:
    """Linear within the bucket; beyond the last bound it is that bound (Prometheus' bucketQuantile)."""
    groups: dict[Labels, list[tuple[float, float]]] = defaultdict(list)
    for labels, told in buckets.items():
        bound = float(dict(labels)["le"].replace("+Inf", "inf"))
        groups[frozenset(pair for pair in labels if pair[0] != "le")].append((bound, told))
    return {labels: _within(share, sorted(each)) for labels, each in groups.items()}


def _within(share: float, buckets: list[tuple[float, float]]) -> float:
    total = buckets[-1][1]
    if not total or len(buckets) < 2 or buckets[-1][0] != math.inf:
        return math.nan
    rank, lower, below = share * total, 0.0, 0.0
    for bound, count in buckets:
        if count >= rank:
            return lower if bound == math.inf else lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = bound, count
    return lower
