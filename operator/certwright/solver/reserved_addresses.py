"""Addresses at which no public CA looks for a proof, and at which nobody shall make us look. Pure.

The two IANA registries of special-purpose addresses, whole, and multicast: what Boulder refuses. Python's own
`is_global` lacks some and changes from release to release.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Network: TypeAlias = IPv4Network | IPv6Network

#: Narrow ones before wide ones; what each is reserved for.
RESERVED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), purpose)
    for network, purpose in (
        # https://www.iana.org/assignments/iana-ipv4-special-registry
        ("0.0.0.0/8", "hosts on their own network"),
        ("10.0.0.0/8", "private use"),
        ("100.64.0.0/10", "carriers' address translation"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local use"),
        ("172.16.0.0/12", "private use"),
        ("192.0.0.0/24", "protocols of the IETF"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relays"),
        ("192.168.0.0/16", "private use"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarks"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "the future"),
        # https://www.iana.org/assignments/iana-ipv6-special-registry
        ("::1/128", "loopback"),
        ("::/128", "hosts without an address"),
        ("::ffff:0:0/96", "IPv4 written as IPv6"),
        ("64:ff9b::/96", "translation to IPv4 (NAT64)"),
        ("64:ff9b:1::/48", "translation to IPv4 (NAT64)"),
        ("100::/64", "discarding"),
        ("100:0:0:1::/64", "discarding"),
        ("2001::/23", "protocols of the IETF"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private use"),
        ("fe80::/10", "link-local use"),
        ("ff00::/8", "multicast"),
    )
)


def reserved_for(address: str, permitted: Iterable[Network] = ()) -> str:
    """What an address is reserved for, or "" if it may be dialled.

    Args:
        address: a literal without a scope.
        permitted: networks that may be dialled whatever they are reserved for.
    """
    at = ip_address(address)
    if any(at in network for network in permitted):
        return ""
    return next((purpose for network, purpose in RESERVED if at in network), "")
