"""Whether a TXT record can be seen wherever a CA may ask for it: at all authoritative servers of its zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.dns.answers import MAX_HOPS
from certwright.dns.endpoints import DNS_PORT
from certwright.dns.exchange import Ask, ask, bounded
from certwright.dns.memory import ShortMemory
from certwright.dns.resolver import Resolvers
from certwright.dns.views import View, look
from certwright.dns.zones import Authority, authority_of, zone_of
from certwright.failures import TryLater

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.dns.provider import TxtRecord

#: How long a zone and its servers are kept: less than any sensible TTL of NS records. What was not found
#: is never remembered.
REMEMBERED = timedelta(seconds=60)
#: For finding the servers, and again for asking them, so that a turn ends in time.
LONGEST_CHECK = timedelta(seconds=6)


class Visibility:
    """Looks for TXT records where a CA's resolver would. Thread-safe."""

    def __init__(
        self,
        resolvers: Resolvers,
        authoritative_port: int = DNS_PORT,
        timeout: timedelta = timedelta(seconds=3),
        *,
        clock: Callable[[], float],
        ask: Ask = ask,
    ) -> None:
        """Make one for the whole process, so that a zone's servers are looked up once for many names.

        Args:
            resolvers: find the authoritative servers.
            authoritative_port: where these are asked; another than 53 is for tests.
            timeout: for each question to each server.
            clock: monotonic seconds.
            ask: how a question is put.
        """
        self._resolvers = resolvers
        self._port = authoritative_port
        self._timeout = timeout
        self._clock = clock
        self._ask = ask
        self._zones: ShortMemory[str, str] = ShortMemory(clock, REMEMBERED)
        self._authorities: ShortMemory[str, Authority] = ShortMemory(clock, REMEMBERED)

    def unseen(self, record: TxtRecord, nameservers: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The servers that do not show `record` now, each with a remark if there is one; empty: all show it.

        A server that does not answer counts as one that does not show it.

        Args:
            record: the exact value looked for; other values beside it do not matter.
            nameservers: recursive servers (`host[:port]`) to ask in place of the authoritative ones, where a
                split horizon or a firewall keeps those from us.

        Raises:
            TryLater: DNSZoneNotFound or DNSLookupFailed, when the servers cannot be found.
            NeedsPerson: InvalidSpec, when a name server or the name cannot be read.
        """
        if nameservers:
            return tuple(line for server in nameservers for line in self._unseen_through(server, record))
        return self._unseen_at_authority(record, MAX_HOPS)

    def _unseen_through(self, nameserver: str, record: TxtRecord) -> tuple[str, ...]:
        resolvers = Resolvers((nameserver,), self._timeout, ask=self._ask)
        try:
            return () if record.value in resolvers.texts(record.fqdn) else (nameserver,)
        except TryLater as failure:
            return (f"{nameserver} ({failure.message})",)

    def _unseen_at_authority(self, record: TxtRecord, hops: int) -> tuple[str, ...]:
        unseen: list[str] = []
        targets: list[str] = []
        for server, view in self._views(record):
            if view.leads_to:
                targets.append(view.leads_to)
            elif not view.shows:
                unseen.append(f"{server} ({view.remark})" if view.remark else server)
        if unseen or not targets:
            return tuple(unseen)
        if not hops:
            return (f"{record.fqdn} (more than {MAX_HOPS} CNAMEs)",)
        # Servers may disagree about the CNAME while it changes; any target may be what a CA is told.
        beyond = (
            line
            for target in dict.fromkeys(targets)
            for line in self._unseen_at_authority(replace(record, fqdn=target), hops - 1)
        )
        return tuple(dict.fromkeys(beyond))

    def _views(self, record: TxtRecord) -> list[tuple[str, View]]:
        authority = self._authority(record.fqdn)
        ask = bounded(self._ask, self._clock, LONGEST_CHECK)
        return [
            (server.name, look(server, self._port, record, ask, self._timeout))
            for server in authority.servers
        ]

    def _authority(self, fqdn: str) -> Authority:
        resolvers = self._resolvers.within(LONGEST_CHECK, self._clock)
        zone = self._zones.recall(fqdn)
        if zone is None:
            zone = zone_of(fqdn, resolvers)
            self._zones.note(fqdn, zone)
        authority = self._authorities.recall(zone)
        if authority is None:
            authority = authority_of(zone, resolvers)
            self._authorities.note(zone, authority)
        return authority
