"""Private keys: made, written, read, and known by facts that may be shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from certwright.failures import NeedsPerson
from certwright.resources.conditions import Reason
from certwright.secret_text import SecretText

if TYPE_CHECKING:
    from collections.abc import Mapping

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

#: Longer than any RSA key that a CA takes.
LARGEST_PEM = 32 * 1024
USUAL_RSA_SIZE = 2048
USUAL_ECDSA_SIZE = 256
_CURVES: Mapping[int, type[ec.EllipticCurve]] = {256: ec.SECP256R1, 384: ec.SECP384R1, 521: ec.SECP521R1}
_RSA_SIZES = (2048, 3072, 4096, 8192)
_ED25519_SIZE = 256


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What may be known of a private key."""

    algorithm: str
    """"RSA", "ECDSA" or "Ed25519"."""
    size: int
    """Bits of the modulus or of the curve."""
    encoding: str
    """"PKCS1" (SEC 1 for ECDSA) or "PKCS8"."""
    public_key_sha256: str
    """Hex, of the SubjectPublicKeyInfo."""


def generate_key(algorithm: str, size: int | None = None) -> PrivateKey:
    """A new key.

    Args:
        algorithm: "RSA", "ECDSA" or "Ed25519".
        size: bits of the modulus or of the curve; None for 2048 and 256. Means nothing for Ed25519.

    Raises:
        NeedsPerson: there are no such keys.
    """
    if algorithm == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "ECDSA" and (curve := _CURVES.get(size or USUAL_ECDSA_SIZE)):
        return ec.generate_private_key(curve())
    if algorithm == "RSA" and (size or USUAL_RSA_SIZE) in _RSA_SIZES:
        return rsa.generate_private_key(public_exponent=65537, key_size=size or USUAL_RSA_SIZE)
    raise NeedsPerson(
        Reason.INVALID_SPEC.word,
        f"there is no {algorithm} key of size {size}; "
        "RSA has 2048, 3072, 4096 and 8192, ECDSA has 256, 384 and 521, Ed25519 has none",
    )


def encode_key(key: PrivateKey, encoding: str) -> SecretText:
    """`key` in PEM.

    Args:
        key: to be written.
        encoding: "PKCS8", or "PKCS1", which for ECDSA means SEC 1 (RFC 5915). Ed25519 only has PKCS #8
            (RFC 8410 §7).
    """
    traditional = encoding == "PKCS1" and not isinstance(key, ed25519.Ed25519PrivateKey)
    style = PrivateFormat.TraditionalOpenSSL if traditional else PrivateFormat.PKCS8
    return SecretText(key.private_bytes(Encoding.PEM, style, NoEncryption()).decode())


def read_key(pem: str | bytes) -> PrivateKey | None:
    """The key in `pem`, or None if there is none that we know: a Secret edited by hand is no failure."""
    data = pem.encode(errors="replace") if isinstance(pem, str) else pem
    if len(data) > LARGEST_PEM:
        return None
    try:
        # Validation of an RSA key takes 46 to 334 ms, and a certificate for it shows that it worked.
        key = load_pem_private_key(data, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey) and not isinstance(key.curve, tuple(_CURVES.values())):
        return None
    return key if isinstance(key, PrivateKey) else None


def read_facts(pem: str | bytes) -> KeyFacts | None:
    """Facts of the key in `pem`, or None if there is none that we know."""
    key = read_key(pem)
    if key is None:
        return None
    text = pem if isinstance(pem, str) else pem.decode(errors="replace")
    traditional = "-----BEGIN RSA PRIVATE KEY" in text or "-----BEGIN EC PRIVATE KEY" in text
    algorithm, size = algorithm_and_size(key.public_key())
    return KeyFacts(algorithm, size, "PKCS1" if traditional else "PKCS8", public_key_sha256(key))


def public_key_sha256(key: PrivateKey) -> str:
    """Hex digest of the public half, by which a key is compared with a certificate."""
    return spki_sha256(key.public_key())


def spki_sha256(key: PublicKey) -> str:
    """Hex digest of a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7)."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def algorithm_and_size(key: PublicKey) -> tuple[str, int]:
    """The words of `spec.privateKey` for a public key."""
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "ECDSA", key.key_size
    return "Ed25519", _ED25519_SIZE
