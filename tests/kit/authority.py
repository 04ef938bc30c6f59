"""A certificate authority for the bench: serving and client certificates for programs on loopback."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_LIFETIME = timedelta(days=7)  # longer than any bench is left running


@dataclass(frozen=True)
class KeyPair:
    """Files with a certificate and its private key, both PEM."""

    certificate: Path
    key: Path


class Authority:
    """Issues ECDSA certificates and writes them into one folder."""

    def __init__(self, folder: Path, key: EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._folder = folder
        self._key = key
        self._certificate = certificate
        self.file = folder / "ca.pem"
        self.file.write_text(self.pem)

    @classmethod
    def found(cls, folder: Path, name: str = "Certwright bench CA", *, path_length: int = 0) -> Self:
        """Make a new authority that keeps its files in the folder.

        Args:
            folder: is made if it is not there.
            name: common name.
            path_length: how many authorities may stand between it and what is issued.
        """
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(name, ())
        builder = _authority_certificate(subject, key.public_key(), subject, path_length)
        return cls(folder, key, builder.sign(key, SHA256()))

    @property
    def pem(self) -> str:
        """The authority's own certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def serving(self, name: str, *addresses: str) -> KeyPair:
        """A certificate for a server at these host names and IP addresses."""
        return self._issue(name, (), ExtendedKeyUsageOID.SERVER_AUTH, map(_general_name, addresses))

    def intermediate(self, name: str) -> KeyPair:
        """A certificate with which another authority issues in this one's name."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _authority_certificate(_subject(name, ()), key.public_key(), self._certificate.subject, 0)
        builder = builder.add_extension(self._key_identifier(), critical=False)
        return self._written("intermediate", builder.sign(self._key, SHA256()), key)

    def client(self, user: str, groups: Iterable[str] = ()) -> KeyPair:
        """A certificate by which Kubernetes knows a user (common name) and its groups (organizations)."""
        return self._issue(user, groups, ExtendedKeyUsageOID.CLIENT_AUTH, ())

    def _issue(
        self,
        name: str,
        groups: Iterable[str],
        use: x509.ObjectIdentifier,
        addresses: Iterable[x509.GeneralName],
    ) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self._certificate.subject
        builder = _certificate(_subject(name, groups), key.public_key(), issuer=issuer)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        builder = builder.add_extension(self._key_identifier(), critical=False)
        if names := list(addresses):
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self._key, SHA256())
        plain_name = name.replace(":", "-").replace("/", "-")
        return self._written(f"{plain_name}-{certificate.serial_number % 2**32:08x}", certificate, key)

    def _key_identifier(self) -> x509.AuthorityKeyIdentifier:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())

    def _written(self, stem: str, certificate: x509.Certificate, key: EllipticCurvePrivateKey) -> KeyPair:
        pair = KeyPair(self._folder / f"{stem}.pem", self._folder / f"{stem}.key")
        pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        write_key(pair.key, key)
        return pair


def write_key(file: Path, key: EllipticCurvePrivateKey) -> None:
    """Write a private key as SEC 1 PEM, which every Go program of the bench reads, for the owner only."""
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )


def _certificate(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, *, issuer: x509.Name
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
    )


def _authority_certificate(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name, path_length: int
) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return (
        _certificate(subject, key, issuer=issuer)
        .add_extension(constraints, critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _subject(common_name: str, organizations: Iterable[str]) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in organizations]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(address))
    except ValueError:
        return x509.DNSName(address)
