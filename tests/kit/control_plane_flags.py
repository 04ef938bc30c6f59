"""The command lines of the control plane's programs, and where they keep things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.kit.ports import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.authority import KeyPair

#: What an operator's cluster needs besides the API: the rest looks after nodes and workloads.
CONTROLLERS = (
    "garbage-collector-controller",
    "namespace-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "clusterrole-aggregation-controller",
)


@dataclass(frozen=True)
class Layout:
    """Files and ports of one control plane."""

    directory: Path
    etcd_port: int
    etcd_peer_port: int
    api_port: int
    serving: KeyPair
    client_ca: Path
    service_account_key: Path
    service_ranges: str

    @property
    def url(self) -> str:
        """Where the API server listens."""
        return f"https://{LOOPBACK}:{self.api_port}"

    @property
    def etcd_url(self) -> str:
        """Where etcd listens for the API server."""
        return f"http://{LOOPBACK}:{self.etcd_port}"

    @property
    def audit_log(self) -> Path:
        """What the API server was asked."""
        return self.directory / "audit.log"

    @property
    def audit_policy(self) -> Path:
        """What of it is written down."""
        return self.directory / "audit-policy.json"


def etcd(program: Path, layout: Layout) -> list[str | Path]:
    """One member, which does not wait for the disk: its data is thrown away anyway."""
    peer_url = f"http://{LOOPBACK}:{layout.etcd_peer_port}"
    return [
        program,
        f"--data-dir={layout.directory / 'etcd'}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={layout.etcd_url}",
        f"--advertise-client-urls={layout.etcd_url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
        "--log-level=warn",
    ]


def api_server(program: Path, layout: Layout) -> list[str | Path]:
    """RBAC, client certificates, ServiceAccount tokens, and every request in the audit log."""
    return [
        program,
        f"--etcd-servers={layout.etcd_url}",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={layout.api_port}",
        # The address that the Service "kubernetes" would lead to, had it endpoints: a documentation address
        # (RFC 5737), because a loopback one is refused there, and nothing in this cluster goes that way.
        "--advertise-address=192.0.2.1",
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={layout.service_ranges}",
        f"--tls-cert-file={layout.serving.certificate}",
        f"--tls-private-key-file={layout.serving.key}",
        f"--client-ca-file={layout.client_ca}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={layout.service_account_key}",
        f"--service-account-signing-key-file={layout.service_account_key}",
        f"--audit-policy-file={layout.audit_policy}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-maxsize=4096",  # MiB: never rotated, since audit.py reads one file
        "--profiling=false",
    ]


def controller_manager(program: Path, layout: Layout, kubeconfig: Path) -> list[str | Path]:
    """The few controllers of `CONTROLLERS`, quick to act and without a port of their own."""
    return [
        program,
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(CONTROLLERS)}",
        f"--service-account-private-key-file={layout.service_account_key}",
        f"--root-ca-file={layout.client_ca}",
        "--use-service-account-credentials",  # as in a real cluster: the one user may not do all their work
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--profiling=false",
    ]
