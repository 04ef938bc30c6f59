"""What one authoritative server shows of a TXT record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.message
import dns.rdatatype

from certwright.dns import answers
from certwright.dns.exchange import Ask, SilenceError
from certwright.dns.names import read_name, write_name

if TYPE_CHECKING:
    from datetime import timedelta

    from certwright.dns.provider import TxtRecord
    from certwright.dns.zones import AuthoritativeServer


@dataclass(frozen=True, slots=True)
class View:
    """Whether the value is there, or to which name a CNAME leads on, or what is amiss in a few words."""

    shows: bool = False
    leads_to: str = ""
    remark: str = ""


def look(server: AuthoritativeServer, port: int, record: TxtRecord, ask: Ask, timeout: timedelta) -> View:
    """What `server` shows. The first of its addresses that answers speaks for it: IPv6 may have no route."""
    name = read_name(record.fqdn)
    remark = "its address cannot be looked up"
    for address in server.addresses:
        try:
            response = ask(address, port, name, dns.rdatatype.TXT, recursive=False, timeout=timeout)
        except SilenceError as silence:
            remark = str(silence)
            continue
        return read_view(response, record)
    return View(remark=remark)


def read_view(response: dns.message.Message, record: TxtRecord) -> View:
    """What an answer to a TXT question about `record` shows."""
    if not answers.is_conclusive(response):
        return View(remark=answers.rcode_of(response))
    name = read_name(record.fqdn)
    found = answers.texts(response, name)
    end = answers.chain_end(response, name)
    if record.value in found:
        return View(shows=True)
    if end != name and not found:
        return View(leads_to=write_name(end))
    return View()
