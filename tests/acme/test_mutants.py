"""Tests that the table of the RFCs names fail when what they show is not so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests import claims
from tests.acme.mutants import MUTANTS
from tests.acme.mutation import Mutant, Outcome
from tests.acme.test_rfc8555 import LINES

if TYPE_CHECKING:
    from pathlib import Path

each = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.section} {mutant.wrong}")


@each
def test_what_a_mutant_replaces_is_there_exactly_once(mutant: Mutant) -> None:
    text = (claims.ROOT / "operator" / "certwright" / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1
    assert mutant.old != mutant.new


@each
def test_a_mutant_has_tests_of_its_own_section(mutant: Mutant) -> None:
    shown = {
        f"{path}::{name}"
        for line in LINES
        if line.section == mutant.section
        for path, name in claims.named(line.tests)
    }
    assert mutant.tests
    assert set(mutant.tests) <= shown


def test_many_sections_are_broken_and_no_two_mutants_have_one_name() -> None:
    assert len({mutant.wrong for mutant in MUTANTS}) == len(MUTANTS)
    assert len({mutant.section for mutant in MUTANTS}) >= 20


def test_every_mutant_is_seen_by_all_of_its_tests_and_the_unchanged_source_by_none(tmp_path: Path) -> None:
    """One process for all, in an environment of its own: its failures are no part of this run."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.acme.mutants", str(tmp_path)],
        cwd=claims.ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcomes = {wrong: Outcome(*ended) for wrong, ended in json.loads(done.stdout).items()}
    unchanged = outcomes[""]
    assert unchanged.failed == [], unchanged.output
    assert set(unchanged.passed) == {test for mutant in MUTANTS for test in mutant.tests}, unchanged.output
    survived = {
        mutant.wrong: outcomes[mutant.wrong].output
        for mutant in MUTANTS
        if set(outcomes[mutant.wrong].failed) != set(mutant.tests)
    }
    assert survived == {}
