"""Names of Secrets, their keys and issuers, as Kubernetes has them, and name servers as users write them."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

from certwright.resources.decoding import require

NO_SECRET = "write the name of a Secret in lower-case letters, digits, '-' and '.'"  # noqa: S105  a sentence
NO_KEY = "write a key of the Secret in letters, digits, '-', '_' and '.'"
NO_ISSUER = "write the name of an Issuer or ClusterIssuer in lower-case letters, digits, '-' and '.'"
NO_SERVER = "write host, host:port or [IPv6]:port"
NO_ADDRESS = "write an IPv6 address between the brackets"

#: RFC 1123, as names of most objects are, and prefixes of labels.
SUBDOMAIN = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
#: Anything in ASCII but spaces and control characters.
VISIBLE = re.compile(r"[!-~]+")

_OBJECT = re.compile(SUBDOMAIN)
_KEY = re.compile(r"[A-Za-z0-9._-]+")
_PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
#: A host and perhaps a port; also the front of URLs.
AUTHORITY = rf"([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\])(:{_PORT})?"
_SERVER = re.compile(AUTHORITY)


def check_secret_name(text: str, place: str) -> None:
    """Raises `Broken` unless a Secret can have this name (RFC 1123 subdomain)."""
    require(_OBJECT.fullmatch(text), place, NO_SECRET, text)


def check_secret_key(text: str, place: str) -> None:
    """Raises `Broken` unless a Secret can have this key."""
    require(_KEY.fullmatch(text), place, NO_KEY, text)


def check_issuer_name(text: str, place: str) -> None:
    """Raises `Broken` unless an issuer can have this name (RFC 1123 subdomain)."""
    require(_OBJECT.fullmatch(text), place, NO_ISSUER, text)


def check_server(text: str, place: str) -> None:
    """Raises `Broken` unless this is a host or address with an optional port."""
    require(_SERVER.fullmatch(text), place, NO_SERVER, text)
    if text.startswith("["):
        require(_is_ipv6(text[1 : text.index("]")]), place, NO_ADDRESS, text)


def _is_ipv6(text: str) -> bool:
    try:
        # Kubernetes' isIP() refuses IPv4-mapped addresses.
        return IPv6Address(text).ipv4_mapped is None
    except ValueError:
        return False
