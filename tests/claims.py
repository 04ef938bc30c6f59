"""Pages that claim something in each row of a table, and name the tests that show it.

A test is named as `tests/room/test_file.py::test_name`; several in one cell are parted by `<br>`.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEST_ID = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows(page: str, first: str, width: int) -> list[list[str]]:
    """The cells of all rows whose first cell begins like this.

    Args:
        page: a path in the repository.
        first: a regular expression.
        width: how many cells a row has.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if re.match(rf"\| {first}", line)
    ]
    assert [row for row in found if len(row) != width] == [], "a | in a cell?"
    return found


def named(cell: str) -> list[tuple[str, str]]:
    """File and function of each test that a cell names."""
    return TEST_ID.findall(cell)


def unread(cell: str) -> str:
    """What stands in a cell of tests besides their names, which should be nothing."""
    return TEST_ID.sub("", cell).replace("<br>", "").strip()


def missing(cell: str) -> list[str]:
    """Tests that a cell names and that are not there."""
    return [f"{path}::{name}" for path, name in named(cell) if name not in known_tests(path)]


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
