"""Environment and flags as one frozen value. The only module that reads the environment."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from certwright.secret_text import SecretText

if TYPE_CHECKING:
    from collections.abc import Mapping

Network: TypeAlias = IPv4Network | IPv6Network

#: Where kubelet says which namespace a pod runs in (Kubernetes, "Accessing the API from a Pod").
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
DEFAULT_NAMESPACE = "certwright"
#: Whoever pressed the key can type nothing meanwhile.
COMPLETION_SECONDS, LONGEST_COMPLETION = 2.0, 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that can be set.

    Attributes:
        namespace: the operator's own: attempts and ClusterIssuers' Secrets are there.
        watch_namespaces: the only ones in which Certificates and Issuers are worked on; empty means all.
        kubeconfig: file to use instead of the pod's service account, or None.
        workers: turns that run at the same time.
        listen_port: of health and metrics.
        nameservers: recursive servers for look-ups as host:port; empty means the system's.
        authoritative_dns_port: 53 everywhere but in closed networks.
        permitted_networks: networks that ACME servers may be in although they are loopback, link-local or the like.
        renewal_info_interval: longest time between two questions for renewal advice.
        instance: this replica, in the Lease, events and logs.
        restarts: whether a later process of the same name is the same replica, started again: a pod's is.
        responder_service: Service of the solver pods, in the operator's own namespace.
        responder_status: where solver pods are asked what they serve, as host:port, in place of their own addresses.
        self_check_http_port: 80 everywhere but in closed networks; the port that HTTP-01 is looked at.
        self_check_https_port: 443 likewise; where redirects to https lead.
        self_check_networks: networks that names may be in although no public CA would look there.
        route_linger: how long a namespace keeps its Service for HTTP-01 after the last use.
        owner_role: name of the operator's own ClusterRole, or of its Role in each namespace it works in: it owns the
            routes, so that they go with it; empty for routes without an owner.
        tls_acme: whether `kubernetes.io/tls-acme: "true"` on an Ingress asks for the default ClusterIssuer.
        proxy: through which CAs are reached, as URL; it may have a password in it.
        no_proxy: hosts that are reached without it.
        cert_manager_metrics: whether metrics are told under cert-manager's names as well.
        kill_at: name of a point at which the process kills itself, `name[:n]`; for tests of crashes only.
    """

    namespace: str = DEFAULT_NAMESPACE
    watch_namespaces: tuple[str, ...] = ()
    kubeconfig: str | None = None
    workers: int = 32
    listen_port: int = 9402
    nameservers: tuple[str, ...] = ()
    authoritative_dns_port: int = 53
    permitted_networks: tuple[Network, ...] = ()
    renewal_info_interval: timedelta = timedelta(hours=24)
    instance: str = ""
    restarts: bool = False
    responder_service: str = "certwright-responder"
    responder_status: tuple[str, ...] = ()
    self_check_http_port: int = 80
    self_check_https_port: int = 443
    self_check_networks: tuple[Network, ...] = ()
    route_linger: timedelta = timedelta(minutes=10)
    owner_role: str = ""
    cert_manager_metrics: bool = False
    tls_acme: bool = False
    kill_at: str = ""
    proxy: SecretText | None = None
    no_proxy: str = ""


def own_namespace(environment: Mapping[str, str] = os.environ, file: Path = NAMESPACE_FILE) -> str:
    """The namespace this process runs in: told by the pod, else the default."""
    if named := environment.get("CERTWRIGHT_NAMESPACE"):
        return named
    try:
        return file.read_text(encoding="utf-8").strip() or DEFAULT_NAMESPACE
    except OSError:
        return DEFAULT_NAMESPACE


def instance_name() -> str:
    """Host and process, for a replica that nobody named."""
    return f"{socket.gethostname()}-{os.getpid()}"


def kill_point(environment: Mapping[str, str] = os.environ) -> str:
    """Where to crash, for tests; never a flag, so that it is not found by accident."""
    return environment.get("CERTWRIGHT_KILL_AT", "")


def https_proxy(environment: Mapping[str, str] = os.environ) -> SecretText | None:
    """The proxy for https, if one is set; the name in lower-case letters wins, as with curl and Python."""
    url = environment.get("https_proxy") or environment.get("HTTPS_PROXY")
    return SecretText(url) if url else None


def proxy_exceptions(environment: Mapping[str, str] = os.environ) -> str:
    """What is reached without the proxy, with commas between."""
    return environment.get("no_proxy") or environment.get("NO_PROXY", "")


def colour_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether nobody said that there shall be no colours (no-color.org)."""
    return not environment.get("NO_COLOR")


def completion_seconds(environment: Mapping[str, str] = os.environ) -> float:
    """How long a shell that completes a word waits for the API server: CERTWRIGHT_COMPLETION_SECONDS, or 2."""
    try:
        seconds = float(environment.get("CERTWRIGHT_COMPLETION_SECONDS") or COMPLETION_SECONDS)
    except ValueError:
        return COMPLETION_SECONDS
    return seconds if 0 < seconds <= LONGEST_COMPLETION else COMPLETION_SECONDS


def networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Networks in CIDR form; raises ValueError naming the one that is none."""
    return tuple(ip_network(text) for text in texts)
