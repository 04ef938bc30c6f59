"""Reads PromQL as far as our alerts and dashboard use it: syntax, and which metrics and labels an expression names.

A careful reader of a part of the language: what it does not know it refuses, so that whoever writes more than this
understands has to teach it. `promql_values.py` works out what an expression is worth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

#: Labels that scraping adds (Prometheus Operator, PodMonitor).
OF_TARGETS = frozenset({"namespace", "pod", "container", "job", "instance"})
AGGREGATIONS = frozenset({"sum", "max", "min", "count", "topk", "bottomk"})
#: Those that take a number first.
OF_SOME = frozenset({"topk", "bottomk"})
#: Number of arguments.
FUNCTIONS = {"time": 0, "absent": 1, "increase": 1, "rate": 1, "histogram_quantile": 2}
#: Those that take a range, such as `metric[15m]`.
OF_RANGES = frozenset({"increase", "rate"})
#: Operators between sets of series.
OF_SETS = frozenset({"and", "or", "unless"})
#: Operators from those that bind least.
LEVELS = (("or",), ("and", "unless"), ("==", "!=", "<=", ">=", "<", ">"), ("+", "-"), ("*", "/"))
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<duration>\d+(?:ms|[smhdwy])\b)|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)|(?P<sign>==|!=|=~|!~|<=|>=|[-+*/%<>=(){}\[\],]))"""
)


class NotPromql(Exception):  # noqa: N818 - named by what happened
    """The expression is none, or none that this understands."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a label must be: `operator` is `=`, `!=`, `=~` or `!~`."""

    label: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """Series by name and labels; with `seconds` all their samples of that time."""

    metric: str
    matchers: tuple[Matcher, ...]
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A function."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One value of many, for each combination of the labels in `by`; `some` is the k of topk."""

    name: str
    by: tuple[str, ...]
    operand: Node
    some: Node | None = None


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two; `on` are the labels by which series are matched, None for all of them."""

    operator: str
    left: Node
    right: Node
    on: tuple[str, ...] | None = None


Node: TypeAlias = Number | Selector | Call | Aggregation | Binary


@dataclass
class Reading:
    """What an expression names.

    Attributes:
        matched: labels in the braces behind each metric.
        grouped: labels by which values are grouped or matched.
    """

    matched: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    grouped: set[str] = field(default_factory=set)

    @property
    def metrics(self) -> set[str]:
        """Every metric."""
        return {name for name, _ in self.matched}


def parse(expression: str) -> Node:
    """The expression as a tree.

    Raises:
        NotPromql: it cannot be read.
    """
    parser = _Parser(_tokens(expression))
    node = parser.binary(0)
    if parser.rest:
        raise NotPromql(f"{parser.rest[0]} comes after the end")
    return node


def read(expression: str) -> Reading:
    """What an expression names.

    Raises:
        NotPromql: it cannot be read.
    """
    reading = Reading()
    _walk(parse(expression), reading)
    return reading


def _walk(node: Node, reading: Reading) -> None:
    match node:
        case Number():
            return
        case Selector(metric, matchers):
            reading.matched.append((metric, frozenset(each.label for each in matchers)))
        case Call(_, arguments):
            for each in arguments:
                _walk(each, reading)
        case Aggregation(_, by, operand):
            reading.grouped.update(by)
            _walk(operand, reading)
        case Binary(_, left, right, on):
            reading.grouped.update(on or ())
            _walk(left, reading)
            _walk(right, reading)


def _tokens(expression: str) -> list[str]:
    tokens, at, text = [], 0, expression.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotPromql(f"cannot read {text[at:]!r}")
        tokens.append(found[0].strip())
        at = found.end()
    return tokens


class _Parser:
    """Recursive descent; each method reads one part of the grammar off the front."""

    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens

    def _next(self) -> str:
        return self.rest[0] if self.rest else ""

    def _take(self, *wanted: str) -> str:
        token = self._next()
        if not token or (wanted and token not in wanted):
            raise NotPromql(f"{token or 'the end'} stands where {' or '.join(wanted) or 'more'} is needed")
        return self.rest.pop(0)

    def binary(self, level: int) -> Node:
        """Operators of a level and above; those of one level are taken from the left."""
        if level == len(LEVELS):
            return self._operand()
        left = self.binary(level + 1)
        while self._next() in LEVELS[level]:
            operator, on = self._take(), None
            if self._next() == "on":
                self._take()
                on = self._labels()
            left = Binary(operator, left, self.binary(level + 1), on)
        return left

    def _operand(self) -> Node:
        word = self._take()
        if word == "(":
            inner = self.binary(0)
            self._take(")")
            return inner
        if word in AGGREGATIONS:
            return self._aggregation(word)
        if word in FUNCTIONS:
            return self._function(word)
        if re.fullmatch(r"\d+(\.\d+)?", word):
            return Number(float(word))
        if re.fullmatch(r"[A-Za-z_:]\w*", word) and word not in OF_SETS | {"by", "on"}:
            selector = self._selector(word)
            if selector.seconds is None:
                return selector
            raise NotPromql(f"a range of {word} stands where one value is needed")
        raise NotPromql(f"{word} is no operand")

    def _aggregation(self, name: str) -> Node:
        by: tuple[str, ...] = ()
        if self._next() == "by":
            self._take()
            by = self._labels()
        *some, operand = self._arguments(name, 2 if name in OF_SOME else 1)
        return Aggregation(name, by, operand, *some)

    def _function(self, name: str) -> Node:
        if name not in OF_RANGES:
            return Call(name, tuple(self._arguments(name, FUNCTIONS[name])))
        self._take("(")
        selector = self._selector(self._take())
        self._take(")")
        if selector.seconds is None:
            raise NotPromql(f"{name} without a range")
        return Call(name, (selector,))

    def _arguments(self, name: str, count: int) -> list[Node]:
        self._take("(")
        found: list[Node] = []
        while self._next() != ")":
            if found:
                self._take(",")
            found.append(self.binary(0))
        self._take(")")
        if len(found) != count:
            raise NotPromql(f"{name} with {len(found)} arguments")
        return found

    def _selector(self, metric: str) -> Selector:
        matchers: list[Matcher] = []
        if self._next() == "{":
            self._take()
            while self._next() != "}":
                if matchers:
                    self._take(",")
                matchers.append(self._matcher())
            self._take("}")
        if self._next() != "[":
            return Selector(metric, tuple(matchers))
        self._take()
        found = re.fullmatch(r"(\d+)(ms|[smhdwy])", self._take())
        if found is None:
            raise NotPromql("a range is no duration")
        self._take("]")
        return Selector(metric, tuple(matchers), int(found[1]) * SECONDS[found[2]])

    def _matcher(self) -> Matcher:
        label, operator, value = self._take(), self._take("=", "!=", "=~", "!~"), self._take()
        if not value.startswith('"'):
            raise NotPromql(f"{operator} {value} has no quotes")
        if operator in ("=~", "!~"):
            re.compile(value[1:-1])
        return Matcher(label, operator, value[1:-1])

    def _labels(self) -> tuple[str, ...]:
        self._take("(")
        labels: list[str] = []
        while self._next() != ")":
            if labels:
                self._take(",")
            labels.append(self._take())
        self._take(")")
        return tuple(labels)
