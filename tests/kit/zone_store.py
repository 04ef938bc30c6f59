"""Zones in memory: what a small authoritative server answers (RFC 1035) and how updates change it (RFC 2136).

Every name in a zone has one address, so that a CA finds a host to talk to, and no name is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.transaction
import dns.update
import dns.versioned
import dns.zone
import dns.zonefile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


TTL = 60
MAX_HOPS = 8

_IN, _ANY, _NONE = dns.rdataclass.IN, dns.rdataclass.ANY, dns.rdataclass.NONE


class Refusal(Exception):  # noqa: N818 - an answer, not an error
    """The update is answered with this code and changes nothing."""

    def __init__(self, rcode: dns.rcode.Rcode) -> None:
        super().__init__(dns.rcode.to_text(rcode))
        self.rcode = rcode


def read_records(lines: Iterable[str], origin: dns.name.Name = dns.name.root) -> list[dns.rrset.RRset]:
    """Lines of a zone file; TTL and class may be left out."""
    return dns.zonefile.read_rrsets(
        "\n".join(lines), rdclass=None, default_ttl=TTL, origin=origin, relativize=False
    )


class ZoneStore:
    """Some zones; thread-safe, as dnspython's versioned zones are."""

    def __init__(self, zones: Sequence[str], records: Sequence[str] = (), address: str = "127.0.0.1") -> None:
        """Make them.

        Args:
            zones: their names; each gets SOA and NS.
            records: more, as lines of a zone file with absolute owner names.
            address: of the name server and of every name that has none of its own.
        """
        self._address = address
        self._zones = {name: _new_zone(name, address) for name in map(dns.name.from_text, zones)}
        for rrset in read_records(records):
            zone = self.zone_of(rrset.name)
            if zone is None:
                raise ValueError(f"{rrset.name} is in none of the zones")
            with zone.writer() as change:
                change.add(rrset)

    def zone_of(self, name: dns.name.Name) -> dns.versioned.Zone | None:
        """The zone with the longest name that holds `name`."""
        while name not in self._zones:
            if name == dns.name.root:
                return None
            name = name.parent()
        return self._zones[name]

    def answer(self, response: dns.message.Message) -> None:
        """Fill in the answer to the question in `response`; CNAMEs are followed through all zones here."""
        question = response.question[0]
        name, kind = question.name, question.rdtype
        zone = self.zone_of(name)
        if zone is None:
            response.set_rcode(dns.rcode.REFUSED)
            return
        response.flags |= dns.flags.AA
        for _ in range(MAX_HOPS):
            delegation = _delegation(zone, name)
            if delegation is not None:
                response.authority.append(delegation)
                response.flags &= ~dns.flags.AA
                return
            found = self._look_up(zone, name, kind)
            if found is None:
                assert zone.origin
                response.authority.append(
                    _rrset(zone.origin, self._look_up(zone, zone.origin, dns.rdatatype.SOA))
                )
                return
            response.answer.append(_rrset(name, found))
            if found.rdtype == kind:
                return
            name = found[0].target
            following = self.zone_of(name)
            if following is None:
                return
            zone = following

    def _look_up(
        self, zone: dns.versioned.Zone, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> dns.rdataset.Rdataset | None:
        """What is at `name`: of the kind, or else a CNAME; every name has an address."""
        with zone.reader() as reader:
            found: dns.rdataset.Rdataset | None = reader.get(name, kind) or reader.get(
                name, dns.rdatatype.CNAME
            )
        if found is None and kind == dns.rdatatype.A:
            return dns.rdataset.from_text(_IN, kind, TTL, self._address)
        return found

    def update(self, message: dns.update.UpdateMessage) -> None:
        """Apply an update whose signature was verified.

        Raises:
            Refusal: with the code of RFC 2136 §3.
        """
        zone = self._zones.get(message.zone[0].name)
        if zone is None:
            raise Refusal(dns.rcode.NOTAUTH)
        for rrset in (*message.prerequisite, *message.update):
            if self.zone_of(rrset.name) is not zone:
                raise Refusal(dns.rcode.NOTZONE)
        with zone.writer() as change:
            _check(message.prerequisite, change)
            for rrset in message.update:
                _change(rrset, change)
            if change.changed():
                change.update_serial(name=message.zone[0].name)


def _new_zone(name: dns.name.Name, address: str) -> dns.versioned.Zone:
    zone = dns.versioned.Zone(name, relativize=False)
    lines = (
        f"@ {TTL} IN SOA ns1 hostmaster 1 3600 600 86400 1",
        f"@ {TTL} IN NS ns1",
        f"ns1 {TTL} IN A {address}",
    )
    with zone.writer() as change:
        for rrset in read_records(lines, name):
            change.add(rrset)
    return zone


def _delegation(zone: dns.versioned.Zone, name: dns.name.Name) -> dns.rrset.RRset | None:
    """The NS records below the zone's own, if any, that give `name` away to others."""
    with zone.reader() as reader:
        while name != zone.origin:
            servers = reader.get(name, dns.rdatatype.NS)
            if servers:
                return _rrset(name, servers)
            name = name.parent()
    return None


def _rrset(name: dns.name.Name, rdataset: dns.rdataset.Rdataset | None) -> dns.rrset.RRset:
    assert rdataset is not None
    return dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))


def _check(prerequisites: Iterable[dns.rrset.RRset], seen: dns.transaction.Transaction) -> None:
    """RFC 2136 §3.2: each prerequisite as (it fails with this code) when (this is so)."""
    for rrset in prerequisites:
        of_name = rrset.rdtype == dns.rdatatype.ANY
        exists = seen.name_exists(rrset.name) if of_name else bool(seen.get(rrset.name, rrset.rdtype))
        if rrset.deleting == _ANY and not exists:
            raise Refusal(dns.rcode.NXDOMAIN if of_name else dns.rcode.NXRRSET)
        if rrset.deleting == _NONE and exists:
            raise Refusal(dns.rcode.YXDOMAIN if of_name else dns.rcode.YXRRSET)
        if rrset.deleting is None and set(seen.get(rrset.name, rrset.rdtype) or ()) != set(rrset):
            raise Refusal(dns.rcode.NXRRSET)


def _change(rrset: dns.rrset.RRset, change: dns.transaction.Transaction) -> None:
    """RFC 2136 §3.4.2."""
    if rrset.deleting == _ANY:
        if rrset.rdtype == dns.rdatatype.ANY:
            change.delete(rrset.name)
        else:
            change.delete(rrset.name, rrset.rdtype)
    elif rrset.deleting == _NONE:
        change.delete(rrset.name, dns.rdataset.from_rdata_list(0, list(rrset)))
    elif rrset.rdtype != dns.rdatatype.CNAME and change.get(rrset.name, dns.rdatatype.CNAME):
        return  # silently ignored, §3.4.2.2
    else:
        change.add(rrset.name, rrset.to_rdataset())
