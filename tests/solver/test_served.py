"""Asking a solver pod over real sockets: what it may answer, and everything that must not hold us up."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from certwright.solver.served import MOST_BYTES, AskServedByHttp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: A tenth of what is granted in earnest, so that tests of slow pods are quick.
DEADLINE = 0.2


class Listener:
    """A server that does with each connection what the test says."""

    def __init__(self, talk: Callable[[socket.socket], None], host: str = "127.0.0.1") -> None:
        self._talk = talk
        self.heard = b""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, 0), family=family)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self.done = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return
        with connection:
            self.heard = connection.recv(4096)
            try:
                self._talk(connection)
            except OSError:
                self.done.set()
        self.done.set()

    def close(self) -> None:
        self._socket.close()
        self._thread.join(5)


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    listeners = []

    def begin(talk: Callable[[socket.socket], None], host: str = "127.0.0.1") -> Listener:
        listeners.append(Listener(talk, host))
        return listeners[-1]

    yield begin
    for each in listeners:
        each.close()


def sends(answer: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(answer)


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def asked(listener: Listener) -> object:
    return AskServedByHttp(time.monotonic, DEADLINE)(*listener.address)


TABLES = {"certwright-tokens-0": "1234", "certwright-tokens-1": "99"}
GOOD = json.dumps({"tables": TABLES}).encode()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_tables_of_a_pod_are_told(listen: Callable[..., Listener], host: str) -> None:
    listener = listen(sends(http(GOOD)), host)
    assert asked(listener) == TABLES
    named = f"[{host}]" if ":" in host else host
    request = listener.heard.decode().split("\r\n")
    assert request[0] == "GET /served HTTP/1.1"
    assert f"Host: {named}:{listener.address[1]}" in request


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)
NESTED = b'{"later": ' + b"[" * 50_000


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(CHUNKED, id="in chunks"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n" + GOOD, id="until the connection ends"),
        pytest.param(http(GOOD, "200 OK", "X-Other: 1"), id="with other headers"),
        pytest.param(
            http(json.dumps({"tables": TABLES, "since": 1}).encode()), id="with a field of a later version"
        ),
    ],
)
def test_http_has_many_forms(listen: Callable[..., Listener], answer: bytes) -> None:
    assert asked(listen(sends(answer))) == TABLES


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="another protocol"),
        pytest.param(http(GOOD, "404 Not Found"), id="not found"),
        pytest.param(http(GOOD, "503 Service Unavailable"), id="unavailable"),
        pytest.param(http(b"", "302 Found", "Location: http://example.test/"), id="a redirect"),
        pytest.param(http(b"<html>"), id="no JSON"),
        pytest.param(http(b"\xff\xfe"), id="no text"),
        pytest.param(http(b"[]"), id="a list"),
        pytest.param(http(b"{}"), id="no tables"),
        pytest.param(http(b'{"tables": {"a": 1}}'), id="a number for a text"),
        pytest.param(http(b'{"tables": null}'), id="null"),
        pytest.param(http(NESTED), id="deeply nested"),
        pytest.param(http(GOOD)[:-3], id="cut short"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", id="a negative length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="a chunk of no size"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200, id="too many headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, id="too long a header"),
        pytest.param(b"HTTP/1.1 2x0 OK\r\n\r\n", id="no status"),
        pytest.param(
            http(b'{"tables": {"a": "' + b"1" * MOST_BYTES + b'"}}'), id="more than we are willing to read"
        ),
    ],
)
def test_any_other_answer_is_none(listen: Callable[..., Listener], answer: bytes) -> None:
    assert asked(listen(sends(answer))) is None


def test_an_answer_of_the_greatest_length_is_read(listen: Callable[..., Listener]) -> None:
    body = GOOD + b" " * (MOST_BYTES - len(GOOD))
    assert asked(listen(sends(http(body)))) == TABLES
    assert asked(listen(sends(http(body + b" ")))) is None


def test_an_endless_answer_is_given_up(listen: Callable[..., Listener]) -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b" " * 65536)

    listener = listen(flood)
    assert asked(listener) is None
    assert listener.done.wait(5), "the connection was closed"


@pytest.mark.parametrize(
    "opening", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"]
)
def test_a_byte_now_and_then_does_not_stretch_the_deadline(
    listen: Callable[..., Listener], opening: bytes
) -> None:
    pace = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(opening)
        while not pace.wait(DEADLINE / 20):
            connection.sendall(b"y")

    listener = listen(drip)
    began = time.monotonic()
    assert asked(listener) is None
    took = time.monotonic() - began
    pace.set()
    assert DEADLINE <= took < DEADLINE * 5


def test_a_pod_that_says_nothing_is_given_up(listen: Callable[..., Listener]) -> None:
    pace = threading.Event()
    listener = listen(lambda _: time_out(pace))
    assert asked(listener) is None
    pace.set()


def time_out(pace: threading.Event) -> None:
    pace.wait(5)


def test_a_port_where_nobody_listens_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
    assert AskServedByHttp(time.monotonic, DEADLINE)(*address) is None


@pytest.mark.parametrize("address", ["", "\0", "ä" * 70, "::g"])
def test_what_is_no_address_is_none(address: str) -> None:
    assert AskServedByHttp(time.monotonic, DEADLINE)(address, 1) is None


def test_no_proxy_is_asked(listen: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert asked(listen(sends(http(GOOD)))) == TABLES
