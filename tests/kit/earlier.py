"""The state of the repository before its newest commit, which is what an upgrade begins with."""

from __future__ import annotations

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BEFORE = "HEAD~1"
#: What the image is made of, but for our own program.
_INGREDIENTS = ("Dockerfile", "requirements.lock", "image")


class NothingEarlier(Exception):  # noqa: N818 - named by what happened
    """There is no such state here; the message says why."""


def unpack(folder: Path, root: Path = ROOT) -> Path:
    """Write the files of the commit before the newest one, and return their root.

    Args:
        folder: an own, empty one.
        root: of the repository.

    Raises:
        NothingEarlier: this is no clone, or one without that commit, or there was no chart then.
    """
    if _git(root, "rev-parse", "--verify", "--quiet", "HEAD").returncode != 0:
        raise NothingEarlier("this is no clone of the repository, so nothing is known of an earlier commit")
    if _git(root, "rev-parse", "--verify", "--quiet", _BEFORE).returncode != 0:
        shallow = _git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
        why = "the clone is shallow (git fetch --deepen=1)" if shallow else "this is the first"
        raise NothingEarlier(f"there is no commit before the newest one: {why}")
    packed = _git(root, "archive", "--format=tar", _BEFORE)
    if packed.returncode != 0:
        raise NothingEarlier(f"git archive {_BEFORE}: {packed.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="tar")
    if not (folder / "charts" / "certwright" / "Chart.yaml").exists():
        raise NothingEarlier("the commit before the newest one has no chart")
    return folder


def same_but_for_the_program(earlier: Path, root: Path = ROOT) -> bool:
    """Whether the image of an earlier state differs by our own program alone."""
    return all(_content(earlier / name) == _content(root / name) for name in _INGREDIENTS)


def _content(place: Path) -> dict[str, bytes]:
    files = [place] if place.is_file() else [each for each in place.rglob("*.py") if each.is_file()]
    return {str(file.relative_to(place.parent)): file.read_bytes() for file in files}


def _git(root: Path, *args: str) -> subprocess.CompletedProcess[bytes]:
    # A clone that belongs to somebody else is only read.
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root), *args]
    return subprocess.run(command, capture_output=True, check=False)
