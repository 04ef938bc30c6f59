"""Checkpoints: where the process dies in tests, and where nothing may begin."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from certwright.engine.checkpoints import guarded, killer
from certwright.engine.fence import Fence, NotLeading

PROGRAM = """
from certwright.engine.checkpoints import killer
checkpoint = killer({kill_at!r})
for point in ("before:finalize", "after:finalize", "before:finalize", "after:finalize"):
    print(point, flush=True)
    checkpoint(point)
"""


@pytest.mark.parametrize(
    ("kill_at", "points"), [("after:finalize", 2), ("after:finalize:2", 4), ("before:finalize:2", 3)]
)
def test_the_process_dies_at_the_named_passing(kill_at: str, points: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(kill_at=kill_at)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert len(done.stdout.splitlines()) == points


@pytest.mark.parametrize("kill_at", ["", "after:store-secret", "after:finalize:3"])
def test_it_lives_where_the_point_is_not_passed_so_often(kill_at: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(kill_at=kill_at)], check=False)
    assert done.returncode == 0


class Elector:
    term = 0


def test_nothing_begins_without_the_lead_but_what_was_begun_may_be_noted() -> None:
    passed: list[str] = []
    elector = Elector()
    checkpoint = guarded(Fence(elector), passed.append)
    with pytest.raises(NotLeading):
        checkpoint("before:finalize")
    checkpoint("after:finalize")
    elector.term = 1
    checkpoint("before:finalize")
    assert passed == ["before:finalize", "after:finalize", "before:finalize"]


def test_without_a_name_a_killer_does_nothing() -> None:
    killer("")("before:finalize")
