"""Which redirects are followed, which addresses are dialled, and what an answer means."""

from __future__ import annotations

import re
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.solver.fetch_policy import (
    PORTS,
    SHOWN,
    RefusedError,
    Target,
    challenge_target,
    dial_order,
    redirect_target,
    why_not_dialled,
)
from certwright.solver.fetch_verdict import MOST_BODY, answer_difference, most_body
from certwright.solver.reserved_addresses import reserved_for

START = challenge_target("www.example.com", "tok-1")
PRIVATE = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
TOKEN = "t" * 43
PROOF = f"{TOKEN}.{'h' * 43}"


@pytest.mark.parametrize(
    ("host", "authority"),
    [("WWW.Example.com", "www.example.com"), ("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "[2001:db8::1]")],
)
def test_the_first_request_is_for_the_proof_at_port_80(host: str, authority: str) -> None:
    target = challenge_target(host, "tok-1")
    assert target == Target("http", host.lower(), 80, authority, "/.well-known/acme-challenge/tok-1")


def test_a_token_cannot_leave_its_path() -> None:
    path = challenge_target("www.example.com", "a/../b\r\nHost: c?d#e").path
    assert path == "/.well-known/acme-challenge/a%2F..%2Fb%0D%0AHost%3A%20c%3Fd%23e"


@pytest.mark.parametrize(
    ("location", "url", "port"),
    [
        ("https://www.example.com/x", "https://www.example.com/x", 443),
        ("HTTPS://WWW.Example.COM/X?Y=z#part", "https://www.example.com/X?Y=z", 443),
        ("https://other.example.org", "https://other.example.org/", 443),
        ("http://other.example.org:443/x", "http://other.example.org:443/x", 443),
        ("https://other.example.org:80/x", "https://other.example.org:80/x", 80),
        ("https://other.example.org:/x", "https://other.example.org/x", 443),
        ("/elsewhere", "http://www.example.com/elsewhere", 80),
        ("elsewhere", "http://www.example.com/.well-known/acme-challenge/elsewhere", 80),
        ("?a=b", "http://www.example.com/.well-known/acme-challenge/tok-1?a=b", 80),
        ("//other.example.org/x", "http://other.example.org/x", 80),
        ("https://under_score.example.org/x", "https://under_score.example.org/x", 443),
        ("https://intranet/x", "https://intranet/x", 443),
        ("https://9.9.9.9/x", "https://9.9.9.9/x", 443),
        ("https://[2620:fe::fe]/x", "https://[2620:fe::fe]/x", 443),
        ("/a b\xe9%20\xff", "http://www.example.com/a%20b%E9%20%FF", 80),
        ("/x?a=\xe9 b", "http://www.example.com/x?a=%E9%20b", 80),
        ("/" + "p" * 1999, "http://www.example.com/" + "p" * 1999, 80),
        ("/" + "%70" * 1999, "http://www.example.com/" + "%70" * 1999, 80),
    ],
)
def test_a_redirect_is_followed(location: str, url: str, port: int) -> None:
    target = redirect_target(START, location)
    assert (target.url, target.port) == (url, port)


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("ftp://other.example.org/x", "something other than http and https"),
        ("javascript:alert(1)", "something other than http and https"),
        ("data:text/html,x", "something other than http and https"),
        ("https://user@other.example.org/", "a user name in it"),
        ("https://a:b@other.example.org/", "a user name in it"),
        (
            "https://other.example.org:8443/",
            "https://other.example.org:8443, and CAs follow to ports 80 and",
        ),
        ("https://other.example.org:0/", "ports 80 and 443 only"),
        ("https://other.example.org:99999/", "cannot be read"),
        ("https://other.example.org:x/", "cannot be read"),
        ("https:///x", "without a host"),
        ("http:x", "without a host"),
        ("https://:443/x", "without a host"),
        ("https://[::1/x", "cannot be read"),
        ("https://[other.example.org]/x", "cannot be read|none that CAs look up"),
        ("https://[fe80::1%25eth0]/x", "none that CAs look up"),
        ("https://a..b/x", "none that CAs look up"),
        ("https://b\xfccher.example/x", "none that CAs look up"),
        ("https://a b.example/x", "none that CAs look up"),
        ("https://evil.example\\@www.example.com/", "user name|none that CAs look up"),
        ("https://%6c.example/x", "none that CAs look up"),
        (f"https://{'x' * 64}.example/", "none that CAs look up"),
        (f"https://{'x.' * 130}example/", "none that CAs look up"),
        ("https://www.example.com.well-known/x", "the slash after the host is missing"),
        ("https://other.example.org/\r\nHost: x", "cannot be read"),
        ("https://other.example.org/\x00", "cannot be read"),
        ("/" + "p" * 2000, "a path longer than 2,000 bytes"),
    ],
)
def test_a_redirect_is_not_followed(location: str, told: str) -> None:
    with pytest.raises(RefusedError, match=f"redirects to .*({told})"):
        redirect_target(START, location)


