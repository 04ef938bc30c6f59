"""A look at HTTP-01 as a CA takes it, against servers on loopback."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING

import dns.message
import dns.rcode
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from certwright.dns.exchange import SilenceError
from certwright.failures import NeedsPerson
from certwright.solver.self_check import Finding, Http01Check
from tests.dns.name_table import SERVER, NameTable
from tests.kit.nameserver import start_nameserver
from tests.kit.ports import LOOPBACK, free_port
from tests.solver.odd_web import OddWeb, deaf_port, odd_web, plain, redirect, silent, unknown_certificate

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from certwright.dns.exchange import Ask
    from certwright.settings import Network
    from tests.solver.odd_web import Behaviour

HOST = "www.example.test"
TOKEN = "t" * 43
PROOF = f"{TOKEN}.{'h' * 43}"
PATH = f"/.well-known/acme-challenge/{TOKEN}"
GOOD = plain(200, PROOF.encode() + b"\n")
HERE: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
AT_LOOPBACK = (
    "www.example.test. A 127.0.0.1",
    "other.example.test. A 127.0.0.1",
    "inside.example.test. A 10.0.0.7",
    "inside.example.test. AAAA fd00::7",
    "cloud.example.test. A 169.254.169.254",
    "both.example.test. A 127.0.0.1",
    "both.example.test. AAAA ::1",
    "many.example.test. A 10.0.0.7",
    "many.example.test. A 127.0.0.1",
    "only6.example.test. AAAA ::1",
)
MAKE_ONE = "make an A or AAAA record for it that leads to your ingress controller"


def check(
    http_port: int,
    https_port: int = 443,
    *,
    ask: Ask | None = None,
    permitted: tuple[Network, ...] = HERE,
    seconds: float = 5,
) -> Http01Check:
    return Http01Check(
        (SERVER,),
        timeout=timedelta(seconds=seconds),
        http_port=http_port,
        https_port=https_port,
        permitted=permitted,
        user_agent="certwright-test",
        seconds=time.monotonic,
        ask=ask or NameTable(*AT_LOOPBACK),
    )


@contextmanager
def serving(behaviour: Behaviour, **others: Behaviour) -> Iterator[tuple[OddWeb, Http01Check]]:
    """A server that treats the proof's path so, other paths by their names, and a check that finds it."""
    with odd_web({PATH: behaviour, **{f"/{name}": each for name, each in others.items()}}) as web:
        yield web, check(web.port)


@pytest.fixture(scope="module")
def web() -> Iterator[OddWeb]:
    with odd_web({}) as running:
        yield running


def test_the_proof_itself_makes_no_difference() -> None:
    with serving(GOOD) as (web, look):
        assert look.difference(HOST, TOKEN, PROOF) == ""
    assert web.asked == [
        (
            f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: certwright-test\r\n"
            "Accept: */*\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
        )
    ]


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        pytest.param(plain(404), "answered 404: the path does not lead to the solver pods", id="404"),
        pytest.param(
            plain(200, b"<!doctype html><p>canary" + b"x" * 2000),
            "answered 200 with 128 bytes or more that look like HTML: a website is there",
            id="HTML",
        ),
        pytest.param(plain(200), "answered 200 with an empty body", id="empty"),
        pytest.param(
            plain(200, f"{TOKEN}.canary".encode()),
            "answered 200 with another key authorization for this token: another ACME account's, by its thumbprint",
            id="another account",
        ),
        pytest.param(b"", "closed the connection without an answer", id="closed"),
        pytest.param(
            b"canary canary\r\n\r\n", "sent something that is not HTTP, or only a part of it", id="noise"
        ),
        pytest.param(
            redirect("ftp://canary.test/"), "redirects to something other than http and https", id="ftp"
        ),
        pytest.param(plain(302), "answered 302: a redirect to nowhere", id="no Location"),
        pytest.param(
            redirect("/here", status=303),
            "answered 303: CAs follow redirects with 301, 302, 307 and 308 only",
            id="303",
        ),
        pytest.param(redirect(PATH), "redirects in a circle", id="to itself"),
    ],
)
def test_the_difference_is_told_by_address_and_class(behaviour: Behaviour, told: str) -> None:
    with serving(behaviour, here=GOOD) as (_, look):
        assert look.difference(HOST, TOKEN, PROOF) == f"{LOOPBACK} {told}"


