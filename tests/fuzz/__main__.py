"""`make fuzz`: `python -m tests.fuzz [seconds]`, or the file of a finding, which is tried once more."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

#: Kept between runs, as the tools of the kit are.
FOLDER = Path.home() / ".cache" / "certwright" / "fuzz"


def main() -> None:
    """Fuzz until the time is over or something is found; the finding is a file that is named."""
    given = sys.argv[1] if len(sys.argv) > 1 else "600"
    if Path(given).is_file():
        from tests.fuzz.room import enter  # noqa: PLC0415  not before the instrumentation below

        enter(Path(given).read_bytes())
        return
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError:
        sys.exit(
            "atheris is not installed, it has no wheel for every machine; run the long profile of hypothesis instead:\n"
            "pytest --hypothesis-profile=long tests/acme/test_hostile_answers.py"
        )
    with atheris.instrument_imports(include=["certwright.acme", "certwright.pki"]):
        room = importlib.import_module("tests.fuzz.room")
        seeds = importlib.import_module("tests.fuzz.seeds")
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(f"{seeds.record(FOLDER)} answers of Pebble are the seeds in {FOLDER}", flush=True)
    flags = [f"-max_total_time={int(given)}", "-max_len=20000", "-timeout=20", "-rss_limit_mb=2048"]
    atheris.Setup([sys.argv[0], *flags, f"-artifact_prefix={FOLDER.parent}/found-", str(FOLDER)], room.enter)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
