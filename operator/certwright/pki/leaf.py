"""Facts of a certificate. Garbage is an observation: None, never an exception."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from certwright.pki.keys import spki_sha256

if TYPE_CHECKING:
    from datetime import datetime

#: A chain is 3 to 10 KiB.
LARGEST_CHAIN = 100 * 1024
_BEGIN = b"-----BEGIN CERTIFICATE-----"
#: What `cryptography` raises for certificates that are none, or of a kind that it does not know.
UNREADABLE = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class LeafFacts:
    """What is in a certificate, as far as anybody here asks."""

    dns_names: frozenset[str]
    """In lower case."""
    common_name: str | None
    not_before: datetime
    not_after: datetime
    serial_number: str
    """Hex, lower case, without leading zeros."""
    fingerprint_sha256: str
    """Hex, of the DER."""
    issuer_common_name: str | None
    public_key_sha256: str
    """Hex, of the SubjectPublicKeyInfo."""
    renewal_id: str | None
    """By which the CA is asked when to renew (RFC 9773 §4.1); None without an authority key identifier."""


def read_leaf(chain_pem: bytes) -> LeafFacts | None:
    """Facts of the first certificate in `chain_pem`, or None if it is unreadable."""
    if len(chain_pem) > LARGEST_CHAIN:
        return None
    try:
        return leaf_facts(x509.load_pem_x509_certificate(chain_pem))
    except UNREADABLE:
        return None


def leaf_facts(certificate: x509.Certificate) -> LeafFacts:
    """Facts of a certificate that could be parsed; raises one of `UNREADABLE` if its parts cannot."""
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        raise UnsupportedAlgorithm("no key that we could have asked a certificate for")
    return LeafFacts(
        dns_names=_dns_names(certificate),
        common_name=_common_name(certificate.subject),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        serial_number=f"{certificate.serial_number:x}",
        fingerprint_sha256=certificate.fingerprint(SHA256()).hex(),
        issuer_common_name=_common_name(certificate.issuer),
        public_key_sha256=spki_sha256(key),
        renewal_id=_renewal_id(certificate),
    )


def topmost_issuer(chain_pem: bytes) -> str:
    """Common name of whoever issued the last certificate in `chain_pem`, "" if that cannot be read."""
    last = chain_pem[max(chain_pem.rfind(_BEGIN), 0) :]
    try:
        return issuer_common_name(x509.load_pem_x509_certificate(last)) if len(last) <= LARGEST_CHAIN else ""
    except UNREADABLE:
        return ""


def issuer_common_name(certificate: x509.Certificate) -> str:
    """Common name of the issuer, or ""."""
    return _common_name(certificate.issuer) or ""


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether the certificate vouches for itself."""
    try:
        if certificate.issuer != certificate.subject:
            return False
        certificate.verify_directly_issued_by(certificate)
    except (*UNREADABLE, InvalidSignature):
        return False
    return True


def _dns_names(certificate: x509.Certificate) -> frozenset[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(name.lower() for name in names.get_values_for_type(x509.DNSName))


def _common_name(name: x509.Name) -> str | None:
    for attribute in name.get_attributes_for_oid(NameOID.COMMON_NAME):
        value = attribute.value
        return value if isinstance(value, str) else None
    return None


def _renewal_id(certificate: x509.Certificate) -> str | None:
    """Key identifier of the issuer and serial number, as content of their DER (RFC 9773 §4.1)."""
    try:
        authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    except x509.ExtensionNotFound:
        return None
    if not authority.key_identifier:
        return None
    serial = certificate.serial_number
    # An INTEGER is signed, so a leading byte 00 keeps a high bit from making it negative; it stays.
    content = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    return f"{_base64url(authority.key_identifier)}.{_base64url(content)}"


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