def test_a_slow_server_is_told_from_one_that_is_not_there() -> None:
    advise = (
        "; open it to everybody, since CAs come from anywhere; if only the outside can connect, selfCheck: Advise in "
        "the solver has the CA try"
    )
    with odd_web({"": silent}) as web:
        told = check(web.port, seconds=0.6).difference(HOST, TOKEN, PROOF)
    assert told == f"{LOOPBACK} accepted the connection on port {web.port} but did not answer in full in time"
    with deaf_port() as deaf:
        told = check(deaf, seconds=0.6).difference(HOST, TOKEN, PROOF)
    assert told == f"{LOOPBACK} did not accept the connection on port {deaf} within 0.3 s{advise}"
    closed = free_port()
    told = check(closed).difference(HOST, TOKEN, PROOF)
    assert told == f"{LOOPBACK} refused the connection on port {closed}{advise}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_path_is_followed(status: int) -> None:
    with serving(redirect("/there?x=1", status), **{"there?x=1": GOOD}) as (web, look):
        assert look.difference(HOST, TOKEN, PROOF) == ""
    assert web.paths == [PATH, "/there?x=1"]


def test_a_redirect_to_https_is_followed_whatever_the_certificate() -> None:
    names: list[str] = []
    context = unknown_certificate("expired.invalid")
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with (
        odd_web({"": redirect(f"https://other.example.test{PATH}")}) as first,
        odd_web({"": GOOD}, tls=context) as second,
    ):
        ask = NameTable(*AT_LOOPBACK)
        assert check(first.port, second.port, ask=ask).difference(HOST, TOKEN, PROOF) == ""
    assert "Host: other.example.test\r\n" in second.asked[0]
    assert names == ["other.example.test"]


def test_what_is_wrong_after_a_redirect_is_told_as_such() -> None:
    with serving(redirect("http://other.example.test/canary"), canary=plain(403)) as (_, look):
        told = look.difference(HOST, TOKEN, PROOF)
    assert told == (
        "after a redirect to http://other.example.test, 127.0.0.1 answered 403: "
        "an access rule guards the path, and CAs come from anywhere"
    )


@pytest.mark.parametrize(("redirects", "followed"), [(10, True), (11, False)])
def test_ten_redirects_are_followed(redirects: int, followed: bool) -> None:  # noqa: FBT001
    hops = {str(n): redirect(f"/{n + 1}") for n in range(1, redirects)}
    with serving(redirect("/1"), **hops, **{str(redirects): GOOD}) as (web, look):
        told = look.difference(HOST, TOKEN, PROOF)
    assert (told == "") == followed
    assert len(web.asked) == 11
    assert followed or told.endswith("redirects on after 10 redirects, and CAs follow no more")


def test_a_circle_through_other_hosts_is_seen() -> None:
    answers = {PATH: redirect("http://other.example.test/a"), "/a": redirect(f"http://{HOST}{PATH}")}
    with odd_web(answers) as web:
        told = check(web.port).difference(HOST, TOKEN, PROOF)
    assert told == "after a redirect to http://other.example.test, 127.0.0.1 redirects in a circle"
    assert len(web.asked) == 2


@pytest.mark.parametrize(
    ("location", "told"),
    [
        (
            "http://inside.example.test/",
            "http://inside.example.test, inside.example.test is at 10.0.0.7, which is",
        ),
        (
            "http://cloud.example.test/latest/meta-data",
            "is at 169.254.169.254, which is reserved for link-local use",
        ),
        (
            "http://169.254.169.254/latest/meta-data",
            "169.254.169.254 is at 169.254.169.254, which is reserved",
        ),
        ("http://[::ffff:127.0.0.1]/", "which is reserved for IPv4 written as IPv6"),
        ("http://[fd00:ec2::254]/", "which is reserved for private use"),
        ("http://gone.example.test/", "gone.example.test does not exist in DNS (NXDOMAIN)"),
        ("http://2130706433/", "2130706433 does not exist in DNS (NXDOMAIN)"),
        ("http://0x7f.1/", "0x7f.1 does not exist in DNS (NXDOMAIN)"),
    ],
)
def test_a_redirect_does_not_lead_us_inside(location: str, told: str) -> None:
    with serving(redirect(location)) as (web, look):
        assert told in look.difference(HOST, TOKEN, PROOF)
    assert len(web.asked) == 1


def test_a_redirect_to_an_address_is_followed_where_it_may_be_dialled() -> None:
    with serving(redirect("http://127.0.0.1/there"), there=GOOD) as (web, look):
        assert look.difference(HOST, TOKEN, PROOF) == ""
    assert "Host: 127.0.0.1\r\n" in web.asked[1]


def test_without_permission_nothing_inside_is_dialled(web: OddWeb) -> None:
    look = check(web.port, permitted=())
    for host, address, purpose in (
        (HOST, "127.0.0.1", "loopback"),
        ("inside.example.test", "10.0.0.7", "private use"),
        ("only6.example.test", "::1", "loopback"),
        ("::1", "::1", "loopback"),
        ("169.254.169.254", "169.254.169.254", "link-local use"),
    ):
        assert look.difference(host, TOKEN, PROOF) == (
            f"{host} is at {address}, which is reserved for {purpose}: no public CA looks there; "
            "if this one does, start the operator with --self-check-network and the network "
            "(the chart's selfCheckNetworks)"
        )
    assert not web.asked


