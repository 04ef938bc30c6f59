"""A real cluster of one node on this machine: what a user's cluster has, in namespaces of its own.

etcd, API server, controller manager, scheduler, kubelet, containerd, kube-proxy and cluster DNS, with Traefik for
Ingresses. All of it hangs on one process: when that ends, so does everything, with mounts, interfaces and packet
rules. The node has no default route, so nothing that runs in it can reach beyond this machine.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Self

import requests

from tests.kit import go_build, node_cgroups, node_places, node_settings, node_wire
from tests.kit.binaries import locate
from tests.kit.control_plane import KubectlFailed
from tests.kit.node_daemons import daemons
from tests.kit.node_fitness import NAMESPACES
from tests.kit.node_keys import NodeKeys
from tests.kit.node_places import API_URL, CONTAINERD_SOCKET, NAME, Places
from tests.kit.processes import Process
from tests.kit.program_image import write_program_image
from tests.kit.traefik import traefik
from tests.kit.waiting import WaitedInVain, eventually

if TYPE_CHECKING:
    from tests.kit.node_cgroups import Memory

_FILES = Path(__file__).parent / "node_files"
_INIT = Path(__file__).parent / "node_init.py"
#: For a machine that is busy; a quiet one needs ten for the first and twenty for all.
_PATIENCE_SECONDS = 240


class Node:
    """A running cluster; `start` makes one, `stop` or leaving a `with` block ends it.

    Attributes:
        kubeconfig: of an administrator, for use on this machine.
        directory: with all its files; `log/` has what each program said.
    """

    def __init__(self, places: Places, keys: NodeKeys) -> None:
        self.directory = places.directory
        self.kubeconfig = keys.kubeconfigs["admin"]
        self._places = places
        self._keys = keys
        self._process: Process
        self._inside = 0
        self._ending = contextlib.ExitStack()

    @classmethod
    def start(cls, directory: Path) -> Self:
        """Start everything, and wait until pods have names and Ingresses have a way.

        Args:
            directory: an own, empty folder; what is mounted in it is gone after `stop`.

        Raises:
            WaitedInVain, EndedEarly: something did not come up; the message has the ends of the logs.
        """
        places = Places(directory.absolute())
        places.make()
        node = cls(places, NodeKeys.make(places))
        try:
            node._begin()
            node._load_own_images()
            node._await_node()
            node.apply_file("coredns.yaml", dns_service=node_places.DNS_SERVICE)
            node.apply_file("traefik.yaml", address=node_places.NODE_ADDRESS)
            node.await_deployment("kube-system", "coredns")
            node.await_deployment("traefik", "traefik")
        except BaseException:
            node.stop()
            raise
        return node

    def stop(self) -> None:
        """End everything at once."""
        self._ending.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def kubectl(self, *args: str | Path, input: str | None = None, check: bool = True) -> str:  # noqa: A002
        """Run kubectl as an administrator and return what it printed.

        Args:
            args: for example "apply", "-f", "-".
            input: its standard input.
            check: raise if it fails; otherwise the answer has standard error as well.

        Raises:
            KubectlFailed: it failed.
        """
        whose = [f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.directory / 'cache'}"]
        done = subprocess.run(
            [locate().kubectl, *whose, *args], input=input, capture_output=True, text=True, check=False
        )
        if not check:
            return done.stdout + done.stderr
        if done.returncode != 0:
            raise KubectlFailed(f"kubectl {' '.join(map(str, args))}: {done.stderr.strip()}")
        return done.stdout

    def kubectl_json(self, *args: str | Path) -> Any:
        """Run kubectl with JSON output and return the object or list of objects."""
        return json.loads(self.kubectl(*args, "--output=json"))

    def apply(self, *objects: dict[str, Any]) -> None:
        """Apply objects."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "--filename", "-", input=json.dumps(items))

    def apply_file(self, name: str, **facts: str) -> None:
        """Apply a manifest of node_files/, with facts in place of its $names."""
        text = Template((_FILES / name).read_text()).substitute(facts)
        self.kubectl("apply", "--filename", "-", input=text)

    def await_deployment(self, namespace: str, name: str, timeout: float = 120) -> None:
        """Wait until all pods of a Deployment are ready.

        Raises:
            WaitedInVain: they were not; the message has pods, events and their last words.
        """
        try:
            place = ("--namespace", namespace)
            self.kubectl("rollout", "status", f"deployment/{name}", *place, f"--timeout={timeout:.0f}s")
        except KubectlFailed as problem:
            raise WaitedInVain(f"{problem}\n{self.explain(namespace)}") from None

    def explain(self, namespace: str) -> str:
        """What a person would look at when pods of a namespace do not run."""
        place = ("--namespace", namespace)
        looks: list[tuple[str, ...]] = [
            ("get", "pods,deployments", "--output=wide", *place),
            ("get", "events", "--sort-by=.lastTimestamp", *place),
        ]
        names = self.kubectl("get", "pods", "--output=name", *place, check=False).split()
        looks += [("logs", "--tail=30", "--all-containers", name, *place) for name in names]
        return "\n".join(f"$ kubectl {' '.join(look)}\n{self.kubectl(*look, check=False)}" for look in looks)

    def load_image(self, archive: Path) -> None:
        """Import an image archive (of `docker save`, or OCI) for pods with imagePullPolicy Never."""
        self._enter(
            "ctr", f"--address={CONTAINERD_SOCKET}", "--namespace=k8s.io", "images", "import", archive
        )

    def pods(self, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """Pods of a namespace, as the API server has them."""
        chosen = (f"--selector={selector}",) if selector else ()
        found: list[dict[str, Any]] = self.kubectl_json("get", "pods", "--namespace", namespace, *chosen)[
            "items"
        ]
        return found

    def cgroup_memory(self, pod: dict[str, Any]) -> Memory:
        """What the kernel counts for a pod."""
        return node_cgroups.memory_of(pod["metadata"]["uid"])

    def _begin(self) -> None:
        programs = daemons(self._places, self._keys)
        plan = {
            "directory": str(self.directory),
            "name": NAME,
            "wire": node_wire.THERE,
            "address": f"{node_places.NODE_ADDRESS}/24",
            "services": node_places.SERVICES,
            "logs": str(self._places.logs),
            "api_is_ready": str(self._places.api_is_ready),
            "daemons": [asdict(program) for program in programs],
        }
        self._places.plan.write_text(json.dumps(plan, indent=2))
        apart = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", "--propagation=private"]
        self._ending.callback(node_cgroups.remove_all)
        log = self._places.logs / "node.log"
        self._process = Process.start(
            "node", [*apart, sys.executable, "-I", "-S", _INIT, self._places.plan], log, grace_seconds=0
        )
        self._ending.callback(self._kill)
        self._inside = eventually(self._child, "the namespaces of the node", explain=self._process.last_words)
        self._ending.enter_context(node_wire.wire(self._inside))

    def _kill(self) -> None:
        self._process.kill()
        if self._inside:
            eventually(lambda: not Path(f"/proc/{self._inside}").exists(), "the end of the node", 30)

    def _child(self) -> int:
        """Process 1 of the node as this machine numbers it, once it is in namespaces of its own."""
        self._process.must_run()
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        if not children:
            return 0
        here, there = (Path(f"/proc/{each}/ns/net").readlink() for each in ("self", children[0]))
        return int(children[0]) if here != there else 0

    def _enter(self, *command: str | Path) -> None:
        """Run a command where the node's mounts are."""
        done = subprocess.run(
            ["nsenter", f"--target={self._inside}", "--mount", *command],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise OSError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")

    def _load_own_images(self) -> None:
        def listens() -> bool:
            self._process.must_run()
            return Path(f"/proc/{self._inside}/root{CONTAINERD_SOCKET}").exists()

        eventually(listens, "containerd to listen", _PATIENCE_SECONDS, explain=self._last_words)
        programs = {
            node_settings.PAUSE_IMAGE: go_build.built("pause"),
            "localhost/coredns:1": go_build.built("coredns"),
            "localhost/traefik:1": traefik(),
        }
        for name, program in programs.items():
            archive = write_program_image(self.directory / "image.tar", name, program)
            self.load_image(archive)
            archive.unlink()

    def _await_node(self) -> None:
        def up() -> bool:
            self._process.must_run()
            with contextlib.suppress(requests.RequestException):
                verify = str(self._keys.ca)
                return requests.get(f"{API_URL}/readyz", verify=verify, timeout=5).ok
            return False

        eventually(up, "the API server to be ready", _PATIENCE_SECONDS, explain=self._last_words)
        self._places.api_is_ready.touch()
        ready = ("get", "node", NAME, "--output=jsonpath={.status.conditions[?(@.type=='Ready')].status}")
        self._await_answer("True", "the node to be ready", *ready)
        account = ("get", "serviceaccount", "default", "--namespace=default", "--output=name")
        self._await_answer("serviceaccount/default", "an account for pods", *account)

    def _await_answer(self, answer: str, what: str, *args: str) -> None:
        eventually(
            lambda: self.kubectl(*args, check=False).strip() == answer,
            what,
            _PATIENCE_SECONDS,
            explain=self._last_words,
        )

    def _last_words(self) -> str:
        ends = []
        for log in sorted(self._places.logs.glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-8:]
            ends.append("\n".join([f"the end of {log}:", *lines]))
        return "\n".join(ends)
