"""The fuzzer's way in: answers survive being written as bytes, and any bytes are an answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certwright.acme import reading
from certwright.acme.flow import Response
from tests.fuzz.room import enter, opened, sealed


def test_a_recorded_answer_is_opened_as_it_was() -> None:
    answer = Response(429, {"replay-nonce": "n", "location": "https://ca.example/2"}, b"a\n\nb")
    assert opened(sealed(answer)) == answer


@settings(max_examples=20)
@given(st.binary())
def test_any_bytes_go_through_all_readers_and_conversations(data: bytes) -> None:
    enter(data)


def test_what_must_not_be_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that lets an exception of its own out."""
    monkeypatch.setattr(reading, "read_problem", lambda answer: answer.headers["missing"])
    with pytest.raises(KeyError):
        enter(b"500\n\n")
