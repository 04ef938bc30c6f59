"""The table of reasons is complete, says nothing that nobody says, and is what the page tells."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from certwright.resources.causes import CAUSES, Resolves
from certwright.resources.conditions import Reason
from tests.resources.reasons_page import PAGE, page

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]
OPERATOR = TESTS.parent / "operator" / "certwright"
#: Where the table itself stands.
TABLE = {OPERATOR / "resources" / name for name in ("conditions.py", "causes.py")}
#: Tests that need servers, or are about all reasons alike.
NOT_UNIT = {TESTS / folder for folder in ("cluster", "node", "chart", "bench")}
EACH = pytest.mark.parametrize("reason", list(Reason), ids=lambda reason: reason.name)
#: A member that stands in one of these is asked for, not said.
ASKED = (ast.Compare, ast.MatchClass, ast.MatchValue)


def test_the_page_tells_the_table() -> None:
    assert PAGE.read_text() == page(), "run `make format`"


def test_every_reason_has_its_cause() -> None:
    assert set(CAUSES) == set(Reason)


@EACH
def test_every_reason_has_a_word_a_meaning_a_cause_and_a_fix(reason: Reason) -> None:
    assert re.fullmatch(r"([A-Z][a-z]*|[A-Z]+)+", reason.word)
    assert len(reason.word) <= 128
    texts = (reason.meaning, reason.fix, CAUSES[reason].usual)
    for text in texts:
        assert text.endswith(".")
        assert len(text) > len("Wait")
        assert "|" not in text, "it would end the cell of the page's table"
    assert len(set(texts)) == len(texts)


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those within a question."""
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, ASKED):
            yield child
            yield from _nodes(child)


def _members(node: ast.AST) -> Iterator[str]:
    """Names of the members that stand here, as `Reason.NAME` or as their word."""
    match node:
        case ast.Attribute(value=ast.Name(id="Reason"), attr=name):
            yield name
        case ast.Constant(value=str() as text) if text in WORDS:
            yield WORDS[text]
        case _:
            return


WORDS = {reason.word: reason.name for reason in Reason}
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in OPERATOR.rglob("*.py")}
SAID = {
    name
    for path, tree in TREES.items()
    if path not in TABLE
    for node in _nodes(tree)
    for name in _members(node)
}


@EACH
def test_every_reason_is_said_somewhere_in_the_operator(reason: Reason) -> None:
    """A word that nobody says would be documentation of nothing."""
    assert reason.name in SAID


def test_a_reason_that_is_only_asked_for_is_not_said() -> None:
    asked = ast.parse(
        "if setback.reason == Reason.REJECTED.word:\n    wait(Reason.RATE_LIMITED.word, 'CAError')"
    )
    assert [name for node in _nodes(asked) for name in _members(node)] == ["RATE_LIMITED", "CA_ERROR"]


def _texts() -> Iterator[str]:
    for path in TESTS.rglob("test_*.py"):
        if path != Path(__file__) and not NOT_UNIT & set(path.parents):
            yield path.read_text(encoding="utf-8")


UNIT_TESTS = "\n".join(_texts())


@EACH
def test_every_reason_is_named_by_a_unit_test(reason: Reason) -> None:
    named = re.search(rf"\bReason\.{reason.name}\b|[\"']{reason.word}\b", UNIT_TESTS) is not None
    assert named


def _raised() -> Iterator[tuple[str, str]]:
    """Class and reason of each setback that is raised or made from a table, where both stand there."""
    for tree in TREES.values():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            arguments = node.args
            if name == "Remedy":
                name, arguments = ast.unparse(arguments[0]), arguments[1:]
            if arguments and name in ("TryLater", "NeedsPerson", "NotYet"):
                first = arguments[0]
                first = first.value if isinstance(first, ast.Attribute) and first.attr == "word" else first
                for member in _members(first):
                    yield name, member


def test_who_ends_it_is_what_the_operator_does() -> None:
    """What is only ever a person's is told so, and what is only ever tried again is not."""
    raised = set(_raised())
    kinds = {reason: {kind for kind, name in raised if name == reason.name} for reason in Reason}
    for_people = {reason for reason in Reason if kinds[reason] == {"NeedsPerson"}}
    retried = {reason for reason in Reason if kinds[reason] == {"TryLater"}}
    assert len(for_people) > 8
    assert len(retried) > 8
    assert [each for each in for_people if CAUSES[each].resolves is not Resolves.PERSON] == []
    assert [each for each in retried if CAUSES[each].resolves in (Resolves.PERSON, Resolves.FINE)] == []
