"""Certificate signing requests (RFC 2986) as ACME wants them: names in the SAN extension, nothing unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certwright.pki.keys import PrivateKey

_LARGE_CURVE = 384


def csr_der(key: PrivateKey, dns_names: Iterable[str], common_name: str | None = None) -> bytes:
    """A request for exactly `dns_names`, in DER (RFC 8555 §7.4).

    Args:
        key: the certificate's key, which signs the request.
        dns_names: A-labels; written in lower case, sorted, each once.
        common_name: one of the names, at most 64 characters; None or "" leaves the subject empty.

    Raises:
        ValueError: a name is not ASCII, or the common name is too long; the spec's rules keep both out.
    """
    names = sorted({name.lower() for name in dns_names})
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name.lower())] if common_name else []
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name(subject))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, _digest_for(key))
    )
    return request.public_bytes(Encoding.DER)


def _digest_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    """The digest that matches the key's strength (RFC 5480 §4); Ed25519 brings its own."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size >= _LARGE_CURVE:
        return hashes.SHA384() if key.key_size == _LARGE_CURVE else hashes.SHA512()
    return hashes.SHA256()
