"""HTTP/1.1 messages as bytes (RFC 9112): read so that they can be passed on exactly as they came."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence

_PIECE = 64 * 1024
#: SO_LINGER on, for no time: closing sends RST instead of FIN (socket(7)).
_NO_LINGER = struct.pack("ii", 1, 0)


class Lost(Exception):  # noqa: N818 - named by what happened
    """The other side ended the connection, or somebody wants it ended."""


@dataclass(frozen=True)
class Head:
    """The start of a message: all its bytes, its first line, and its headers by names in lower case."""

    raw: bytes
    line: str
    headers: dict[str, str]

    @property
    def closes(self) -> bool:
        """Whether the connection ends with this message (RFC 9112 §9.3)."""
        return self.headers.get("connection", "").lower() == "close"


class Wire:
    """One TLS connection, read by lines and counted bytes."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self.sock = sock
        self._rest = b""

    @property
    def waits(self) -> bool:
        """Whether something has arrived that `line` or `some` would return without asking the network."""
        return bool(self._rest) or self.sock.pending() > 0

    def head(self) -> Head:
        """The next message's head.

        Raises:
            Lost: there is no next message.
        """
        lines = [self.line()]
        while (line := self.line()) != b"\r\n":
            lines.append(line)
        pairs = (line.decode("latin-1").partition(":") for line in lines[1:])
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        return Head(b"".join([*lines, b"\r\n"]), lines[0].decode("latin-1").rstrip(), headers)

    def body(self, head: Head, *, until_end: bool) -> Iterator[bytes]:
        """The body's bytes as they come, a chunk in one piece.

        Args:
            head: of the message.
            until_end: without a length, it is what comes until the connection ends, as answers may.
        """
        if "chunked" in head.headers.get("transfer-encoding", "").lower():
            yield from self._chunks()
        elif "content-length" in head.headers:
            left = int(head.headers["content-length"])
            while left:
                piece = self.some(left)
                left -= len(piece)
                yield piece
        elif until_end:
            with contextlib.suppress(Lost):
                while True:
                    yield self.some(_PIECE)

    def _chunks(self) -> Iterator[bytes]:
        while True:
            size = self.line()
            length = int(size.partition(b";")[0], 16)
            if length == 0:
                trailer = [size]
                while trailer[-1] != b"\r\n":
                    trailer.append(self.line())
                yield b"".join(trailer)
                return
            yield size + self._exactly(length + 2)

    def line(self) -> bytes:
        """A line with its end."""
        while b"\n" not in self._rest:
            self._more()
        line, end, self._rest = self._rest.partition(b"\n")
        return line + end

    def some(self, most: int) -> bytes:
        """What there is, at least one byte."""
        if not self._rest:
            self._more()
        piece, self._rest = self._rest[:most], self._rest[most:]
        return piece

    def _exactly(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._more()
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def _more(self) -> None:
        arrived = self.sock.recv(_PIECE)
        if not arrived:
            raise Lost
        self._rest += arrived

    def write(self, data: bytes) -> None:
        """Send all of it."""
        self.sock.sendall(data)

    def interrupt(self) -> None:
        """Make another thread's reading end. Nothing goes over the wire."""
        with contextlib.suppress(OSError):
            # The plain socket's: TLS keeps a state that is the reading thread's.
            socket.socket.shutdown(self.sock, socket.SHUT_RD)

    def close(self, *, reset: bool = False) -> None:
        """End it: with RST, or with FIN."""
        if reset:
            with contextlib.suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.sock.close()


def readable(wires: Sequence[Wire], seconds: float | None = None) -> list[Wire]:
    """Those on which something has arrived, be it the end; empty when the time is up."""
    if ready := [wire for wire in wires if wire.waits]:
        return ready
    poll = select.poll()
    for wire in wires:
        poll.register(wire.sock, select.POLLIN)
    seen = {number for number, _ in poll.poll(None if seconds is None else max(0.0, seconds) * 1000)}
    return [wire for wire in wires if wire.sock.fileno() in seen]
