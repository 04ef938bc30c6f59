"""Signed requests as a strict CA reads them (RFC 8555 §6.2, RFC 7515); written without the operator's own JOSE."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm

from tests.kit.fake_ca_policy import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_CURVES: dict[str, tuple[ec.EllipticCurve, HashAlgorithm, str]] = {
    "P-256": (ec.SECP256R1(), SHA256(), "ES256"),
    "P-384": (ec.SECP384R1(), SHA384(), "ES384"),
}
_MACS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_FIELDS = {"protected", "payload", "signature"}


@dataclass(frozen=True)
class Jws:
    """A flattened JWS, taken apart and not verified."""

    protected: Mapping[str, Any]
    payload: bytes
    signature: bytes
    signed: bytes

    def json(self) -> Any:
        """The payload, which must be an object."""
        try:
            content = json.loads(self.payload)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise malformed("the payload is no JSON object")
        return content


def malformed(detail: str, status: int = 400) -> Refusal:
    return Refusal("malformed", status, detail)


def take_apart(message: bytes | Mapping[str, Any]) -> Jws | None:
    """Read a flattened JWS (RFC 7515 §7.2.2) in which nothing is left unprotected; None if it is none."""
    try:
        found = json.loads(message) if isinstance(message, bytes) else message
        if set(found) != _FIELDS:
            return None
        parts = {name: decoded(found[name]) for name in _FIELDS}
        protected = dict(json.loads(parts["protected"]))
    except (ValueError, TypeError, KeyError):
        return None
    signed = f"{found['protected']}.{found['payload']}".encode()
    return Jws(protected, parts["payload"], parts["signature"], signed)


def decoded(text: str) -> bytes:
    """Base64url without padding, and nothing else (RFC 7515 §2)."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if encoded(raw) != text:
        raise ValueError(text)
    return raw


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638."""
    names = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}[jwk["kty"]]
    canonical = json.dumps({name: jwk[name] for name in names}, separators=(",", ":"))
    return encoded(sha256(canonical.encode()).digest())


def public_key(jwk: Any) -> PublicKeyTypes:
    """The key of a JWK (RFC 7518 §6)."""
    try:
        number = {name: int.from_bytes(decoded(jwk[name])) for name in ("x", "y", "n", "e") if name in jwk}
        if jwk["kty"] == "RSA":
            return rsa.RSAPublicNumbers(number["e"], number["n"]).public_key()
        curve = _CURVES[jwk["crv"]][0]
        return ec.EllipticCurvePublicNumbers(number["x"], number["y"], curve).public_key()
    except (ValueError, TypeError, KeyError):
        raise Refusal("badPublicKey", 400, "the JWK is no public key that is taken here") from None


def verify(jws: Jws, jwk: Mapping[str, str], algorithms: tuple[str, ...]) -> None:
    """Check signature and algorithm (RFC 8555 §6.2).

    Raises:
        Refusal: the algorithm is not among these or not the key's, or the signature is wrong.
    """
    key, algorithm = public_key(jwk), jws.protected.get("alg")
    fits = "RS256" if isinstance(key, rsa.RSAPublicKey) else _CURVES[jwk["crv"]][2]
    if algorithm not in algorithms or algorithm != fits:
        detail = f"{algorithm} is not taken here, or not for this key"
        raise Refusal("badSignatureAlgorithm", 400, detail, algorithms=list(algorithms))
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(jws.signature, jws.signed, padding.PKCS1v15(), SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            half = key.key_size // 8
            r, s = int.from_bytes(jws.signature[:half]), int.from_bytes(jws.signature[half : 2 * half])
            key.verify(encode_dss_signature(r, s), jws.signed, ec.ECDSA(_CURVES[jwk["crv"]][1]))
    except InvalidSignature:
        raise malformed("the signature does not verify") from None


def verify_binding(
    message: Any,
    bindings: Mapping[str, bytes],
    jwk: Mapping[str, str],
    new_account_url: str,
    macs: tuple[str, ...] = tuple(_MACS),
) -> None:
    """Check an external account binding (RFC 8555 §7.3.4).

    Raises:
        Refusal: it is not as it must be.
    """
    inner = take_apart(message)
    header = inner.protected if inner else {}
    if (
        not inner
        or set(header) != {"alg", "kid", "url"}
        or header["alg"] not in macs
        or header["url"] != new_account_url
    ):
        raise malformed(
            "the binding's header must have a MAC's alg, kid, the url of newAccount, and no nonce"
        )
    if header["kid"] not in bindings:
        raise Refusal("unauthorized", 403, "the binding's kid is not known")
    mac = hmac.digest(bindings[header["kid"]], inner.signed, _MACS[header["alg"]])
    if not hmac.compare_digest(mac, inner.signature):
        raise Refusal("unauthorized", 403, "the binding's MAC does not verify")
    if thumbprint(inner.json()) != thumbprint(jwk):
        raise Refusal("badPublicKey", 400, "the binding is for another key")
