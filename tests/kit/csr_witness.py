"""Sees every CSR before the CA does, and looks whether its private key is in a Secret at that very moment."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from tests.kit.fault_proxy import FaultProxy
from tests.kit.faults import Asked, acme
from tests.kit.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_IS_FINALIZE = acme("finalize")


class Reads(Protocol):
    """Reads of the API server; fitted by `reader.Reader`."""

    def all(self, kind: str, /) -> list[dict[str, Any]]:
        """All objects of a kind."""


@dataclass(frozen=True)
class Witnessed:
    """A CSR on its way to the CA.

    Attributes:
        names: that it asks for.
        key: the public key (SubjectPublicKeyInfo, DER).
        kept_in: namespace/name of the Secrets that held the private key when it came.
    """

    names: frozenset[str]
    key: bytes
    kept_in: tuple[str, ...]


class CsrWitness(FaultProxy):
    """A fault proxy in front of a CA that holds each finalize up until it has looked into the cluster.

    Attributes:
        witnessed: all CSRs, those of requests that the CA then refused included, oldest first.
        read: to be set before the first CSR comes.
    """

    def __init__(self, directory: Path, upstream: str, upstream_ca: Path, seed: int) -> None:
        super().__init__(directory, upstream, upstream_ca, seed)
        self.witnessed: list[Witnessed] = []
        self.read: Reads

    def connect(self) -> Wire:
        """A connection to the CA that is listened to."""
        return _Overheard(super().connect(), self._hear)

    def _hear(self, message: bytes) -> None:
        head, _, body = message.partition(b"\r\n\r\n")
        method, target, _ = head.decode("latin-1").split("\r\n", 1)[0].split(" ", 2)
        if method == "POST" and _IS_FINALIZE(Asked(method, target)):
            payload = json.loads(_base64url(json.loads(body)["payload"]))
            csr = x509.load_der_x509_csr(_base64url(payload["csr"]))
            names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            key = public_der(csr.public_key())
            self.witnessed.append(
                Witnessed(frozenset(names.get_values_for_type(x509.DNSName)), key, tuple(self._holders(key)))
            )

    def _holders(self, key: bytes) -> list[str]:
        return [
            f"{secret['metadata']['namespace']}/{secret['metadata']['name']}"
            for secret in self.read.all("secrets")
            if key_of(secret) == key
        ]


class _Overheard(Wire):
    """A connection whose messages are told of before they are sent."""

    def __init__(self, wire: Wire, hear: Callable[[bytes], None]) -> None:
        super().__init__(wire.sock)
        self._hear = hear

    def write(self, data: bytes) -> None:
        self._hear(data)
        super().write(data)


def key_of(secret: dict[str, Any]) -> bytes:
    """The public key (SubjectPublicKeyInfo, DER) of a Secret's tls.key, b"" if it has none."""
    try:
        pem = base64.b64decode(secret["data"]["tls.key"])
        return public_der(load_pem_private_key(pem, None).public_key())
    except (KeyError, TypeError, ValueError, binascii.Error):
        return b""


def public_der(key: PublicKeyTypes) -> bytes:
    """A public key in the form in which they are compared."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
