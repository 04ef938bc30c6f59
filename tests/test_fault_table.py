"""The table of faults says what is so: a line for each fault, and every test that it names is there."""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import pytest

from tests import claims

#: First and last of each range that must be in the table.
RANGES = ((1, 9), (15, 27), (33, 68), (101, 105))
REQUIRED = [f"F{number:02}" for number in chain.from_iterable(range(a, b + 1) for a, b in RANGES)]
#: In the last cell where nothing is left out.
NOTHING = "none"


class Line(NamedTuple):
    """A row of the table."""

    number: str
    happens: str
    shall_be: str
    tests: str
    gap: str


def lines() -> list[Line]:
    return [Line(*row) for row in claims.rows("tests/faults.md", r"F\d", len(Line._fields))]


def test_every_fault_has_one_line_and_they_stand_in_order() -> None:
    numbers = [line.number for line in lines()]
    assert sorted(set(REQUIRED) - set(numbers)) == []
    assert numbers == sorted(set(numbers), key=lambda number: int(number[1:]))


@pytest.mark.parametrize("line", lines(), ids=lambda line: line.number)
def test_a_line_names_a_test_or_says_why_there_is_none(line: Line) -> None:
    assert line.happens
    assert line.shall_be
    assert line.gap
    assert claims.named(line.tests) or line.gap != NOTHING, "neither a test nor a reason"
    assert claims.unread(line.tests) == "", "not of the form `tests/file.py::name`"


@pytest.mark.parametrize("line", lines(), ids=lambda line: line.number)
def test_every_test_that_is_named_is_there(line: Line) -> None:
    assert claims.missing(line.tests) == []


def test_what_is_not_a_test_is_missed() -> None:
    assert claims.missing("`tests/test_fault_table.py::test_nothing`")
    assert claims.missing("`tests/claims.py::known_tests`")
    assert claims.missing("`tests/test_no_such_file.py::test_it`")
    assert claims.unread("`tests/claims.py::missing`<br> and more") == "and more"
