"""Who shows a record and who does not, in a small internet; one test at the end looks over the network."""

from __future__ import annotations

import time
from datetime import timedelta

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from certwright.dns.provider import TxtRecord
from certwright.dns.resolver import Resolvers
from certwright.dns.visibility import LONGEST_CHECK, REMEMBERED, Visibility
from certwright.failures import NeedsPerson, TryLater
from tests.dns.small_internet import RECURSOR, SECOND_RECURSOR, SmallInternet
from tests.engine.hand_clock import HandClock
from tests.kit.nameserver import start_nameserver
from tests.kit.zone_store import ZoneStore

NAME = "_acme-challenge.example.test"
RECORD = TxtRecord(NAME, "proof")
SHOWS = f"{NAME}. TXT proof"
#: Two more servers beside ns1 at 127.0.0.1; the second is also at an IPv6 address.
SERVERS = (
    "example.test. NS ns2.example.test.",
    "ns2.example.test. A 192.0.2.2",
    "ns2.example.test. AAAA 2001:db8::2",
)
ZONES = ("example.test", "other.test")


def zones(*records: str) -> ZoneStore:
    return ZoneStore(ZONES, records)


def visibility_in(internet: SmallInternet, clock: HandClock | None = None) -> Visibility:
    return Visibility(Resolvers((RECURSOR,), ask=internet), clock=clock or HandClock(), ask=internet)


@pytest.mark.parametrize(
    ("hosts", "unseen"),
    [
        pytest.param({"127.0.0.1": zones(SHOWS), "192.0.2.2": zones(SHOWS)}, (), id="all show it"),
        pytest.param(
            {"127.0.0.1": zones(SHOWS), "192.0.2.2": zones()}, ("ns2.example.test",), id="one lags behind"
        ),
        pytest.param(
            {"127.0.0.1": zones(f"{NAME}. TXT other"), "192.0.2.2": zones(SHOWS, f"{NAME}. TXT other")},
            ("ns1.example.test",),
            id="another value is not this one, but may stand beside it",
        ),
        pytest.param(
            {"127.0.0.1": zones(f'{NAME}. TXT "pro" "of"'), "192.0.2.2": zones(SHOWS)},
            (),
            id="a value in pieces is one value",
        ),
        pytest.param(
            {"127.0.0.1": zones(SHOWS), "2001:db8::2": zones(SHOWS)},
            (),
            id="one address that answers is enough",
        ),
        pytest.param(
            {"127.0.0.1": zones(SHOWS)}, ("ns2.example.test (no answer in time)",), id="a silent server"
        ),
        pytest.param(
            {"127.0.0.1": zones(SHOWS), "192.0.2.2": dns.rcode.REFUSED},
            ("ns2.example.test (REFUSED)",),
            id="a server that refuses",
        ),
        pytest.param(
            {"127.0.0.1": dns.rcode.NXDOMAIN, "192.0.2.2": dns.rcode.SERVFAIL},
            ("ns1.example.test", "ns2.example.test (SERVFAIL)"),
            id="a name that does not exist yet needs no remark",
        ),
    ],
)
def test_a_record_is_visible_when_all_authoritative_servers_show_it(
    hosts: dict[str, ZoneStore | dns.rcode.Rcode], unseen: tuple[str, ...]
) -> None:
    internet = SmallInternet({RECURSOR: zones(*SERVERS), **hosts})
    assert visibility_in(internet).unseen(RECORD) == unseen


MOVED = f"{NAME}. CNAME moved.other.test."


@pytest.mark.parametrize(
    ("here", "there", "unseen"),
    [
        pytest.param(
            [MOVED], ["moved.other.test. TXT proof"], (), id="the value stands where the CNAME leads"
        ),
        pytest.param([MOVED], [], ("ns1.other.test",), id="it does not stand there yet"),
        pytest.param(
            [MOVED, "moved.other.test. TXT old"],
            [],
            ("ns1.example.test",),
            id="an old value stands in the same answer",
        ),
        pytest.param(
            [MOVED], [f"moved.other.test. CNAME {NAME}."], (f"{NAME} (more than 8 CNAMEs)",), id="a circle"
        ),
    ],
)
def test_a_cname_is_followed_to_the_servers_of_its_target(
    here: list[str], there: list[str], unseen: tuple[str, ...]
) -> None:
    # One recursor knows both zones; each zone has a server of its own.
    elsewhere = ["other.test. NS ns9.other.test.", "ns9.other.test. A 192.0.2.9"]
    internet = SmallInternet(
        {
            RECURSOR: Redirected(),
            "127.0.0.1": ZoneStore(["example.test"] if len(here) == 1 else ZONES, here),
            "192.0.2.9": ZoneStore(ZONES, [*elsewhere, *there]),
        }
    )
    assert visibility_in(internet).unseen(RECORD) == unseen


