"""Private keys: made as asked, written as asked, and known again."""

from __future__ import annotations

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from certwright.failures import NeedsPerson
from certwright.pki.keys import (
    LARGEST_PEM,
    encode_key,
    generate_key,
    public_key_sha256,
    read_facts,
    read_key,
)

KINDS = [
    ("RSA", None, 2048),
    ("RSA", 3072, 3072),
    ("ECDSA", None, 256),
    ("ECDSA", 256, 256),
    ("ECDSA", 384, 384),
    ("ECDSA", 521, 521),
    ("Ed25519", None, 256),
]


@pytest.mark.parametrize(("algorithm", "size", "told"), KINDS)
@pytest.mark.parametrize("encoding", ["PKCS1", "PKCS8"])
def test_a_key_is_known_again_by_all_its_facts(
    algorithm: str, size: int | None, told: int, encoding: str
) -> None:
    key = generate_key(algorithm, size)
    pem = encode_key(key, encoding)
    facts = read_facts(pem.reveal())
    assert facts is not None
    assert (facts.algorithm, facts.size) == (algorithm, told)
    assert facts.encoding == ("PKCS8" if algorithm == "Ed25519" else encoding)
    assert facts.public_key_sha256 == public_key_sha256(key)
    assert read_facts(pem.reveal().encode()) == facts


@pytest.mark.parametrize(
    ("algorithm", "first_line"),
    [
        ("RSA", "-----BEGIN RSA PRIVATE KEY-----"),
        ("ECDSA", "-----BEGIN EC PRIVATE KEY-----"),
        ("Ed25519", "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_pkcs1_means_the_traditional_form_where_there_is_one(algorithm: str, first_line: str) -> None:
    assert encode_key(generate_key(algorithm), "PKCS1").reveal().startswith(first_line)


@pytest.mark.parametrize(
    ("algorithm", "size"),
    [("RSA", 1024), ("RSA", 2047), ("ECDSA", 255), ("ECDSA", 2048), ("DSA", None), ("", 0)],
)
def test_a_key_that_does_not_exist_needs_a_person(algorithm: str, size: int | None) -> None:
    with pytest.raises(NeedsPerson) as refused:
        generate_key(algorithm, size)
    assert refused.value.reason == "InvalidSpec"


def test_no_two_keys_are_alike() -> None:
    assert public_key_sha256(generate_key("ECDSA")) != public_key_sha256(generate_key("ECDSA"))


def unreadable() -> list[bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    other = dsa.generate_private_key(2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    strange = ec.generate_private_key(ec.SECP256K1())
    koblitz = strange.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return [
        b"",
        b"garbage",
        locked,
        other,
        koblitz,
        b"\n" * LARGEST_PEM + encode_key(key, "PKCS8").reveal().encode(),
    ]


@pytest.mark.parametrize("pem", unreadable(), ids=["empty", "garbage", "locked", "DSA", "secp256k1", "huge"])
def test_a_key_that_we_do_not_know_is_an_observation(pem: bytes) -> None:
    assert read_key(pem) is None
    assert read_facts(pem) is None


@given(st.text() | st.binary())
def test_no_garbage_breaks_the_reading(pem: str | bytes) -> None:
    assert read_facts(pem) is None


@given(st.binary(max_size=200))
def test_no_body_breaks_the_reading(body: bytes) -> None:
    read_facts(b"-----BEGIN PRIVATE KEY-----\n" + body + b"\n-----END PRIVATE KEY-----\n")


def test_reading_a_large_rsa_key_does_not_validate_it() -> None:
    """Validation would take 334 ms for 4096 bits, at every look."""
    pem = encode_key(rsa.generate_private_key(65537, 3072), "PKCS8").reveal()
    started = time.perf_counter()
    for _ in range(20):
        read_facts(pem)
    assert time.perf_counter() - started < 1
