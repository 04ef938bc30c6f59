"""A small CA that issues whatever a test wants, be it right or wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certwright.pki.keys import PrivateKey

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Ca:
    """A certificate that may sign others, and its key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def pem(self) -> str:
        return pem_of(self.certificate)


def pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def name(common_name: str | None) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


def issue(
    key: PrivateKey,
    names: Sequence[str],
    ca: Ca | None = None,
    *,
    subject: str | None = None,
    not_before: datetime = NOW - timedelta(hours=1),
    not_after: datetime = NOW + timedelta(days=90),
    serial_number: int = 0x0087654321,
    is_ca: bool = False,
    with_authority: bool = True,
    other_names: Sequence[x509.GeneralName] = (),
) -> x509.Certificate:
    """A certificate for `key`; signed by itself without a `ca`."""
    issuer = ca.certificate.subject if ca else name(subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial_number)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if names or other_names:
        alternatives = x509.SubjectAlternativeName([*map(x509.DNSName, names), *other_names])
        builder = builder.add_extension(alternatives, critical=False)
    if ca and with_authority:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
        builder = builder.add_extension(authority, critical=False)
    signer = ca.key if ca else key
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signer, digest)


def found(common_name: str, parent: Ca | None = None) -> Ca:
    """A root, or an intermediate under `parent`."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Ca(issue(key, [], parent, subject=common_name, is_ca=True, serial_number=1), key)
