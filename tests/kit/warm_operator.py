"""An operator that is started again and again, and costs its imports only once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tests.kit.operator_process import Operator
from tests.kit.processes import Process
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.kit.control_plane import ControlPlane
    from tests.kit.nameserver import NameServer

_WARM_START = Path(__file__).parent / "warm_start.py"
#: Seconds on a busy machine; a quiet one needs one and a half for the imports, and one to be ready.
_START_SECONDS = 60
#: As a shell reports SIGKILL: also the end of whatever keeps a life.
KILLED = 137


class WarmOperator(Operator):
    """As `Operator`: every life is a process of its own that ends as any other, it only begins after the imports.

    `close` ends what runs.
    """

    def __init__(
        self, directory: Path, plane: ControlPlane, nameserver: NameServer, flags: tuple[str, ...]
    ) -> None:
        super().__init__(directory, plane, nameserver, flags)
        self._arguments = self._command[3:]  # behind python -m certwright
        self._door = directory / "lives"
        command = [sys.executable, str(_WARM_START), str(self._door)]
        self._source = Process.start("warm start", command, self.log, {"TMPDIR": str(self._scratch)})

    def begin(self, env: Mapping[str, str] | None = None, *, wait: bool = True) -> None:
        """Start the process, also after it ended."""
        connection = eventually(self._connected, "the imports", _START_SECONDS, tolerate=(OSError,))
        life = {"arguments": self._arguments, "environment": dict(env or {})}
        connection.sendall(f"{json.dumps(life)}\n".encode())
        self.process = Life(self.log, connection)
        if wait:
            eventually(
                self.ready, "the operator to be ready", _START_SECONDS, explain=self.process.last_words
            )

    def close(self) -> None:
        """End the present life, and have no more."""
        if hasattr(self, "process"):
            self.kill()
        self._source.kill()

    def _connected(self) -> socket.socket:
        self._source.must_run()
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(self._door))
        except OSError:
            connection.close()
            raise
        return connection


class Life(Process):
    """A process that warm_start.py tells of; for any thread."""

    def __init__(self, log: Path, connection: socket.socket) -> None:
        self.name, self.log = "certwright", log
        words = connection.makefile("r")
        connection.close()  # the file keeps it open
        self.pid = int(words.readline())
        self._code: int | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._listen, args=(words,), name="life", daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether the program still runs."""
        return not self._ended.is_set()

    @property
    def exit_code(self) -> int | None:
        """As `Process` has it."""
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """As `Process` has it."""
        self._ended.wait(timeout)
        if self._code is None:
            raise subprocess.TimeoutExpired(self.name, timeout or 0)
        return self._code

    def stop(self) -> None:
        """Ask it to end, and wait until it is gone."""
        self.send(signal.SIGTERM)
        self.wait()

    def kill(self) -> None:
        """End it as a crash would, and wait until it is gone."""
        if self.running:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                # Just begun, it leads no group of its own yet; or it ended this moment.
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def _listen(self, words: TextIO) -> None:
        with words:
            self._code = int(words.readline() or KILLED)
        self._ended.set()
