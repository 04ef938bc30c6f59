"""Addresses that no CA has: whoever may write an issuer must not reach the node's own services through us."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def refused_class(peer: str, permitted: Iterable[IPv4Network | IPv6Network]) -> str | None:
    """Why we do not speak to `peer`, as an adjective, or None if we may.

    Args:
        peer: a literal address, perhaps with a scope (`fe80::1%eth0`).
        permitted: networks that are spoken to whatever their class.
    """
    address = _unwrapped(ip_address(peer.partition("%")[0]))
    if any(address in network for network in permitted):
        return None
    classes = {
        "loopback": address.is_loopback,
        "link-local": address.is_link_local,
        "unspecified": address.is_unspecified,
        "multicast": address.is_multicast,
    }
    return next((name for name, holds in classes.items() if holds), None)


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv4-mapped one (RFC 4291 §2.5.5.2): the kernel connects to that."""
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
