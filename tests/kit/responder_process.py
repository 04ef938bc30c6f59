"""The solver pod's program as users run it: a process of its own, under the shipped RBAC and its own account."""

from __future__ import annotations

import signal
import sys
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import requests

from tests.kit.operator_process import NAMESPACE
from tests.kit.ports import LOOPBACK, free_port
from tests.kit.processes import Process
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.kit.control_plane import ControlPlane

ROOT = Path(__file__).parents[2]
ACCOUNT = "certwright-responder"
#: As the API server's audit log names it.
USER = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"

#: Seconds for a start on a busy machine; a quiet one needs one.
_START_SECONDS = 60


def install_responder(plane: ControlPlane) -> None:
    """Apply namespace, ServiceAccount and the shipped RBAC; again does no harm."""
    namespace = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}"
    account = f"apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {ACCOUNT}, namespace: {NAMESPACE}}}"
    plane.kubectl("apply", "--filename", "-", input=f"{namespace}\n---\n{account}\n")
    plane.kubectl("apply", "--filename", ROOT / "charts/certwright/files/responder-rbac.yaml")


class Responder:
    """A running responder; can be killed and started again on the same ports.

    Attributes:
        port: answers challenges.
        health_port: of health_url.
        health_url: where /healthz, /readyz, /served and /metrics are.
        log: everything it said, through all starts.
        process: the program, to send it signals.
    """

    def __init__(self, directory: Path, plane: ControlPlane, port: int, flags: tuple[str, ...]) -> None:
        self._scratch = directory / "tmp"
        self._scratch.mkdir(parents=True, exist_ok=True)
        self.log = directory / "responder.log"
        self.port = port
        self.health_port = free_port()
        self.health_url = f"http://{LOOPBACK}:{self.health_port}"
        self._command = [
            sys.executable,
            "-m",
            "certwright",
            "respond",
            f"--kubeconfig={plane.service_account_kubeconfig(NAMESPACE, ACCOUNT)}",
            f"--namespace={NAMESPACE}",
            f"--port={self.port}",
            f"--health-port={self.health_port}",
            *flags,
        ]
        self.process: Process

    @classmethod
    def start(cls, directory: Path, plane: ControlPlane, *flags: str, port: int = 0) -> Self:
        """Start it and wait until it is ready.

        Args:
            directory: for its log.
            plane: whose API server it watches; `install_responder` was called.
            flags: more of `certwright respond`.
            port: for challenges; 0 takes a free one.
        """
        responder = cls(directory, plane, port or free_port(), flags)
        responder.begin()
        return responder

    def begin(self, *, wait: bool = True) -> None:
        """Start the process, also after it ended."""
        # The kubernetes client puts certificates into temporary files, which a killed process leaves behind.
        self.process = Process.start("responder", self._command, self.log, {"TMPDIR": str(self._scratch)})
        if wait:
            eventually(
                self.ready, "the responder to be ready", _START_SECONDS, explain=self.process.last_words
            )

    def ready(self) -> bool:
        """Whether /readyz says yes."""
        self.process.must_run()
        return self.status("/readyz") == HTTPStatus.OK

    def status(self, path: str) -> int:
        """Of a page of the health port; 0 if nobody answers."""
        try:
            return requests.get(f"{self.health_url}{path}", timeout=5).status_code
        except requests.RequestException:
            return 0

    def page(self, path: str) -> str:
        """One of its pages, such as /metrics."""
        return requests.get(f"{self.health_url}{path}", timeout=5).text

    def served(self) -> dict[str, str]:
        """The resourceVersion of each table that it answers by."""
        answer: dict[str, Any] = requests.get(f"{self.health_url}/served", timeout=5).json()
        tables: dict[str, str] = answer["tables"]
        return tables

    def memory_kib(self) -> tuple[int, int]:
        """Resident memory now and at its highest (proc(5), VmRSS and VmHWM)."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        values = {name: value for name, _, value in (line.partition(":") for line in lines)}
        return int(values["VmRSS"].split()[0]), int(values["VmHWM"].split()[0])

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()

    def stop(self) -> int:
        """Ask it to end (SIGTERM) and return its exit code."""
        if self.process.running:
            self.process.send(signal.SIGTERM)
        return self.process.wait(40)