def test_a_reserved_address_among_others_is_passed_over() -> None:
    with serving(GOOD) as (_, look):
        assert look.difference("many.example.test", TOKEN, PROOF) == ""


@pytest.mark.parametrize(("host", "authority"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_an_address_is_proven_without_dns(host: str, authority: str) -> None:
    ask = NameTable()
    with odd_web({PATH: GOOD}, host) as web:
        assert check(web.port, ask=ask).difference(host, TOKEN, PROOF) == ""
    assert f"Host: {authority}\r\n" in web.asked[0]
    assert not ask.asked


def test_each_host_is_looked_up_once_and_dialled_where_it_was_found() -> None:
    rebinding = NameTable(turns=["127.0.0.1", "127.0.0.2", "127.0.0.3"])
    with serving(redirect(f"http://{HOST}/there"), there=GOOD) as (web, _):
        look = check(web.port, ask=rebinding)
        assert look.difference(HOST, TOKEN, PROOF) == ""
        assert Counter(rebinding.asked) == {(HOST, "A"): 1, (HOST, "AAAA"): 1}
        # The next look finds the next address, at which nobody listens: nothing was remembered.
        assert look.difference(HOST, TOKEN, PROOF).startswith("127.0.0.2 refused the connection")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (NameTable(), f"{HOST} does not exist in DNS (NXDOMAIN); {MAKE_ONE}"),
        (NameTable("www.example.test. TXT x"), f"{HOST} has neither an A nor an AAAA record; {MAKE_ONE}"),
        (
            NameTable(faults={(HOST, "A"): dns.rcode.SERVFAIL, (HOST, "AAAA"): dns.rcode.SERVFAIL}),
            (
                f"{HOST} has no known address: A of {HOST} cannot be looked up (192.0.2.53: SERVFAIL); "
                "SERVFAIL is also what a broken DNSSEC signature looks like"
            ),
        ),
        (
            NameTable(faults={(HOST, "A"): None, (HOST, "AAAA"): None}),
            f"{HOST} has no known address: A of {HOST} cannot be looked up (192.0.2.53: no answer in time)",
        ),
    ],
)
def test_what_is_wrong_in_dns_is_told(web: OddWeb, names: NameTable, told: str) -> None:
    assert check(web.port, ask=names).difference(HOST, TOKEN, PROOF) == told


def test_ipv6_is_asked_first() -> None:
    port = free_port()
    with odd_web({PATH: GOOD}, "::1", port), odd_web({}, LOOPBACK, port) as ipv4:
        assert check(port).look("both.example.test", TOKEN, PROOF) == Finding("")
    assert not ipv4.asked


def test_a_dead_ipv6_address_is_passed_over_with_a_warning() -> None:
    with serving(GOOD) as (web, look):
        assert look.look("both.example.test", TOKEN, PROOF) == Finding(
            "",
            f"::1 refused the connection on port {web.port}; "
            "CAs ask the IPv6 address first; correct or remove the AAAA record",
        )


def test_an_ipv6_address_that_answers_wrongly_is_not_passed_over() -> None:
    port = free_port()
    with odd_web({}, "::1", port), odd_web({PATH: GOOD}, LOOPBACK, port) as ipv4:
        told = check(port).difference("both.example.test", TOKEN, PROOF)
    assert told == (
        "::1 answered 404: the path does not lead to the solver pods; "
        "CAs ask the IPv6 address first; correct or remove the AAAA record"
    )
    assert not ipv4.asked


def test_two_dead_addresses_are_both_told() -> None:
    port = free_port()
    told = check(port).difference("both.example.test", TOKEN, PROOF)
    assert told.startswith(
        f"::1 refused the connection on port {port}; 127.0.0.1 refused the connection on port {port}; open"
    )


def test_after_a_redirect_a_dead_ipv6_address_is_the_end() -> None:
    with serving(redirect("http://both.example.test/there"), there=GOOD) as (web, look):
        told = look.difference(HOST, TOKEN, PROOF)
    assert told.startswith(
        f"after a redirect to http://both.example.test, ::1 refused the connection on port {web.port}"
    )


