"""DNS names as users write them, and as they are ordered (RFC 5890, UTS 46)."""

from __future__ import annotations

import re
from ipaddress import ip_address

import idna

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LONGEST_NAME = 253


def order_name(text: str) -> str:
    """The name as it stands in an order: A-labels, lower case, without the final dot, `*.` kept.

    Raises:
        ValueError: it is no name that a certificate can hold; the message says why.
    """
    wildcard = text.startswith("*.")
    bare = text.removeprefix("*.").removesuffix(".")
    if "*" in bare:
        raise ValueError(f"{text!r} is not a DNS name: only the whole first label may be *")
    try:
        name = bare if bare.isascii() else idna.encode(bare, uts46=True, transitional=False).decode()
    except idna.IDNAError as error:
        raise ValueError(f"{text!r} is not a DNS name: {error}") from None
    name = name.lower()
    if not all(LABEL.fullmatch(label) for label in name.split(".")) or len(name) > LONGEST_NAME:
        raise ValueError(
            f"{text!r} is not a DNS name: labels have letters, digits and inner hyphens, 63 at most"
        )
    if _is_address(name):
        raise ValueError(f"{text!r} is an IP address, not a DNS name")
    return f"*.{name}" if wildcard else name


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
