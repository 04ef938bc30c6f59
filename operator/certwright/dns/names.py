"""Domain names between the text that our callers use (no trailing dot) and dnspython's values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.exception
import dns.name

from certwright.failures import NeedsPerson

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_name(fqdn: str) -> dns.name.Name:
    """`fqdn` as an absolute name.

    Raises:
        NeedsPerson: InvalidSpec, when it breaks RFC 1035 §2.3.4 (at most 63 octets a label, 255 in all).
    """
    try:
        return dns.name.from_text(fqdn)
    except (dns.exception.DNSException, ValueError) as problem:
        raise NeedsPerson("InvalidSpec", f"{fqdn[:300]!r} is not a domain name: {problem}") from problem


def write_name(name: dns.name.Name) -> str:
    """`name` as text, without the trailing dot; odd octets come escaped (RFC 1035 §5.1)."""
    return name.to_text(omit_final_dot=True)


def ancestors(name: dns.name.Name) -> Iterator[dns.name.Name]:
    """`name`, its parent and so on up to the top-level domain; never the root."""
    while name != dns.name.root:
        yield name
        name = name.parent()
