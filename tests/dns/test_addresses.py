"""Where a host is, and why it is nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.rcode
import pytest

from certwright.dns.addresses import MOST_ADDRESSES, HostLookup, Whereabouts
from tests.dns.name_table import SERVER, NameTable
from tests.kit.nameserver import start_nameserver

if TYPE_CHECKING:
    from certwright.dns.exchange import Ask

HOST = "www.example.test"
BOTH = ("www.example.test. A 198.51.100.7", "www.example.test. AAAA 2001:db8::7")
SERVFAIL, REFUSED = dns.rcode.SERVFAIL, dns.rcode.REFUSED
MAKE_ONE = "make an A or AAAA record for it that leads to your ingress controller"


def where(ask: Ask, host: str = HOST) -> Whereabouts:
    return HostLookup((SERVER,), ask=ask).whereabouts(host)


def test_both_families_are_asked_once_each() -> None:
    names = NameTable(*BOTH)
    assert where(names) == Whereabouts(("2001:db8::7",), ("198.51.100.7",))
    assert names.asked == [(HOST, "A"), (HOST, "AAAA")]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        pytest.param(NameTable(BOTH[0]), Whereabouts(ipv4=("198.51.100.7",)), id="only IPv4"),
        pytest.param(NameTable(BOTH[1]), Whereabouts(ipv6=("2001:db8::7",)), id="only IPv6"),
        pytest.param(
            NameTable(*BOTH, faults={(HOST, "AAAA"): SERVFAIL}),
            Whereabouts(ipv4=("198.51.100.7",)),
            id="AAAA cannot be looked up",
        ),
        pytest.param(
            NameTable(*BOTH, faults={(HOST, "A"): None}),
            Whereabouts(ipv6=("2001:db8::7",)),
            id="nobody answers for A",
        ),
        pytest.param(
            NameTable("www.example.test. CNAME host.example.net.", "host.example.net. A 198.51.100.8"),
            Whereabouts(ipv4=("198.51.100.8",)),
            id="behind a CNAME",
        ),
    ],
)
def test_one_family_is_enough(names: NameTable, found: Whereabouts) -> None:
    assert where(names) == found


@pytest.mark.parametrize(
    ("names", "why"),
    [
        pytest.param(NameTable(), f"does not exist in DNS (NXDOMAIN); {MAKE_ONE}", id="NXDOMAIN"),
        pytest.param(
            NameTable("www.example.test. CNAME gone.example.net."),
            f"is an alias (CNAME) of a name that does not exist in DNS (NXDOMAIN); {MAKE_ONE}",
            id="a CNAME to nowhere",
        ),
        pytest.param(
            NameTable("www.example.test. MX 10 mail.example.test."),
            f"has neither an A nor an AAAA record; {MAKE_ONE}",
            id="other records only",
        ),
        pytest.param(
            NameTable(*BOTH, faults={(HOST, "A"): SERVFAIL, (HOST, "AAAA"): SERVFAIL}),
            f"has no known address: A of {HOST} cannot be looked up ({SERVER}: SERVFAIL); "
            "SERVFAIL is also what a broken DNSSEC signature looks like",
            id="SERVFAIL",
        ),
        pytest.param(
            NameTable(*BOTH, faults={(HOST, "A"): REFUSED, (HOST, "AAAA"): REFUSED}),
            f"has no known address: A of {HOST} cannot be looked up ({SERVER}: REFUSED)",
            id="REFUSED",
        ),
        pytest.param(
            NameTable(*BOTH, faults={(HOST, "A"): None, (HOST, "AAAA"): None}),
            f"has no known address: A of {HOST} cannot be looked up ({SERVER}: no answer in time)",
            id="silence",
        ),
        pytest.param(
            NameTable("www.example.test. TXT x", faults={(HOST, "AAAA"): None}),
            f"has no known address: AAAA of {HOST} cannot be looked up ({SERVER}: no answer in time)",
            id="no A, and silence for AAAA",
        ),
    ],
)
def test_without_any_address_the_reason_is_told(names: NameTable, why: str) -> None:
    assert where(names) == Whereabouts(why=why)


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".test", ".".join(["abcdefgh"] * 40)])
def test_what_is_no_name_is_not_asked_for(host: str) -> None:
    names = NameTable()
    assert where(names, host).why == "is no name that DNS knows how to ask for"
    assert not names.asked


def test_a_host_with_a_thousand_addresses_does_not_fill_our_memory() -> None:
    names = NameTable(*(f"www.example.test. A 198.51.{n // 200}.{n % 200}" for n in range(1000)))
    assert len(where(names).ipv4) == MOST_ADDRESSES


def test_a_real_server_is_understood() -> None:
    server = start_nameserver(["example.test"], records=["www.example.test. AAAA ::1"])
    try:
        lookup = HostLookup((f"{server.host}:{server.port}",))
        assert lookup.whereabouts(HOST) == Whereabouts(("::1",), ("127.0.0.1",))
    finally:
        server.stop()
