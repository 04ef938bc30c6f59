"""Reads PromQL as far as our alerts and dashboard use it: syntax, and which metrics and labels an expression names.

A careful reader of a part of the language, not an engine: what it does not know it refuses, so that whoever writes more
than this understands has to teach it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: Labels that scraping adds (Prometheus Operator, PodMonitor).
OF_TARGETS = frozenset({"namespace", "pod", "container", "job", "instance"})
AGGREGATIONS = frozenset({"sum", "max", "min", "avg", "count", "topk", "bottomk"})
#: Number of arguments.
FUNCTIONS = {"time": 0, "absent": 1, "increase": 1, "rate": 1, "histogram_quantile": 2}
#: Those that take a range, such as `metric[15m]`.
OF_RANGES = frozenset({"increase", "rate"})
#: Operators from those that bind least.
LEVELS = (("or",), ("and", "unless"), ("==", "!=", "<=", ">=", "<", ">"), ("+", "-"), ("*", "/", "%"))
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<duration>\d+(?:ms|[smhdwy])\b)|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)|(?P<sign>==|!=|=~|!~|<=|>=|[-+*/%<>=(){}\[\],]))"""
)


class NotPromql(Exception):  # noqa: N818 - named by what happened
    """The expression is none, or none that this understands."""


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


def read(expression: str) -> Reading:
    """What an expression names.

    Raises:
        NotPromql: it cannot be read.
    """
    reader = _Reader(_tokens(expression))
    reader.binary(0)
    if reader.rest:
        raise NotPromql(f"{reader.rest[0]} comes after the end")
    return reader.reading


def _tokens(expression: str) -> list[str]:
    tokens, at, text = [], 0, expression.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotPromql(f"cannot read {text[at:]!r}")
        tokens.append(found[0].strip())
        at = found.end()
    return tokens


class _Reader:
    """Recursive descent; each method reads one part of the grammar off the front."""

    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens
        self.reading = Reading()

    def _next(self) -> str:
        return self.rest[0] if self.rest else ""

    def _take(self, *wanted: str) -> str:
        token = self._next()
        if not token or (wanted and token not in wanted):
            raise NotPromql(f"{token or 'the end'} stands where {' or '.join(wanted) or 'more'} is needed")
        return self.rest.pop(0)

    def binary(self, level: int) -> None:
        """Operators of a level and above."""
        if level == len(LEVELS):
            self._operand()
            return
        self.binary(level + 1)
        while self._next() in LEVELS[level]:
            self._take()
            if self._next() == "on":
                self._take()
                self.reading.grouped |= self._labels()
            self.binary(level + 1)

    def _operand(self) -> None:
        word = self._take()
        if word == "(":
            self.binary(0)
            self._take(")")
        elif word in AGGREGATIONS:
            self._aggregation(word)
        elif word in FUNCTIONS:
            self._function(word)
        elif re.fullmatch(r"[A-Za-z_:]\w*", word) and word not in ("by", "on", "and", "or", "unless"):
            self._selector(word)
        elif not re.fullmatch(r"\d+(\.\d+)?", word):
            raise NotPromql(f"{word} is no operand")

    def _aggregation(self, name: str) -> None:
        if self._next() == "by":
            self._take()
            self.reading.grouped |= self._labels()
        count = self._arguments()
        if count != (2 if name in ("topk", "bottomk") else 1):
            raise NotPromql(f"{name} with {count} arguments")

    def _function(self, name: str) -> None:
        ranges = self.rest.count("[")
        count = self._arguments()
        if count != FUNCTIONS[name]:
            raise NotPromql(f"{name} with {count} arguments")
        if name in OF_RANGES and self.rest.count("[") == ranges:
            raise NotPromql(f"{name} without a range")

    def _arguments(self) -> int:
        self._take("(")
        count = 0
        while self._next() != ")":
            if count:
                self._take(",")
            self.binary(0)
            count += 1
        self._take(")")
        return count

    def _selector(self, metric: str) -> None:
        labels: set[str] = set()
        if self._next() == "{":
            self._take()
            while self._next() != "}":
                if labels:
                    self._take(",")
                labels.add(self._take())
                operator = self._take("=", "!=", "=~", "!~")
                value = self._take()
                if not value.startswith('"'):
                    raise NotPromql(f"{operator} {value} has no quotes")
                if operator in ("=~", "!~"):
                    re.compile(value[1:-1])
            self._take("}")
        if self._next() == "[":
            self._take()
            if not re.fullmatch(r"\d+(ms|[smhdwy])", self._take()):
                raise NotPromql("a range is no duration")
            self._take("]")
        self.reading.matched.append((metric, frozenset(labels)))

    def _labels(self) -> set[str]:
        self._take("(")
        labels: set[str] = set()
        while self._next() != ")":
            if labels:
                self._take(",")
            labels.add(self._take())
        self._take(")")
        return labels
