"""Answers into values: tolerant of what is missing or new, deaf to what is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.acme import reading
from certwright.acme.messages import (
    AccountStatus,
    AuthorizationStatus,
    ChallengeStatus,
    Directory,
    Identifier,
    Order,
    OrderStatus,
    Problem,
)
from certwright.acme.wording import NotUnderstood, clean_text
from certwright.failures import NeedsPerson, Setback
from tests.acme.conversing import CA, ORDER, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.acme.flow import Response

SMALLEST = {"newNonce": f"{CA}/n", "newAccount": f"{CA}/a", "newOrder": f"{CA}/o"}


def directory(**more: object) -> Directory:
    return reading.read_directory(answer({**SMALLEST, **more}), f"{CA}/dir?orderId=1&x=%2f")


def order(**more: object) -> Order:
    return reading.read_order(answer({**ORDER, **more}), f"{CA}/order/1")


def authorization(*challenges: object, **more: object) -> Any:
    body = {
        "identifier": {"type": "dns", "value": "a.example"},
        "status": "pending",
        "challenges": challenges,
        **more,
    }
    return reading.read_authorization(answer(body), f"{CA}/authz/1")


def challenge(**more: object) -> dict[str, object]:
    return {"type": "dns-01", "url": f"{CA}/chall/1", "token": "abc-_1", **more}


def test_the_smallest_directory_is_enough() -> None:
    found = directory()
    assert (found.renewal_info, found.profiles, found.external_account_required) == (None, None, False)
    assert found.url == f"{CA}/dir?orderId=1&x=%2f"


def test_a_directory_tells_all_it_knows_and_what_is_new_is_ignored() -> None:
    found = directory(
        renewalInfo=f"{CA}/ari",
        keyChange=None,
        surprise={"deep": [1, 2]},
        meta={
            "termsOfService": f"\u202e{CA}/terms",
            "caaIdentities": ["ca.example"],
            "externalAccountRequired": True,
            "profiles": {"classic": "for all", "odd": 5},
            "new": 1,
        },
    )
    assert found.renewal_info == f"{CA}/ari"
    assert found.terms_of_service == f"{CA}/terms"
    assert found.caa_identities == ("ca.example",)
    assert found.external_account_required
    assert found.profiles == {"classic": "for all", "odd": ""}


@pytest.mark.parametrize("field", ["newNonce", "newAccount", "newOrder", "renewalInfo"])
def test_a_plain_http_address_needs_a_person(field: str) -> None:
    with pytest.raises(NeedsPerson, match=f"{field} at ca.example begins with http://"):
        directory(**{field: "http://ca.example/x?secret=1"})


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "/relative",
        "https://",
        "https://[::1/x",
        "ftp://ca.example",
        "https://ca.example:x/",
        "https://user@ca.example/",
        "https://ca.example/a b",
        "https://ca.example/\r\nX: y",
        "https://ca.example/ü",
        f"https://ca.example/{'x' * 3000}",
        5,
    ],
)
def test_an_address_that_is_none_is_not_understood(address: object) -> None:
    with pytest.raises(NotUnderstood):
        directory(newOrder=address)


@pytest.mark.parametrize(("count", "fine"), [(200, True), (201, False)])
def test_an_order_with_more_authorizations_than_any_names_need_is_not_understood(
    count: int, *, fine: bool
) -> None:
    urls = [f"{CA}/authz/{number}" for number in range(count)]
    if fine:
        assert len(order(authorizations=urls).authorizations) == count
    else:
        with pytest.raises(NotUnderstood, match="more than 200 authorizations"):
            order(authorizations=urls)


def test_an_order_may_lack_all_that_is_optional() -> None:
    found = order()
    assert found.status is OrderStatus.PENDING
    assert (found.expires, found.certificate, found.error, found.replaces) == (None, None, None, None)
    assert found.identifiers == (Identifier("dns", "a.example"),)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-24T12:00:00Z", datetime(2026, 11, 24, 12, tzinfo=UTC)),
        ("2026-11-24T12:00:00.123456789+00:00", datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-24T12:00:00", None),
        ("tomorrow", None),
        (5, None),
        ({}, None),
    ],
)
def test_an_expiry_that_cannot_be_read_costs_nothing(written: object, moment: datetime | None) -> None:
    found = order(expires=written).expires
    assert found == moment or (found and moment and abs(found - moment) < timedelta(milliseconds=1))


def test_an_order_tells_why_it_failed_and_when_to_look_again() -> None:
    error = {"type": "urn:ietf:params:acme:error:caa", "detail": "CAA\nforbids", "status": "403"}
    response = answer({**ORDER, "status": "invalid", "error": error}, retry_after="3")
    found = reading.read_order(response, f"{CA}/order/1")
    assert found.error == Problem("caa", "CAA forbids", 403)
    assert found.retry_after == timedelta(seconds=3)


def test_words_that_no_standard_knows_have_a_home() -> None:
    assert order(status="dreaming").status is OrderStatus.UNKNOWN
    assert order(status=None).status is OrderStatus.UNKNOWN
    assert authorization(status="dreaming").status is AuthorizationStatus.UNKNOWN
    assert authorization(challenge(status="dreaming")).challenges[0].status is ChallengeStatus.UNKNOWN
    account = reading.read_account(answer({"status": "dreaming"}), f"{CA}/account")
    assert account.status is AccountStatus.UNKNOWN


def test_a_valid_authorization_may_have_no_challenges() -> None:
    found = authorization(status="valid")
    assert (found.status, found.challenges) == (AuthorizationStatus.VALID, ())


def test_a_wildcard_is_told_by_its_flag_or_by_its_name() -> None:
    assert authorization(wildcard=True).wildcard
    starred = authorization(identifier={"type": "dns", "value": "*.A.example"})
    assert (starred.wildcard, starred.identifier.value) == (True, "a.example")


def test_challenges_of_unknown_types_are_kept_and_unusable_ones_fall_away() -> None:
    found = authorization(
        {"type": "quantum-01"}, {"url": f"{CA}/x"}, challenge(type="quantum-02", token=None)
    )
    assert [(each.type, each.token) for each in found.challenges] == [("quantum-02", "")]


@pytest.mark.parametrize("token", ["../../etc/passwd", "a b", "a\n", "ä", "a" * 2000])
def test_a_token_that_could_do_harm_is_not_understood(token: str) -> None:
    """RFC 8555 §10.3: it ends up in a path."""
    with pytest.raises(NotUnderstood, match="token"):
        authorization(challenge(token=token))


@pytest.mark.parametrize(
    "window",
    [
        None,
        {},
        {"start": "2026-11-24T12:00:00Z"},
        {"start": "2026-11-24T12:00:00Z", "end": "2026-11-24T12:00:00Z"},
        {"start": "2026-11-24T12:00:00Z", "end": "2026-11-23T12:00:00Z"},
        {"start": "x", "end": "y"},
    ],
)
def test_a_window_that_cannot_be_used_is_no_answer(window: object) -> None:
    with pytest.raises(NotUnderstood, match="window"):
        reading.read_renewal_info(answer({"suggestedWindow": window}))


def test_renewal_information_is_read_whole() -> None:
    body = {
        "suggestedWindow": {"start": "2026-11-24T12:00:00Z", "end": "2026-11-25T12:00:00Z"},
        "explanationURL": f"{CA}/why",
    }
    found = reading.read_renewal_info(answer(body, retry_after="21600"))
    assert (found.end - found.start, found.explanation_url) == (timedelta(days=1), f"{CA}/why")
    assert found.retry_after == timedelta(hours=6)


def test_a_refusal_that_is_html_leaves_no_trace() -> None:
    assert reading.read_problem(answer(b"<html>MARKER</html>", 502)) == Problem()


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (["ES256", "RS256"], ("ES256", "RS256")),
        (["ES256", 7, None, "none of\nthese", "x" * 21, "EdDSA"], ("ES256", "EdDSA")),
        ("ES256", ()),
        ({"ES256": 1}, ()),
        (None, ()),
        (["ES256"] * 1000, ("ES256",) * reading.MOST_ALGORITHMS),
    ],
)
def test_algorithms_of_a_problem_are_read_and_whatever_else_stands_there_is_passed_over(
    said: Any, heard: tuple[str, ...]
) -> None:
    body = {"type": "urn:ietf:params:acme:error:badSignatureAlgorithm", "algorithms": said}
    found = reading.read_problem(answer(body, 400))
    assert (found.type, found.algorithms) == ("badSignatureAlgorithm", heard)


def test_subproblems_keep_their_names() -> None:
    body = {
        "type": "urn:ietf:params:acme:error:compound",
        "subproblems": [{"type": "about:blank", "identifier": {"type": "dns", "value": "A.example"}}],
    }
    found = reading.read_problem(answer(body, 400))
    assert found.subproblems[0].identifier == Identifier("dns", "a.example")
    assert found.subproblems[0].type == "about:blank"


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("plain", "plain"),
        ("two\r\nlines\tand\u2028more", "two  lines and more"),
        ("\u202eright to left\u2066 isolate\u200b", "right to left isolate"),
        ("\x1b[31mred\x00", "[31mred"),
        ("x" * 5000, "x" * 999 + "…"),
        (None, ""),
    ],
)
def test_text_from_a_ca_is_clean_and_short(said: str | None, heard: str) -> None:
    assert clean_text(said) == heard


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    [
        "type",
        "detail",
        "status",
        "identifier",
        "value",
        "subproblems",
        "instance",
        "meta",
        "termsOfService",
        "profiles",
        "newNonce",
        "newAccount",
        "newOrder",
        "renewalInfo",
        "caaIdentities",
        "contact",
        "identifiers",
        "authorizations",
        "finalize",
        "certificate",
        "error",
        "expires",
        "replaces",
        "url",
        "token",
        "challenges",
        "wildcard",
        "suggestedWindow",
        "start",
        "end",
        "explanationURL",
    ]
)
ADDRESSES = st.sampled_from([f"{CA}/1", "http://ca.example", "https://[", "2026-11-24T12:00:00Z", "valid"])
SHAPED = st.recursive(
    JSON | ADDRESSES,
    lambda inner: st.dictionaries(FIELDS, inner, max_size=8) | st.lists(inner, max_size=3),
    max_leaves=20,
)
READERS: list[Callable[[Response], object]] = [
    lambda response: reading.read_directory(response, f"{CA}/dir"),
    lambda response: reading.read_account(response, f"{CA}/account"),
    lambda response: reading.read_order(response, f"{CA}/order"),
    lambda response: reading.read_authorization(response, f"{CA}/authz"),
    reading.read_challenge,
    reading.read_renewal_info,
]


def read_all(body: bytes) -> None:
    reading.read_problem(answer(body, 400))
    for read in READERS:
        try:
            read(answer(body))
        except Setback:
            continue


@given(SHAPED)
def test_no_json_gets_anything_but_a_setback_out_of_the_readers(document: object) -> None:
    read_all(json.dumps(document).encode())


@given(st.binary())
def test_no_bytes_get_anything_but_a_setback_out_of_the_readers(body: bytes) -> None:
    read_all(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 500_000, id="nested without end"),
        pytest.param(b'{"meta":' * 100_000, id="objects without end"),
        pytest.param(
            b'{"error":{"subproblems":[{"x":' + b"[" * 500_000, id="nested in a field that nobody reads"
        ),
        pytest.param(b'{"status":' + b"9" * 100_000 + b"}", id="a number without end"),
        pytest.param(b'{"detail":"\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"status":1e999}', id="a number too large"),
    ],
)
def test_a_hostile_document_gets_nothing_but_a_setback(body: bytes) -> None:
    read_all(body)
