"""A CA and a name server in the cluster of a node, for users' manifests to name."""

from __future__ import annotations

import base64
import inspect
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kit import go_build, nameserver, ports, zone_store
from tests.kit.authority import Authority, KeyPair
from tests.kit.examples import Servers
from tests.kit.pebble_settings import PebbleSettings
from tests.kit.program_image import write_program_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.kit.image import Image
    from tests.kit.node import Node

NAMESPACE = "outside"
#: As node_files/ has them: the name server, and Traefik's Service.
NAMESERVER = "10.232.0.53"
INGRESS = "10.232.0.80"
_CA_HOST = f"pebble.{NAMESPACE}.svc.cluster.local"
_PEBBLE_IMAGE = "localhost/pebble:1"


def install(node: Node, python: Image, zones: Sequence[str], web: Sequence[str]) -> Servers:
    """Start Pebble and our name server, and wait until they are ready.

    Args:
        node: where to.
        python: an image on the node with Python and dnspython, to run the name server with.
        zones: of the name server.
        web: names that lead to the ingress controller.
    """
    authority = Authority.found(node.directory / "pebble-pki")
    secret = nameserver.new_tsig_secret()
    node.kubectl("create", "namespace", NAMESPACE)
    archive = write_program_image(node.directory / "pebble.tar", _PEBBLE_IMAGE, go_build.built("pebble"))
    node.load_image(archive)
    archive.unlink()
    node.apply(_secret("pebble", _pebble_files(node, authority)))
    node.apply(_secret("nameserver", {"tsig": secret.encode(), **_sources()}))
    node.apply_file("pebble.yaml", image=_PEBBLE_IMAGE, nameserver=f"{NAMESERVER}:53")
    arguments = [f"--zone={zone}" for zone in zones]
    arguments += [f"--record={name}. IN A {INGRESS}" for name in web]
    quoted = ", ".join(f'"{argument}"' for argument in arguments)
    node.apply_file("nameserver.yaml", image=python.name, address=NAMESERVER, arguments=quoted)
    for name in ("nameserver", "pebble"):
        node.await_deployment(NAMESPACE, name)
    return Servers(
        directory_url=f"https://{_CA_HOST}:14000/dir",
        ca_pem=authority.pem,
        nameserver=f"{NAMESERVER}:53",
        tsig_name=nameserver.TSIG_NAME,
        tsig_secret=secret,
    )


def _pebble_files(node: Node, authority: Authority) -> dict[str, bytes]:
    serving = authority.serving("pebble", _CA_HOST)
    config = node.directory / "pebble.json"
    inside = KeyPair(Path("/settings/tls.crt"), Path("/settings/tls.key"))
    PebbleSettings(http_port=80).write(config, acme=":14000", management=":15000", serving=inside)
    return {
        "pebble.json": config.read_bytes(),
        "tls.crt": serving.certificate.read_bytes(),
        "tls.key": serving.key.read_bytes(),
    }


def _sources() -> dict[str, bytes]:
    """The name server's modules, to be run as they are."""
    return {
        f"{each.__name__}.py": inspect.getsource(each).encode() for each in (nameserver, ports, zone_store)
    }


def _secret(name: str, files: dict[str, bytes]) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "data": {key: base64.b64encode(content).decode() for key, content in files.items()},
    }
