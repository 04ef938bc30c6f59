"""Configuration files of containerd, its network, kubelet and kube-proxy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.kit import node_places
from tests.kit.node_fitness import CNI_PLUGINS
from tests.kit.node_places import CONTAINERD_SOCKET, NAME, NODE_ADDRESS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.node_keys import NodeKeys
    from tests.kit.node_places import Places

PAUSE_IMAGE = "localhost/pause:1"

# A machine that is a guest itself often may not lower oom_score_adj (CAP_SYS_RESOURCE), has no AppArmor, and does
# not delegate hugetlb: containerd is told not to try.
_CONTAINERD = """\
version = 2
oom_score = 0
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{networks}"
"""


def containerd(places: Places) -> Path:
    """Where it listens, which image holds a pod's namespaces, where network plugins are."""
    file = places.settings / "containerd.toml"
    facts = {"plugins": CNI_PLUGINS, "networks": places.settings / "cni"}
    file.write_text(_CONTAINERD.format(socket=CONTAINERD_SOCKET, pause=PAUSE_IMAGE, **facts))
    return file


def network(places: Places) -> Path:
    """One bridge for all pods, without any masquerading: nothing is to leave the node."""
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isDefaultGateway": True,
        "hairpinMode": True,
        "ipMasq": False,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": node_places.NODE_PODS}]]},
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True}
    content = {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, ports]}
    return _written(places.settings / "cni" / "10-pods.conflist", content)


def kubelet(places: Places, keys: NodeKeys) -> Path:
    """A kubelet that takes the machine as it is: cgroups of version 1, swap, a disk that others fill."""
    client_ca = {"clientCAFile": str(keys.ca)}
    return _written(
        places.settings / "kubelet.json",
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": NODE_ADDRESS,
            "tlsCertFile": str(keys.kubelet.certificate),
            "tlsPrivateKeyFile": str(keys.kubelet.key),
            "authentication": {"anonymous": {"enabled": False}, "x509": client_ca},
            "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
            "failSwapOn": False,
            "oomScoreAdj": 0,
            "clusterDNS": [node_places.DNS_SERVICE],
            "clusterDomain": "cluster.local",
            "resolvConf": "/etc/resolv.conf",
            "evictionHard": {
                "memory.available": "100Mi",
                "nodefs.available": "1%",
                "imagefs.available": "1%",
            },
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
        },
    )


def kube_proxy(places: Places, keys: NodeKeys) -> Path:
    """Services by nftables; the machine's limits for tracked connections are left alone."""
    untouched = {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}
    return _written(
        places.settings / "kube-proxy.json",
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "bindAddress": NODE_ADDRESS,
            "clusterCIDR": node_places.PODS,
            "hostnameOverride": NAME,
            "clientConnection": {"kubeconfig": str(keys.kubeconfigs["kube-proxy"])},
            "conntrack": untouched,
        },
    )


def _written(file: Path, content: dict[str, Any]) -> Path:
    file.write_text(json.dumps(content, indent=2))
    return file
