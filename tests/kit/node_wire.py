"""The wire between this machine and a node, and the walls around it."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kit.node_places import HOST_ADDRESS, LINK, NODE_ADDRESS, PODS, SERVICES
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Held by whoever has a node, in whatever clone; the kernel gives it back when the process ends.
_TURN = Path("/run/certwright-node.lock")
_PATIENCE_SECONDS = 900
_HERE = "cw-node"
THERE = "eth0"
#: Larger is weaker: the wall stands behind the routes of the wire, and is what is left when the wire goes.
_WALL, _WAY = ("metric", "9999"), ("metric", "10")


class WireFailed(Exception):  # noqa: N818 - named by what happened
    """The machine's network could not be set up; the message is what `ip` said."""


@contextlib.contextmanager
def turn(file: Path = _TURN, patience: float = _PATIENCE_SECONDS) -> Iterator[None]:
    """Wait until no other node is on this machine: all have the same addresses.

    Raises:
        WaitedInVain: the other one is still there.
    """

    def ours() -> bool:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    with file.open("w") as lock:
        eventually(ours, "the end of another node on this machine", patience)
        yield


@contextlib.contextmanager
def wire(process: int) -> Iterator[None]:
    """Connect the network namespace of a process; everything is taken away again at the end.

    Packets for the node's addresses that find no way are dropped here instead of leaving by the default route.
    """
    ranges = (LINK, PODS, SERVICES)
    for each in ranges:
        _ip("route", "replace", "blackhole", each, *_WALL)
    try:
        _ip("link", "add", _HERE, "type", "veth", "peer", "name", THERE, "netns", str(process))
        _ip("address", "add", f"{HOST_ADDRESS}/24", "dev", _HERE)
        _ip("link", "set", _HERE, "up")
        for each in (PODS, SERVICES):
            _ip("route", "replace", each, "via", NODE_ADDRESS, "dev", _HERE, *_WAY)
        yield
    finally:
        with contextlib.suppress(WireFailed):  # the kernel takes it away with the namespace at its other end
            _ip("link", "delete", _HERE)
        for each in ranges:
            _ip("route", "delete", "blackhole", each, *_WALL)


def _ip(*args: str) -> None:
    done = subprocess.run(["ip", *args], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise WireFailed(f"ip {' '.join(args)}: {done.stderr.strip()}")
