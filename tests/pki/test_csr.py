"""Certificate signing requests."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from certwright.pki.csr import csr_der
from certwright.pki.keys import generate_key, public_key_sha256, spki_sha256


@pytest.mark.parametrize(
    ("algorithm", "size", "digest"),
    [
        ("RSA", 2048, "sha256"),
        ("ECDSA", 256, "sha256"),
        ("ECDSA", 384, "sha384"),
        ("ECDSA", 521, "sha512"),
        ("Ed25519", None, None),
    ],
)
def test_a_request_is_signed_by_its_key_and_asks_exactly_the_names(
    algorithm: str, size: int | None, digest: str | None
) -> None:
    key = generate_key(algorithm, size)
    request = x509.load_der_x509_csr(csr_der(key, ["B.example", "*.a.example", "b.example"], "b.example"))
    assert request.is_signature_valid
    assert spki_sha256(request.public_key()) == public_key_sha256(key)  # type: ignore[arg-type]  # it is ours
    assert (request.signature_hash_algorithm.name if request.signature_hash_algorithm else None) == digest
    (extension,) = request.extensions
    assert extension.value == x509.SubjectAlternativeName(
        [x509.DNSName("*.a.example"), x509.DNSName("b.example")]
    )
    assert [each.value for each in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [
        "b.example"
    ]


@pytest.mark.parametrize("common_name", [None, ""])
def test_without_a_common_name_the_subject_is_empty(common_name: str | None) -> None:
    request = x509.load_der_x509_csr(csr_der(generate_key("ECDSA"), ["a.example"], common_name))
    assert list(request.subject) == []
