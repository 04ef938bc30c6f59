"""Where a host is, as a CA would find out: A and AAAA, apart, so that one may fail while the other is good."""

from __future__ import annotations

from dataclasses import dataclass

import dns.name
import dns.rcode
import dns.rdatatype

from certwright.dns import answers
from certwright.dns.names import read_name
from certwright.dns.resolver import Resolvers
from certwright.failures import Setback

#: Of one family; only the first that may be dialled counts.
MOST_ADDRESSES = 16
_MAKE_ONE = "make an A or AAAA record for it that leads to your ingress controller"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The addresses of one host.

    Attributes:
        ipv6: in the order of the answer.
        ipv4: likewise.
        why: if there are none of either: what follows the host's name in a sentence, else "".
    """

    ipv6: tuple[str, ...] = ()
    ipv4: tuple[str, ...] = ()
    why: str = ""


class HostLookup(Resolvers):
    """Looks for a host's addresses; made like `Resolvers`."""

    def whereabouts(self, host: str) -> Whereabouts:
        """Ask for A, then AAAA; never raises for what servers say or fail to say.

        One family that cannot be looked up is no hindrance if the other is there: so does Boulder.
        """
        try:
            name = read_name(host)
        except Setback:
            return Whereabouts(why="is no name that DNS knows how to ask for")
        ipv4, no_ipv4 = self._family(name, dns.rdatatype.A)
        ipv6, no_ipv6 = self._family(name, dns.rdatatype.AAAA)
        if ipv4 or ipv6:
            return Whereabouts(ipv6, ipv4)
        return Whereabouts(why=no_ipv4 or no_ipv6 or f"has neither an A nor an AAAA record; {_MAKE_ONE}")

    def _family(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> tuple[tuple[str, ...], str]:
        """Addresses, and if there are none because something is wrong, what."""
        try:
            response = self._answer(name, kind)
        except Setback as silence:
            return (), f"has no known address: {silence.message}{_hint(silence.message)}"
        if response.rcode() == dns.rcode.NXDOMAIN:
            alias = answers.alias(response, name)
            whose = "is an alias (CNAME) of a name that " if alias else ""
            return (), f"{whose}does not exist in DNS (NXDOMAIN); {_MAKE_ONE}"
        return answers.addresses(response, name)[:MOST_ADDRESSES], ""


def _hint(message: str) -> str:
    """A resolver that checks signatures answers SERVFAIL to what does not pass (RFC 4035 §5.5)."""
    return "; SERVFAIL is also what a broken DNSSEC signature looks like" if "SERVFAIL" in message else ""
