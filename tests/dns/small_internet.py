"""An internet in a dictionary: every address answers from some zones, or does not answer at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from certwright.dns.exchange import SilenceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from tests.kit.zone_store import ZoneStore

RECURSOR, SECOND_RECURSOR = "192.0.2.53", "192.0.2.54"


class SmallInternet:
    """Fits `exchange.Ask`.

    Attributes:
        hosts: what answers at an address: zones, or always the same code. Other addresses are silent.
        asked: every question so far: address, name, type.
    """

    def __init__(self, hosts: Mapping[str, ZoneStore | dns.rcode.Rcode]) -> None:
        self.hosts = dict(hosts)
        self.asked: list[tuple[str, str, str]] = []

    def __call__(
        self,
        address: str,
        port: int,
        name: dns.name.Name,
        kind: dns.rdatatype.RdataType,
        *,
        recursive: bool,
        timeout: timedelta,
    ) -> dns.message.Message:
        assert port == 53
        assert timeout
        assert recursive == (address in {RECURSOR, SECOND_RECURSOR})
        self.asked.append((address, name.to_text(omit_final_dot=True), kind.name))
        host = self.hosts.get(address)
        if host is None:
            raise SilenceError("no answer in time")
        response = dns.message.make_response(dns.message.make_query(name, kind))
        if isinstance(host, dns.rcode.Rcode):
            response.set_rcode(host)
        else:
            host.answer(response)
            if response.rcode() == dns.rcode.REFUSED and recursive:
                response.set_rcode(dns.rcode.NXDOMAIN)
        return response