@given(st.text(st.characters(max_codepoint=0xFF)))
def test_no_redirect_leads_to_a_request_that_says_more_than_one_thing(location: str) -> None:
    try:
        target = redirect_target(START, location)
    except RefusedError as refusal:
        refused = str(refusal)
        target = None
    if target is None:
        assert re.fullmatch(r"redirects to [ -~…]+", refused)
        return
    assert target.scheme in PORTS
    assert target.port in PORTS.values()
    assert re.fullmatch(r"[a-z0-9._:\[\]-]+", target.authority)
    assert re.fullmatch(r"/[!-~]*", target.path)


def test_of_a_strangers_host_only_the_beginning_is_told() -> None:
    target = redirect_target(START, f"https://{'abcdefgh.' * 20}example/canary?canary")
    assert len(target.shown) == len("https://") + SHOWN
    assert "canary" not in target.shown


@pytest.mark.parametrize(
    ("ipv6", "ipv4", "order"),
    [
        (["2606:4700::1", "2606:4700::2"], ["9.9.9.9", "8.8.8.8"], ("2606:4700::1", "9.9.9.9")),
        ([], ["9.9.9.9", "8.8.8.8"], ("9.9.9.9",)),
        (["2606:4700::1"], [], ("2606:4700::1",)),
        (["::1", "2606:4700::2"], ["127.0.0.1", "8.8.8.8"], ("2606:4700::2", "8.8.8.8")),
        (["fe80::1"], ["9.9.9.9"], ("9.9.9.9",)),
        (["fd00::1"], ["10.1.2.3"], ("fd00::1", "10.1.2.3")),
        (["::ffff:9.9.9.9"], ["192.168.1.1"], ()),
    ],
)
def test_ipv6_goes_first_and_one_address_of_a_family_is_dialled(
    ipv6: list[str], ipv4: list[str], order: tuple[str, ...]
) -> None:
    assert dial_order(ipv6, ipv4, PRIVATE) == order


