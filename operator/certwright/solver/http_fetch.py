"""One GET to one address, read no further than it is worth: the only file of this room that opens connections.

Like Boulder it asks for gzip, takes HTTP/1.0 and 1.1, and believes any certificate: whoever redirects to https has
perhaps no valid one yet. Names are never looked up here.
"""

from __future__ import annotations

import errno
import io
import socket
import ssl
import zlib
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

from certwright.solver.fetch_verdict import OK

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

#: Of an answer in all, headers and what the body is wrapped in.
MOST_BYTES = 64 * 1024
#: This machine has no way to such an address at all; the address itself may be fine.
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


class NoConnectionError(Exception):
    """The address did not accept a connection; the text follows the address in a sentence.

    Attributes:
        no_way: whether this machine is to blame, which has no way to such addresses.
    """

    def __init__(self, message: str, *, no_way: bool = False) -> None:
        super().__init__(message)
        self.no_way = no_way


class NoAnswerError(Exception):
    """A connection, but no answer that can be read; the text follows the address in a sentence."""


@dataclass(frozen=True, slots=True)
class Request:
    """One GET.

    Attributes:
        address: a literal; nothing else is dialled.
        port: to dial.
        server_name: for SNI if TLS is to be spoken, "" for an address; None for plain text.
        authority: the Host header.
        path: ready for a request line.
        most_body: bytes of the body to read.
    """

    address: str
    port: int
    server_name: str | None
    authority: str
    path: str
    most_body: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `body` is read for status 200 only, and cut."""

    status: int
    location: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait: `seconds` is a monotonic clock, `deadline` a time on it, `connecting` a number of seconds."""

    seconds: Callable[[], float]
    deadline: float
    connecting: float

    def left(self) -> float:
        """Seconds until the deadline; raises `TimeoutError` when there are none."""
        left = self.deadline - self.seconds()
        if left <= 0:
            raise TimeoutError
        return left


def fetch(request: Request, user_agent: str, patience: Patience) -> Answer:
    """Ask, and read what a verdict needs.

    Raises:
        NoConnectionError: nobody is there.
        NoAnswerError: somebody is there who does not answer well, or in time.
    """
    with closing(_connect(request, patience)) as plain, closing(_secured(plain, request, patience)) as sock:
        try:
            sock.settimeout(patience.left())
            sock.sendall(_head(request, user_agent))
            wire = _Wire(sock, patience)
            with closing(HTTPResponse(cast("socket.socket", wire), method="GET")) as response:
                response.begin()
                if wire.ended:
                    # http.client takes a connection that ends within the headers for the end of the headers.
                    raise NoAnswerError("closed the connection in the middle of its headers")
                location = str(response.headers.get("Location", ""))
                body = _body(response, request.most_body) if response.status == OK else b""
                return Answer(response.status, location, body)
        except TimeoutError:
            raise NoAnswerError(
                f"accepted the connection on port {request.port} but did not answer in full in time"
            ) from None
        except OSError:
            raise NoAnswerError("closed the connection without an answer") from None
        except (HTTPException, ValueError, zlib.error):
            raise NoAnswerError("sent something that is not HTTP, or only a part of it") from None


def _connect(request: Request, patience: Patience) -> socket.socket:
    family = socket.AF_INET6 if ip_address(request.address).version == 6 else socket.AF_INET  # noqa: PLR2004  IPv6
    try:
        allowed = min(patience.connecting, patience.left())
        sock = socket.socket(family, socket.SOCK_STREAM)
    except TimeoutError:
        raise NoConnectionError("was not asked any more: all else took too long") from None
    except OSError as lacking:
        raise NoConnectionError(_unreachable(lacking), no_way=lacking.errno in _NO_WAY) from None
    try:
        sock.settimeout(allowed)
        sock.connect((request.address, request.port))
    except TimeoutError:
        sock.close()
        raise NoConnectionError(
            f"did not accept the connection on port {request.port} within {allowed:.3g} s"
        ) from None
    except ConnectionRefusedError:
        sock.close()
        raise NoConnectionError(f"refused the connection on port {request.port}") from None
    except OSError as fault:
        sock.close()
        raise NoConnectionError(_unreachable(fault), no_way=fault.errno in _NO_WAY) from None
    return sock


def _unreachable(fault: OSError) -> str:
    return f"cannot be reached from here ({(fault.strerror or type(fault).__name__).lower()})"


def _secured(sock: socket.socket, request: Request, patience: Patience) -> socket.socket:
    if request.server_name is None:
        return sock
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        sock.settimeout(patience.left())
        return context.wrap_socket(sock, server_hostname=request.server_name or None)
    except TimeoutError:
        raise NoAnswerError(
            f"accepted the connection on port {request.port} but did not finish the TLS handshake in time"
        ) from None
    except (OSError, ValueError):
        raise NoAnswerError(f"does not speak TLS 1.2 or later for this name on port {request.port}") from None


def _head(request: Request, user_agent: str) -> bytes:
    """The request that Boulder makes; without Accept some firewalls take us for a robot."""
    return (
        f"GET {request.path} HTTP/1.1\r\nHost: {request.authority}\r\nUser-Agent: {user_agent}\r\n"
        "Accept: */*\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    ).encode("ascii")


def _body(response: HTTPResponse, limit: int) -> bytes:
    """At most `limit` bytes; raises `NoAnswerError` if fewer came than were announced."""
    zipped = response.headers.get("Content-Encoding", "").strip().lower() == "gzip"
    body = _unzipped(response, limit) if zipped else response.read(limit)
    if len(body) < limit and response.length:
        raise NoAnswerError("closed the connection in the middle of its answer")
    return body


def _unzipped(response: HTTPResponse, limit: int) -> bytes:
    """The body without its compression; what would come after `limit` bytes is never made."""
    gzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
    body = b""
    while len(body) < limit and (piece := response.read(64)):
        body += gzip.decompress(piece, limit - len(body))
    if len(body) < limit and not gzip.eof:
        raise NoAnswerError("closed the connection in the middle of its answer")
    return body


class _Wire(io.RawIOBase):
    """A connection as a file that knows the deadline and gives no more than `MOST_BYTES`.

    A socket's own time-out starts anew with every byte.
    """

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock = sock
        self._patience = patience
        self._room = MOST_BYTES
        self.ended = False

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What `HTTPResponse` wants of a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read what is there, or wait for something."""
        if not self._room:
            raise NoAnswerError(f"sent more than {MOST_BYTES:,} bytes around its answer")
        self._sock.settimeout(self._patience.left())
        count = self._sock.recv_into(memoryview(buffer)[: self._room])
        self._room -= count
        self.ended = count == 0
        return count
