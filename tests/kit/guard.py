"""A small process between the bench and one server, so that the server never outlives the bench.

Started by processes.py as a plain script, with nothing but the standard library:

    guard.py LOG GRACE PROGRAM [ARGUMENT ...]

It starts the program in a process group of its own with output appended to LOG, writes the program's process
id to standard output, and waits. When its standard input ends, the bench has asked for the end or is dead
itself (however it died: the kernel closes the pipe), and the whole group is ended: SIGTERM, up to GRACE
seconds, SIGKILL (at once if GRACE is 0). If the guard is the one that is killed, the kernel kills the program
(PR_SET_PDEATHSIG). If the program ends by itself, so does the guard, with the same exit code.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading

#: prctl(2): the signal that this process gets when the thread that started it ends. Linux only.
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run one program until it ends or the standard input does."""
    log, grace_seconds, *command = sys.argv[1:]
    with open(log, "ab", buffering=0) as output:  # noqa: PTH123 - a guard starts faster without pathlib
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=_die_with_guard if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread
            )
        except OSError as problem:
            sys.exit(f"{command[0]}: {problem.strerror}")
    sys.stdout.write(f"{child.pid}\n")
    sys.stdout.flush()

    threading.Thread(target=_follow, args=(child,), daemon=True).start()
    sys.stdin.read()
    _end(child, float(grace_seconds))


def _die_with_guard() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _follow(child: subprocess.Popen[bytes]) -> None:
    """End the guard as soon as, and the same way as, the program ends."""
    code = child.wait()
    _signal_group(child, signal.SIGKILL)
    os._exit(code if code >= 0 else 128 - code)


def _end(child: subprocess.Popen[bytes], grace_seconds: float) -> None:
    if grace_seconds:
        _signal_group(child, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace_seconds)
    _signal_group(child, signal.SIGKILL)
    child.wait()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)


if __name__ == "__main__":
    main()
