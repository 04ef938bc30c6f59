"""Where a name lives: the end of its CNAMEs, its zone, and the servers that speak for that zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certwright.dns.answers import MAX_HOPS
from certwright.dns.endpoints import MAX_ADDRESSES
from certwright.dns.names import ancestors, read_name, write_name
from certwright.failures import NeedsPerson, TryLater

if TYPE_CHECKING:
    from certwright.dns.resolver import Resolvers

#: More servers than any real zone has; a hostile zone shall not make us ask thousands.
MAX_SERVERS = 16


@dataclass(frozen=True, slots=True)
class AuthoritativeServer:
    """A server named by a zone's NS records; without addresses when they could not be looked up."""

    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Authority:
    """A zone and all the servers that speak for it; at least one of them has an address."""

    zone: str
    servers: tuple[AuthoritativeServer, ...]


def canonical_name(fqdn: str, resolvers: Resolvers) -> str:
    """The name at the end of the CNAMEs that start at `fqdn`: where a TXT for it must be put.

    Raises:
        NeedsPerson: DNSLookupFailed, when the CNAMEs run in a circle or are more than eight.
        TryLater: DNSLookupFailed, when a step cannot be looked up.
    """
    seen = [read_name(fqdn)]
    for _ in range(MAX_HOPS):
        target = resolvers.alias(write_name(seen[-1]))
        if target is None:
            return write_name(seen[-1])
        if read_name(target) in seen:
            raise NeedsPerson(
                "DNSLookupFailed",
                f"the CNAMEs that start at {fqdn} run in a circle; mend the one at {target}",
            )
        seen.append(read_name(target))
    if resolvers.alias(write_name(seen[-1])) is None:
        return write_name(seen[-1])
    raise NeedsPerson(
        "DNSLookupFailed",
        f"more than {MAX_HOPS} CNAMEs follow each other from {fqdn}; point it at the end at once",
    )


def zone_of(fqdn: str, resolvers: Resolvers) -> str:
    """The closest name at or above `fqdn` at which a zone starts.

    Raises:
        TryLater: DNSZoneNotFound, when there is none; DNSLookupFailed, when a step cannot be looked up.
    """
    for name in ancestors(read_name(fqdn)):
        if resolvers.is_apex(write_name(name)):
            return write_name(name)
    raise TryLater(
        "DNSZoneNotFound", f"no zone holds {fqdn}; check that its domain is registered and delegated"
    )


def authority_of(zone: str, resolvers: Resolvers) -> Authority:
    """The servers of `zone` and the addresses of each.

    A server that has no address for certain is left out, as nobody can ask it; one whose addresses could not
    be looked up stays in, without any.

    Raises:
        TryLater: DNSLookupFailed, when servers or all their addresses cannot be found.
    """
    named = resolvers.servers(zone)[:MAX_SERVERS]
    servers = tuple(server for name in named if (server := _server(name, resolvers)) is not None)
    if not any(server.addresses for server in servers):
        raise TryLater(
            "DNSLookupFailed",
            f"no name server of zone {zone} has an address ({', '.join(named) or 'it has no NS records'})",
        )
    return Authority(zone, servers)


def _server(name: str, resolvers: Resolvers) -> AuthoritativeServer | None:
    try:
        addresses = resolvers.addresses(name)[:MAX_ADDRESSES]
    except TryLater:
        return AuthoritativeServer(name, ())
    return AuthoritativeServer(name, addresses) if addresses else None
