"""Where a node keeps its files, and the addresses in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAME = "node1"

#: The wire between this machine and the node.
LINK = "10.230.0.0/24"
HOST_ADDRESS = "10.230.0.1"
NODE_ADDRESS = "10.230.0.2"
PODS = "10.231.0.0/16"
NODE_PODS = "10.231.0.0/24"
SERVICES = "10.232.0.0/16"
#: The first of the Services' range, by Kubernetes' convention.
API_SERVICE = "10.232.0.1"
DNS_SERVICE = "10.232.0.10"
API_URL = f"https://{NODE_ADDRESS}:6443"

#: Inside the node, where a file system of its own is mounted.
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"


@dataclass(frozen=True)
class Places:
    """The folders of one node, all in one."""

    directory: Path

    @property
    def keys(self) -> Path:
        """Keys and certificates."""
        return self.directory / "pki"

    @property
    def logs(self) -> Path:
        """A log for each program."""
        return self.directory / "log"

    @property
    def settings(self) -> Path:
        """Configuration of the node's programs."""
        return self.directory / "settings"

    @property
    def state(self) -> Path:
        """What the node sees as /var/lib."""
        return self.directory / "var-lib"

    @property
    def plan(self) -> Path:
        """What node_init.py shall do."""
        return self.directory / "plan.json"

    @property
    def api_is_ready(self) -> Path:
        """Is made when those programs may start that need the API server."""
        return self.directory / "api-is-ready"

    def make(self) -> None:
        """Make the folders."""
        for folder in (self.keys, self.logs, self.settings / "cni", self.state / "cni"):
            folder.mkdir(parents=True, exist_ok=True)
