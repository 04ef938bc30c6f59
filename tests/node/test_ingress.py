"""An Ingress that asks for its certificate by an annotation, served by Traefik to a client that trusts the CA alone."""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from tests.kit.helm import NAMESPACE
from tests.kit.node_guests import INGRESS
from tests.kit.node_guests import NAMESPACE as OUTSIDE
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kit.examples import Servers
    from tests.kit.image import Image
    from tests.kit.node import Node

pytestmark = [pytest.mark.node, pytest.mark.usefixtures("installed")]

ISSUER = {"certwright.dev/issuer": "web-ca"}
FIRST, SECOND = "site.example.test", "moved.example.test"
#: Seconds for an order over HTTP-01, and for Traefik to take up what came of it.
PATIENCE = 180
_BACKEND = """
import http.server

class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello from the site")

http.server.HTTPServer(("", 8080), Hello).serve_forever()
"""


def backend(image: Image) -> list[dict[str, Any]]:
    """A site that says hello."""
    labels = {"app": "site"}
    container = {
        "name": "site",
        "image": image.name,
        "imagePullPolicy": "Never",
        "command": ["/opt/certwright/bin/python", "-c", _BACKEND],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
    }
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    metadata = {"name": "site", "namespace": "default"}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"selector": {"matchLabels": labels}, "template": pod},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ]


def ingress(host: str, annotations: dict[str, str]) -> dict[str, Any]:
    service = {"name": "site", "port": {"number": 80}}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": service}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "site", "namespace": "default", "annotations": annotations},
        "spec": {
            "tls": [{"secretName": "site-tls", "hosts": [host]}],
            "rules": [{"host": host, "http": {"paths": [path]}}],
        },
    }


@pytest.fixture
def root(node: Node, servers: Servers) -> str:
    """Pebble's root, as it tells it (Pebble, management interface): it makes another one at each start."""
    (pod,) = node.pods(OUTSIDE, "app=pebble")
    trusted = ssl.create_default_context(cadata=servers.ca_pem)
    host = servers.directory_url.split("/")[2].partition(":")[0]
    with (
        socket.create_connection((pod["status"]["podIP"], 15000), 10) as wire,
        trusted.wrap_socket(wire, server_hostname=host) as tls,
    ):
        asking = http.client.HTTPSConnection(host)
        asking.sock = tls
        asking.request("GET", "/roots/0")
        return asking.getresponse().read().decode()


@pytest.fixture
def site(node: Node, loaded: Image) -> Iterator[None]:
    node.apply(*backend(loaded))
    node.await_deployment("default", "site")
    yield
    node.kubectl("delete", "ingress/site", "service/site", "deployment/site", "--ignore-not-found")
    node.kubectl("delete", "secret", "site-tls", "--ignore-not-found")


def visit(host: str, root: str) -> tuple[str, int]:
    """What a client that trusts nobody but the CA is shown, and the serial number of the certificate.

    Raises:
        ssl.SSLCertVerificationError: the certificate is not for this name, or of somebody else.
    """
    trusting = ssl.create_default_context(cadata=root)
    with (
        socket.create_connection((INGRESS, 443), 10) as wire,
        trusting.wrap_socket(wire, server_hostname=host) as tls,
    ):
        shown = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
        asking = http.client.HTTPSConnection(host)
        asking.sock = tls
        asking.request("GET", "/")
        return asking.getresponse().read().decode(), shown.serial_number


def await_served(node: Node, host: str, root: str) -> int:
    """Wait until the site is served under this name with a certificate that such a client takes."""
    seen: list[int] = []

    def served() -> bool:
        try:
            text, serial = visit(host, root)
        except OSError:
            return False
        seen.append(serial)
        return text == "hello from the site"

    def explain() -> str:
        kinds = "certificates.certwright.dev,ingresses,events"
        return f"{node.kubectl('get', kinds, '--output=yaml', check=False)}\n{node.explain(NAMESPACE)}"

    eventually(served, f"https://{host}", PATIENCE, explain=explain)
    return seen[-1]


@pytest.mark.usefixtures("site")
def test_an_annotated_ingress_is_served_with_its_certificate_through_all_changes(
    node: Node, root: str
) -> None:
    node.apply(ingress(FIRST, ISSUER))
    first = await_served(node, FIRST, root)
    node.apply(ingress(SECOND, ISSUER))
    second = await_served(node, SECOND, root)
    assert second != first
    with pytest.raises(ssl.SSLCertVerificationError):
        visit(FIRST, root)
    node.apply(ingress(SECOND, {}))
    certificates = ("get", "certificates.certwright.dev", "--output=name")
    eventually(lambda: "site-tls" not in node.kubectl(*certificates), "the Certificate to be gone", 60)
    assert visit(SECOND, root) == ("hello from the site", second), "what serves it stays"
