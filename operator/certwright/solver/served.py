"""Asks a solver pod which version of each token table it serves: `GET /served` on its health port."""

from __future__ import annotations

import io
import socket
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any

import msgspec

from certwright.resources.decoding import prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Bytes of an answer: a table takes about 40, so this is 800,000 rows.
MOST_BYTES = 64 * 1024
#: Seconds from the first packet to the last byte. A healthy pod takes milliseconds, and nothing is published meanwhile.
DEADLINE = 2.0


@prepared
class _Answer(msgspec.Struct, frozen=True):
    """The body; fields of later versions are passed over."""

    tables: dict[str, str]


class AskServedByHttp:
    """Fits `responders.AskServed`. A new connection for each question, and no proxy: these are pods.

    Args:
        seconds: monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float], deadline: float = DEADLINE) -> None:
        self._seconds = seconds
        self._deadline = deadline

    def __call__(self, address: str, port: int) -> Mapping[str, str] | None:
        """The resourceVersion of each table by name; None if there was no such answer in time."""
        ends = self._seconds() + self._deadline
        try:
            with socket.create_connection((address, port), timeout=self._deadline) as connection:
                connection.sendall(_request(address, port))
                body = _body(_Timed(connection, lambda: ends - self._seconds()))
            return msgspec.json.decode(body, type=_Answer).tables
        except (OSError, HTTPException, ValueError, RecursionError, msgspec.MsgspecError):
            return None


def _request(address: str, port: int) -> bytes:
    host = f"[{address}]" if ":" in address else address
    return f"GET /served HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode("ascii")


def _body(connection: _Timed) -> bytes:
    """The body of a whole 200 within the bounds; everything else is an OSError, HTTPException or ValueError."""
    response = HTTPResponse(connection, method="GET")  # type: ignore[arg-type]  # it only asks for `makefile`
    try:
        response.begin()
        body = response.read(MOST_BYTES + 1)
    finally:
        response.close()
    if response.status != HTTPStatus.OK or len(body) > MOST_BYTES:
        raise ValueError("no answer that we understand")
    return body


class _Timed(io.RawIOBase):
    """Reads from a socket until a deadline. A socket's own timeout begins anew with every byte."""

    def __init__(self, connection: socket.socket, left: Callable[[], float]) -> None:
        self._connection = connection
        self._left = left

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002  "rb" is all that http.client asks for
        """What http.client wants of a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """For BufferedReader."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Some bytes; raises TimeoutError once the deadline has passed."""
        left = self._left()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)
