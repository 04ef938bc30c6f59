"""Recursive look-ups: the given servers are asked, or the system's; answers come back as plain values."""

from __future__ import annotations

from datetime import timedelta
from itertools import cycle, islice
from typing import TYPE_CHECKING

import dns.exception
import dns.message
import dns.name
import dns.rdatatype
import dns.resolver

from certwright.dns import answers
from certwright.dns.endpoints import Endpoint, addresses_of, parse_endpoint
from certwright.dns.exchange import Ask, SilenceError, ask, bounded
from certwright.dns.names import read_name, write_name
from certwright.failures import TryLater

if TYPE_CHECKING:
    from collections.abc import Callable


#: A question is put at most so often in all, and to a lone server twice: a datagram may be lost.
FEWEST_TRIES, MOST_TRIES = 2, 3


class Resolvers:
    """Recursive name servers. Nothing is remembered here: they have caches of their own.

    All look-ups raise `TryLater` (DNSLookupFailed) when no server gave a conclusive answer; that a name does
    not exist is an answer.
    """

    def __init__(
        self,
        nameservers: tuple[str, ...] = (),
        timeout: timedelta = timedelta(seconds=3),
        *,
        ask: Ask = ask,
    ) -> None:
        """Make one.

        Args:
            nameservers: `host[:port]` each; when there are none, those of /etc/resolv.conf.
            timeout: for each question to each server.
            ask: how a question is put.

        Raises:
            NeedsPerson: InvalidSpec, when a server is not written as `host[:port]`.
        """
        self._nameservers = nameservers
        self._endpoints = tuple(parse_endpoint(text) for text in nameservers)
        self._timeout = timeout
        self._ask = ask

    def within(self, limit: timedelta, clock: Callable[[], float]) -> Resolvers:
        """The same servers, asked for `limit` from now at most (`clock`: monotonic seconds)."""
        return Resolvers(self._nameservers, self._timeout, ask=bounded(self._ask, clock, limit))

    def texts(self, fqdn: str) -> frozenset[str]:
        """The TXT values at `fqdn`, behind CNAMEs too."""
        name = read_name(fqdn)
        return answers.texts(self._answer(name, dns.rdatatype.TXT), name)

    def alias(self, fqdn: str) -> str | None:
        """Where a CNAME at `fqdn` points, or None; only this one step."""
        name = read_name(fqdn)
        target = answers.alias(self._answer(name, dns.rdatatype.CNAME), name)
        return None if target is None else write_name(target)

    def addresses(self, fqdn: str) -> tuple[str, ...]:
        """The addresses of `fqdn`, IPv4 first: it is the one that works where only one does."""
        name = read_name(fqdn)
        kinds = (dns.rdatatype.A, dns.rdatatype.AAAA)
        found = (answers.addresses(self._answer(name, kind), name) for kind in kinds)
        return tuple(dict.fromkeys(address for some in found for address in some))

    def is_apex(self, fqdn: str) -> bool:
        """Whether a zone starts at `fqdn`."""
        name = read_name(fqdn)
        return answers.is_apex(self._answer(name, dns.rdatatype.SOA), name)

    def servers(self, zone: str) -> tuple[str, ...]:
        """The names of the authoritative servers of `zone`."""
        name = read_name(zone)
        found = answers.servers(self._answer(name, dns.rdatatype.NS), name)
        return tuple(sorted(write_name(server) for server in found))

    def _answer(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        failures: list[str] = []
        servers = self._addresses()
        tries = min(max(FEWEST_TRIES, len(servers)), MOST_TRIES)
        for address, port in islice(cycle(servers), tries):
            try:
                response = self._ask(address, port, name, kind, recursive=True, timeout=self._timeout)
            except SilenceError as silence:
                failures.append(f"{Endpoint(address, port)}: {silence}")
                continue
            if answers.is_conclusive(response):
                return response
            failures.append(f"{Endpoint(address, port)}: {answers.rcode_of(response)}")
        what = f"{dns.rdatatype.to_text(kind)} of {write_name(name)}"
        raise TryLater("DNSLookupFailed", f"{what} cannot be looked up ({_once_each(failures)})")

    def _addresses(self) -> tuple[tuple[str, int], ...]:
        if self._endpoints:
            return tuple(
                (address, endpoint.port) for endpoint in self._endpoints for address in addresses_of(endpoint)
            )
        try:
            system = dns.resolver.Resolver()
        except dns.exception.DNSException as problem:
            raise TryLater(
                "DNSLookupFailed", "this system has no usable /etc/resolv.conf; name the name servers to ask"
            ) from problem
        return tuple((str(server), system.port) for server in system.nameservers)


def _once_each(failures: list[str]) -> str:
    return "; ".join(dict.fromkeys(failures)) or "there is no server to ask"
