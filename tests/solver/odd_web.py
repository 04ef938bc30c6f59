"""A web server on loopback that sends exactly the bytes it is told to, or misbehaves with the bare connection."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import trustme

from tests.kit.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: Bytes to send before the connection is closed, or what to do with the connection.
Behaviour: TypeAlias = "bytes | Callable[[socket.socket, threading.Event], None]"


@dataclass
class OddWeb:
    """A running server.

    Attributes:
        address: host and port it listens at.
        answers: by path, as it stands in the request line; "" for all other paths.
        asked: the heads of all requests.
        over: set when the test ends.
    """

    address: tuple[str, int]
    answers: dict[str, Behaviour]
    asked: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        return self.address[1]

    @property
    def paths(self) -> list[str]:
        return [head.split(" ")[1] for head in self.asked]

    def serve(self, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
        """One connection: read a head, do what was told."""
        with suppress(OSError), connection:
            secured = tls.wrap_socket(connection, server_side=True) if tls else connection
            with secured:
                head = b""
                while not head.endswith(b"\r\n\r\n") and (piece := secured.recv(65536)):
                    head += piece
                    if not head.startswith(b"GET "):
                        secured.sendall(plain(400))
                        return
                self.asked.append(head.decode("latin-1"))
                behaviour = self.answers.get(self.paths[-1], self.answers.get("", plain(404)))
                if callable(behaviour):
                    behaviour(secured, self.over)
                else:
                    secured.sendall(behaviour)


@contextmanager
def odd_web(
    answers: Mapping[str, Behaviour],
    host: str = LOOPBACK,
    port: int = 0,
    *,
    tls: ssl.SSLContext | None = None,
) -> Iterator[OddWeb]:
    """Run one; it ends with the block."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)
        web = OddWeb(listener.getsockname()[:2], dict(answers))

        def accept() -> None:
            with suppress(OSError):
                while not web.over.is_set():
                    connection, _ = listener.accept()
                    threading.Thread(target=web.serve, args=(connection, tls), daemon=True).start()

        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield web
        finally:
            web.over.set()
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port at which no connection is ever accepted and none refused: its queue is full."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        try:
            for each in waiting:
                each.setblocking(False)
                with suppress(BlockingIOError):
                    each.connect(listener.getsockname())
            yield listener.getsockname()[1]
        finally:
            for each in waiting:
                each.close()


def plain(status: int, body: bytes = b"", *headers: str, version: str = "HTTP/1.1") -> bytes:
    """An orderly answer."""
    lines = (f"{version} {status} Whatever", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def redirect(location: str, status: int = 302) -> bytes:
    """An answer that leads elsewhere."""
    return plain(status, b"moved", f"Location: {location}")


def dripping(start: bytes, drop: bytes) -> Behaviour:
    """Send `start`, then `drop` again and again until the test is over."""

    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(start)
        while not over.wait(0.02):
            connection.sendall(drop)

    return drip


def silent(_connection: socket.socket, over: threading.Event) -> None:
    """Say nothing until the test is over."""
    over.wait(30)


def flooding(start: bytes, wave: bytes) -> Behaviour:
    """Send `start`, then `wave` without end, as fast as it is taken."""

    def flood(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(start)
        while not over.is_set():
            connection.sendall(wave)

    return flood


def unknown_certificate(name: str) -> ssl.SSLContext:
    """A server's context with a certificate for `name` by a CA that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(name).configure_cert(context)
    return context
