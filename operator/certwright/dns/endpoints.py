"""Name servers as people write them: `host`, `host:port`, `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]:53`."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from certwright.failures import NeedsPerson, TryLater

DNS_PORT = 53
#: Of one server; whoever controls a name's addresses shall not make us try hundreds.
MAX_ADDRESSES = 4


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a name server listens; `host` is a name or an address without brackets."""

    host: str
    port: int = DNS_PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DNS_PORT else f"{host}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """Read `text`; the port is 53 unless it is given.

    Raises:
        NeedsPerson: InvalidSpec, when this is no host with an optional port.
    """
    host, port = _split(text.strip())
    if not host or any(character.isspace() or character in "[]/@" for character in host):
        raise _unreadable(text)
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= 0xFFFF):  # noqa: PLR2004  the largest port
        raise _unreadable(text)
    return Endpoint(host, int(port))


def _split(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or not _is_ipv6(host) or (rest and not rest.startswith(":")):
            raise _unreadable(text)
        return host, rest[1:] if rest else str(DNS_PORT)
    if _is_ipv6(text):
        return text, str(DNS_PORT)
    host, colon, port = text.partition(":")
    return host, port if colon else str(DNS_PORT)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _unreadable(text: str) -> NeedsPerson:
    return NeedsPerson(
        "InvalidSpec", f"{text[:300]!r} is not a name server; write host, host:port or [IPv6]:port"
    )


def addresses_of(endpoint: Endpoint) -> tuple[str, ...]:
    """The endpoint's first addresses as the system resolves them, in the system's order of preference.

    Raises:
        TryLater: DNSLookupFailed, when the name cannot be resolved.
    """
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        why = getattr(problem, "strerror", None) or "it is no name that can be asked for"
        raise TryLater(
            "DNSLookupFailed",
            f"the address of name server {endpoint.host} cannot be looked up: {why}; correct nameserver in the solver",
        ) from problem
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))[:MAX_ADDRESSES]