@pytest.mark.parametrize(
    ("address", "purpose"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("0.1.2.3", "hosts on their own network"),
        ("10.0.0.1", "private use"),
        ("172.31.255.255", "private use"),
        ("192.168.0.1", "private use"),
        ("100.64.0.1", "carriers' address translation"),
        ("169.254.169.254", "link-local use"),
        ("192.0.0.9", "protocols of the IETF"),
        ("192.88.99.1", "6to4 relays"),
        ("198.19.255.255", "benchmarks"),
        ("203.0.113.7", "documentation"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "the future"),
        ("::", "hosts without an address"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "IPv4 written as IPv6"),
        ("::ffff:9.9.9.9", "IPv4 written as IPv6"),
        ("64:ff9b::a9fe:a9fe", "translation to IPv4 (NAT64)"),
        ("fd00:ec2::254", "private use"),
        ("fe80::1", "link-local use"),
        ("ff02::1", "multicast"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::", "6to4"),
        ("3fff::1", "documentation"),
        ("5f00::1", "segment routing"),
    ],
)
def test_an_address_where_no_public_ca_looks(address: str, purpose: str) -> None:
    assert reserved_for(address) == purpose
    assert f"is at {address}, which is reserved for {purpose}" in why_not_dialled(
        *(([address], []) if ":" in address else ([], [address]))
    )


@pytest.mark.parametrize(
    "address",
    ["9.9.9.9", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:4700::1", "2a00:1450::1", "2001:200::1"],
)
def test_an_address_that_is_anybodys(address: str) -> None:
    assert reserved_for(address) == ""


def test_permission_counts_for_its_own_network_only() -> None:
    assert reserved_for("10.1.2.3", PRIVATE) == ""
    assert reserved_for("192.168.1.1", PRIVATE) == "private use"
    assert reserved_for("::ffff:10.1.2.3", PRIVATE) == "IPv4 written as IPv6"
    assert reserved_for("169.254.169.254", PRIVATE) == "link-local use"


@pytest.mark.parametrize(
    "body",
    [
        PROOF.encode(),
        f"{PROOF}\n".encode(),
        f"{PROOF}\r\n \t\v\f".encode(),
        f"{PROOF}\u00a0\u2003\u3000\u2028\x85".encode(),
        PROOF.encode() + b" " * (MOST_BODY - 1 - len(PROOF)),
    ],
)
def test_white_space_at_the_end_is_forgiven(body: bytes) -> None:
    assert answer_difference(200, body, PROOF) == ""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "answered 200 with an empty body"),
        (b" \n", "answered 200 with an empty body"),
        (f" {PROOF}".encode(), "answered 200 with the right key authorization among too much white space"),
        (
            PROOF.encode() + b" " * (MOST_BODY - len(PROOF)),
            "the right key authorization among too much white space",
        ),
        (f"{TOKEN}.other".encode(), "with another key authorization for this token"),
        (b"another-token.thumbprint", "with what may be the key authorization of another token"),
        (b"\n<!DOCTYPE html><p>Hi", "with 21 bytes that look like HTML"),
        (b"<html>".ljust(MOST_BODY, b"x"), "with 128 bytes or more that look like HTML"),
        (b"\xff\xfe\x00", "with 3 bytes that are no key authorization"),
        (f"{PROOF}\x1c".encode(), "with 88 bytes that are no key authorization"),
        (f"\ufeff{PROOF}".encode(), "with 90 bytes that are no key authorization"),
        (f"{PROOF}{PROOF}".encode()[:MOST_BODY], "with 128 bytes or more that are no key authorization"),
        (b"ok", "with 2 bytes that are no key authorization"),
    ],
)
def test_another_body_is_told_by_its_class(body: bytes, told: str) -> None:
    assert told in answer_difference(200, body, PROOF)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, "answered 404: the path does not lead to the solver pods"),
        (403, "answered 403: an access rule guards the path, and CAs come from anywhere"),
        (303, "answered 303: CAs follow redirects with 301, 302, 307 and 308 only"),
        (302, "answered 302: a redirect to nowhere"),
        (204, "answered 204 in place of 200"),
        (999, "answered 999 in place of 200"),
    ],
)
def test_another_status_is_told_with_its_likely_cause(status: int, told: str) -> None:
    assert answer_difference(status, PROOF.encode(), PROOF) == told


def test_a_proof_longer_than_boulders_has_room_too() -> None:
    proof = f"{'t' * 128}.{'h' * 43}"
    assert most_body(PROOF) == MOST_BODY
    assert most_body(proof) == len(proof) + MOST_BODY
    assert answer_difference(200, f"{proof}\n".encode(), proof) == ""


@given(st.binary(max_size=MOST_BODY))
def test_of_a_body_nothing_is_repeated(body: bytes) -> None:
    told = answer_difference(200, body, PROOF)
    allowed = r"answered 200 with ([a-zA-Z,;:' ]|\d+ bytes)+"
    assert re.fullmatch(allowed, told) if body.decode("latin-1").rstrip() != PROOF else not told
