"""Imports certwright once and is then, by fork, as many operators as are asked for: a restart costs no imports.

Started by warm_operator.py:

    warm_start.py SOCKET

Each connection to the socket is one life: its first line holds the arguments and the environment as JSON; it answers
the process id when the life begins, and the exit code, 128 plus the signal that ended it, when it is over.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
from typing import Any, NoReturn

import certwright.app
import certwright.cli.run  # noqa: F401  what takes the time
from certwright.cli.main import main

#: prctl(2): the signal that this process gets when its parent ends. Linux only.
_PR_SET_PDEATHSIG = 1


def serve(path: str) -> NoReturn:
    """Wait for lives to be asked for; this process itself never has a second thread."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers are not waited for
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            os._exit(_keep(connection))
        connection.close()


def _keep(connection: socket.socket) -> int:
    """Have one life, and tell of its begin and end."""
    _end_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection, connection.makefile("r") as asked:
        life = json.loads(asked.readline())
        pid = os.fork()
        if pid == 0:
            _live(connection, life)
        connection.sendall(f"{pid}\n".encode())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        connection.sendall(f"{code if code >= 0 else 128 - code}\n".encode())
    return 0


def _live(connection: socket.socket, life: dict[str, Any]) -> NoReturn:
    os.setpgid(0, 0)
    _end_with_parent()
    connection.detach()
    os.environ.update(life["environment"])
    sys.argv = ["certwright", *life["arguments"]]
    code = 1
    try:
        main()
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    serve(sys.argv[1])
