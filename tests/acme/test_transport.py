"""HTTP as a CA sees it: bounded in every way, and silent about secrets."""

from __future__ import annotations

import re
import socket
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
import requests
import trustme

from certwright.acme.addresses import refused_class
from certwright.acme.flow import Request, Response
from certwright.acme.transport import HttpTransport
from certwright.acme.wording import NotUnderstood
from certwright.app import USER_AGENT
from certwright.failures import NeedsPerson, TryLater
from tests.acme.https_server import OddServer, odd_server

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.fixture(scope="module")
def server() -> Iterator[OddServer]:
    with odd_server() as running:
        yield running


def ask(
    server: OddServer, path: str, method: str = "GET", body: bytes | None = None, **more: Any
) -> Response:
    settings = {"user_agent": "certwright/test", "permitted": LOOPBACK, **more}
    transport = HttpTransport(settings.pop("ca_bundle", server.ca_pem), **settings)
    try:
        return transport(Request(method, server.url(path), {"accept-language": "en"}, body))
    finally:
        transport.close()


def test_a_request_says_who_we_are_and_little_more(server: OddServer) -> None:
    answer = ask(server, "/fine", "POST", b"hello")
    assert (answer.status, answer.body, answer.headers["replay-nonce"]) == (200, b"{}", "n")
    line, headers, body = server.asked[-1]
    assert (line, body) == ("POST /fine HTTP/1.1", b"hello")
    assert {name.lower(): value for name, value in headers.items()} == {
        "host": f"localhost:{server.port}",
        "user-agent": f"certwright/test python-requests/{requests.__version__}",
        "accept-language": "en",
        "accept-encoding": "identity",
        "content-length": "5",
    }


def test_the_operators_name_has_its_version_and_an_address_of_the_projects_own() -> None:
    assert re.fullmatch(r"certwright/\d+\.\d+\S* \(\+https://certwright\.dev\)", USER_AGENT)


def test_an_address_is_sent_as_it_is(server: OddServer) -> None:
    """RFC 8555 §6.4: the CA compares it with the signed one."""
    transport = HttpTransport(server.ca_pem, user_agent="t", permitted=LOOPBACK)
    transport(
        Request("GET", f"https://LocalHost:{server.port}/a/../b//c;d?action=renew&orderId=1&x=%2F~%7E&&")
    )
    line, headers, _ = server.asked[-1]
    assert line == "GET /a/../b//c;d?action=renew&orderId=1&x=%2F~%7E&& HTTP/1.1"
    assert headers["Host"] == f"LocalHost:{server.port}"
    transport.close()


def test_a_refusal_and_a_redirect_are_answers(server: OddServer) -> None:
    assert ask(server, "/refused").headers["retry-after"] == "5"
    assert ask(server, "/redirect").status == 302
    assert "elsewhere" not in server.asked[-1][0]


def test_a_head_has_no_body(server: OddServer) -> None:
    assert ask(server, "/fine", "HEAD").body == b""


def test_cookies_are_not_kept(server: OddServer) -> None:
    transport = HttpTransport(server.ca_pem, user_agent="t", permitted=LOOPBACK)
    for _ in range(2):
        transport(Request("GET", server.url("/fine")))
    assert "Cookie" not in server.asked[-1][1]
    transport.close()


