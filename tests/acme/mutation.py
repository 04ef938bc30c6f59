"""Runs tests against mutants: in a copy of the source tree one text is replaced, and its tests must fail.

The process imports once what takes long, and forks for each mutant; so it must not import the operator itself.
"""

from __future__ import annotations

import compileall
import gc
import importlib
import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[2]
#: What tests of the ACME room and their fixtures import from elsewhere.
_SLOW_IMPORTS = (
    "hypothesis",
    "josepy.jwk",
    "kopf",
    "kubernetes",
    "msgspec",
    "prometheus_client",
    "requests",
    "trustme",
)
#: Plain, because what is imported already cannot be rewritten, and nobody reads the messages.
_ARGUMENTS = ("-q", "--assert=plain", "-p", "no:cacheprovider", "-rN")


class Mutant(NamedTuple):
    """One wrong thing.

    Attributes:
        section: of the line in rfc8555.md that is not true any more.
        wrong: what the client does then, as words.
        file: below `operator/certwright`.
        old: a text that stands there exactly once.
        new: what stands there instead.
        tests: path and name of each, all of which must fail.
    """

    section: str
    wrong: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


class Outcome(NamedTuple):
    """How a run ended.

    Attributes:
        passed, failed: tests; one with many parameters failed if it did with any.
        output: what pytest said, to explain what is in neither.
    """

    passed: list[str]
    failed: list[str]
    output: str


class _Results:
    """Collects how tests ended, as a plugin of pytest. What breaks before a test begins is no failure of it."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            test = report.nodeid.partition("[")[0]
            (self.passed if report.passed else self.failed).add(test)


def try_all(mutants: Sequence[Mutant], directory: Path) -> dict[str, Outcome]:
    """What became of each mutant, by what is wrong with it; under "" all their tests against the unchanged copy.

    Args:
        mutants: of any sections.
        directory: an empty one, for the copy.
    """
    source = directory / "certwright"
    shutil.copytree(ROOT / "operator" / "certwright", source, ignore=shutil.ignore_patterns("__pycache__"))
    # Compiled files that are compared by their content: times have whole seconds, and a mutant lives for less.
    compileall.compile_dir(source, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    outcomes = {"": _run(directory, {test for mutant in mutants for test in mutant.tests})}
    for mutant in mutants:
        path = source / mutant.file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        outcomes[mutant.wrong] = _run(directory, mutant.tests)
        path.write_text(text, encoding="utf-8")
    return outcomes


def _run(directory: Path, tests: Iterable[str]) -> Outcome:
    """Run pytest in a child of this process, with the operator imported from `directory`."""
    told, results = directory / "told", directory / "results"
    results.write_text("[[], []]", encoding="utf-8")
    child = os.fork()
    if child == 0:
        _be_the_child(directory, sorted(tests), told, results)
    os.waitpid(child, 0)
    passed, failed = json.loads(results.read_text(encoding="utf-8"))
    return Outcome(passed, failed, told.read_text(encoding="utf-8"))


def _be_the_child(directory: Path, tests: list[str], told: Path, results: Path) -> None:
    """Run the tests, write down how they ended, and do not come back."""
    try:
        output = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(directory))
        found = _Results()
        pytest.main([*_ARGUMENTS, *tests], plugins=[found])
        from certwright import __file__ as imported  # noqa: PLC0415  from the copy, and from nowhere else

        assert imported.startswith(str(directory)), imported
        ended = [sorted(found.passed - found.failed), sorted(found.failed)]
        results.write_text(json.dumps(ended), encoding="utf-8")
    except BaseException:  # noqa: BLE001  whatever it is, this is the child, and must not go on as its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def main(mutants: Sequence[Mutant]) -> None:
    """Try all in the directory that the command line names, and print the outcomes as JSON."""
    for name in _SLOW_IMPORTS:
        importlib.import_module(name)
    assert "certwright" not in sys.modules
    gc.freeze()  # or each child would look through all of it, twice
    print(json.dumps(try_all(mutants, Path(sys.argv[1]))))
