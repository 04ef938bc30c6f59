"""Proxies on the way to a CA: who is behind one, and what is told when it is the trouble."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import pytest

from certwright.acme.flow import Request, drive
from certwright.acme.flows import fetch_directory
from certwright.acme.proxies import Ways, read_ways
from certwright.acme.transport import HttpTransport
from certwright.failures import NeedsPerson, TryLater
from certwright.secret_text import SecretText
from tests.acme.https_server import OddServer, odd_server
from tests.kit.connect_proxy import ConnectProxy
from tests.kit.pebble import Pebble
from tests.kit.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER = "me:MARKER"
LOOPBACK = (IPv4Network("127.0.0.0/8"),)


@pytest.fixture(scope="module")
def server() -> Iterator[OddServer]:
    with odd_server() as running:
        yield running


@pytest.mark.parametrize(
    ("exceptions", "host", "direct"),
    [
        ("", "ca.example.com", False),
        ("*", "ca.example.com", True),
        ("example.com", "example.com", True),
        ("example.com", "CA.Example.com", True),
        ("example.com", "badexample.com", False),
        (".example.com", "example.com", False),
        (".example.com", "ca.example.com", True),
        ("*.example.com", "ca.example.com", True),
        ("other.test, example.com", "ca.example.com", True),
        ("example.com:8443", "example.com:8443", True),
        ("example.com:8443", "example.com", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "10.example.com", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1:443", "10.0.0.1", True),
        ("fd00::/8", "[fd00::1]", True),
        ("[fd00::1]:443", "[fd00::1]", True),
        ("fd00::1", "[fd00::2]", False),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(exceptions: str, host: str, *, direct: bool) -> None:
    ways = read_ways(SecretText("proxy.example.com:3128"), exceptions)
    assert (ways.to(f"https://{host}/directory") is None) is direct


def test_without_a_proxy_every_way_is_straight() -> None:
    assert read_ways(None, "example.com") == Ways(None, ("example.com",))


@pytest.mark.parametrize(
    "url",
    [
        "socks5://me:MARKER@proxy:1080",
        "http://me:MARKER@proxy:port",
        "http://",
        "http://MARKER:12/34@proxy:3128",
    ],
)
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(url: str) -> None:
    with pytest.raises(NeedsPerson, match="HTTPS_PROXY cannot be used") as refused:
        read_ways(SecretText(url), "")
    assert "MARKER" not in refused.value.message


def ask(
    server: OddServer,
    port: int,
    password: str = "",
    *,
    no_proxy: str = "",
    host: str = "localhost",
    permitted: tuple[IPv4Network, ...] = LOOPBACK,
) -> int:
    """Without what is permitted, whoever goes to loopback is stopped."""
    at = f"{password}@" if password else ""
    ways = read_ways(SecretText(f"http://{at}127.0.0.1:{port}"), no_proxy)
    transport = HttpTransport(server.ca_pem, user_agent="t", ways=ways, permitted=permitted)
    try:
        return transport(Request("GET", server.url("/fine", host))).status
    finally:
        transport.close()


def test_the_proxy_opens_the_way_and_looks_up_the_name(server: OddServer) -> None:
    with ConnectProxy({"localhost:" + str(server.port): ("127.0.0.1", server.port)}, USER) as proxy:
        assert ask(server, proxy.port, USER) == 200
    assert proxy.asked == [f"localhost:{server.port}"]
    assert "Proxy-Authorization" not in server.asked[-1][1], "the password is for the proxy alone"


def test_an_exception_goes_straight_and_is_judged_by_its_address(server: OddServer) -> None:
    with ConnectProxy() as proxy, pytest.raises(NeedsPerson, match="a loopback address"):
        ask(server, proxy.port, no_proxy="localhost", permitted=())
    assert proxy.asked == []


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost", "127.0.0.1", "[::1]", "169.254.169.254", "2130706433", "0x7f000001", "127.1"],
)
def test_what_is_no_name_is_judged_behind_a_proxy_too(server: OddServer, host: str) -> None:
    with ConnectProxy() as proxy, pytest.raises(NeedsPerson, match=r"a (loopback|link-local) address"):
        ask(server, proxy.port, host=host, permitted=())
    assert proxy.asked == [], "the proxy is not asked for it"


@pytest.mark.parametrize(
    ("refuses", "why"),
    [
        ("407", "it wants a user and a password, or refused those"),
        ("403", "it does not allow this host"),
        ("502", r"it could not reach the CA \(HTTP 502\)"),
    ],
)
def test_a_proxy_that_refuses_is_named_as_the_trouble(server: OddServer, refuses: str, why: str) -> None:
    with ConnectProxy(refuses=refuses) as proxy, pytest.raises(TryLater, match=why) as failed:
        ask(server, proxy.port, USER)
    assert f"the proxy 127.0.0.1:{proxy.port} on the way" in failed.value.message
    assert "MARKER" not in f"{failed.value!r} {failed.value.message}"
    assert failed.value.reason == "CAUnreachable"


def test_a_proxy_that_is_not_there_is_named_as_the_trouble(server: OddServer) -> None:
    port = free_port()
    with pytest.raises(TryLater, match=f"the proxy 127.0.0.1:{port} .*refused; check HTTPS_PROXY"):
        ask(server, port, USER)


@pytest.mark.servers
def test_a_real_ca_is_reached_through_a_proxy(tmp_path: Path) -> None:
    with Pebble.start(tmp_path) as pebble, ConnectProxy(password=USER) as proxy:
        ways = read_ways(SecretText(f"http://{USER}@127.0.0.1:{proxy.port}"), "")
        transport = HttpTransport(pebble.ca_pem.encode(), user_agent="t", ways=ways, permitted=LOOPBACK)
        directory = drive(fetch_directory(pebble.directory_url), transport)
        transport.close()
        assert directory.new_order
        assert len(proxy.asked) == 1
