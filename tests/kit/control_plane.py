"""A Kubernetes control plane without nodes: etcd, kube-apiserver and, if wanted, kube-controller-manager."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, Self

from cryptography.hazmat.primitives.asymmetric import ec

from tests.kit import audit, control_plane_flags, kubeconfig
from tests.kit.authority import Authority, write_key
from tests.kit.binaries import locate
from tests.kit.control_plane_flags import Layout
from tests.kit.ports import LOOPBACK, free_port
from tests.kit.processes import Process
from tests.kit.reader import Reader
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Generous, for a machine that is busy with other things; a quiet one needs a few seconds.
_START_SECONDS = 90

#: Addresses of Services (a private network): nothing is ever sent there.
IPV4_SERVICES = "10.96.0.0/16"
BOTH_FAMILIES = f"{IPV4_SERVICES},fd00:10:96::/112"

_ADMIN = ("admin", ("system:masters",))


class KubectlFailed(Exception):  # noqa: N818 - named by what happened
    """kubectl ended with an error; the message is what it said."""


class ControlPlane:
    """A running control plane; `start` makes one, `stop` or leaving a `with` block ends it.

    Attributes:
        url: where the API server listens.
        ca_file: the CA certificate to verify it with.
        read: of live objects, for whoever looks often.
    """

    def __init__(self, layout: Layout, authority: Authority) -> None:
        self.url = layout.url
        self.ca_file = authority.file
        self._layout = layout
        self._authority = authority
        self._kubeconfigs: dict[tuple[str, tuple[str, ...]], Path] = {}
        self._running: dict[str, Process] = {}
        admin = authority.client(*_ADMIN)
        pair = (str(admin.certificate), str(admin.key))
        self.read = Reader(self.url, str(authority.file), pair)
        self._audit = audit.AuditLog(layout.audit_log, self.read.answers)

    @classmethod
    def start(
        cls,
        directory: Path,
        controller_manager: bool = True,  # noqa: FBT001, FBT002
        *,
        service_ranges: str = IPV4_SERVICES,
    ) -> Self:
        """Start everything and wait until it is ready.

        Args:
            directory: an own, empty folder for data, keys and logs; it may be removed after `stop`.
            controller_manager: also run garbage collection, namespaces, service accounts and quotas.
            service_ranges: networks of Services; with one of each family the cluster has both.

        Raises:
            WaitedInVain, EndedEarly: a program did not become ready; the message has the end of its log.
        """
        directory.mkdir(parents=True, exist_ok=True)
        authority = Authority.found(directory / "pki")
        service_accounts = directory / "pki" / "service-accounts.key"
        write_key(service_accounts, ec.generate_private_key(ec.SECP256R1()))
        layout = Layout(
            directory=directory,
            etcd_port=free_port(),
            etcd_peer_port=free_port(),
            api_port=free_port(),
            serving=authority.serving("kube-apiserver", LOOPBACK, "localhost"),
            client_ca=authority.file,
            service_account_key=service_accounts,
            service_ranges=service_ranges,
        )
        layout.audit_policy.write_text(json.dumps(audit.POLICY))
        plane = cls(layout, authority)
        try:
            plane._run("etcd", control_plane_flags.etcd(locate().etcd, layout))
            plane.start_api_server()
            if controller_manager:
                plane._start_controller_manager()
        except BaseException:
            plane.stop()
            raise
        return plane

    def stop(self) -> None:
        """End everything at once; what it stored is lost."""
        self.read.close()
        for process in reversed(self._running.values()):
            process.kill()
        self._running.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start_api_server(self) -> None:
        """Start the API server, on the port it had before, and wait until it is ready."""
        self._run("kube-apiserver", control_plane_flags.api_server(locate().kube_apiserver, self._layout))
        self._await("kube-apiserver", lambda: self.read.answers("/readyz"))

    def stop_api_server(self) -> None:
        """End the API server as a crash would; etcd keeps everything."""
        self._running.pop("kube-apiserver").kill()

    def process(self, name: str) -> Process:
        """A running program of the control plane, to send it signals or read its log.

        Args:
            name: "etcd", "kube-apiserver" or "kube-controller-manager".
        """
        return self._running[name]

    def kubeconfig(self, user: str = "admin", groups: tuple[str, ...] | None = None) -> Path:
        """A kubeconfig with a client certificate for the user; the same user gets the same file again.

        Args:
            user: as RBAC will know it.
            groups: the user's groups; left out, admin is in system:masters and anybody else in none.
        """
        if groups is None:
            groups = _ADMIN[1] if user == "admin" else ()
        known = self._kubeconfigs.get((user, groups))
        if known is None:
            pair = self._authority.client(user, groups)
            known = self._write_kubeconfig(pair.certificate.stem, kubeconfig.by_certificate(pair))
            self._kubeconfigs[user, groups] = known
        return known

    def service_account_kubeconfig(
        self, namespace: str, name: str, *, through: tuple[str, Path] | None = None
    ) -> Path:
        """A kubeconfig with a fresh token (valid for an hour) of a ServiceAccount that exists.

        Args:
            namespace: of the ServiceAccount.
            name: of the ServiceAccount.
            through: URL and CA file of a proxy to go through; left out, straight to the API server.
        """
        token = kubeconfig.by_token(self.kubectl("create", "token", name, "--namespace", namespace).strip())
        stem = f"{namespace}-{name}-token"
        if through is None:
            return self._write_kubeconfig(stem, token)
        url, ca_file = through
        file = self._layout.directory / f"{stem}-through-{url.rpartition(':')[2]}.kubeconfig"
        kubeconfig.write_kubeconfig(file, url=url, ca_file=ca_file, credentials=token)
        return file

    def kubectl(
        self,
        *args: str | Path,
        input: str | None = None,  # noqa: A002 - the name that subprocess.run has for it
        check: bool = True,
        as_user: Path | None = None,
    ) -> str:
        """Run kubectl and return what it printed.

        Args:
            args: for example "apply", "-f", "-".
            input: its standard input.
            check: raise if it fails; otherwise the answer has standard error as well.
            as_user: another kubeconfig than the admin's.

        Raises:
            KubectlFailed: it failed.
        """
        whose = [
            f"--kubeconfig={as_user or self.kubeconfig()}",
            f"--cache-dir={self._layout.directory}/cache",
        ]
        done = subprocess.run(
            [locate().kubectl, *whose, *args], input=input, capture_output=True, text=True, check=False
        )
        if not check:
            return done.stdout + done.stderr
        if done.returncode != 0:
            raise KubectlFailed(f"kubectl {' '.join(map(str, args))}: {done.stderr.strip()}")
        return done.stdout

    def kubectl_json(self, *args: str | Path, as_user: Path | None = None) -> Any:
        """Run kubectl with JSON output and return the object or list of objects."""
        return json.loads(self.kubectl(*args, "--output=json", as_user=as_user))

    def audit(self) -> audit.AuditLog:
        """What clients asked the API server so far."""
        return self._audit

    def _start_controller_manager(self) -> None:
        config = self.kubeconfig("system:kube-controller-manager")
        flags = control_plane_flags.controller_manager(locate().kube_controller_manager, self._layout, config)
        self._run("kube-controller-manager", flags)
        default_account = "/api/v1/namespaces/default/serviceaccounts/default"
        self._await("kube-controller-manager", lambda: self.read.answers(default_account))

    def _run(self, name: str, command: list[str | Path]) -> None:
        log = self._layout.directory / f"{name}.log"
        self._running[name] = Process.start(name, command, log, grace_seconds=0)  # nothing it has is of worth

    def _await(self, name: str, ready: Callable[[], bool]) -> None:
        process = self._running[name]

        def looked() -> bool:
            for one in self._running.values():
                one.must_run()
            return ready()

        eventually(looked, f"{name} to be ready", _START_SECONDS, explain=process.last_words)

    def _write_kubeconfig(self, stem: str, credentials: dict[str, str]) -> Path:
        file = self._layout.directory / f"{stem}.kubeconfig"
        kubeconfig.write_kubeconfig(file, url=self.url, ca_file=self.ca_file, credentials=credentials)
        return file
