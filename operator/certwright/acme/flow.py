"""The protocol as generators: a flow yields requests, is sent responses, and returns what it learned.

Nothing here does I/O, so a conversation can be tested as a table of requests and responses.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, ready to be carried; `url` is sent byte for byte (RFC 8555 §6.4)."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Flow: TypeAlias = Generator[Request, Response, T]


class Transport(Protocol):
    """Anything that can carry one request to a server and bring the answer back."""

    def __call__(self, request: Request, /) -> Response:
        """Carry `request`.

        Raises:
            Setback: no answer came, or one that must not be read.
        """
        ...


def permitted(transport: Transport, permit: Callable[[], None]) -> Transport:
    """The same transport, which asks before each POST whether it may be sent.

    After the checkpoint before a step there may have been a wait for a nonce, and much may have changed.

    Args:
        permit: raises where nothing may be sent any more.
    """

    def carry(request: Request, /) -> Response:
        if request.method == "POST":
            permit()
        return transport(request)

    return carry


def drive(flow: Flow[T], transport: Transport) -> T:
    """Carry a flow's requests over `transport` until the flow returns its result."""
    with closing(flow):
        try:
            request = next(flow)
            while True:
                request = flow.send(transport(request))
        except StopIteration as finished:
            result: T = finished.value
            return result
