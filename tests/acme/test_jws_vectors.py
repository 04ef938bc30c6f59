"""Signatures of keys that RFCs have published, byte for byte where they are deterministic, and read by a second reader.

The reader is the fake CA's, which knows `cryptography` alone and nothing of josepy.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.jwk import JWKRSA

from certwright.acme.jws import AccountKey
from tests.acme.test_jws import RFC_7638, pem_of
from tests.kit import fake_ca_jws
from tests.kit.fake_ca_policy import Refusal

URL, NONCE, KID = "https://ca.example/new-order?x=%2f", "bm9uY2U", "https://ca.example/account/1"
PAYLOAD = b'{"identifiers":[]}'


def private(curve: ec.EllipticCurve, number: str) -> AccountKey:
    return AccountKey.from_pem(pem_of(ec.derive_private_key(int(number, 16), curve)))


class Vector(NamedTuple):
    """A published key, its JWK as the RFC's numbers make it, and the header of a request in an account's name."""

    algorithm: str
    key: AccountKey
    jwk: dict[str, str]
    header: str


def numbers(curve: str, x: str, y: str) -> dict[str, str]:
    coordinates = {"x": fake_ca_jws.encoded(bytes.fromhex(x)), "y": fake_ca_jws.encoded(bytes.fromhex(y))}
    return {"kty": "EC", "crv": curve, **coordinates}


VECTORS = [
    Vector(
        "ES256",  # RFC 6979 appendix A.2.5
        private(ec.SECP256R1(), "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"),
        numbers(
            "P-256",
            "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
            "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
        ),
        "eyJhbGciOiJFUzI1NiIsIm5vbmNlIjoiYm05dVkyVSIsInVybCI6Imh0dHBzOi8vY2EuZXhhbXBsZS9uZXctb3JkZXI_eD0lMmYi"
        "LCJraWQiOiJodHRwczovL2NhLmV4YW1wbGUvYWNjb3VudC8xIn0",
    ),
    Vector(
        "ES384",  # RFC 6979 appendix A.2.6
        private(
            ec.SECP384R1(),
            "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
        ),
        numbers(
            "P-384",
            "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A254515480BC13",
            "8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD2533264720",
        ),
        "eyJhbGciOiJFUzM4NCIsIm5vbmNlIjoiYm05dVkyVSIsInVybCI6Imh0dHBzOi8vY2EuZXhhbXBsZS9uZXctb3JkZXI_eD0lMmYi"
        "LCJraWQiOiJodHRwczovL2NhLmV4YW1wbGUvYWNjb3VudC8xIn0",
    ),
    Vector(
        "RS256",  # RFC 7517 appendix A.2
        AccountKey.from_pem(pem_of(JWKRSA.fields_from_json(RFC_7638).key)),
        {name: RFC_7638[name] for name in ("kty", "n", "e")},
        "eyJhbGciOiJSUzI1NiIsIm5vbmNlIjoiYm05dVkyVSIsInVybCI6Imh0dHBzOi8vY2EuZXhhbXBsZS9uZXctb3JkZXI_eD0lMmYi"
        "LCJraWQiOiJodHRwczovL2NhLmV4YW1wbGUvYWNjb3VudC8xIn0",
    ),
]
#: Of the RS256 vector: RSASSA-PKCS1-v1_5 has no dice in it.
RS256_SIGNATURE = (
    "KkY4d75LxBvdxocH4A9PG8Axh2ZbW_w0D6095wPjtPKLZVF04OWktUwd-tsv1Sp-Xk_eTLHuw2tOofOCHSawF6Hf3GKhkWHHqzTpi-8hY0pw6hah"
    "kj4fwup_9n0ZDKSMjUH1BzUi_bqaL9KO5zttLUbVM8UOpAaNvPzIKpQKtVxYm2Jw-NQ-ZSEMKQBapTBSo5cU4oGmrse-eAobb3OTiIj-DgazsGB0"
    "W7RrODLtiGmnJ2r17A2zwH0u6KlZwzhEvKuoxJ032C1sYHDAL4gEJWHBdAo1wkdEnUnfzMixgmbOpXWdZGBjZtcU2xMRYZKQv6ysHPm0hYWmCBG9"
    "fkdx-A"
)
#: RFC 7515 appendix A.3.
RFC_7515 = {
    "protected": "eyJhbGciOiJFUzI1NiJ9",
    "payload": (
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ),
    "signature": ("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"),
}
RFC_7515_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}

each = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.algorithm)


def verified(message: dict[str, str], jwk: dict[str, str], algorithm: str) -> bool:
    jws = fake_ca_jws.take_apart(message)
    assert jws is not None
    try:
        fake_ca_jws.verify(jws, jwk, (algorithm,))
    except Refusal:
        return False
    return True


def signed(vector: Vector, kid: str | None = KID) -> Any:
    return json.loads(vector.key.sign(PAYLOAD, URL, NONCE, kid))


def test_the_second_reader_reads_the_rfcs_own_example_and_no_other() -> None:
    assert verified(RFC_7515, RFC_7515_JWK, "ES256")
    assert not verified({**RFC_7515, "payload": "e30"}, RFC_7515_JWK, "ES256")


@each
def test_a_published_key_has_its_published_numbers_as_jwk(vector: Vector) -> None:
    assert dict(vector.key.jwk) == vector.jwk
    assert vector.key.thumbprint == fake_ca_jws.thumbprint(vector.jwk)


@each
def test_what_is_signed_in_an_accounts_name_is_the_same_to_the_byte(vector: Vector) -> None:
    message = signed(vector)
    assert set(message) == {"protected", "payload", "signature"}
    assert (message["protected"], message["payload"]) == (vector.header, "eyJpZGVudGlmaWVycyI6W119")


@each
@pytest.mark.parametrize("kid", [KID, None])
def test_a_second_reader_takes_the_signature_and_none_of_anything_else(
    vector: Vector, kid: str | None
) -> None:
    message = signed(vector, kid)
    assert verified(message, vector.jwk, vector.algorithm)
    assert not verified({**message, "payload": "e30"}, vector.jwk, vector.algorithm)
    other = json.loads(vector.key.sign(PAYLOAD, f"{URL}&", NONCE, kid))
    assert not verified({**message, "protected": other["protected"]}, vector.jwk, vector.algorithm)


@each
def test_a_signature_is_as_long_as_its_algorithm_says(vector: Vector) -> None:
    """RFC 7518 §3.4: two numbers of the curve's length, not DER."""
    length = {"ES256": 64, "ES384": 96, "RS256": 256}[vector.algorithm]
    lengths = {len(fake_ca_jws.decoded(signed(vector)["signature"])) for _ in range(20)}
    assert lengths == {length}


def test_rs256_is_the_same_to_the_byte() -> None:
    assert signed(VECTORS[-1])["signature"] == RS256_SIGNATURE