class Redirected(ZoneStore):
    """A recursor's view in which other.test is served at 192.0.2.9 alone."""

    def __init__(self) -> None:
        super().__init__(["example.test"])
        self._zones |= ZoneStore(["other.test"])._zones

    def answer(self, response: dns.message.Message) -> None:
        super().answer(response)
        for rrset in response.answer:
            if rrset.name.to_text() == "ns1.other.test." and rrset.rdtype.name == "A":
                address = next(iter(rrset)).replace(address="192.0.2.9")
                rrset.clear()  # type: ignore[no-untyped-call]  # dnspython left it so
                rrset.add(address)


def test_given_recursive_servers_are_asked_in_place_of_the_authoritative_ones() -> None:
    internet = SmallInternet({RECURSOR: zones(SHOWS), SECOND_RECURSOR: zones()})
    visibility = visibility_in(internet)
    assert visibility.unseen(RECORD, (RECURSOR,)) == ()
    assert visibility.unseen(RECORD, (RECURSOR, SECOND_RECURSOR)) == (SECOND_RECURSOR,)
    internet.hosts[SECOND_RECURSOR] = dns.rcode.SERVFAIL
    (line,) = visibility.unseen(RECORD, (RECURSOR, SECOND_RECURSOR))
    assert line.startswith(f"{SECOND_RECURSOR} (TXT of {NAME} cannot be looked up")
    with pytest.raises(NeedsPerson, match="is not a name server"):
        visibility.unseen(RECORD, ("a b",))


def test_servers_are_looked_up_once_a_minute_and_the_record_every_time() -> None:
    clock, internet = HandClock(), SmallInternet({RECURSOR: zones(), "127.0.0.1": zones()})
    visibility = visibility_in(internet, clock)
    visibility.unseen(RECORD)
    looked_up = len(internet.asked)
    visibility.unseen(RECORD)
    assert internet.asked[looked_up:] == [("127.0.0.1", NAME, "TXT")]
    clock.now += REMEMBERED.total_seconds()
    visibility.unseen(RECORD)
    assert len(internet.asked) == 2 * looked_up + 1


def test_what_was_not_found_is_never_remembered() -> None:
    internet = SmallInternet({RECURSOR: dns.rcode.NXDOMAIN, "127.0.0.1": zones(SHOWS)})
    visibility = visibility_in(internet)
    with pytest.raises(TryLater, match="no zone holds"):
        visibility.unseen(RECORD)
    internet.hosts[RECURSOR] = zones()
    assert visibility.unseen(RECORD) == ()


def test_a_zone_with_many_silent_servers_does_not_hold_a_turn() -> None:
    clock = HandClock()
    begun = clock()
    many = [f"example.test. NS s{number}.example.test." for number in range(15)]
    internet = SmallInternet({RECURSOR: zones(*many)})

    def slow(
        address: str,
        port: int,
        name: dns.name.Name,
        kind: dns.rdatatype.RdataType,
        *,
        recursive: bool,
        timeout: timedelta,
    ) -> dns.message.Message:
        clock.now += 0 if recursive else timeout.total_seconds()
        return internet(address, port, name, kind, recursive=recursive, timeout=timeout)

    visibility = Visibility(Resolvers((RECURSOR,), ask=internet), clock=clock, ask=slow)
    unseen = visibility.unseen(RECORD)
    assert timedelta(seconds=clock() - begun) <= LONGEST_CHECK
    assert len(unseen) == 16
    assert unseen[-1] == "s9.example.test (not asked, as others took too long)"


@pytest.mark.servers
def test_over_the_network_a_second_server_that_lags_behind_is_named() -> None:
    records = ("example.test. NS ns2.example.test.", "ns2.example.test. A 127.0.0.2")
    first = start_nameserver(["example.test"], records=[*records, SHOWS])
    lagging = start_nameserver(["example.test"], "127.0.0.2", port=first.port, records=records)
    resolvers = Resolvers((f"127.0.0.1:{first.port}",))
    visibility = Visibility(resolvers, first.port, timedelta(seconds=0.3), clock=time.monotonic)
    assert visibility.unseen(RECORD) == ("ns2.example.test",)
    lagging.stop()
    assert visibility.unseen(RECORD) == ("ns2.example.test (no answer in time)",)
    first.stop()
