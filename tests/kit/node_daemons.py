"""The command lines of a node's programs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.kit import go_build, node_places, node_settings
from tests.kit.binaries import locate
from tests.kit.node_places import NAME, NODE_ADDRESS
from tests.kit.ports import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.node_keys import NodeKeys
    from tests.kit.node_places import Places

_ETCD = f"http://{LOOPBACK}:2379"
_ETCD_PEER = f"http://{LOOPBACK}:2380"


@dataclass(frozen=True)
class Daemon:
    """A program that the node keeps running.

    Attributes:
        name: also of its log.
        command: the program and its arguments.
        needs_api: not to be started before the API server is ready.
    """

    name: str
    command: list[str]
    needs_api: bool


def daemons(places: Places, keys: NodeKeys) -> list[Daemon]:
    """All of them, in the order of their start."""
    return [
        _daemon("etcd", locate().etcd, _etcd(), needs_api=False),
        _daemon("containerd", _on_path("containerd"), _containerd(places), needs_api=False),
        _daemon("kube-apiserver", locate().kube_apiserver, _api_server(keys), needs_api=False),
        _daemon("kube-controller-manager", locate().kube_controller_manager, _controller_manager(keys)),
        _daemon("kube-scheduler", go_build.built("kube-scheduler"), _scheduler(keys)),
        _daemon("kubelet", go_build.built("kubelet"), _kubelet(places, keys)),
        _daemon("kube-proxy", go_build.built("kube-proxy"), _proxy(places, keys)),
    ]


def _daemon(name: str, program: Path | str, flags: dict[str, object], *, needs_api: bool = True) -> Daemon:
    return Daemon(name, [str(program), *(f"--{flag}={value}" for flag, value in flags.items())], needs_api)


def _on_path(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    assert found, f"there is no {name}, and node_fitness.why_not() should have said so"
    return found


def _etcd() -> dict[str, object]:
    return {
        "data-dir": "/var/lib/etcd",
        "unsafe-no-fsync": "true",
        "listen-client-urls": _ETCD,
        "advertise-client-urls": _ETCD,
        "listen-peer-urls": _ETCD_PEER,
        "initial-advertise-peer-urls": _ETCD_PEER,
        "initial-cluster": f"default={_ETCD_PEER}",
        "log-level": "warn",
    }


def _containerd(places: Places) -> dict[str, object]:
    node_settings.network(places)
    return {"config": node_settings.containerd(places)}


def _api_server(keys: NodeKeys) -> dict[str, object]:
    return {
        "etcd-servers": _ETCD,
        "bind-address": "0.0.0.0",  # noqa: S104 - of the node's own namespace
        "advertise-address": NODE_ADDRESS,
        "secure-port": 6443,
        "service-cluster-ip-range": node_places.SERVICES,
        "tls-cert-file": keys.api.certificate,
        "tls-private-key-file": keys.api.key,
        "client-ca-file": keys.ca,
        "kubelet-client-certificate": keys.api_to_kubelet.certificate,
        "kubelet-client-key": keys.api_to_kubelet.key,
        "kubelet-certificate-authority": keys.ca,
        # Nobody resolves the node's name.
        "kubelet-preferred-address-types": "InternalIP",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": keys.service_accounts,
        "service-account-signing-key-file": keys.service_accounts,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "profiling": "false",
    }


def _controller_manager(keys: NodeKeys) -> dict[str, object]:
    return _component(keys, "kube-controller-manager") | {
        "service-account-private-key-file": keys.service_accounts,
        "root-ca-file": keys.ca,
        "use-service-account-credentials": "true",
        "allocate-node-cidrs": "true",
        "cluster-cidr": node_places.PODS,
        "service-cluster-ip-range": node_places.SERVICES,
    }


def _scheduler(keys: NodeKeys) -> dict[str, object]:
    return _component(keys, "kube-scheduler")


def _component(keys: NodeKeys, name: str) -> dict[str, object]:
    config = keys.kubeconfigs[name]
    asking = {"authentication-kubeconfig": config, "authorization-kubeconfig": config}
    return {"kubeconfig": config, "leader-elect": "false", "bind-address": LOOPBACK, **asking}


def _kubelet(places: Places, keys: NodeKeys) -> dict[str, object]:
    return {
        "config": node_settings.kubelet(places, keys),
        "kubeconfig": keys.kubeconfigs["kubelet"],
        "hostname-override": NAME,
        "node-ip": NODE_ADDRESS,
    }


def _proxy(places: Places, keys: NodeKeys) -> dict[str, object]:
    return {"config": node_settings.kube_proxy(places, keys)}
