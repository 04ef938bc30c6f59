"""The smallest ACME client that can get a certificate, so that the bench is tested without the operator."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Client:
    """One account at one server.

    Args:
        directory_url: of the server.
        ca_file: to verify the server with.
        publish: puts a value into the TXT record of a name; left out, challenges are answered without proof.
    """

    def __init__(
        self, directory_url: str, ca_file: Path, publish: Callable[[str, str], None] | None = None
    ) -> None:
        self._publish = publish
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._session = requests.Session()
        self._session.trust_env = False  # a CA bundle named in the environment would win over ours
        self._session.verify = str(ca_file)
        self.directory: dict[str, Any] = self._session.get(directory_url, timeout=10).json()
        self._nonce = ""
        self._account = ""
        answer = self.post(self.directory["newAccount"], {"termsOfServiceAgreed": True})
        self._account = answer.headers["Location"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def order(self, *names: str, replaces: str | None = None) -> requests.Response:
        """Place an order (RFC 8555 §7.4), perhaps in place of an older certificate (RFC 9773 §5)."""
        order: dict[str, Any] = {"identifiers": [{"type": "dns", "value": name} for name in names]}
        if replaces:
            order["replaces"] = replaces
        return self.post(self.directory["newOrder"], order)

    def obtain(self, *names: str, replaces: str | None = None) -> str:
        """The certificate chain for these names, through all steps of RFC 8555 §7.4."""
        placed = self.order(*names, replaces=replaces)
        url = placed.headers["Location"]
        for url_of_authorization in placed.json()["authorizations"]:
            authorization = self.post(url_of_authorization).json()
            if authorization["status"] == "pending":
                self._answer(authorization)
        self._await(url, "ready")
        self.post(placed.json()["finalize"], {"csr": _csr(names)})
        return self.post(self._await(url, "valid")["certificate"]).text

    def _answer(self, authorization: dict[str, Any]) -> None:
        challenge = next(one for one in authorization["challenges"] if one["type"] == "dns-01")
        if self._publish:
            thumbprint = sha256(
                json.dumps(self._jwk(), sort_keys=True, separators=(",", ":")).encode()
            ).digest()
            proof = sha256(f"{challenge['token']}.{_base64url(thumbprint)}".encode()).digest()
            self._publish(f"_acme-challenge.{authorization['identifier']['value']}", _base64url(proof))
        self.post(challenge["url"], {})

    def _await(self, order_url: str, status: str) -> dict[str, Any]:
        def order() -> dict[str, Any] | None:
            seen: dict[str, Any] = self.post(order_url).json()
            assert seen["status"] != "invalid", seen
            return seen if seen["status"] == status else None

        found = eventually(order, f"the order to be {status}", timeout=60)
        assert found
        return found

    def post(self, url: str, payload: dict[str, Any] | None = None) -> requests.Response:
        """POST, or POST-as-GET without a payload; bad nonces are tried again (RFC 8555 §6.5)."""
        headers = {"Content-Type": "application/jose+json"}
        while True:
            nonce = (
                self._nonce
                or self._session.head(self.directory["newNonce"], timeout=10).headers["Replay-Nonce"]
            )
            answer = self._session.post(url, self._signed(url, nonce, payload), headers=headers, timeout=30)
            self._nonce = answer.headers.get("Replay-Nonce", "")
            if answer.ok:
                return answer
            if "badNonce" not in answer.text:
                raise AssertionError(f"{url} answered {answer.status_code}: {answer.text}")

    def _signed(self, url: str, nonce: str, payload: dict[str, Any] | None) -> str:
        who = {"kid": self._account} if self._account else {"jwk": self._jwk()}
        protected = _base64url(json.dumps({"alg": "ES256", "nonce": nonce, "url": url, **who}).encode())
        body = "" if payload is None else _base64url(json.dumps(payload).encode())
        signature = self._key.sign(f"{protected}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return json.dumps({"protected": protected, "payload": body, "signature": _base64url(raw)})

    def _jwk(self) -> dict[str, str]:
        point = self._key.public_key().public_numbers()
        x, y = (_base64url(number.to_bytes(32, "big")) for number in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def certificate_id(chain_pem: str) -> str:
    """The name by which a certificate's renewal information is asked for (RFC 9773 §4.1)."""
    certificate = x509.load_pem_x509_certificate(chain_pem.encode())
    issuer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert issuer
    serial = certificate.serial_number
    return f"{_base64url(issuer)}.{_base64url(serial.to_bytes(serial.bit_length() // 8 + 1, 'big'))}"


def _csr(names: tuple[str, ...]) -> str:
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    signed = request.add_extension(alternatives, critical=False).sign(
        ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()
    )
    return _base64url(signed.public_bytes(serialization.Encoding.DER))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
