"""Keys, certificates and kubeconfigs of a node's programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from cryptography.hazmat.primitives.asymmetric import ec

from tests.kit import kubeconfig
from tests.kit.authority import Authority, KeyPair, write_key
from tests.kit.node_places import API_SERVICE, API_URL, NAME, NODE_ADDRESS, Places
from tests.kit.ports import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path

_SERVICE = "kubernetes.default.svc"
_API_NAMES = ("kubernetes", "kubernetes.default", _SERVICE, f"{_SERVICE}.cluster.local", "localhost")

#: By program, its user (and groups) as Kubernetes' own roles and the node authorizer know them.
_USERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "admin": ("admin", ("system:masters",)),
    "kube-controller-manager": ("system:kube-controller-manager", ()),
    "kube-scheduler": ("system:kube-scheduler", ()),
    "kube-proxy": ("system:kube-proxy", ()),
    "kubelet": (f"system:node:{NAME}", ("system:nodes",)),
}


@dataclass(frozen=True)
class NodeKeys:
    """All files that tell the programs who they are and whom they may believe.

    Attributes:
        ca: signs everything else.
        api: what the API server listens with.
        api_to_kubelet: as whom it asks the kubelet for logs.
        kubelet: what the kubelet listens with.
        service_accounts: signs their tokens.
        kubeconfigs: by program.
    """

    ca: Path
    api: KeyPair
    api_to_kubelet: KeyPair
    kubelet: KeyPair
    service_accounts: Path
    kubeconfigs: dict[str, Path]

    @classmethod
    def make(cls, places: Places) -> Self:
        """New keys for everybody."""
        authority = Authority.found(places.keys)
        service_accounts = places.keys / "service-accounts.key"
        write_key(service_accounts, ec.generate_private_key(ec.SECP256R1()))
        kubeconfigs = {}
        for program, (user, groups) in _USERS.items():
            kubeconfigs[program] = places.keys / f"{program}.kubeconfig"
            kubeconfig.write_kubeconfig(
                kubeconfigs[program],
                url=API_URL,
                ca_file=authority.file,
                credentials=kubeconfig.by_certificate(authority.client(user, groups)),
            )
        return cls(
            ca=authority.file,
            api=authority.serving("kube-apiserver", *_API_NAMES, LOOPBACK, API_SERVICE, NODE_ADDRESS),
            api_to_kubelet=authority.client("kube-apiserver-to-kubelet", ("system:masters",)),
            kubelet=authority.serving(NAME, NAME, NODE_ADDRESS),
            service_accounts=service_accounts,
            kubeconfigs=kubeconfigs,
        )
