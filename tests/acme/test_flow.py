"""Carrying a flow over a transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from certwright.acme.flow import Flow, Request, Response, drive, permitted
from certwright.failures import NotYet
from tests.acme.conversing import Script

if TYPE_CHECKING:
    from collections.abc import Generator


def two_questions() -> Flow[bytes]:
    first = yield Request("GET", "https://ca.example/1")
    second = yield Request("GET", "https://ca.example/2")
    return first.body + second.body


def test_every_answer_goes_to_the_question_before_it() -> None:
    script = Script(Response(200, {}, b"a"), Response(200, {}, b"b"))
    assert drive(two_questions(), script) == b"ab"
    assert [request.url[-1] for request in script.asked] == ["1", "2"]


def test_a_flow_that_asks_nothing_just_returns() -> None:
    def silent() -> Generator[Request, Response, int]:
        return 7
        yield

    assert drive(silent(), Script()) == 7


def test_a_lost_connection_ends_the_flow_and_lets_it_tidy_up() -> None:
    tidied: list[bool] = []

    def tidy() -> Flow[None]:
        try:
            yield Request("GET", "https://ca.example")
        finally:
            tidied.append(True)

    def broken(request: Request, /) -> Response:
        raise ConnectionError(request.url)

    with pytest.raises(ConnectionError):
        drive(tidy(), broken)
    assert tidied


def test_a_transport_that_asks_first_sends_nothing_that_is_not_permitted() -> None:
    sent: list[str] = []

    def transport(request: Request, /) -> Response:
        sent.append(request.method)
        return Response(200)

    def forbid() -> None:
        raise NotYet("NotLeading", "another replica leads")

    carry = permitted(transport, forbid)
    assert carry(Request("GET", "https://ca.example/dir")).status == 200
    with pytest.raises(NotYet):
        carry(Request("POST", "https://ca.example/new-order"))
    assert sent == ["GET"]
