"""What a name server's answer says about a name. Every answer is hostile: nothing is assumed by position.

Records are picked by owner and type wherever they stand in the answer section, never by index (an assumption
of that kind was CVE-2026-25518 elsewhere), and what stands in other sections is not an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.NS
import dns.rdtypes.ANY.SOA
import dns.rdtypes.ANY.TXT
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.rrset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


#: CAs stop after about as many CNAMEs (Boulder's resolvers follow 8 to 16).
MAX_HOPS = 8

R = TypeVar("R", bound="dns.rdata.Rdata")


def is_conclusive(response: dns.message.Message) -> bool:
    """Whether the server answered the question, if only with "there is no such name"."""
    return response.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}


def rcode_of(response: dns.message.Message) -> str:
    """The response code as DNS people write it, such as SERVFAIL."""
    return dns.rcode.to_text(response.rcode())


def alias(response: dns.message.Message, name: dns.name.Name) -> dns.name.Name | None:
    """Where a CNAME at `name` itself points."""
    return next(
        (cname.target for cname in _records(response.answer, name, dns.rdtypes.ANY.CNAME.CNAME)), None
    )


def chain_end(response: dns.message.Message, name: dns.name.Name) -> dns.name.Name:
    """The last name to which the CNAMEs within this answer lead from `name`; it may go on elsewhere."""
    for _ in range(MAX_HOPS):
        following = alias(response, name)
        if following is None:
            break
        name = following
    return name


def texts(response: dns.message.Message, name: dns.name.Name) -> frozenset[str]:
    """The TXT values at the end of the chain from `name`, each with its pieces joined."""
    found = _records(response.answer, chain_end(response, name), dns.rdtypes.ANY.TXT.TXT)
    return frozenset(b"".join(txt.strings).decode("utf-8", "backslashreplace") for txt in found)


def addresses(response: dns.message.Message, name: dns.name.Name) -> tuple[str, ...]:
    """The IPv4 and IPv6 addresses at the end of the chain from `name`."""
    end = chain_end(response, name)
    ipv4 = (record.address for record in _records(response.answer, end, dns.rdtypes.IN.A.A))
    ipv6 = (record.address for record in _records(response.answer, end, dns.rdtypes.IN.AAAA.AAAA))
    return (*ipv4, *ipv6)


def is_apex(response: dns.message.Message, name: dns.name.Name) -> bool:
    """Whether the answer holds a SOA of `name` itself: an SOA reached through a CNAME is another zone's."""
    return any(True for _ in _records(response.answer, name, dns.rdtypes.ANY.SOA.SOA))


def is_authoritative(response: dns.message.Message) -> bool:
    """Whether the server says that it hosts the zone (AA, RFC 1035 §4.1.1)."""
    return bool(response.flags & dns.flags.AA)


def servers(response: dns.message.Message, zone: dns.name.Name) -> tuple[dns.name.Name, ...]:
    """The name servers of `zone`."""
    return tuple(record.target for record in _records(response.answer, zone, dns.rdtypes.ANY.NS.NS))


def referral(response: dns.message.Message) -> dns.name.Name | None:
    """The zone to whose servers the asker is sent, or None; referrals "up" to the root mean nothing."""
    if response.answer or is_authoritative(response):
        return None
    owners = (rrset.name for rrset in response.authority if rrset.rdtype == dns.rdatatype.NS)
    return next((owner for owner in owners if owner != dns.name.root), None)


def _records(section: Iterable[dns.rrset.RRset], name: dns.name.Name, kind: type[R]) -> Iterator[R]:
    for rrset in section:
        if rrset.name == name:
            yield from (record for record in rrset if isinstance(record, kind))
