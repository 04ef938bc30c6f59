"""Child processes of the bench: each with a log file, and none that outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_GUARD = Path(__file__).parent / "guard.py"


class EndedEarly(Exception):  # noqa: N818 - named by what happened
    """A program ended that should be running; the message has the end of its log."""


class Process:
    """One running program under its guard (guard.py says what the guard is for).

    Attributes:
        name: for messages.
        log: the file with everything the program wrote; starting again with the same file appends.
        pid: the program's process id; it leads a process group of its own.
    """

    def __init__(
        self, name: str, log: Path, pid: int, guard: subprocess.Popen[str], grace_seconds: float
    ) -> None:
        self.name = name
        self.log = log
        self.pid = pid
        self._guard = guard
        self._patience_seconds = grace_seconds + 5

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        env: Mapping[str, str] | None = None,
        grace_seconds: float = 10,
    ) -> Self:
        """Start a program.

        Args:
            name: for messages.
            command: the program and its arguments.
            log: where its output is appended.
            env: added to this process's environment.
            grace_seconds: how long it may take to end itself once asked to; 0 asks for no such thing.

        Raises:
            EndedEarly: there is no such program, or it may not be run.
        """
        guard = subprocess.Popen(
            [sys.executable, "-I", "-S", _GUARD, log, str(grace_seconds), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | dict(env or {}),
            start_new_session=True,  # Ctrl-C is for the bench, which then stops its servers in order
        )
        assert guard.stdout
        pid = guard.stdout.readline()
        if not pid:
            raise EndedEarly(f"{name} did not start: {guard.communicate()[1].strip()}")
        return cls(name, log, int(pid), guard, grace_seconds)

    @property
    def running(self) -> bool:
        """Whether the program still runs."""
        return self._guard.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The program's exit code, 128 plus the signal that ended it, or None while it runs."""
        return self._guard.poll()

    def must_run(self) -> None:
        """Check that the program has not ended.

        Raises:
            EndedEarly: it has.
        """
        if not self.running:
            raise EndedEarly(f"{self.name} ended with exit code {self.exit_code}; {self.last_words()}")

    def await_ready(
        self,
        answers: Callable[[], bool],
        what: str,
        seconds: float = 30,
        tolerate: tuple[type[Exception], ...] = (),
    ) -> None:
        """Wait until the program answers; one that does not is ended.

        Args:
            answers: asked again and again.
            what: for the message, as "Pebble to answer".
            seconds: how long.
            tolerate: what `answers` may raise meanwhile.

        Raises:
            WaitedInVain, EndedEarly: it did not; the message has the end of its log.
        """

        def looked() -> bool:
            self.must_run()
            return answers()

        try:
            eventually(looked, what, seconds, tolerate=tolerate, explain=self.last_words)
        except BaseException:
            self.kill()
            raise

    def last_words(self, lines: int = 30) -> str:
        """The end of the log, for messages."""
        words = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([f"the end of {self.log}:", *words])

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program alone."""
        if self.running:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the program as a crash would (SIGKILL to its whole group), and wait until it is gone."""
        if self.running:
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """Ask the program to end, insist when its grace is over, and wait until it is gone."""
        assert self._guard.stdin
        self._guard.stdin.close()
        self.wait()

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the program has ended, and return its exit code.

        Args:
            timeout: seconds; left out, a little longer than its grace.

        Raises:
            subprocess.TimeoutExpired: it has not ended in time.
        """
        code = self._guard.wait(self._patience_seconds if timeout is None else timeout)
        for pipe in (self._guard.stdin, self._guard.stdout, self._guard.stderr):
            if pipe:
                pipe.close()
        return code
