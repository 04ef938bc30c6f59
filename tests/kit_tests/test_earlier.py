"""What an upgrade begins with is the commit before, or a reason why there is none."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.kit.earlier import NothingEarlier, same_but_for_the_program, unpack

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *args: str) -> None:
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.test")
    subprocess.run(["git", "-C", folder, *who, *args], check=True, capture_output=True)


def commit(root: Path, **files: str) -> None:
    """Files by their names, in which __ stands for a slash."""
    for name, text in files.items():
        file = root / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message=state")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    git(root, "init", "--quiet")
    return root


def chart(version: str) -> dict[str, str]:
    return {"charts__certwright__Chart.yaml": version, "Dockerfile": "FROM x", "requirements.lock": "a==1"}


def test_the_chart_is_that_of_the_commit_before(root: Path, tmp_path: Path) -> None:
    commit(root, **chart("1"))
    commit(root, **chart("2"))
    before = unpack(tmp_path / "before", root)
    assert (before / "charts" / "certwright" / "Chart.yaml").read_text() == "1"


def test_an_image_needs_a_build_of_its_own_only_where_more_than_the_program_differs(
    root: Path, tmp_path: Path
) -> None:
    commit(root, **chart("1"), operator__certwright__a="1")
    commit(root, **chart("2"), operator__certwright__a="2")
    before = unpack(tmp_path / "before", root)
    assert same_but_for_the_program(before, root)
    (root / "requirements.lock").write_text("a==2")
    assert not same_but_for_the_program(before, root)


def test_without_a_commit_before_the_reason_is_told(root: Path, tmp_path: Path) -> None:
    with pytest.raises(NothingEarlier, match="no clone"):
        unpack(tmp_path / "nowhere", tmp_path)
    commit(root, LICENSE="none")
    with pytest.raises(NothingEarlier, match="this is the first"):
        unpack(tmp_path / "first", root)
    commit(root, **chart("1"))
    with pytest.raises(NothingEarlier, match="has no chart"):
        unpack(tmp_path / "chartless", root)
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", str(shallow))
    with pytest.raises(NothingEarlier, match=r"shallow \(git fetch --deepen=1\)"):
        unpack(tmp_path / "cut", shallow)
