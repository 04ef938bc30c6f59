"""What may be fetched to look at a proof: which redirects are followed, and which address is dialled. Pure.

The rules are those of Let's Encrypt's CA, Boulder (`va/http.go`, `va/dns.go`, 2026-08), so that our look comes to the
CA's verdict and can be aimed at nothing that the CA could not be aimed at. Where we differ:

- No user name in a redirect's target; Boulder passes over it.
- Ten redirects, as Let's Encrypt documents; Boulder's counting lets an eleventh pass.
- A redirect's host need not end in a top-level domain that IANA lists: private CAs have names of their own.
- Reserved addresses are dialled where the operator's settings permit it: private CAs are there.
- An IPv6 address to which there is no way from here does not count if there is IPv4, after redirects too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote_to_bytes, urljoin, urlsplit

from certwright.solver.reserved_addresses import reserved_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certwright.solver.reserved_addresses import Network

#: Let's Encrypt, "HTTP-01 challenge": "up to 10 redirects deep".
MOST_REDIRECTS = 10
#: Bytes, with percent signs resolved.
LONGEST_PATH = 2000
#: As a URL says it; where they are dialled is a setting.
PORTS = {"http": 80, "https": 443}
#: Of a stranger's host name, in a sentence.
SHOWN = 100

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
#: What stands for itself in a request line; the rest is written with percent signs.
_PLAIN = "%/?:@!$&'()*+,;=-._~[]"


class RefusedError(Exception):
    """The CA would not go there either; the text is the rest of a sentence that began with who sent us."""


@dataclass(frozen=True, slots=True)
class Target:
    """What one request asks for.

    Attributes:
        scheme: http or https.
        host: name or address in lower case, without brackets.
        port: as the URL has it or its scheme implies.
        authority: host and port as they were written: the Host header.
        path: with the query, ready for a request line.
    """

    scheme: str
    host: str
    port: int
    authority: str
    path: str

    @property
    def url(self) -> str:
        """The whole address; two that are equal would be answered equally."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def shown(self) -> str:
        """All of it that we tell people: a path may hold anything."""
        return f"{self.scheme}://{cut(self.authority)}"


def cut(host: str) -> str:
    """A host for a sentence: strangers choose where their redirects lead, and names may be long."""
    return host if len(host) <= SHOWN else f"{host[: SHOWN - 1]}…"


def challenge_target(host: str, token: str) -> Target:
    """Where the CA looks for the proof (RFC 8555 §8.3, RFC 8738 §4)."""
    host = host.lower()
    authority = f"[{host}]" if is_ipv6(host) else host
    return Target(
        "http", host, PORTS["http"], authority, f"/.well-known/acme-challenge/{quote(token, safe='')}"
    )


def redirect_target(current: Target, location: str) -> Target:
    """Where a redirect leads.

    Args:
        current: who sent us on.
        location: the header as it came; any text at all.

    Raises:
        RefusedError: CAs do not follow it.
    """
    parts = _read(current, location)
    if parts.scheme not in PORTS:
        raise RefusedError("redirects to something other than http and https")
    if "@" in parts.netloc:
        raise RefusedError("redirects to an address with a user name in it")
    host, port = _host_and_port(parts)
    if len(unquote_to_bytes(parts.path)) > LONGEST_PATH:
        raise RefusedError(f"redirects to an address with a path longer than {LONGEST_PATH:,} bytes")
    path = quote(parts.path or "/", safe=_PLAIN, encoding="latin-1")
    query = f"?{quote(parts.query, safe=_PLAIN, encoding='latin-1')}" if parts.query else ""
    authority = f"[{host}]" if ":" in host else host
    written = "" if parts.port is None else f":{parts.port}"
    target = Target(parts.scheme, host, port, authority + written, path + query)
    if host.endswith(".well-known"):
        raise RefusedError(f"redirects to {target.shown}: the slash after the host is missing in its rule")
    if port not in PORTS.values():
        raise RefusedError(f"redirects to {target.shown}, and CAs follow to ports 80 and 443 only")
    return target


def dial_order(ipv6: Sequence[str], ipv4: Sequence[str], permitted: Sequence[Network]) -> tuple[str, ...]:
    """The first IPv6 address that may be dialled, then the first IPv4 address; one or both or none."""
    usable = ([each for each in family if not reserved_for(each, permitted)] for family in (ipv6, ipv4))
    return tuple(family[0] for family in usable if family)


def why_not_dialled(ipv6: Sequence[str], ipv4: Sequence[str]) -> str:
    """Why there is nothing to dial, as what follows a host's name in a sentence."""
    first = (*ipv4, *ipv6)[0]
    return (
        f"is at {first}, which is reserved for {reserved_for(first)}: no public CA looks there; "
        "if this one does, start the operator with --self-check-network and the network (the chart's selfCheckNetworks)"
    )


def is_ipv6(host: str) -> bool:
    """Whether this is a literal address of that kind."""
    return isinstance(literal(host), IPv6Address)


def literal(host: str) -> object:
    """The address that is written here, or None if this is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _read(current: Target, location: str) -> SplitResult:
    if any(c < " " or c == "\x7f" for c in location):
        raise RefusedError("redirects to an address that cannot be read")
    try:
        written = urlsplit(location)
        parts = urlsplit(urljoin(current.url, location))
        _ = parts.port, written.port
    except ValueError:
        raise RefusedError("redirects to an address that cannot be read") from None
    if written.scheme in PORTS and not written.netloc:
        # urljoin would put the current host there.
        raise RefusedError("redirects to an address without a host")
    return parts


def _host_and_port(parts: SplitResult) -> tuple[str, int]:
    host = (parts.hostname or "").lower()
    if not host:
        raise RefusedError("redirects to an address without a host")
    bracketed = "[" in parts.netloc
    if bracketed != is_ipv6(host) or "%" in host or not (bracketed or _HOST.fullmatch(host)):
        raise RefusedError("redirects to an address whose host is none that CAs look up")
    return host, parts.port if parts.port is not None else PORTS[parts.scheme]
