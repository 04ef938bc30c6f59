"""One connection: bytes in, bytes out, and until when to wait for more. Pure.

    talk.receive(data, now)
    while out := talk.next_bytes(now): send(out)
    if talk.closing: end the connection

What it keeps is bounded by one request head and what one `receive` brought.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from certwright.solver.responder.answers import answer_bytes, refusal
from certwright.solver.responder.requests import MOST_HEAD, Request, read_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.solver.responder.answers import Answer
    from certwright.solver.responder.requests import Refused

#: Seconds from the first byte of a request to its last, however many there are.
HEAD_SECONDS = 5.0
#: Seconds without a request, at the start and after each answer.
IDLE_SECONDS = 15.0
#: Bytes of answers to requests that came together; the rest is answered once these are on their way.
MOST_OUT = 4 * 1024

_END = b"\r\n\r\n"
_EMPTY_LINES = re.compile(rb"(?:\r\n)+")


class House:
    """What all conversations of a port share.

    Args:
        answer: decides about a request.
        date: value of the Date field.
        count: told the status of every answer.

    Attributes:
        leaving: the program will end soon, so every answer closes its connection.
    """

    def __init__(
        self,
        answer: Callable[[Request], Answer],
        date: Callable[[], bytes],
        count: Callable[[HTTPStatus], None],
    ) -> None:
        self.answer = answer
        self.date = date
        self.count = count
        self.leaving = False


class Conversation:
    """Requests of one client, answered in their order; times are monotonic seconds.

    Attributes:
        closing: no more is read; the connection ends once everything is sent.
    """

    __slots__ = ("_begun", "_house", "_rested", "_unread", "closing")

    def __init__(self, house: House, now: float) -> None:
        self._house = house
        self._unread = b""
        self._rested = self._begun = now
        self.closing = False

    @property
    def deadline(self) -> float:
        """When `expire` is due. Single bytes, sent now and then, do not put it off."""
        return self._begun + HEAD_SECONDS if self._unread else self._rested + IDLE_SECONDS

    @property
    def unread_bytes(self) -> int:
        """How much is kept for a request that is not complete or not answered yet."""
        return len(self._unread)

    def receive(self, data: bytes, now: float) -> None:
        """Take what came. Once closing, it is dropped."""
        if self.closing:
            return
        if not self._unread:
            self._begun = now
        self._unread += data

    def next_bytes(self, now: float) -> bytes:
        """Answers to what is complete, b"" if nothing is; to be called until then."""
        out: list[bytes] = []
        size = 0
        while not self.closing and size < MOST_OUT and (head := self._next_head()) is not None:
            self._rested = self._begun = now
            out.append(self._answered(head))
            size += len(out[-1])
        return b"".join(out)

    def expire(self, now: float) -> bytes:
        """The deadline has passed: whoever began a request is told, whoever was silent is not (RFC 9110 §15.5.9)."""
        out = self._refuse(HTTPStatus.REQUEST_TIMEOUT) if self._unread else b""
        self._rested = now
        self._close()
        return out

    def _next_head(self) -> Request | Refused | None:
        """The next request if it is complete, taken from what was received."""
        # "SHOULD ignore at least one empty line (CRLF) received prior to the request-line" (RFC 9112 §2.2).
        if empty := _EMPTY_LINES.match(self._unread):
            self._unread = self._unread[empty.end() :]
        end = self._unread.find(_END)
        if end > MOST_HEAD or (end < 0 and len(self._unread) > MOST_HEAD):
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        if end < 0:
            return None
        head = self._unread[:end]
        self._unread = self._unread[end + len(_END) :]
        return read_head(head)

    def _answered(self, head: Request | Refused) -> bytes:
        if not isinstance(head, Request):
            return self._refuse(head)
        answer = self._house.answer(head)
        self._house.count(answer.status)
        # Only GET and HEAD are known to have no body that would be taken for the next request.
        stays = head.persists and answer.status != HTTPStatus.METHOD_NOT_ALLOWED and not self._house.leaving
        if not stays:
            self._close()
        told = (b"keep-alive" if head.must_be_told else b"") if stays else b"close"
        bodiless = head.method == "HEAD"
        return answer_bytes(answer, date=self._house.date(), bodiless=bodiless, connection=told)

    def _refuse(self, status: HTTPStatus) -> bytes:
        """Where the next request would begin is not known any more."""
        self._house.count(status)
        self._close()
        return answer_bytes(refusal(status), date=self._house.date(), bodiless=False, connection=b"close")

    def _close(self) -> None:
        self.closing = True
        self._unread = b""