def test_an_ipv6_address_without_a_way_there_does_not_count_beside_ipv4() -> None:
    # To multicast there is no way over TCP on any Linux, as there is none to IPv6 on a machine without it.
    ask = NameTable(*AT_LOOPBACK, "far.example.test. AAAA ff0e::1", "far.example.test. A 127.0.0.1")
    permitted = (*HERE, ip_network("ff0e::/16"))
    with odd_web({PATH: redirect("http://far.example.test/there"), "/there": GOOD}) as web:
        look = check(web.port, ask=ask, permitted=permitted)
        assert look.look(HOST, TOKEN, PROOF) == Finding("")
        ask.records = [each for each in ask.records if "127.0.0.1" not in each.to_text()]
        told = look.difference("far.example.test", TOKEN, PROOF)
    assert told.startswith("ff0e::1 cannot be reached from here (network is unreachable)")


def test_a_whole_look_has_one_deadline(web: OddWeb) -> None:
    def slow(connection: socket.socket, over: threading.Event) -> None:
        over.wait(0.15)
        connection.sendall(redirect(f"/{len(web.asked)}"))

    web.answers[""] = slow
    began = time.monotonic()
    assert "in time" in check(web.port, seconds=0.5).difference(HOST, TOKEN, PROOF)
    assert time.monotonic() - began < 1.5
    del web.answers[""]


def test_slow_name_servers_do_not_eat_all_the_time() -> None:
    clock = [0.0]
    waits: list[float] = []

    def ask(*_: object, timeout: timedelta, **__: object) -> dns.message.Message:
        waits.append(timeout.total_seconds())
        clock[0] += timeout.total_seconds()
        raise SilenceError("no answer in time")

    look = Http01Check(
        (SERVER,),
        timeout=timedelta(seconds=10),
        user_agent="t",
        seconds=lambda: clock[0],
        ask=ask,
    )
    assert "no answer in time" in look.difference(HOST, TOKEN, PROOF)
    assert waits == [2, 2, 1]


def test_a_bug_of_ours_is_a_difference_too(caplog: pytest.LogCaptureFixture) -> None:
    def ask(*_: object, **__: object) -> dns.message.Message:
        raise RuntimeError("canary")

    told = check(1, ask=ask).difference(HOST, TOKEN, PROOF)
    assert told == "the look at it failed (RuntimeError)"
    assert caplog.records[0].exc_info


def test_a_name_server_that_is_none_is_found_at_the_start() -> None:
    with pytest.raises(NeedsPerson, match="is not a name server"):
        Http01Check(("a b",), user_agent="t", seconds=time.monotonic)


def test_many_threads_look_through_one_check() -> None:
    found: list[str] = []
    with serving(GOOD) as (_, look):
        threads = [
            threading.Thread(target=lambda: found.append(look.difference(HOST, TOKEN, PROOF)))
            for _ in range(16)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert found == [""] * 16


def test_a_real_name_server_leads_to_a_real_server() -> None:
    server = start_nameserver(["example.test"], records=["alias.example.test. CNAME www.example.test."])
    try:
        with odd_web({PATH: GOOD}) as web:
            look = Http01Check(
                (f"{server.host}:{server.port}",),
                http_port=web.port,
                permitted=HERE,
                user_agent="t",
                seconds=time.monotonic,
            )
            assert look.difference("alias.example.test", TOKEN, PROOF) == ""
    finally:
        server.stop()


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 302 canary\r\n",
        b"HTTP/1.1 308 Moved\r\n",
        b"HTTP/1.1 404 canary\r\n",
        b"Server: canary\r\n",
        b"Location: http://other.example.test/canary?canary#canary\r\n",
        b"Location: /canary\r\n",
        b"Location: canary://canary\r\n",
        b"Location: http://canary@other.example.test/\r\n",
        b"Location: http://canary_\xff.test/\r\n",
        b"Location: http://canary..test:canary/\r\n",
        b"Location: \xe2\x80\xaecanary\r\n",
        b"Content-Length: 6\r\n",
        b"Content-Length: canary\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Connection: canary\r\n",
        b"\r\n",
        b"6\r\ncanary\r\n0\r\n\r\n",
        b"canary",
        b"<html>canary",
        f"{TOKEN}.canary".encode(),
        b"\xff\x00canary",
    ]
)


@given(
    st.lists(PIECES | st.binary(max_size=20), max_size=8).map(b"".join),
    st.lists(PIECES, max_size=8).map(b"".join),
)
@example(redirect("http://other.example.test/canary"), plain(200, b"<html>canary", "Server: canary"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_a_server_sends_comes_back_out_or_makes_us_fail(
    web: OddWeb, caplog: pytest.LogCaptureFixture, first: bytes, second: bytes
) -> None:
    web.answers[PATH], web.answers[""] = first, second
    told = check(web.port).difference(HOST, TOKEN, PROOF)
    assert told
    assert "canary" not in told
    assert told.isascii()
    assert told.isprintable()
    assert "the look at it failed" not in told
    assert not caplog.records
