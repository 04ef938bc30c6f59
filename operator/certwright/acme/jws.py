"""Account keys and what they sign (RFC 8555 §6.2, RFC 7515, RFC 7638). josepy brings JWK and JWA."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from josepy.b64 import b64encode
from josepy.jwa import ES256, ES384, HS256, HS384, HS512, RS256
from josepy.jwk import JWKEC, JWKRSA

from certwright.failures import NeedsPerson
from certwright.resources.conditions import Reason
from certwright.secret_text import SecretText

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SMALLEST_RSA = 2048
#: Curve names of `cryptography` and the algorithm that RFC 7518 §3.4 binds to each.
_CURVES: Mapping[str, Any] = {"secp256r1": ES256, "secp384r1": ES384}
_GENERATORS: Mapping[str, Callable[[], rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]] = {
    ES256.name: lambda: ec.generate_private_key(ec.SECP256R1()),
    ES384.name: lambda: ec.generate_private_key(ec.SECP384R1()),
    RS256.name: lambda: rsa.generate_private_key(65537, _SMALLEST_RSA),
}
#: By which we can sign, those that we would choose first in front.
KINDS = tuple(_GENERATORS)
_MACS: Mapping[str, Any] = {each.name: each for each in (HS256, HS384, HS512)}


class AccountKey:
    """The private key of an ACME account: it signs, and shows only its public half."""

    def __init__(self, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
        public = (
            JWKRSA(key=key.public_key())
            if isinstance(key, rsa.RSAPrivateKey)
            else JWKEC(key=key.public_key())
        )
        self._key = key
        self._algorithm = RS256 if isinstance(key, rsa.RSAPrivateKey) else _CURVES[key.curve.name]
        self.jwk: Mapping[str, str] = public.to_json()
        """The public key as JWK (RFC 7517)."""
        self.algorithm: str = self._algorithm.name
        """By which it signs (RFC 7518 §3.1)."""
        self.thumbprint: str = _base64url(public.thumbprint())
        """SHA-256 of the canonical JWK, base64url (RFC 7638)."""

    @classmethod
    def from_pem(cls, pem: SecretText) -> AccountKey:
        """Read a private key.

        Raises:
            ValueError: it is none, or none that CAs take; the message says which.
        """
        return cls(_load(pem))

    def sign(self, payload: bytes, url: str, nonce: str, kid: str | None) -> bytes:
        """`payload` as flattened JWS for `url`, with exactly one of `kid` and `jwk` (RFC 8555 §6.2).

        Args:
            payload: JSON, or nothing at all for a POST-as-GET (RFC 8555 §6.3).
            url: where it will be sent, byte for byte.
            nonce: a fresh one.
            kid: the account's URL; None to name the key itself, as newAccount wants.
        """
        protected: dict[str, Any] = {"alg": self._algorithm.name, "nonce": nonce, "url": url}
        protected |= {"jwk": self.jwk} if kid is None else {"kid": kid}
        return msgspec.json.encode(_flattened(protected, payload, self._algorithm, self._key))

    def key_authorization(self, token: str) -> str:
        """What proves that this account answers the challenge (RFC 8555 §8.1)."""
        return f"{token}.{self.thumbprint}"

    def __repr__(self) -> str:
        return f"AccountKey({self.thumbprint})"


def generate_account_key(algorithm: str = ES256.name) -> SecretText:
    """A new key in PKCS #8 PEM.

    Args:
        algorithm: one of `KINDS`. Nearly every CA takes signatures by ECDSA P-256, and those are made fastest.
    """
    pem = _GENERATORS[algorithm]().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SecretText(pem.decode())


def external_account_binding(
    key_id: str,
    mac_key: SecretText,
    account_key: AccountKey,
    new_account_url: str,
    algorithm: str = HS256.name,
) -> dict[str, str]:
    """The account's public key, signed with the key that the CA gave a customer (RFC 8555 §7.3.4).

    Args:
        key_id: the CA's id of the MAC key.
        mac_key: base64url as the RFC says, with or without padding; plain base64 is understood too.
        account_key: the key to be bound.
        new_account_url: the directory's newAccount.
        algorithm: of the MAC: HS256, HS384 or HS512 (RFC 7518 §3.2).

    Raises:
        NeedsPerson: the MAC key is not base64.
    """
    protected = {"alg": algorithm, "kid": key_id, "url": new_account_url}
    return _flattened(protected, msgspec.json.encode(account_key.jwk), _MACS[algorithm], _mac_key(mac_key))


def _flattened(protected: Mapping[str, Any], payload: bytes, algorithm: Any, key: Any) -> dict[str, str]:
    """Flattened JWS JSON serialization (RFC 7515 §7.2.2)."""
    header = _base64url(msgspec.json.encode(protected))
    content = _base64url(payload)
    signature = algorithm.sign(key, f"{header}.{content}".encode())
    return {"protected": header, "payload": content, "signature": _base64url(signature)}


def _base64url(data: bytes) -> str:
    return b64encode(data).decode()


def _mac_key(given: SecretText) -> bytes:
    text = "".join(given.reveal().split()).rstrip("=").replace("+", "-").replace("/", "_")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not key:
        raise NeedsPerson(
            Reason.CREDENTIAL_INVALID.word,
            "the key of the external account binding is not base64url; copy it again as the CA shows it",
        )
    return key


def _load(pem: SecretText) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    try:
        # Validation of an RSA key takes 46 to 334 ms; a broken one is refused by the CA.
        key = serialization.load_pem_private_key(
            pem.reveal().encode(), password=None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # `from None`: what a parser says may quote what it read.
        raise ValueError("no unencrypted private key in PEM") from None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _SMALLEST_RSA:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return key
    raise ValueError(f"CAs take ECDSA on P-256 or P-384, and RSA from {_SMALLEST_RSA} bits on")
