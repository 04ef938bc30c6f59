"""Retry-After, Link and Replay-Nonce."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.acme.flow import Response
from certwright.acme.headers import LONGEST_WAIT, links_of, nonce_of, retry_after_of

SENT = "Tue, 24 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        pytest.param({"retry-after": "120"}, timedelta(minutes=2), id="seconds"),
        pytest.param({"retry-after": " 7 "}, timedelta(seconds=7), id="spaces around"),
        pytest.param({"retry-after": "0"}, timedelta(), id="at once"),
        pytest.param(
            {"retry-after": "Tue, 24 Nov 2026 13:00:00 GMT", "date": SENT},
            timedelta(hours=1),
            id="a date counts from the answer's own date",
        ),
        pytest.param(
            {"retry-after": "Tuesday, 24-Nov-26 13:00:00 GMT", "date": SENT},
            timedelta(hours=1),
            id="a date in the obsolete form of RFC 850",
        ),
        pytest.param(
            {"retry-after": "Tue, 24 Nov 2026 11:00:00 GMT", "date": SENT},
            timedelta(),
            id="a date that is past",
        ),
        pytest.param({"retry-after": "Tue, 24 Nov 2026 13:00:00 GMT"}, None, id="a date without a Date"),
        pytest.param({"retry-after": "9" * 400}, LONGEST_WAIT, id="a number beyond any calendar"),
        pytest.param({"retry-after": "-5"}, None, id="negative"),
        pytest.param({"retry-after": "soon"}, None, id="a word"),
        pytest.param({"retry-after": "²"}, None, id="a digit that is no number"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], wait: timedelta | None) -> None:
    assert retry_after_of(Response(503, headers)) == wait


@given(retry=st.text(), sent=st.text())
def test_no_header_breaks_the_reading(retry: str, sent: str) -> None:
    wait = retry_after_of(Response(503, {"retry-after": retry, "date": sent}))
    assert wait is None or timedelta() <= wait <= LONGEST_WAIT


def test_links_are_found_by_their_relation() -> None:
    header = (
        '<https://ca.example/dir>;rel="index", <https://ca.example/a,b>; title="x"; rel=alternate, '
        '<https://ca.example/c>;rel="alternate help"'
    )
    assert links_of(Response(200, {"link": header})) == {
        "index": ("https://ca.example/dir",),
        "alternate": ("https://ca.example/a,b", "https://ca.example/c"),
        "help": ("https://ca.example/c",),
    }


@given(st.text())
def test_no_link_breaks_the_reading(header: str) -> None:
    links_of(Response(200, {"link": header}))


@pytest.mark.parametrize(
    ("header", "nonce"),
    [("oFvnlFP1wIhRlYS2jTaXbA", "oFvnlFP1wIhRlYS2jTaXbA"), ("a b", None), ("a\n", None), ("", None)],
)
def test_a_nonce_with_wrong_characters_is_ignored(header: str, nonce: str | None) -> None:
    """RFC 8555 §6.5.1."""
    assert nonce_of(Response(200, {"replay-nonce": header})) == nonce
