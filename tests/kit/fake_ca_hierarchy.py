"""The roots and the intermediate of a fake CA, and what they sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.kit.fake_ca_jws import encoded
from tests.pki.issuing import Ca, issue, pem_of

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Roots outlive every clock of a test.
_BEGIN, _END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)


@cache
def root(number: int) -> Ca:
    """A root; 1 and up sign the alternate chains. All fake CAs of a process share them: keys take time."""
    return _found(f"Fake Root {number}", ec.generate_private_key(ec.SECP256R1()))


@cache
def intermediate(number: int) -> Ca:
    """The one issuing key, certified by this root."""
    key = intermediate(0).key if number else ec.generate_private_key(ec.SECP256R1())
    return _found("Fake Intermediate", key, root(number))


def _found(common_name: str, key: Any, parent: Ca | None = None) -> Ca:
    return Ca(issue(key, [], parent, subject=common_name, is_ca=True, not_before=_BEGIN, not_after=_END), key)


@dataclass
class Issued:
    """A certificate; `chains` as they are downloaded, the usual one first.

    Attributes:
        account: that asked for it.
        number: of its order.
        replaced_by: number of the order that takes its place, or "".
        revoked: whether it is.
    """

    leaf: x509.Certificate
    chains: list[str]
    account: str
    number: str
    replaced_by: str = ""
    revoked: bool = False


def sign(
    csr: x509.CertificateSigningRequest,
    names: Sequence[str],
    begin: datetime,
    end: datetime,
    serial_number: int,
    *,
    names_signer: bool = True,
) -> x509.Certificate:
    """A certificate for the key of a request."""
    return issue(
        cast("Any", csr),
        names,
        intermediate(0),
        not_before=begin,
        not_after=end,
        serial_number=serial_number,
        with_authority=names_signer,
    )


def chains(leaf: x509.Certificate, alternates: int) -> list[str]:
    """The chain to the usual root, and those to others."""
    return [pem_of(leaf) + intermediate(number).pem for number in range(alternates + 1)]


def certificate_id(leaf: x509.Certificate) -> str:
    """RFC 9773 §4.1; "" if the certificate does not say which key signed it."""
    try:
        authority = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return ""
    serial = leaf.serial_number
    return f"{encoded(authority or b'')}.{encoded(serial.to_bytes(serial.bit_length() // 8 + 1))}"
