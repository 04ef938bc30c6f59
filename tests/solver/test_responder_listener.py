"""The listener over real sockets on loopback; only its clock is a number that tests set."""

from __future__ import annotations

import socket
import struct
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from certwright.solver.responder.answers import Answer
from certwright.solver.responder.conversation import HEAD_SECONDS, IDLE_SECONDS, House
from certwright.solver.responder.doors import open_door
from certwright.solver.responder.listener import LINGER_SECONDS, WRITE_SECONDS, Listener
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certwright.solver.responder.requests import Request

MOST = 8
GET = b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = b"x" * 8 * 1024 * 1024
LOOPBACK = "127.0.0.1"


class Bench:
    """A running listener and its clients."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.ended = threading.Event()
        self.listener = Listener(lambda: self.now)
        self.door = open_door(0)
        self.port: int = self.door.getsockname()[1]
        self.house = House(_answer, lambda: b"now", lambda _status: None)
        self.listener.serve(self.door, self.house, MOST)
        self.thread = threading.Thread(target=self.listener.run, args=(self.ended.is_set,), daemon=True)
        self.clients: list[socket.socket] = []
        self.thread.start()

    def client(self, said: bytes = b"", address: str = LOOPBACK) -> socket.socket:
        """A new connection on which something was sent."""
        client = socket.create_connection((address, self.port), timeout=10)
        self.clients.append(client)
        client.sendall(said)
        return client

    def open_connections(self, number: int) -> None:
        eventually(lambda: self.listener.connections == number, f"{number} connections to be open")

    def stop(self) -> None:
        self.ended.set()
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.listener.close()
        for client in self.clients:
            client.close()


def _answer(request: Request) -> Answer:
    if request.path == "/bug":
        raise KeyError(request.path)
    return Answer(HTTPStatus.OK, LARGE if request.path == "/large" else b"small")


@pytest.fixture
def bench() -> Iterator[Bench]:
    running = Bench()
    yield running
    running.stop()


def heard(client: socket.socket, ending: bytes = b"small") -> bytes:
    """What comes until an ending, or until the connection ends."""
    out = b""
    while not out.endswith(ending) and (more := client.recv(65536)):
        out += more
    return out


def is_ended(client: socket.socket) -> bool:
    try:
        return client.recv(65536) == b""
    except ConnectionError:
        return True


def test_requests_of_one_connection_are_answered_one_after_the_other(bench: Bench) -> None:
    client = bench.client()
    for _ in range(3):
        client.sendall(GET)
        assert heard(client).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="the machine has no IPv6")
def test_both_address_families_are_served(bench: Bench) -> None:
    assert heard(bench.client(GET, "::1")).endswith(b"small")
    assert heard(bench.client(GET, LOOPBACK)).endswith(b"small")


def test_where_there_is_no_ipv6_it_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with open_door(0) as door:
        assert door.family == socket.AF_INET


def test_a_taken_port_is_refused(bench: Bench) -> None:
    with pytest.raises(OSError, match="use"):
        open_door(bench.port)


def test_a_client_that_has_said_all_and_closed_its_half_is_answered(bench: Bench) -> None:
    client = bench.client(GET)
    client.shutdown(socket.SHUT_WR)
    assert heard(client, b"never").endswith(b"small")


def test_an_answer_survives_a_body_that_nobody_reads(bench: Bench) -> None:
    """Closed at once, the unread bytes would make the system reset the connection and lose the answer."""
    client = bench.client(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000)
    assert heard(client, b"never").startswith(b"HTTP/1.1 200 OK\r\n")
    client.close()
    bench.open_connections(0)


def test_a_client_that_does_not_close_after_us_is_left(bench: Bench) -> None:
    client = bench.client(GET.replace(b"1.1", b"1.0"))
    assert heard(client, b"never").endswith(b"small")
    bench.open_connections(1)
    bench.now += LINGER_SECONDS
    bench.open_connections(0)


def test_a_large_answer_arrives_whole_at_a_slow_client_while_others_are_served(bench: Bench) -> None:
    slow = bench.client(GET.replace(b"small", b"large"))
    assert heard(bench.client(GET)).endswith(b"small")
    out = heard(slow, LARGE[:-100])
    assert out.partition(b"\r\n\r\n")[2] == LARGE


def test_a_client_that_does_not_read_is_dropped(bench: Bench) -> None:
    lazy = bench.client(GET.replace(b"small", b"large"))
    eventually(lambda: lazy.recv(1, socket.MSG_PEEK), "the answer to begin")
    bench.now += WRITE_SECONDS - 1
    assert heard(bench.client(GET)).endswith(b"small")
    bench.open_connections(2)
    bench.now += 1
    bench.open_connections(1)


def test_a_head_without_end_is_ended_in_time_however_often_a_byte_comes(bench: Bench) -> None:
    slow = bench.client(GET + b"GET /")
    heard(slow)  # so what came with it was read, too
    while bench.now < 1000 + HEAD_SECONDS - 1:
        bench.now += 1
        slow.sendall(b"x")
        heard(bench.client(GET))
    bench.now += 1
    assert heard(slow, b"never").startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_a_silent_connection_is_ended_in_time(bench: Bench) -> None:
    silent, busy = bench.client(), bench.client(GET)
    heard(busy)
    bench.open_connections(2)
    bench.now += IDLE_SECONDS - 1
    busy.sendall(GET)
    heard(busy)
    bench.now += 1
    assert is_ended(silent)
    busy.sendall(GET)
    assert heard(busy).endswith(b"small")


def test_whoever_opens_connections_and_says_nothing_locks_out_nobody(bench: Bench) -> None:
    """At the bound the one that is longest without an answer makes room."""
    first = bench.client(GET)
    heard(first)
    silent = [bench.client(b"GET") for _ in range(MOST - 1)]
    bench.open_connections(MOST)
    first.sendall(GET)
    heard(first)
    for _ in range(3):
        heard(bench.client(GET))
    assert bench.listener.dropped == 3
    assert bench.listener.connections == MOST
    assert all(is_ended(each) for each in silent[:3])
    first.sendall(GET)
    assert heard(first).endswith(b"small")


def test_a_reset_or_a_bug_costs_one_connection_and_nothing_else(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    reset = bench.client(b"GET /")
    reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    reset.close()
    assert is_ended(bench.client(GET.replace(b"small", b"bug")))
    assert [record.message for record in caplog.records] == ["a connection failed"]
    assert heard(bench.client(GET)).endswith(b"small")
    bench.open_connections(1)


def test_many_connections_at_once_are_all_served(bench: Bench) -> None:
    """Each is answered before the next ones push it out."""
    for _ in range(5 * MOST):
        assert heard(bench.client(GET)).endswith(b"small")
    assert bench.listener.connections == MOST
