"""What account keys sign, against the vectors of the RFCs and against josepy as a second reader."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from josepy.b64 import b64decode, b64encode
from josepy.jwa import ES256, ES384, HS256, HS384, HS512, RS256
from josepy.jwk import JWKRSA

from certwright.acme.jws import KINDS, AccountKey, external_account_binding, generate_account_key
from certwright.failures import NeedsPerson
from certwright.secret_text import SecretText

#: RFC 7517 appendix A.2; its public half is the example of RFC 7638 §3.1.
RFC_7638 = {
    "kty": "RSA",
    "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4"
        "n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0z"
        "gdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csF"
        "Cur-kEgU8awapJzKnqDKgw"
    ),
    "e": "AQAB",
    "d": (
        "X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknchnrRweUkC7hT5fJLM0WbFAKNLWY2vv7B6NqXSzUvx"
        "T0_YSfqijwp3RTzlBaCxWp4doFk5N2o8Gy_nHNKroADIkJ46pRUohsXywbReAdYaMwFs9tv8d_cPVY3i07a3t8MN6TNwm0dSawm9v47UiCl"
        "3Sk5ZiG7xojPLu4sbg1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk19Z4qwjwbsnn4j2WBii3RL-Us2lGVkY8fkFzme1z0HbIkfz0Y"
        "6mqnOYtqc0X4jfcKoAC8Q"
    ),
}
URL = "https://ca.example/new-order"


def pem_of(key: Any, protection: Any = NoEncryption()) -> SecretText:  # noqa: B008  immutable
    return SecretText(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection).decode())


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    key = AccountKey.from_pem(pem_of(JWKRSA.fields_from_json(RFC_7638).key))
    assert key.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert key.key_authorization("token") == "token.NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert key.jwk == {"kty": "RSA", "e": "AQAB", "n": RFC_7638["n"]}


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        pytest.param(ec.generate_private_key(ec.SECP256R1()), ES256, id="P-256"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()), ES384, id="P-384"),
        pytest.param(rsa.generate_private_key(65537, 2048), RS256, id="RSA"),
    ],
)
@pytest.mark.parametrize("kid", [None, "https://ca.example/account/1"])
def test_a_signature_holds_and_names_key_or_account_but_not_both(
    private: Any, algorithm: Any, kid: str | None
) -> None:
    key = AccountKey.from_pem(pem_of(private))
    message = json.loads(key.sign(b"hello", URL, "nonce-1", kid))
    signed = f"{message['protected']}.{message['payload']}".encode()
    assert algorithm.verify(private.public_key(), signed, b64decode(message["signature"]))
    protected = json.loads(b64decode(message["protected"]))
    named = {"jwk": key.jwk} if kid is None else {"kid": kid}
    assert protected == {"alg": algorithm.name, "nonce": "nonce-1", "url": URL, **named}
    assert b64decode(message["payload"]) == b"hello"


def test_a_post_as_get_has_an_empty_payload() -> None:
    key = AccountKey.from_pem(generate_account_key())
    assert json.loads(key.sign(b"", URL, "n", "k"))["payload"] == ""


def test_a_new_account_key_is_pkcs8_and_differs_each_time() -> None:
    one, other = generate_account_key(), generate_account_key()
    assert one.reveal().startswith("-----BEGIN PRIVATE KEY-----")
    assert one != other


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_key_of_each_kind_is_made_and_signs_by_it(algorithm: str) -> None:
    key = AccountKey.from_pem(generate_account_key(algorithm))
    assert key.algorithm == algorithm
    protected = json.loads(b64decode(json.loads(key.sign(b"", URL, "n", "k"))["protected"]))
    assert protected["alg"] == algorithm


def test_a_key_shows_its_thumbprint_and_nothing_else() -> None:
    pem = generate_account_key()
    key = AccountKey.from_pem(pem)
    assert repr(key) == str(key) == f"AccountKey({key.thumbprint})"


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(SecretText(""), id="nothing"),
        pytest.param(SecretText("MARKER"), id="garbage"),
        pytest.param(SecretText("\ud800"), id="no text at all"),
        pytest.param(pem_of(ed25519.Ed25519PrivateKey.generate()), id="Ed25519"),
        pytest.param(pem_of(ec.generate_private_key(ec.SECP521R1())), id="P-521"),
        pytest.param(
            pem_of(rsa.generate_private_key(65537, 1024)),  # noqa: S505  that is the point
            id="RSA 1024",
        ),
        pytest.param(
            pem_of(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"pass")), id="encrypted"
        ),
    ],
)
def test_a_key_that_no_ca_takes_is_refused_without_being_quoted(pem: SecretText) -> None:
    with pytest.raises(ValueError, match=r"PEM|CAs take") as refused:
        AccountKey.from_pem(pem)
    assert "MARKER" not in str(refused.value)


MAC_KEY = b"\xfb\xff\xfe" * 11


@pytest.mark.parametrize("algorithm", [HS256, HS384, HS512], ids=lambda each: each.name)
@pytest.mark.parametrize(
    "written",
    [
        pytest.param(b64encode(MAC_KEY).decode(), id="base64url"),
        pytest.param(b64encode(MAC_KEY[:32]).decode() + "=", id="padded"),
        pytest.param("+//+" * 11, id="plain base64"),
        pytest.param(b64encode(MAC_KEY).decode() + "\n", id="with a newline, as files have it"),
    ],
)
def test_an_external_account_binding_signs_our_public_key(written: str, algorithm: Any) -> None:
    """RFC 8555 §7.3.4: it covers the account's JWK, names key id and newAccount, and has no nonce."""
    key = AccountKey.from_pem(generate_account_key())
    url = "https://ca.example/new-account"
    binding = external_account_binding("kid-1", SecretText(written), key, url, algorithm.name)
    mac_key = MAC_KEY[:32] if written.endswith("=") else MAC_KEY
    signed = f"{binding['protected']}.{binding['payload']}".encode()
    assert algorithm.verify(mac_key, signed, b64decode(binding["signature"]))
    assert json.loads(b64decode(binding["payload"])) == key.jwk
    protected = json.loads(b64decode(binding["protected"]))
    assert protected == {"alg": algorithm.name, "kid": "kid-1", "url": url}


def test_a_binding_is_signed_by_hs256_where_nobody_says_otherwise() -> None:
    key = AccountKey.from_pem(generate_account_key())
    binding = external_account_binding("kid", SecretText(b64encode(MAC_KEY).decode()), key, URL)
    assert json.loads(b64decode(binding["protected"]))["alg"] == "HS256"


@pytest.mark.parametrize("written", ["", "   ", "MARKER!", "MARKE"])
def test_a_mac_key_that_is_no_base64_needs_a_person_and_is_not_quoted(written: str) -> None:
    key = AccountKey.from_pem(generate_account_key())
    with pytest.raises(NeedsPerson) as refused:
        external_account_binding("kid", SecretText(written), key, URL)
    assert refused.value.reason == "CredentialInvalid"
    assert "MARKE" not in refused.value.message
