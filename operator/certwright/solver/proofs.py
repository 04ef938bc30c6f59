"""What the CA must see to believe a name (RFC 8555 §8). Pure."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode


def dns01_name(identifier: str) -> str:
    """Where the TXT record of a name is looked for, CNAMEs aside (RFC 8555 §8.4).

    >>> dns01_name("*.example.org")
    '_acme-challenge.example.org'
    """
    return f"_acme-challenge.{identifier.removeprefix('*.')}"


def dns01_value(key_authorization: str) -> str:
    """The TXT record's text: the digest of the key authorization (RFC 8555 §8.4)."""
    digest = hashlib.sha256(key_authorization.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