def test_environment_and_netrc_change_nothing(
    server: OddServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine localhost login me password MARKER\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    ask(server, "/fine")
    assert "Authorization" not in server.asked[-1][1]


@pytest.mark.parametrize("path", ["/long", "/endless", "/endless?redirect"])
def test_an_answer_longer_than_agreed_is_refused(server: OddServer, path: str) -> None:
    with pytest.raises(NotUnderstood, match="longer than 1000 bytes"):
        ask(server, path, max_body=1000)


@pytest.mark.parametrize(
    ("path", "limits", "why"),
    [
        pytest.param("/silent", {"read_timeout": 0.2}, "did not answer in time", id="silence"),
        pytest.param(
            "/dripping_headers", {"read_timeout": 0.2}, "did not answer in time", id="headers that drip"
        ),
        pytest.param("/dripping_body", {"deadline": 0.2}, "did not answer in time", id="a body that drips"),
        pytest.param("/cut", {}, "connection was lost", id="a body cut short"),
    ],
)
def test_a_server_that_wastes_our_time_is_left(
    server: OddServer, path: str, limits: dict[str, Any], why: str
) -> None:
    with pytest.raises(TryLater, match=why) as left:
        ask(server, f"{path}?orderId=MARKER", **limits)
    assert left.value.reason == "CAUnreachable"
    assert f"localhost:{server.port}" in left.value.message
    assert "MARKER" not in left.value.message


def test_a_body_may_take_longer_than_its_pauses(server: OddServer) -> None:
    """Only the headers must come within `read_timeout` in all."""
    assert ask(server, "/slow_body", read_timeout=0.3).body == b"x" * 8


def test_a_ca_bundle_replaces_the_public_cas(server: OddServer) -> None:
    for bundle in (None, trustme.CA().cert_pem.bytes()):
        with pytest.raises(TryLater, match=r"could not be verified.*caBundle") as refused:
            ask(server, "/fine", ca_bundle=bundle)
        assert refused.value.reason == "CAUnreachable"


def test_a_bundle_may_carry_comments_and_other_cas(server: OddServer) -> None:
    bundle = "# Größe\n".encode("latin-1") + trustme.CA().cert_pem.bytes() + b"\n# ours\n" + server.ca_pem
    assert ask(server, "/fine", ca_bundle=bundle).status == 200


@pytest.mark.parametrize(
    "bundle",
    [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nMARKER\n-----END CERTIFICATE-----\n", b"\xff\xfe"],
)
def test_a_bundle_without_a_certificate_needs_a_person(bundle: bytes) -> None:
    with pytest.raises(NeedsPerson, match="caBundle") as refused:
        HttpTransport(bundle, user_agent="t")
    assert refused.value.reason == "CredentialInvalid"
    assert "MARKER" not in refused.value.message


def test_the_host_must_be_in_the_certificate(server: OddServer) -> None:
    transport = HttpTransport(server.ca_pem, user_agent="t", permitted=LOOPBACK)
    with pytest.raises(TryLater, match="could not be verified"):
        transport(Request("GET", server.url("/fine", host="127.0.0.1")))
    transport.close()


def test_loopback_is_refused_before_anything_is_said(server: OddServer) -> None:
    before = len(server.asked)
    with pytest.raises(
        NeedsPerson, match=r"localhost is at (127\.0\.0\.1|::1), a loopback address.*--permit-network"
    ):
        ask(server, "/fine", permitted=())
    assert len(server.asked) == before


@pytest.mark.parametrize(
    ("peer", "why"),
    [
        ("127.0.0.53", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("169.254.169.254", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("0.0.0.0", "unspecified"),  # noqa: S104  nothing listens there
        ("::", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("192.0.2.1", None),
        ("10.0.0.1", None),
        ("2001:db8::1", None),
    ],
)
def test_addresses_that_no_ca_has_are_refused(peer: str, why: str | None) -> None:
    assert refused_class(peer, ()) == why


def test_a_permitted_network_is_spoken_to_and_its_neighbours_are_not() -> None:
    permitted = (ip_network("127.0.0.0/24"),)
    assert refused_class("127.0.0.9", permitted) is None
    assert refused_class("::ffff:127.0.0.9", permitted) is None
    assert refused_class("127.0.1.9", permitted) == "loopback"
    assert refused_class("::1", permitted) == "loopback"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (
            "https://127.0.0.1:1/dir?orderId=MARKER",
            "the CA at 127.0.0.1:1 could not be asked: the connection was refused; check",
        ),
        (
            "https://nowhere.invalid/dir?orderId=MARKER",
            "could not be resolved; check the server's address, DNS and",
        ),
        (f"https://{'x' * 70}.invalid/?MARKER", "could not be asked: its name could not be resolved"),
        ("https://xn--.invalid/?MARKER", "could not be asked: its name could not be resolved"),
    ],
)
def test_a_host_that_is_not_there_is_named_without_the_query(url: str, why: str) -> None:
    transport = HttpTransport(None, user_agent="t", permitted=LOOPBACK)
    with pytest.raises(TryLater, match=why) as lost:
        transport(Request("GET", url))
    assert "MARKER" not in lost.value.message
    assert lost.value.reason == "CAUnreachable"


@pytest.mark.parametrize(("working", "found"), [(4, True), (5, False)])
def test_of_many_addresses_only_the_first_four_are_tried(
    server: OddServer, monkeypatch: pytest.MonkeyPatch, working: int, *, found: bool
) -> None:
    """Nothing listens on the others, which are all the machine's own."""
    real = socket.getaddrinfo
    addresses = [f"127.0.0.{number}" for number in range(11, 10 + working)] + ["127.0.0.1"]

    def many(host: str, *rest: Any) -> list[Any]:
        return [entry for each in addresses for entry in real(each if host == "localhost" else host, *rest)]

    monkeypatch.setattr(socket, "getaddrinfo", many)
    if found:
        assert ask(server, "/fine").status == 200
    else:
        with pytest.raises(TryLater, match="refused"):
            ask(server, "/fine")


def test_plain_http_is_refused() -> None:
    transport = HttpTransport(None, user_agent="t")
    with pytest.raises(NeedsPerson, match="http://"):
        transport(Request("GET", "http://ca.example/dir"))


def test_each_request_is_observed_with_its_status_or_none(server: OddServer) -> None:
    seen: list[tuple[str, str, int]] = []

    def observe(method: str, host: str, status: int, seconds: float, /) -> None:
        assert seconds >= 0
        seen.append((method, host, status))

    ask(server, "/refused?orderId=1", "POST", b"", observer=observe)
    with pytest.raises(TryLater):
        ask(server, "/cut", observer=observe)
    host = f"localhost:{server.port}"
    assert seen == [("POST", host, 429), ("GET", host, 0)]
