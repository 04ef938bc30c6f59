"""Process 1 of a node: prepares its mounts and its network, and keeps its programs running.

Started as a plain script in namespaces of its own, with nothing but the standard library: `node_init.py PLAN`.
When it ends, the kernel ends everything else in there, and mounts, interfaces and packet rules go with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

#: What a kubelet wants of the kernel, and would set for the whole machine: it is shown files that say so already.
_KERNEL = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
#: Of the node's own network.
_NETWORK = {"net/ipv4/ip_forward": "1", "net/ipv4/conf/all/rp_filter": "0"}
_LOOK_EVERY_SECONDS = 0.05
_AGAIN_AFTER_SECONDS = 0.5


def main() -> None:
    """Run the node until it is killed."""
    plan = json.loads(Path(sys.argv[1]).read_text())
    directory = Path(plan["directory"])
    _mount(directory)
    _connect(plan)
    socket.sethostname(plan["name"])
    api_is_ready = Path(plan["api_is_ready"])
    daemons = plan["daemons"]
    running: dict[int, dict[str, Any]] = {}
    due = {daemon["name"]: 0.0 for daemon in daemons}
    while True:
        for daemon in daemons:
            if daemon["needs_api"] and not api_is_ready.exists():
                continue
            if daemon["name"] in due and due[daemon["name"]] <= time.monotonic():
                del due[daemon["name"]]
                running[_start(daemon, Path(plan["logs"]))] = daemon
        _bury(running, due)
        time.sleep(_LOOK_EVERY_SECONDS)


def _mount(directory: Path) -> None:
    """Give the node its own /run, /var/log and /var/lib, and hide what is the machine's."""
    _run("mount", "--make-rshared", "/")  # as the kubelet wants it; it goes no further than this namespace
    _run("mount", "--bind", directory / "var-lib", "/var/lib")
    for place in ("/run", "/var/log"):
        _run("mount", "--types=tmpfs", "tmpfs", place)
    shown = directory / "shown"
    shown.mkdir()
    for name, value in _KERNEL.items():
        _show(shown / name.replace("/", "_"), value, f"/proc/sys/{name}")
    # Nothing in here resolves names of the world outside.
    _show(shown / "resolv.conf", "", os.path.realpath("/etc/resolv.conf"))


def _show(file: Path, text: str, place: str) -> None:
    file.write_text(f"{text}\n")
    if not Path(place).exists():
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        Path(place).touch()
    _run("mount", "--bind", file, place)


def _connect(plan: dict[str, Any]) -> None:
    """Wait for the wire and give it its address. There is no default route, so nothing can leave."""
    _run("ip", "link", "set", "lo", "up")
    while not Path(f"/proc/sys/net/ipv4/conf/{plan['wire']}").exists():
        time.sleep(_LOOK_EVERY_SECONDS)
    _run("ip", "address", "add", plan["address"], "dev", plan["wire"])
    _run("ip", "link", "set", plan["wire"], "up")
    # What a program of the node sends to a Service must have some route before it is sent elsewhere by kube-proxy.
    _run("ip", "link", "add", "services", "type", "bridge")
    _run("ip", "link", "set", "services", "up")
    source = plan["address"].partition("/")[0]
    _run("ip", "route", "add", plan["services"], "dev", "services", "src", source)
    for name, value in _NETWORK.items():
        Path("/proc/sys", name).write_text(value)
    # Bridged packets must pass the rules, or a pod gets no answer from its own Service. The module may be built in.
    with contextlib.suppress(FileNotFoundError):
        Path("/proc/sys/net/bridge/bridge-nf-call-iptables").write_text("1")


def _start(daemon: dict[str, Any], logs: Path) -> int:
    with (logs / f"{daemon['name']}.log").open("ab") as log:
        return subprocess.Popen(
            daemon["command"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        ).pid


def _bury(running: dict[int, dict[str, Any]], due: dict[str, float]) -> None:
    """Collect the dead, whoever's children they were, and have programs started again."""
    while True:
        try:
            dead, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if dead == 0:
            return
        if daemon := running.pop(dead, None):
            sys.stderr.write(f"{daemon['name']} ended with {os.waitstatus_to_exitcode(status)}\n")
            sys.stderr.flush()
            due[daemon["name"]] = time.monotonic() + _AGAIN_AFTER_SECONDS


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
