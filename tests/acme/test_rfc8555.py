"""The table of the RFCs says what is so: a line for each section, and every test that it names is there."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import pytest

from tests import claims

PAGE = "tests/acme/rfc8555.md"
#: How many lines each section has: one for each thing that it asks of a client.
SECTIONS = {
    "6.1": 3,
    "6.2": 3,
    "6.3": 2,
    "6.4": 1,
    "6.5": 3,
    "6.6": 3,
    "6.7": 2,
    "6.7.1": 1,
    "7.1": 2,
    "7.1.1": 3,
    "7.1.2": 1,
    "7.1.2.1": 1,
    "7.1.3": 2,
    "7.1.4": 1,
    "7.1.5": 1,
    "7.1.6": 1,
    "7.2": 1,
    "7.3": 3,
    "7.3.1": 1,
    "7.3.2": 1,
    "7.3.3": 1,
    "7.3.4": 1,
    "7.3.5": 1,
    "7.3.6": 1,
    "7.4": 6,
    "7.4.1": 1,
    "7.4.2": 2,
    "7.5": 1,
    "7.5.1": 2,
    "7.5.2": 1,
    "7.6": 1,
    "8.1": 1,
    "8.2": 1,
    "8.3": 1,
    "8.4": 1,
    "9.7": 1,
    "10": 1,
    "ARI 4.1": 2,
    "ARI 4.2": 5,
    "ARI 4.3": 3,
    "ARI 5": 2,
}
#: How the last cell begins where nothing is left out.
NOTHING = "none"
#: Features that are not there; whoever builds one names its tests.
NOT_BUILT = {"7.3.5", "7.3.6", "7.4.1", "7.6"}


class Line(NamedTuple):
    """A row of the table."""

    section: str
    must: str
    tests: str
    gap: str


def lines() -> list[Line]:
    return [Line(*row) for row in claims.rows(PAGE, r"(ARI )?\d", len(Line._fields))]


LINES = lines()
each = pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.section}: {line.must[:40]}")


def test_every_section_has_its_lines_and_they_stand_in_order() -> None:
    found = [line.section for line in LINES]
    assert Counter(found) == SECTIONS
    assert list(dict.fromkeys(found)) == list(SECTIONS)


def test_no_line_stands_there_twice() -> None:
    assert len({line.must for line in LINES}) == len(LINES)


@each
def test_a_line_names_a_test_or_says_why_there_is_none(line: Line) -> None:
    assert line.must.endswith(".")
    assert line.gap
    assert claims.unread(line.tests) == "", "not of the form `tests/file.py::name`"
    assert bool(claims.named(line.tests)) == (line.section not in NOT_BUILT)
    assert claims.named(line.tests) or not line.gap.startswith(NOTHING), "neither a test nor a reason"


@each
def test_every_test_that_is_named_is_there(line: Line) -> None:
    assert claims.missing(line.tests) == []
