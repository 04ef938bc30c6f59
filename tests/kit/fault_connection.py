"""One client's connection through the fault proxy, and the one to the server that belongs to it."""

from __future__ import annotations

import collections
import itertools
import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tests.kit.faults import (
    Answer,
    Asked,
    CutStream,
    Delay,
    DropAnswer,
    ErrorEvent,
    Hang,
    MuteStream,
    Reset,
    Stale,
    Then,
)
from tests.kit.wire import Lost, Wire, readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kit.faults import Fault
    from tests.kit.wire import Head

#: Larger answers are not kept for stale reads.
_KEPT_BYTES = 1024 * 1024
_LAST_CHUNK = b"0\r\n\r\n"


@dataclass
class Seen:
    """A request that came to the proxy.

    Attributes:
        at: when it came, in monotonic seconds.
        asked: what it was.
        fault: what was done to it, or None.
        status: of the answer that the client got, also if only its beginning; 0 if none.
        size: bytes of the answer, head included, so far.
    """

    at: float
    asked: Asked
    fault: Fault | None
    status: int = 0
    size: int = 0


class Proxy(Protocol):
    """What a connection needs of the proxy."""

    def note(self, asked: Asked) -> Seen:
        """Record a request, with the fault that strikes it."""
        ...

    def keep(self, asked: Asked, answer: bytes) -> None:
        """Remember an answer."""
        ...

    def draw(self, delay: Delay) -> float:
        """Throw the dice for a delay; seconds."""
        ...

    def connect(self) -> Wire:
        """A new connection to the server."""
        ...


class Connection:
    """A client's connection, and the one to the server that belongs to it."""

    def __init__(self, proxy: Proxy, client: Wire) -> None:
        self._proxy = proxy
        self._client = client
        self._server: Wire | None = None
        self._over = threading.Event()
        self._by_reset = False

    def reset(self) -> None:
        """Have it end with RST; called by other threads."""
        self._by_reset = True
        self._over.set()
        for wire in (self._client, self._server):
            if wire is not None:
                wire.interrupt()

    def serve(self) -> None:
        """Until either side has enough."""
        try:
            self._client.sock.do_handshake()
            while not self._over.is_set() and self._exchange():
                pass
        except (Lost, OSError):
            pass
        finally:
            self._client.close(reset=self._by_reset)
            if self._server is not None:
                self._server.close()

    def _exchange(self) -> bool:
        """One request and its answer; returns whether another may follow."""
        head = self._client.head()
        message = head.raw + b"".join(self._client.body(head, until_end=False))
        method, target, _ = head.line.split(" ", 2)
        agent, accept = (head.headers.get(name, "") for name in ("user-agent", "accept"))
        asked = Asked(method, target, agent, accept)
        seen = self._proxy.note(asked)
        if self._over.is_set():
            return False
        match seen.fault:
            case Answer() as answer:
                return self._say(seen, answer.status, answer.encoded())
            case Stale(photograph) if asked in photograph:
                return self._say(seen, _status(photograph[asked]), photograph[asked])
            case Reset():
                self._by_reset = True
                return False
            case Hang():
                readable([self._client])
                return False
            case Delay() as delay:
                self._over.wait(self._proxy.draw(delay))
            case _:
                pass
        return self._forward(seen, message) and not head.closes

    def _say(self, seen: Seen, status: int, answer: bytes) -> bool:
        seen.status, seen.size = status, len(answer)
        self._client.write(answer)
        return True

    def _forward(self, seen: Seen, message: bytes) -> bool:
        """Ask the server, and pass its answer on."""
        server = self._reached()
        server.write(message)
        head = server.head()
        while head.line.split(" ")[1] == "100":  # an interim answer, of no use to us (RFC 9110 §15.2.1)
            head = server.head()
        bodiless = seen.asked.method == "HEAD" or head.line.split(" ")[1] in ("204", "304")
        body = iter(()) if bodiless else server.body(head, until_end=True)
        match seen.fault:
            case DropAnswer(silent):
                collections.deque(body, 0)
                if silent:
                    readable([self._client])
                return False
            case Then(act):
                body = iter(list(body))
                act()
            case CutStream() | MuteStream() | ErrorEvent() as fault if "transfer-encoding" in head.headers:
                self._relay(seen, head, self._spoilt(server, body, fault))
                return False
            case _:
                pass
        if seen.asked.is_watch:
            body = self._stream(server, body)
        return not self._over.is_set() and self._relay(seen, head, body) and not head.closes

    def _relay(self, seen: Seen, head: Head, body: Iterator[bytes]) -> bool:
        seen.status = _status(head.raw)
        kept: list[bytes] = []
        for piece in itertools.chain([head.raw], body):
            self._client.write(piece)
            seen.size += len(piece)
            if seen.size <= _KEPT_BYTES:
                kept.append(piece)
        if seen.size <= _KEPT_BYTES and seen.asked.method == "GET" and not seen.asked.is_watch:
            self._proxy.keep(seen.asked, b"".join(kept))
        return True

    def _stream(self, server: Wire, body: Iterator[bytes], seconds: float | None = None) -> Iterator[bytes]:
        """The pieces of an endless answer, until the time is up.

        Raises:
            Lost: the client left, which a proxy that only reads from the server would never notice.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            ready = readable([server, self._client], None if until is None else until - time.monotonic())
            if self._client in ready:
                raise Lost
            if not ready or (piece := next(body, None)) is None:
                return
            yield piece

    def _spoilt(
        self, server: Wire, body: Iterator[bytes], fault: CutStream | MuteStream | ErrorEvent
    ) -> Iterator[bytes]:
        """A chunked stream with a fault in it."""
        seconds = fault.seconds if isinstance(fault, CutStream) else None
        yield from _first_events(self._stream(server, body, seconds), fault.events)
        if isinstance(fault, MuteStream):
            readable([self._client])
            raise Lost
        if isinstance(fault, ErrorEvent):
            yield _chunk(fault.line())
        yield _LAST_CHUNK

    def _reached(self) -> Wire:
        """The connection to the server; a new one if there is none, or the server has closed it while it idled."""
        if self._server is not None and readable([self._server], 0):
            self._server.close()
            self._server = None
        if self._server is None:
            self._server = self._proxy.connect()
        if self._over.is_set():
            raise Lost
        return self._server


def _first_events(pieces: Iterator[bytes], count: int | None) -> Iterator[bytes]:
    """Exactly so many lines of a chunked stream, in chunks of their own; without the chunk that ends the whole.

    A server writes several events into one chunk where they are there at once.
    """
    left = math.inf if count is None else count
    while left > 0 and (piece := next(pieces, _LAST_CHUNK)) != _LAST_CHUNK:
        for part in _content(piece).splitlines(keepends=True):
            if left > 0:
                yield _chunk(part)
            left -= part.endswith(b"\n")  # a long event may come in several chunks


def _content(chunk: bytes) -> bytes:
    """What a chunk carries, without its size and its end (RFC 9112 §7.1)."""
    return chunk.partition(b"\r\n")[2].removesuffix(b"\r\n")


def _chunk(content: bytes) -> bytes:
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


def _status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])
