"""TXT records by dynamic update (RFC 2136), signed with TSIG (RFC 8945): BIND, Knot, PowerDNS and more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.update

from certwright.dns import answers
from certwright.dns.endpoints import parse_endpoint
from certwright.dns.names import ancestors, read_name, write_name
from certwright.dns.providers.channel import Channel
from certwright.dns.providers.tsig import read_key
from certwright.failures import NeedsPerson, Setback, TryLater

if TYPE_CHECKING:
    from certwright.dns.memory import ShortMemory
    from certwright.dns.provider import TxtRecord
    from certwright.secret_text import SecretText

#: Seconds. Short, so that a resolver that saw yesterday's proof soon asks again.
TTL = 60
#: Octets in one character-string of a TXT record (RFC 1035 §3.3).
PIECE = 255
PROTOCOLS = ("TCP", "UDP")


class Rfc2136:
    """A name server that takes dynamic updates; fits `TxtProvider`. Keeps no connection; thread-safe."""

    def __init__(
        self,
        *,
        nameserver: str,
        key_name: str = "",
        key_secret: SecretText | None = None,
        algorithm: str = "HMACSHA256",
        protocol: str = "TCP",
        timeout: timedelta = timedelta(seconds=5),
        zones: ShortMemory[tuple[str, str], str] | None = None,
    ) -> None:
        """Make one; nothing is sent yet.

        Args:
            nameserver: `host[:port]` of the primary server, `[IPv6]:port` too.
            key_name: of the TSIG key; empty, or no secret: updates are not signed.
            key_secret: base64, as it stands in the server's configuration.
            algorithm: one of `tsig.ALGORITHMS`.
            protocol: one of `PROTOCOLS`.
            timeout: for each exchange.
            zones: remembers which zone a name is in, by server and name; share one in the process.

        Raises:
            NeedsPerson: InvalidSpec or CredentialInvalid, naming what to correct.
        """
        if protocol not in PROTOCOLS:
            raise NeedsPerson(
                "InvalidSpec", f"{protocol!r} is not a protocol; write one of {', '.join(PROTOCOLS)}"
            )
        key = read_key(key_name, key_secret, algorithm) if key_name and key_secret is not None else None
        self._channel = Channel(parse_endpoint(nameserver), key, algorithm, protocol == "TCP", timeout)
        self._zones = zones

    def ensure_txt(self, record: TxtRecord) -> None:
        """Add the record to what else is there (RFC 2136 §2.5.1); raises as `Channel.send` does, and more.

        Raises:
            NeedsPerson: DNSZoneNotFound or DNSUpdateRefused.
            TryLater: DNSProviderUnavailable.
        """
        name = read_name(record.fqdn)
        update = self._update_for(name)
        # Beside a CNAME a server ignores the TXT and still says NOERROR (RFC 2136 §3.4.2.2).
        update.absent(name, dns.rdatatype.CNAME)
        update.add(name, TTL, _rdata(record.value))
        self._apply(update, name)

    def remove_txt(self, record: TxtRecord) -> None:
        """Delete exactly this record (class NONE, RFC 2136 §2.5.4); raises as `ensure_txt` does."""
        name = read_name(record.fqdn)
        update = self._update_for(name)
        update.delete(name, _rdata(record.value))
        self._apply(update, name)

    def _update_for(self, name: dns.name.Name) -> dns.update.UpdateMessage:
        known = (str(self._channel.endpoint), write_name(name))
        zone = None if self._zones is None else self._zones.recall(known)
        if zone is None:
            zone = write_name(self._find_zone(name))
            if self._zones is not None:
                self._zones.note(known, zone)
        return dns.update.UpdateMessage(read_name(zone), rdclass=dns.rdataclass.IN)

    def _apply(self, update: dns.update.UpdateMessage, name: dns.name.Name) -> None:
        response = self._channel.send(update)
        if response.rcode() == dns.rcode.NOERROR:
            return
        if self._zones is not None:
            self._zones.forget((str(self._channel.endpoint), write_name(name)))
        raise _refusal(response.rcode(), self._channel, write_name(update.zone[0].name), write_name(name))

    def _find_zone(self, name: dns.name.Name) -> dns.name.Name:
        """The zone of `name` at this very server: the closest ancestor whose SOA it holds with authority."""
        seen = ""
        for candidate in ancestors(name):
            question = dns.message.make_query(candidate, dns.rdatatype.SOA)
            question.flags &= ~dns.flags.RD
            response = self._channel.send(question)
            if answers.is_apex(response, candidate) and answers.is_authoritative(response):
                return candidate
            elsewhere = candidate if answers.is_apex(response, candidate) else answers.referral(response)
            if elsewhere is not None:
                raise self._no_zone(name, f"it says that {write_name(elsewhere)} is hosted elsewhere")
            seen = answers.rcode_of(response)
            if response.rcode() in {dns.rcode.SERVFAIL, dns.rcode.FORMERR}:
                where = f"{self._channel.endpoint} asked for the SOA of {write_name(candidate)}"
                raise TryLater("DNSProviderUnavailable", f"{where} answered {seen}")
        raise self._no_zone(name, f"it answered {seen}")

    def _no_zone(self, name: dns.name.Name, why: str) -> NeedsPerson:
        return NeedsPerson(
            "DNSZoneNotFound",
            f"{self._channel.endpoint} serves no zone that holds {write_name(name)} ({why}); "
            "name the zone's primary server, or let it answer queries from here",
        )


def _rdata(value: str) -> dns.rdtypes.ANY.TXT.TXT:
    octets = value.encode()
    pieces = [octets[start : start + PIECE] for start in range(0, len(octets), PIECE)]
    return dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, dns.rdatatype.TXT, pieces or [b""])


def _refusal(rcode: dns.rcode.Rcode, channel: Channel, zone: str, name: str) -> Setback:
    """What the server has against an update whose signature it accepted (RFC 2136 §2.2)."""
    who = f"let key {channel.key_name} update"
    if channel.key is None:
        who = "set tsigKeyName and tsigSecretSecretRef in the solver, or let it take unsigned updates of"
    match rcode:
        case dns.rcode.REFUSED:
            return NeedsPerson(
                "DNSUpdateRefused",
                f"{channel.endpoint} refuses to change zone {zone} (REFUSED); {who} TXT at {name}",
            )
        case dns.rcode.YXRRSET:
            return NeedsPerson(
                "DNSUpdateRefused",
                f"there is a CNAME at {name}; set cnameStrategy: Follow, or remove the CNAME",
            )
        case dns.rcode.NOTAUTH | dns.rcode.NOTZONE:
            return NeedsPerson(
                "DNSZoneNotFound",
                f"{channel.endpoint} is not the primary server of zone {zone} ({dns.rcode.to_text(rcode)}); "
                "name the primary",
            )
        case dns.rcode.NOTIMP:
            return NeedsPerson(
                "DNSUpdateRefused",
                f"{channel.endpoint} takes no dynamic updates for zone {zone} (NOTIMP); enable them there",
            )
        case _:
            return TryLater(
                "DNSProviderUnavailable",
                f"{channel.endpoint} failed to change zone {zone} ({dns.rcode.to_text(rcode)})",
            )
