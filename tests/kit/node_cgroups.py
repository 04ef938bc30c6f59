"""What a node's pods use, as the kernel counts it, and what they leave behind."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from tests.kit.node_fitness import memory_hierarchy

_ALL = Path("/sys/fs/cgroup")
_PODS = "kubepods"
#: Of the kubelet, and of containerd's own containers.
_POD_ROOTS = (_PODS, "k8s.io")


@dataclass(frozen=True)
class Memory:
    """Of one pod, in bytes.

    Attributes:
        working_set: what the kernel could not take back without pain; what `kubectl top` shows.
        usage: with all files that it keeps in memory on the pod's behalf.
    """

    working_set: int
    usage: int


def memory_of(pod_uid: str) -> Memory:
    """What a pod's containers use together.

    Raises:
        LookupError: there is no such pod on the node.
    """
    hierarchy = memory_hierarchy()
    found = sorted(hierarchy.glob(f"{_PODS}/**/pod{pod_uid}")) if hierarchy else []
    if not found:
        raise LookupError(f"no cgroup of pod {pod_uid} is below {hierarchy}")
    folder = found[0]
    second = (folder / "memory.current").exists()
    usage = int((folder / ("memory.current" if second else "memory.usage_in_bytes")).read_text())
    lines = (folder / "memory.stat").read_text().splitlines()
    inactive = dict(line.split() for line in lines)["inactive_file" if second else "total_inactive_file"]
    return Memory(working_set=usage - int(inactive), usage=usage)


def remove_all() -> None:
    """Remove the cgroups of pods whose processes are gone: they outlive the namespaces of a node."""
    for pods in left():
        for folder in sorted(filter(Path.is_dir, pods.rglob("*")), reverse=True):
            _remove(folder)
        _remove(pods)


def left() -> list[Path]:
    """The topmost cgroups of pods on this machine, in every hierarchy."""
    roots = [_ALL, *(each for each in _ALL.iterdir() if each.is_dir() and not each.is_symlink())]
    return [root / name for root in roots for name in _POD_ROOTS if (root / name).is_dir()]


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):  # busy: somebody else's node
        folder.rmdir()
