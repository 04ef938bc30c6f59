"""A base for our image without any registry: Debian's packages, unpacked by mmdebstrap into one archive.

It has what the Dockerfile asks of its base: Python with venv, a shell, and the C library's tools.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.kit import go_build

_PACKAGES = (
    "base-files",
    "bash",
    "ca-certificates",
    "coreutils",
    "dash",
    "findutils",
    "libc-bin",
    "libstdc++6",
    "python3",
    "python3-venv",
)
#: Debian 12 has Python 3.11, the oldest that the operator supports.
_SUITE = "bookworm"
# Nothing is configured, so nothing merges /usr for us.
_MERGE_USR = 'for d in bin sbin lib lib64; do mkdir -p "$1/usr/$d"; ln -s "usr/$d" "$1/$d"; done'
_MINUTES = 10


class NoBase(Exception):  # noqa: N818 - named by what happened
    """The base could not be made; the message ends with what mmdebstrap said."""


def base_archive() -> Path:
    """A tar archive of the base, from the cache or made now (half a minute on a quiet machine).

    Raises:
        NoBase: mmdebstrap is missing, or Debian's packages cannot be reached.
    """
    ingredients = " ".join((*_PACKAGES, _SUITE, _MERGE_USR, platform.machine()))
    key = hashlib.sha256(ingredients.encode()).hexdigest()[:16]
    archive = go_build.cache_home().parent / "images" / f"base-{key}.tar"
    if not archive.exists():
        if shutil.which("mmdebstrap") is None:
            raise NoBase("there is no mmdebstrap (Debian: apt-get install mmdebstrap)")
        archive.parent.mkdir(parents=True, exist_ok=True)
        sys.stderr.write("bench: unpacking Debian's packages for the base of the image\n")
        with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
            _unpack(Path(scratch) / "base.tar").rename(archive)
    return archive


def _unpack(archive: Path) -> Path:
    without = [
        f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in ("doc", "locale", "man", "info", "lintian")
    ]
    command = [
        "mmdebstrap",
        "--quiet",
        "--variant=extract",
        f"--include={','.join(_PACKAGES)}",
        *without,
        f"--setup-hook={_MERGE_USR}",
        '--customize-hook=rm -rf "$1"/dev "$1"/var/cache/apt "$1"/var/lib/apt && mkdir "$1"/dev',
        _SUITE,
        str(archive),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_MINUTES * 60, check=False)
    except subprocess.TimeoutExpired:
        raise NoBase(f"mmdebstrap did not end within {_MINUTES} minutes") from None
    if done.returncode != 0:
        raise NoBase(f"mmdebstrap failed:\n{done.stderr.strip()[-2000:]}")
    return archive
