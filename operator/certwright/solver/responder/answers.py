"""From a request to an answer, and from an answer to bytes. Pure.

No answer holds anything of its request: what a stranger sends comes back to nobody.
"""

from __future__ import annotations

import re
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.solver.responder.requests import Request

#: Exactly what the CA asks for: no query, no percent signs, no other slashes (RFC 8555 §8.3).
_CHALLENGE = re.compile(r"/\.well-known/acme-challenge/([A-Za-z0-9_-]{1,1024})")
_TEXT = "text/plain; charset=utf-8"
_STATUS_LINES = {status: f"HTTP/1.1 {int(status)} {status.phrase}\r\n".encode() for status in HTTPStatus}


class Answer(NamedTuple):
    """Status and content; a wrong method is told the right ones."""

    status: HTTPStatus
    body: bytes
    content_type: str = _TEXT


#: Lists the methods that we know (RFC 9110 §15.5.6).
WRONG_METHOD = Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"only GET and HEAD are answered here\n")
NOT_FOUND = Answer(HTTPStatus.NOT_FOUND, b"there is no such challenge here\n")
_REFUSALS = {
    HTTPStatus.BAD_REQUEST: b"this is not an HTTP request\n",
    HTTPStatus.REQUEST_TIMEOUT: b"the request took too long\n",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: b"the request is too long\n",
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: b"only HTTP/1.1 and HTTP/1.0 are spoken here\n",
}


def challenge_answer(request: Request, find: Callable[[str, str], str | None]) -> Answer:
    """The key authorization if there is a row for exactly this host and token, else 404.

    A row answers at one path, so a request with a query is for something else: CAs send none.

    Args:
        find: key authorization by host and token, or None.
    """
    if request.method not in ("GET", "HEAD"):
        return WRONG_METHOD
    asked = _CHALLENGE.fullmatch(request.path)
    value = find(request.host, asked[1]) if asked else None
    if value is None:
        return NOT_FOUND
    # "application/octet-stream" as in the example of RFC 8555 §8.3.
    return Answer(HTTPStatus.OK, value.encode("ascii"), "application/octet-stream")


def refusal(status: HTTPStatus) -> Answer:
    """What is said to something that is no request."""
    return Answer(status, _REFUSALS[status])


def answer_bytes(answer: Answer, *, date: bytes, bodiless: bool, connection: bytes = b"") -> bytes:
    """The answer as sent.

    Args:
        date: from `Dates`.
        bodiless: the answer to HEAD: as if to GET, without the body (RFC 9110 §9.3.2).
        connection: value of the Connection field, or none.
    """
    head = [
        _STATUS_LINES[answer.status],
        b"Date: %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n"
        % (date, answer.content_type.encode("ascii"), len(answer.body)),
        # Rows come and go in seconds: no cache in front of us may remember that one was missing.
        b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n",
    ]
    if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
        head.append(b"Allow: GET, HEAD\r\n")
    if connection:
        head.append(b"Connection: %b\r\n" % connection)
    head += [b"\r\n", b"" if bodiless else answer.body]
    return b"".join(head)


class Dates:
    """The Date field, which an origin server with a clock must send (RFC 9110 §6.6.1); written once a second.

    Args:
        unix_seconds: the time of day.
    """

    def __init__(self, unix_seconds: Callable[[], float]) -> None:
        self._unix_seconds = unix_seconds
        self._second = -1
        self._text = b""

    def __call__(self) -> bytes:
        """For this second."""
        if (second := int(self._unix_seconds())) != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True).encode("ascii")
        return self._text
