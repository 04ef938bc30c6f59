"""Name servers as people write them."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.dns.endpoints import Endpoint, addresses_of, parse_endpoint
from certwright.failures import NeedsPerson, TryLater


@pytest.mark.parametrize(
    ("text", "endpoint", "shown"),
    [
        ("ns.example", Endpoint("ns.example", 53), "ns.example"),
        ("ns.example:5353", Endpoint("ns.example", 5353), "ns.example:5353"),
        (" 192.0.2.1 ", Endpoint("192.0.2.1", 53), "192.0.2.1"),
        ("192.0.2.1:53", Endpoint("192.0.2.1", 53), "192.0.2.1"),
        ("2001:db8::1", Endpoint("2001:db8::1", 53), "[2001:db8::1]"),
        ("[2001:db8::1]", Endpoint("2001:db8::1", 53), "[2001:db8::1]"),
        ("[2001:db8::1]:5353", Endpoint("2001:db8::1", 5353), "[2001:db8::1]:5353"),
    ],
)
def test_a_name_server_is_read_and_shown(text: str, endpoint: Endpoint, shown: str) -> None:
    assert parse_endpoint(text) == endpoint
    assert str(endpoint) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":53",
        "ns:",
        "ns:0",
        "ns:65536",
        "ns:dns",
        "ns:٥٣",
        "a b",
        "https://ns/",
        "[ns]:53",
        "[::1",
        "[::1]53",
    ],
)
def test_what_is_no_name_server_is_refused(text: str) -> None:
    with pytest.raises(NeedsPerson, match="is not a name server") as caught:
        parse_endpoint(text)
    assert caught.value.reason == "InvalidSpec"


@given(text=st.text())
def test_any_text_is_an_endpoint_or_refused(text: str) -> None:
    with suppress(NeedsPerson):
        assert 0 < parse_endpoint(text).port < 65536


def test_an_address_needs_no_look_up() -> None:
    assert addresses_of(Endpoint("127.0.0.1")) == ("127.0.0.1",)


def test_of_many_addresses_only_the_first_four_count(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [(None, None, None, "", (f"192.0.2.{number}", 53)) for number in range(1, 200)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: many)
    assert addresses_of(Endpoint("ns.example")) == ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".invalid", "a..invalid"])
def test_a_host_that_cannot_be_resolved_is_tried_later(host: str) -> None:
    with pytest.raises(TryLater) as caught:
        addresses_of(Endpoint(host))
    assert caught.value.reason == "DNSLookupFailed"
