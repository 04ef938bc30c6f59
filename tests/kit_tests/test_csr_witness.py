"""The witness tells a CSR whose key is kept from one whose key is nowhere, before the CA hears of it."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.kit.csr_witness import CsrWitness, public_der
from tests.kit.pebble import Pebble
from tests.kit.pebble_settings import PebbleSettings
from tests.kit_tests.acme_by_hand import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.servers

NAME = "www.example.org"


class Cluster:
    """Secrets by namespace/name."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {"shop/other": b"no key at all"}

    def all(self, kind: str) -> list[dict[str, Any]]:
        assert kind == "secrets"
        without = {"metadata": {"namespace": "shop", "name": "empty"}}
        return [without, *(_secret(place, key) for place, key in self.keys.items())]


def _secret(place: str, key: bytes) -> dict[str, Any]:
    namespace, _, name = place.partition("/")
    metadata = {"namespace": namespace, "name": name}
    return {"metadata": metadata, "data": {"tls.key": base64.b64encode(key).decode()}}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def witness(tmp_path: Path, cluster: Cluster) -> Iterator[CsrWitness]:
    settings = PebbleSettings(always_valid=True, nonce_reject_percent=0)
    with (
        Pebble.start(tmp_path / "pebble", settings) as pebble,
        CsrWitness.start(tmp_path / "witness", pebble.directory_url, pebble.ca_file) as witness,
    ):
        witness.read = cluster
        yield witness


def test_a_key_that_is_nowhere_is_told_and_the_certificate_is_issued_all_the_same(
    witness: CsrWitness,
) -> None:
    with Client(f"{witness.url}/dir", witness.ca_file) as client:
        leaf = x509.load_pem_x509_certificates(client.obtain(NAME).encode())[0]
    (seen,) = witness.witnessed
    assert seen.names == frozenset({NAME})
    assert seen.kept_in == ()
    assert seen.key == public_der(leaf.public_key())


def test_a_key_that_is_kept_is_found(witness: CsrWitness, cluster: Cluster) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    cluster.keys["shop/web"] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    names = x509.SubjectAlternativeName([x509.DNSName(NAME)])
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    csr = request.add_extension(names, critical=False).sign(key, SHA256()).public_bytes(Encoding.DER)
    payload = base64url(json.dumps({"csr": base64url(csr)}).encode())
    body = json.dumps({"protected": "", "payload": payload, "signature": ""}).encode()
    with closing(witness.connect()) as ca:
        ca.write(b"POST /finalize-order/1 HTTP/1.1\r\nHost: ca\r\n\r\n" + body)
    (seen,) = witness.witnessed
    assert (seen.key, seen.kept_in) == (public_der(key.public_key()), ("shop/web",))


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
