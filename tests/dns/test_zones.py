"""Where a name lives, in a small internet."""

from __future__ import annotations

import dns.rcode
import pytest

from certwright.dns.resolver import Resolvers
from certwright.dns.zones import AuthoritativeServer, authority_of, canonical_name, zone_of
from certwright.failures import NeedsPerson, TryLater
from tests.dns.small_internet import RECURSOR, SECOND_RECURSOR, SmallInternet
from tests.kit.zone_store import ZoneStore


def resolvers_over(*records: str, zones: tuple[str, ...] = ("example.test", "other.test")) -> Resolvers:
    return Resolvers((RECURSOR,), ask=SmallInternet({RECURSOR: ZoneStore(zones, records)}))


def chain(length: int) -> list[str]:
    return [f"c{step}.example.test. CNAME c{step + 1}.example.test." for step in range(length)]


@pytest.mark.parametrize(
    ("records", "end"),
    [
        pytest.param([], "c0.example.test", id="without a CNAME a name is its own end"),
        pytest.param(
            ["c0.example.test. CNAME There.Other.TEST."], "There.Other.TEST", id="into another zone"
        ),
        pytest.param(
            ["c0.example.test. CNAME gone.invalid."], "gone.invalid", id="to a name that is not there"
        ),
        pytest.param(chain(8), "c8.example.test", id="eight steps"),
    ],
)
def test_cnames_are_followed_to_their_end(records: list[str], end: str) -> None:
    assert canonical_name("c0.example.test", resolvers_over(*records)) == end


@pytest.mark.parametrize(
    ("records", "told"),
    [
        pytest.param(chain(9), "more than 8 CNAMEs", id="nine steps"),
        pytest.param(["c0.example.test. CNAME C0.example.test."], "in a circle", id="to itself"),
        pytest.param(
            [*chain(2), "c2.example.test. CNAME c0.example.test."], "in a circle", id="back to the start"
        ),
    ],
)
def test_cnames_without_a_sensible_end_need_a_person(records: list[str], told: str) -> None:
    with pytest.raises(NeedsPerson, match=told) as caught:
        canonical_name("c0.example.test", resolvers_over(*records))
    assert caught.value.reason == "DNSLookupFailed"


@pytest.mark.parametrize(
    ("fqdn", "records", "zone"),
    [
        pytest.param("example.test", [], "example.test", id="the apex"),
        pytest.param("_acme-challenge.a.b.example.test", [], "example.test", id="deep below"),
        pytest.param(
            "alias.example.test",
            ["alias.example.test. CNAME other.test."],
            "example.test",
            id="the SOA behind a CNAME is not ours",
        ),
    ],
)
def test_the_zone_of_a_name_is_the_closest_one_above(fqdn: str, records: list[str], zone: str) -> None:
    assert zone_of(fqdn, resolvers_over(*records)) == zone


def test_a_name_without_zone_is_tried_later() -> None:
    with pytest.raises(TryLater, match="no zone holds") as caught:
        zone_of("_acme-challenge.nowhere.invalid", resolvers_over())
    assert caught.value.reason == "DNSZoneNotFound"


def test_servers_come_with_all_their_addresses_and_ipv4_first() -> None:
    seen = authority_of(
        "example.test",
        resolvers_over(
            "example.test. NS b.example.test.",
            "b.example.test. AAAA 2001:db8::1",
            "b.example.test. A 192.0.2.7",
        ),
    )
    assert seen.servers == (
        AuthoritativeServer("b.example.test", ("192.0.2.7", "2001:db8::1")),
        AuthoritativeServer("ns1.example.test", ("127.0.0.1",)),
    )


def test_a_server_that_has_no_address_is_left_out_as_nobody_can_ask_it() -> None:
    seen = authority_of("example.test", resolvers_over("example.test. NS gone.invalid."))
    assert [server.name for server in seen.servers] == ["ns1.example.test"]


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.FORMERR])
def test_a_resolver_that_fails_is_named_with_what_it_said(rcode: dns.rcode.Rcode) -> None:
    resolvers = Resolvers((RECURSOR,), ask=SmallInternet({RECURSOR: rcode}))
    with pytest.raises(TryLater, match=f"{RECURSOR}: {rcode.name}") as caught:
        canonical_name("example.test", resolvers)
    assert caught.value.reason == "DNSLookupFailed"


def test_the_next_resolver_is_asked_when_one_is_silent() -> None:
    internet = SmallInternet({SECOND_RECURSOR: ZoneStore(["example.test"], ['t.example.test. TXT "a" "b"'])})
    assert Resolvers((RECURSOR, SECOND_RECURSOR), ask=internet).texts("t.example.test") == {"ab"}
    assert [address for address, *_ in internet.asked] == [RECURSOR, SECOND_RECURSOR]


@pytest.mark.parametrize(
    ("servers", "tries"),
    [
        pytest.param(1, 2, id="a lone server is asked twice"),
        pytest.param(5, 3, id="of many only three are asked"),
    ],
)
def test_silent_resolvers_are_not_asked_for_ever(servers: int, tries: int) -> None:
    internet = SmallInternet({})
    resolvers = Resolvers((RECURSOR,) * servers, ask=internet)
    with pytest.raises(TryLater, match=r"192\.0\.2\.53: no answer in time"):
        resolvers.texts("t.example.test")
    assert len(internet.asked) == tries


def test_a_name_that_is_none_needs_a_person() -> None:
    with pytest.raises(NeedsPerson) as caught:
        canonical_name("a" * 64 + ".test", resolvers_over())
    assert caught.value.reason == "InvalidSpec"
