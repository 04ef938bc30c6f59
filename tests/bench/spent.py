"""Run a program of Python and say what it cost: `python -m tests.bench.spent FILE MODULE [ARGUMENT...]`.

FILE gets one JSON object: seconds of CPU since the process began, and the peak of its memory in bytes. Told by the
process itself, because what a parent is told of a child's peak includes the parent's own.
"""

from __future__ import annotations

import json
import resource
import runpy
import sys
import time
from pathlib import Path


def main() -> None:
    """Do it; the exit code is the program's."""
    file, module, *rest = sys.argv[1:]
    sys.argv = [module, *rest]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        Path(file).write_text(json.dumps({"cpu": time.process_time(), "peak": peak_bytes()}))


def peak_bytes() -> int:
    """The most memory that this process had at once."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS, in bytes


if __name__ == "__main__":
    main()
