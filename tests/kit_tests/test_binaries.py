"""How the bench chooses among the programs that a machine has, and what decides that one is built anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kit import go_build
from tests.kit.binaries import FITNESS, already_there
from tests.kit.go_toolchain import MODULE

if TYPE_CHECKING:
    from pathlib import Path


def program(folder: Path, name: str, says: str) -> Path:
    """A program that says one thing, whatever it is asked."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    ("name", "says", "fits"),
    [
        ("etcd", "etcd Version: 3.7.0", True),
        ("etcd", "etcd Version: 3.5.16", True),
        ("etcd", "etcd Version: 3.4.23", False),
        ("kube-apiserver", "Kubernetes v1.37.2", True),
        ("kube-apiserver", "Kubernetes v1.32.0", True),
        ("kube-apiserver", "Kubernetes v1.31.9", False),
        ("kube-apiserver", "Kubernetes v0.0.0-master+$Format:%H$", False),
        ("kube-controller-manager", "Kubernetes v1.9.1", False),
        ("kubectl", '{"clientVersion": {"gitVersion": "v1.37.2"}}', True),
        ("kubectl", '{"clientVersion": {"gitVersion": "v1.20.2"}}', False),
        ("kubectl", "", False),
    ],
)
def test_a_program_is_taken_if_it_is_new_enough(tmp_path: Path, name: str, says: str, fits: bool) -> None:  # noqa: FBT001
    assert FITNESS[name].accepts(program(tmp_path, name, says)) is fits


def test_assets_come_before_path_and_what_is_too_old_is_passed_over(tmp_path: Path) -> None:
    new = program(tmp_path / "path", "kubectl", '"gitVersion": "v1.36.0"')
    asset = program(tmp_path / "assets", "kubectl", '"gitVersion": "v1.37.2"')
    both = {"KUBEBUILDER_ASSETS": str(asset.parent), "PATH": str(new.parent)}
    assert already_there("kubectl", both) == asset

    program(tmp_path / "assets", "kubectl", '"gitVersion": "v1.20.2"')
    assert already_there("kubectl", both) == new
    assert already_there("kubectl", {"PATH": str(asset.parent)}) is None
    assert already_there("kubectl", {}) is None


def test_a_program_that_does_not_run_here_is_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / "etcd"
    broken.write_bytes(b"\x7fELF not really")
    broken.chmod(0o755)
    assert already_there("etcd", {"PATH": str(tmp_path)}) is None


def test_every_tool_that_go_mod_names_is_built() -> None:
    tools = (MODULE / "go.mod").read_text().partition("tool (")[2].split()
    assert sorted(tools[:-1]) == sorted(go_build.PACKAGES.values())


def test_the_version_that_the_servers_tell_is_the_one_in_go_mod() -> None:
    (version,) = {
        line.split()[1]
        for line in (MODULE / "go.mod").read_text().splitlines()
        if line.startswith("\tk8s.io/kubernetes ")
    }
    assert f"gitVersion={version} " in " ".join(go_build.FLAGS)
    _, minor, _ = version.split(".")
    assert " ".join(go_build.FLAGS).endswith(f"gitMinor={minor}")


def test_a_build_that_fails_says_why_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = program(tmp_path / "bin", "go", "")
    go.write_text('#!/bin/sh\n[ "$1" = list ] && exit 0\necho "no space left on device" >&2\nexit 1\n')
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(go.parent), prepend=":")
    with pytest.raises(go_build.BuildFailed, match="no space left on device"):
        go_build.built("pebble-challtestsrv")
    left = [file.name for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert left == ["lock"]


def test_a_patch_that_does_not_fit_stops_the_build(tmp_path: Path) -> None:
    for file in ("db/memorystore.go", "wfe/wfe.go"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_text("package other\n")
    with pytest.raises(go_build.BuildFailed, match="patch does not apply"):
        go_build.mend(tmp_path)


@pytest.mark.servers
def test_the_pebble_that_is_built_is_the_mended_one() -> None:
    assert b"db.refreshStatus" in go_build.built("pebble").read_bytes()
