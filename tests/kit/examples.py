"""The manifests of examples/ and the README, with real servers in place of the example's."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Servers:
    """What a user fills in.

    Attributes:
        directory_url: of the CA.
        ca_pem: to verify the CA's own HTTPS with, because it is not publicly trusted.
        nameserver: host:port.
        tsig_name: of the key for updates.
        tsig_secret: base64.
    """

    directory_url: str
    ca_pem: str
    nameserver: str
    tsig_name: str
    tsig_secret: str


def filled_in(manifest: str, servers: Servers) -> str:
    """An example with these servers' addresses and keys."""
    bundle = f"caBundle: {base64.b64encode(servers.ca_pem.encode()).decode()}"
    agreed = "termsOfServiceAgreed: true"
    trusted = f"{bundle}\n    {agreed}"
    return (
        manifest.replace("https://acme.example.com/directory", servers.directory_url)
        .replace("https://ca.corp.example/acme/acme/directory", servers.directory_url)
        .replace("ns1.example.com:53", servers.nameserver)
        .replace("PUT-THE-KEY-HERE", servers.tsig_secret)
        .replace("tsigKeyName: certwright", f"tsigKeyName: {servers.tsig_name}")
        .replace(agreed, trusted)
        # A private CA has no terms, the one that takes its place here may have.
        .replace("caBundle: PUT-THE-ROOT-HERE", trusted)
    )
