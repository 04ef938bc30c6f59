"""The way of an HTTP-01 request on the bench: CA → ingress controller → solver pod's program.

The program is the real one, the objects in between are real, and the CA's requests go through all of them. Only the
pod network is missing: the solver pod's address is one of a range for documentation (RFC 5737), to which nothing is
sent, because EndpointSlices refuse loopback; the ingress controller knows what it stands for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from tests.kit.ports import LOOPBACK
from tests.kit.responder_process import Responder, install_responder
from tests.kit.small_ingress import CLASS, SmallIngress

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.control_plane import ControlPlane

NAMESPACE = "certwright"
SERVICE = "certwright-responder"
POD_ADDRESS = "192.0.2.10"
PORTS = {"http": 8089, "health": 8090}


@dataclass
class Front:
    """A running front; `start` makes one, `stop` or leaving a `with` block ends it.

    Attributes:
        responder: the solver pod's program.
        ingress: the controller of Ingresses of class `ingress_class`.
        flags: what the operator must be told to work with it.
    """

    responder: Responder
    ingress: SmallIngress
    ingress_class = CLASS

    @classmethod
    def start(cls, directory: Path, plane: ControlPlane, port: int) -> Self:
        """Start both, once the operator's namespace and RBAC are there.

        Args:
            directory: an own folder for the responder's log.
            plane: whose token tables and Ingresses are served.
            port: that the CA asks, in place of 80.
        """
        install_responder(plane)
        responder = Responder.start(directory, plane, "--drain=1s")
        addresses = {(POD_ADDRESS, PORTS["http"]): (LOOPBACK, responder.port)}
        front = cls(responder, SmallIngress.start(plane.kubeconfig(), addresses, port))
        front.announce(plane)
        return front

    @property
    def flags(self) -> tuple[str, ...]:
        """For `certwright run`."""
        return (
            f"--responder-status={self.responder.health_url.removeprefix('http://')}",
            f"--self-check-http-port={self.ingress.port}",
            "--self-check-network=127.0.0.0/8",
            "--route-linger=3s",
        )

    def announce(self, plane: ControlPlane, *, ready: bool = True) -> None:
        """Make the Service and EndpointSlice that the controllers of a cluster with nodes would keep."""
        ports = [{"name": name, "port": port, "protocol": "TCP"} for name, port in PORTS.items()]
        metadata = {"namespace": NAMESPACE, "name": SERVICE}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}}
        endpoints = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": metadata | {"labels": {"kubernetes.io/service-name": SERVICE}},
            "addressType": "IPv4",
            "ports": ports,
            "endpoints": [{"addresses": [POD_ADDRESS], "conditions": {"ready": ready}}],
        }
        items = {"apiVersion": "v1", "kind": "List", "items": [service, endpoints]}
        plane.kubectl("apply", "--filename", "-", input=json.dumps(items))

    def stop(self) -> None:
        """End both."""
        self.ingress.stop()
        self.responder.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
