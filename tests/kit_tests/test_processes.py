"""Nothing that the bench starts outlives it, and waiting for something in vain says what was waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.kit.ports import free_port
from tests.kit.processes import EndedEarly, Process
from tests.kit.waiting import WaitedInVain, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A program with a child of its own, which writes both process ids and then waits for ever.
FAMILY = ["sh", "-c", "sleep 1000 & echo $$ $!; wait"]

#: The same, deaf to SIGTERM.
STUBBORN = ["sh", "-c", "trap '' TERM; echo ready; while true; do sleep 1000 & wait; done"]


def is_alive(pid: int) -> bool:
    """Whether the process exists and is more than a corpse that nobody has buried yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it goes between open and read
        return False


def family(log: Path) -> list[int]:
    """The process ids that FAMILY wrote."""
    return [int(pid) for pid in eventually(log.read_text, "the family to tell its ids").split()]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    running = Process.start("family", FAMILY, tmp_path / "log")
    yield running
    running.kill()


def test_stopping_ends_the_program_and_its_children(process: Process) -> None:
    pids = family(process.log)
    assert pids[0] == process.pid
    assert process.running
    process.stop()
    # An orphan is buried by init, a moment after it was killed.
    eventually(lambda: not any(map(is_alive, pids)), "both to be gone")
    assert process.exit_code == 128 + signal.SIGTERM


@pytest.mark.parametrize("grace_seconds", [0, 0.2])
def test_a_program_that_will_not_end_is_ended_when_its_grace_is_over(
    tmp_path: Path, grace_seconds: float
) -> None:
    log = tmp_path / "log"
    process = Process.start("stubborn", STUBBORN, log, grace_seconds=grace_seconds)
    eventually(log.read_text, "it to be deaf")
    process.stop()
    assert process.exit_code == 128 + signal.SIGKILL
    assert not is_alive(process.pid)


def test_killing_ends_the_program_and_its_children(process: Process) -> None:
    pids = family(process.log)
    process.kill()
    process.kill()
    eventually(lambda: not any(map(is_alive, pids)), "both to be gone")
    assert process.exit_code == 128 + signal.SIGKILL


@pytest.mark.parametrize("victim", ["parent", "guard"])
def test_when_its_parent_or_its_guard_is_killed_the_program_goes_too(tmp_path: Path, victim: str) -> None:
    log = tmp_path / "log"
    script = (
        "import sys, pathlib; from tests.kit.processes import Process\n"
        "process = Process.start('family', sys.argv[2:], pathlib.Path(sys.argv[1]))\n"
        "print(process._guard.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(log), *FAMILY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        guard = int(parent.stdout.readline())
        pids = family(log)
        os.kill(parent.pid if victim == "parent" else guard, signal.SIGKILL)
        eventually(lambda: not is_alive(pids[0]), "the program to be gone")
        eventually(lambda: not is_alive(guard), "the guard to be gone")
        parent.kill()
        if victim == "parent":
            eventually(lambda: not is_alive(pids[1]), "the program's child to be gone")
        elif is_alive(pids[1]):  # only a guard that lives can end children of the program
            os.kill(pids[1], signal.SIGKILL)


def test_a_program_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    process = Process.start("brief", ["sh", "-c", "echo oh no; exit 3"], tmp_path / "log")
    assert process.wait() == 3
    with pytest.raises(EndedEarly, match=r"(?s)brief ended with exit code 3; the end of .*oh no"):
        process.must_run()
    process.send(signal.SIGTERM)
    process.kill()


def test_a_program_that_does_not_exist_says_so(tmp_path: Path) -> None:
    with pytest.raises(EndedEarly, match="ghost did not start: /no/such/program: No such file"):
        Process.start("ghost", ["/no/such/program"], tmp_path / "log")


def test_the_log_goes_on_after_a_restart(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for word in ("first", "second"):
        Process.start("brief", ["sh", "-c", "echo $WORD"], log, {"WORD": word}).wait()
    assert log.read_text() == "first\nsecond\n"


def test_waiting_returns_what_was_waited_for() -> None:
    answers = iter(["", "", "here"])
    assert eventually(lambda: next(answers), "an answer") == "here"


def test_waiting_in_vain_tells_what_was_seen_last() -> None:
    def look() -> bool:
        raise KeyError("not there yet")

    with pytest.raises(
        WaitedInVain, match=r"waited 0 s for a miracle; last seen: KeyError: 'not there yet'\nlog"
    ):
        eventually(look, "a miracle", timeout=0, tolerate=(KeyError,), explain=lambda: "log")


def test_ports_are_free_and_handed_out_once() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert max(ports) < 32768
