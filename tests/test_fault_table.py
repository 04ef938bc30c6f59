"""The table of faults says what is so: a line for each fault, and every test that it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
#: First and last of each range that must be in the table.
RANGES = ((1, 9), (15, 27), (33, 46), (101, 105))
REQUIRED = [f"F{number:02}" for number in chain.from_iterable(range(a, b + 1) for a, b in RANGES)]
#: In the last cell where nothing is left out.
NOTHING = "none"
TEST_ID = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


class Line(NamedTuple):
    """A row of the table."""

    number: str
    happens: str
    shall_be: str
    tests: str
    gap: str

    @property
    def named(self) -> list[tuple[str, str]]:
        """File and function of each test."""
        return TEST_ID.findall(self.tests)


def lines() -> list[Line]:
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in (ROOT / "tests" / "faults.md").read_text(encoding="utf-8").splitlines()
        if re.match(r"\| F\d", line)
    ]
    assert [row for row in rows if len(row) != len(Line._fields)] == [], "a | in a cell?"
    return [Line(*row) for row in rows]


@cache
def known_tests(path: str) -> frozenset[str]:
    """Names of the test functions of a file."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def test_every_fault_has_one_line_and_they_stand_in_order() -> None:
    numbers = [line.number for line in lines()]
    assert sorted(set(REQUIRED) - set(numbers)) == []
    assert numbers == sorted(set(numbers), key=lambda number: int(number[1:]))


@pytest.mark.parametrize("line", lines(), ids=lambda line: line.number)
def test_a_line_names_a_test_or_says_why_there_is_none(line: Line) -> None:
    assert line.happens
    assert line.shall_be
    assert line.gap
    assert line.named or line.gap != NOTHING, "neither a test nor a reason"
    unread = TEST_ID.sub("", line.tests).replace("<br>", "").strip()
    assert unread == "", "not of the form `tests/file.py::name`"


@pytest.mark.parametrize("line", lines(), ids=lambda line: line.number)
def test_every_test_that_is_named_is_there(line: Line) -> None:
    assert [f"{path}::{name}" for path, name in line.named if name not in known_tests(path)] == []


def test_what_is_not_a_test_is_missed() -> None:
    assert "test_nothing" not in known_tests("tests/test_fault_table.py")
    assert "known_tests" not in known_tests("tests/test_fault_table.py")
    assert known_tests("tests/test_no_such_file.py") == frozenset()
