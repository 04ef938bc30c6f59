"""The operator as users run it: a process of its own, under the shipped RBAC and a ServiceAccount's token."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import requests

from tests.kit.ports import free_port
from tests.kit.processes import Process
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.kit.control_plane import ControlPlane
    from tests.kit.nameserver import NameServer

ROOT = Path(__file__).parents[2]
NAMESPACE = "certwright"
#: As the API server's audit log names it.
USER = f"system:serviceaccount:{NAMESPACE}:certwright"

#: Seconds for a start on a busy machine; a quiet one needs one or two.
_START_SECONDS = 60


def install(plane: ControlPlane) -> None:
    """Apply CRDs, namespace, ServiceAccount and the shipped RBAC, and wait until the CRDs are served."""
    install_without_rights(plane)
    plane.kubectl("apply", "--filename", ROOT / "charts/certwright/files/rbac.yaml")


def install_without_rights(plane: ControlPlane) -> None:
    """The same without the RBAC."""
    plane.kubectl("apply", "--filename", ROOT / "crds")
    plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
    namespace = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}"
    account = f"apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: certwright, namespace: {NAMESPACE}}}"
    plane.kubectl("apply", "--filename", "-", input=f"{namespace}\n---\n{account}\n")


class Operator:
    """A running operator; can be killed and started again with the same settings.

    Attributes:
        log: everything it said, through all starts.
        url: where /metrics, /healthz and /readyz are.
        process: the program, to send it signals.
    """

    def __init__(
        self, directory: Path, plane: ControlPlane, nameserver: NameServer, flags: tuple[str, ...]
    ) -> None:
        self._scratch = directory / "tmp"
        self._scratch.mkdir(parents=True, exist_ok=True)
        self.log = directory / "operator.log"
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._command = [
            sys.executable,
            "-m",
            "certwright",
            "run",
            f"--kubeconfig={plane.service_account_kubeconfig(NAMESPACE, 'certwright')}",
            f"--namespace={NAMESPACE}",
            f"--listen-port={port}",
            # As a pod's name: whoever is started again under it goes on at once.
            f"--instance={directory.name}",
            f"--nameserver={nameserver.host}:{nameserver.port}",
            f"--authoritative-dns-port={nameserver.port}",
            "--permit-network=127.0.0.0/8",
            "--owner-role=certwright",
            *flags,
        ]
        self.process: Process

    @classmethod
    def start(
        cls,
        directory: Path,
        plane: ControlPlane,
        nameserver: NameServer,
        *flags: str,
        env: Mapping[str, str] | None = None,
    ) -> Self:
        """Start it and wait until it is ready.

        Args:
            directory: for its log.
            plane: whose API server it works on; `install` was called.
            nameserver: what it resolves through.
            flags: more of `certwright run`.
            env: added to its environment.
        """
        operator = cls(directory, plane, nameserver, flags)
        operator.begin(env)
        return operator

    def begin(self, env: Mapping[str, str] | None = None, *, wait: bool = True) -> None:
        """Start the process, also after it ended."""
        # The kubernetes client puts certificates into temporary files, which a killed process leaves behind.
        env = {"TMPDIR": str(self._scratch), **(env or {})}
        self.process = Process.start("certwright", self._command, self.log, env)
        if wait:
            eventually(
                self.ready, "the operator to be ready", _START_SECONDS, explain=self.process.last_words
            )

    def ready(self) -> bool:
        """Whether /readyz says yes."""
        self.process.must_run()
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).ok
        except requests.RequestException:
            return False

    def page(self, path: str) -> str:
        """One of its pages, such as /metrics."""
        return requests.get(f"{self.url}{path}", timeout=5).text

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()

    def stop(self) -> int:
        """Ask it to end (SIGTERM) and return its exit code."""
        if self.process.running:
            self.process.send(signal.SIGTERM)
        return self.process.wait(40)
