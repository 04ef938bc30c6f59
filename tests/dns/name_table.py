"""A recursive name server in a table, with a count of what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from certwright.dns.exchange import SilenceError
from tests.kit.zone_store import read_records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

#: Nothing is sent there.
SERVER = "192.0.2.53"


class NameTable:
    """Fits `exchange.Ask`: records as lines of a zone file; codes, or silence, by `(name, type)`.

    A name without records does not exist. CNAMEs are followed. Each list of addresses in `turns` is given once.
    """

    def __init__(
        self,
        *records: str,
        faults: Mapping[tuple[str, str], dns.rcode.Rcode | None] | None = None,
        turns: Sequence[str] = (),
    ) -> None:
        self.records = read_records(records)
        self.faults = dict(faults or {})
        self.turns = list(turns)
        self.asked: list[tuple[str, str]] = []

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
        assert (address, port, recursive) == (SERVER, 53, True)
        assert timeout.total_seconds() > 0
        question = (name.to_text(omit_final_dot=True), kind.name)
        self.asked.append(question)
        fault = self.faults.get(question, dns.rcode.NOERROR)
        if fault is None:
            raise SilenceError("no answer in time")
        response = dns.message.make_response(dns.message.make_query(name, kind))
        response.set_rcode(fault)
        if fault == dns.rcode.NOERROR:
            self._fill(response, name, kind)
        return response

    def _fill(
        self, response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> None:
        if self.turns and kind == dns.rdatatype.A:
            response.answer.append(dns.rrset.from_text(name, 0, dns.rdataclass.IN, kind, self.turns.pop(0)))
            return
        here = [each for each in self.records if each.name == name]
        if not here:
            response.set_rcode(dns.rcode.NXDOMAIN)
        for rrset in here:
            if rrset.rdtype in (kind, dns.rdatatype.CNAME):
                response.answer.append(rrset)
            if rrset.rdtype == dns.rdatatype.CNAME:
                self._fill(response, rrset[0].target, kind)
