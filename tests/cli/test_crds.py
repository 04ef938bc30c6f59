"""`certwright crds`: the files at the top of the repository, wherever the program is installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from click.testing import CliRunner

from certwright.cli.main import main
from certwright.resources.names import PLURALS

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "crds").glob("*.yaml"))


def test_the_crds_are_those_at_the_top_of_the_repository() -> None:
    done = CliRunner().invoke(main, ["crds"])
    assert done.exit_code == 0, done.output
    printed = done.stdout.removesuffix("\n").split("\n---\n")
    assert printed == [file.read_text(encoding="utf-8").removesuffix("\n") for file in FILES]
    assert len(printed) == len(PLURALS)


def test_a_wheel_brings_them(tmp_path: Path) -> None:
    """The repository has them once, behind a link, which a wheel cannot have."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as members:
        inside = {name: members.read(name) for name in members.namelist() if "/crds/" in name}
    assert inside == {f"certwright/resources/crds/{file.name}": file.read_bytes() for file in FILES}


def test_the_image_is_built_with_them() -> None:
    """The Dockerfile puts package and CRDs at the same places as the repository has them, so that the link leads on."""
    steps = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = dict(line.split()[1:] for line in steps if line.startswith("COPY ") and line.count(" ") == 2)
    package, crds = copied["operator/certwright"], copied["crds"]
    link = (
        Path(package, "resources", "crds").parent / (ROOT / "operator/certwright/resources/crds").readlink()
    )
    assert Path(*_resolved(link)) == Path(crds)
    assert "!crds/*.yaml" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert f"root_tree.py /opt/certwright {package} " in "\n".join(steps)


def _resolved(path: Path) -> list[str]:
    """The parts of a path that need not exist, without `..`."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return parts
