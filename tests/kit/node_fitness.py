"""Whether this machine can run a node, and if not, why."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

#: By program, Debian's package.
PACKAGES = {
    "buildah": "buildah",
    "mmdebstrap": "mmdebstrap",
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "ip": "iproute2",
    "iptables": "iptables",
    "nft": "nftables",
    "conntrack": "conntrack",
    "unshare": "util-linux",
    "nsenter": "util-linux",
}
CNI_PLUGINS = Path("/usr/lib/cni")
_CONTAINERS = "containernetworking-plugins"

#: The namespaces that a node gets.
NAMESPACES = ("--net", "--mount", "--pid", "--ipc", "--uts")


def why_not() -> str:
    """In one line, why no node can run here; "" if one can."""
    if os.geteuid() != 0:
        return "a node needs root, for namespaces and for mounts in them"
    if missing := _missing_packages():
        return f"a node needs more programs: apt-get install {' '.join(missing)}"
    tried = subprocess.run(
        ["unshare", *NAMESPACES, "--fork", "--mount-proc", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode != 0:
        return f"this machine gives no namespaces to a node: {tried.stderr.strip()}"
    if memory_hierarchy() is None:
        return "there are no cgroups that a node could write to below /sys/fs/cgroup"
    return ""


def memory_hierarchy() -> Path | None:
    """The root of the cgroups that count memory: of version 1, or of version 2 if memory is counted there."""
    first, second = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    if (first / "memory.usage_in_bytes").exists():
        return first if os.access(first, os.W_OK) else None
    controllers = second / "cgroup.controllers"
    if controllers.exists() and "memory" in controllers.read_text().split() and os.access(second, os.W_OK):
        return second
    return None


def _missing_packages() -> list[str]:
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = {package for program, package in PACKAGES.items() if not shutil.which(program, path=places)}
    if not (CNI_PLUGINS / "bridge").exists():
        missing.add(_CONTAINERS)
    return sorted(missing)
