"""Facts of certificates."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from certwright.pki.keys import generate_key, public_key_sha256
from certwright.pki.leaf import LARGEST_CHAIN, is_self_signed, read_leaf
from tests.pki.issuing import NOW, found, issue, pem_of

#: RFC 9773 appendix A.
RFC_9773 = b"""-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
"""

CA = found("Test CA")
KEY = generate_key("ECDSA")


def test_the_renewal_id_is_that_of_rfc_9773() -> None:
    leaf = read_leaf(RFC_9773)
    assert leaf is not None
    assert leaf.renewal_id == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
    assert (leaf.common_name, leaf.issuer_common_name) == ("example.com", "Example CA")
    assert leaf.dns_names == frozenset()


@pytest.mark.parametrize(
    ("serial", "content"), [(1, "AQ"), (0x7F, "fw"), (0x80, "AIA"), (0xFF00, "AP8A"), (0x7FFF, "f_8")]
)
def test_the_serial_in_a_renewal_id_is_the_content_of_its_der(serial: int, content: str) -> None:
    leaf = read_leaf(pem_of(issue(KEY, ["a.example"], CA, serial_number=serial)).encode())
    assert leaf is not None
    assert leaf.renewal_id is not None
    assert leaf.renewal_id.partition(".")[2] == content


def test_a_certificate_without_authority_key_identifier_has_no_renewal_id() -> None:
    leaf = read_leaf(pem_of(issue(KEY, ["a.example"], CA, with_authority=False)).encode())
    assert leaf is not None
    assert leaf.renewal_id is None


@pytest.mark.parametrize(("algorithm", "size"), [("RSA", 2048), ("ECDSA", 384), ("Ed25519", None)])
def test_all_facts_of_a_leaf(algorithm: str, size: int | None) -> None:
    key = generate_key(algorithm, size)
    certificate = issue(key, ["*.A.example", "a.example"], CA, subject="a.example")
    leaf = read_leaf((pem_of(certificate) + CA.pem).encode())
    assert leaf is not None
    assert leaf.dns_names == {"*.a.example", "a.example"}
    assert (leaf.common_name, leaf.issuer_common_name) == ("a.example", "Test CA")
    assert (leaf.not_before, leaf.not_after) == (NOW - timedelta(hours=1), NOW + timedelta(days=90))
    assert leaf.serial_number == "87654321"
    assert leaf.fingerprint_sha256 == certificate.fingerprint(SHA256()).hex()
    assert leaf.public_key_sha256 == public_key_sha256(key)


def test_a_self_signed_certificate_is_known_as_one_and_a_namesake_is_not() -> None:
    assert is_self_signed(CA.certificate)
    assert not is_self_signed(issue(KEY, [], CA, subject="Test CA"))


def test_facts_tell_whether_key_and_certificate_belong_together() -> None:
    found = read_leaf(pem_of(issue(KEY, ["a.example"], CA)).encode())
    assert found is not None
    assert found.public_key_sha256 == public_key_sha256(KEY)
    assert found.public_key_sha256 != public_key_sha256(generate_key("ECDSA"))


def test_a_chain_longer_than_any_honest_one_is_not_read() -> None:
    assert read_leaf(CA.pem.encode() + b"\n" * LARGEST_CHAIN) is None


@given(st.binary())
def test_no_garbage_breaks_the_reading(chain: bytes) -> None:
    assert read_leaf(chain) is None


# Of oddities that it will refuse one day, such as a serial number of 0, cryptography only warns.
@pytest.mark.filterwarnings("default::cryptography.utils.CryptographyDeprecationWarning")
@given(position=st.integers(min_value=28, max_value=len(RFC_9773) - 28), byte=st.integers(0, 255))
def test_no_edit_of_a_certificate_breaks_the_reading(position: int, byte: int) -> None:
    read_leaf(RFC_9773[:position] + bytes([byte]) + RFC_9773[position + 1 :])
