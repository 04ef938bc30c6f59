"""A CA may leave out what is optional, add what we do not know, and say when to come back in two ways.

RFC 8555 §7.1.1 to §7.1.6 for what is optional, RFC 9457 §3.2 for what is new in a problem document, RFC 9110 §10.2.3
for the two ways.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from certwright.acme.flow import Response, drive
from certwright.acme.flows import fetch_directory, fetch_renewal_info
from certwright.acme.messages import AuthorizationStatus, ChallengeStatus, OrderStatus
from certwright.acme.refusals import Refused
from certwright.failures import NotYet, TryLater
from tests.acme.conversing import ACCOUNT, CA, DIRECTORY, ORDER, answer, conversation, converse, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.acme.flow import Flow

ORDER_URL, AUTHORIZATION_URL = f"{CA}/order/1", f"{CA}/authz/1"
IDENTIFIER = {"type": "dns", "value": "a.example"}
CHALLENGE = {"type": "dns-01", "url": f"{CA}/chall/1", "token": "abc-_1"}
#: Fields, types and statuses of a later century.
SURPRISES = {"surprise": {"deep": [1, {"er": None}]}, "newThing": True}


def told(flow: Flow[Any], body: object, status: int = 200, **headers: str) -> Any:
    """What is learned from this body."""
    return converse(flow, answer(body, status, **headers))[1]


def test_an_order_without_anything_optional_is_an_order() -> None:
    """No expires, notBefore, notAfter, error or certificate, and no status either."""
    body = {
        "identifiers": [IDENTIFIER],
        "authorizations": [AUTHORIZATION_URL],
        "finalize": f"{CA}/finalize/1",
    }
    order = told(conversation("n").new_order(["a.example"]), body, 201, location=ORDER_URL)
    assert (order.url, order.status, order.expires) == (ORDER_URL, OrderStatus.UNKNOWN, None)
    assert order.authorizations == (AUTHORIZATION_URL,)


def test_an_authorization_without_anything_optional_is_an_authorization() -> None:
    """No expires, no wildcard, and challenges that do not say how they stand."""
    body = {"identifier": IDENTIFIER, "status": "pending", "challenges": [CHALLENGE]}
    found = told(conversation("n").fetch_authorization(AUTHORIZATION_URL), body)
    assert (found.expires, found.wildcard) == (None, False)
    assert [(each.status, each.error) for each in found.challenges] == [(ChallengeStatus.PENDING, None)]


@pytest.mark.parametrize("challenges", [[], None, ...])
def test_a_valid_authorization_needs_no_challenges(challenges: object) -> None:
    """Names that were proven elsewhere come like this."""
    body: dict[str, object] = {"identifier": IDENTIFIER, "status": "valid"}
    body |= {} if challenges is ... else {"challenges": challenges}
    found = told(conversation("n").fetch_authorization(AUTHORIZATION_URL), body)
    assert (found.status, found.challenges) == (AuthorizationStatus.VALID, ())


@pytest.mark.parametrize("body", [None, {}, {"status": "valid"}])
def test_an_account_may_be_told_by_its_address_alone(body: object) -> None:
    account = told(conversation("n", account=None).find_account(), body, location=ACCOUNT)
    assert (account.url, account.contact, account.terms_of_service_agreed) == (ACCOUNT, (), None)


def test_what_is_new_is_passed_over_wherever_it_stands() -> None:
    listed = {"newNonce": f"{CA}/n", "newAccount": f"{CA}/a", "newOrder": f"{CA}/o", "newQuantum": 5}
    directory = told(fetch_directory(f"{CA}/dir"), {**listed, **SURPRISES, "meta": SURPRISES})
    assert directory.new_order == f"{CA}/o"
    order = told(conversation("n").fetch_order(ORDER_URL), {**ORDER, **SURPRISES, "status": "dreaming"})
    assert order.status is OrderStatus.UNKNOWN
    challenges = [{**CHALLENGE, **SURPRISES}, {**CHALLENGE, "type": "quantum-01", "qubits": 5}]
    body = {
        "identifier": {**IDENTIFIER, **SURPRISES},
        "status": "dreaming",
        "challenges": challenges,
        **SURPRISES,
    }
    found = told(conversation("n").fetch_authorization(AUTHORIZATION_URL), body)
    assert found.status is AuthorizationStatus.UNKNOWN
    assert [each.type for each in found.challenges] == ["dns-01", "quantum-01"]


def test_a_refusal_with_new_fields_is_what_its_type_says() -> None:
    body = {"type": "urn:ietf:params:acme:error:caa", "detail": "no", **SURPRISES}
    with pytest.raises(Refused) as refused:
        told(conversation("n").fetch_order(ORDER_URL), body, 403)
    assert refused.value.reason == "CAAForbids"


# When to come back

WINDOW = {"suggestedWindow": {"start": "2026-11-24T12:00:00Z", "end": "2026-11-25T12:00:00Z"}}
PENDING = {"identifier": IDENTIFIER, "status": "pending", "challenges": [CHALLENGE]}
#: Whatever is polled.
POLLED: dict[str, tuple[Callable[[], Flow[Any]], object]] = {
    "an order that is processing": (
        lambda: conversation("n").fetch_order(ORDER_URL),
        {**ORDER, "status": "processing"},
    ),
    "an order that was just finalized": (
        lambda: conversation("n").finalize(f"{CA}/finalize/1", ORDER_URL, b"csr"),
        {**ORDER, "status": "processing"},
    ),
    "an authorization": (lambda: conversation("n").fetch_authorization(AUTHORIZATION_URL), PENDING),
    "a challenge that was just answered": (
        lambda: conversation("n").answer_challenge(f"{CA}/chall/1"),
        {**CHALLENGE, "status": "processing"},
    ),
    "renewal information": (lambda: fetch_renewal_info(DIRECTORY, "aki.serial"), WINDOW),
}
#: Whatever can be refused.
ASKED: dict[str, Callable[[], Flow[Any]]] = {
    "the directory": lambda: fetch_directory(f"{CA}/dir"),
    "renewal information": lambda: fetch_renewal_info(DIRECTORY, "aki.serial"),
    "newAccount": lambda: conversation("n", account=None).register((), terms_agreed=True),
    "the account": lambda: conversation("n").update_contact(()),
    "newOrder": lambda: conversation("n").new_order(["a.example"]),
    "an order": lambda: conversation("n").fetch_order(ORDER_URL),
    "an authorization": lambda: conversation("n").fetch_authorization(AUTHORIZATION_URL),
    "a challenge": lambda: conversation("n").answer_challenge(f"{CA}/chall/1"),
    "finalize": lambda: conversation("n").finalize(f"{CA}/finalize/1", ORDER_URL, b"csr"),
    "a certificate": lambda: conversation("n").download(f"{CA}/cert/1"),
}
BOTH_WAYS = pytest.mark.parametrize(
    "wish",
    [
        pytest.param({"retry_after": "90"}, id="seconds"),
        pytest.param(
            {"retry_after": "Tue, 24 Nov 2026 12:01:30 GMT", "date": "Tue, 24 Nov 2026 12:00:00 GMT"},
            id="date",
        ),
    ],
)
WISHED = timedelta(seconds=90)


@BOTH_WAYS
@pytest.mark.parametrize("what", POLLED)
def test_whatever_is_polled_says_when_to_look_again(what: str, wish: dict[str, str]) -> None:
    flow, body = POLLED[what]
    assert told(flow(), body, 200, **wish).retry_after == WISHED


@BOTH_WAYS
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("what", ASKED)
def test_every_refusal_says_when_to_come_back(what: str, status: int, wish: dict[str, str]) -> None:
    kind = {429: "rateLimited", 503: "serverInternal"}[status]
    with pytest.raises(TryLater) as refused:
        converse(ASKED[what](), refusal(kind, status, **wish))
    assert refused.value.retry_after == WISHED


@BOTH_WAYS
def test_a_page_of_something_in_between_says_it_too(wish: dict[str, str]) -> None:
    with pytest.raises(TryLater) as refused:
        converse(conversation("n").new_order(["a.example"]), answer(b"<html>busy</html>", 503, **wish))
    assert refused.value.retry_after == WISHED


@BOTH_WAYS
def test_an_order_that_is_not_ready_is_looked_at_again_when_the_ca_says(wish: dict[str, str]) -> None:
    with pytest.raises(NotYet) as refused:
        converse(ASKED["finalize"](), refusal("orderNotReady", 403, **wish))
    assert refused.value.look_again_in == WISHED


# Links of refusals


@pytest.mark.parametrize(
    ("kind", "status", "relation", "told"),
    [
        ("rateLimited", 429, "help", f"see {CA}/read-me"),
        ("userActionRequired", 403, "terms-of-service", f"the terms of service are at {CA}/read-me"),
    ],
)
def test_a_refusal_is_told_with_the_address_that_its_link_names(
    kind: str, status: int, relation: str, told: str
) -> None:
    """RFC 8555 §6.6 and §7.3.3."""
    link = f'<{CA}/dir>;rel="index", <{CA}/read-me>;rel="{relation}"'
    with pytest.raises(Refused) as refused:
        converse(conversation("n").new_order(["a.example"]), refusal(kind, status, "no more", link=link))
    assert refused.value.message == f"the CA refused: no more; {told}"


def test_the_instance_of_a_problem_is_told_before_the_link_to_the_terms() -> None:
    """RFC 8555 §7.3.3: it is where the user shall go."""
    body = {"type": "urn:ietf:params:acme:error:userActionRequired", "instance": f"{CA}/agree?t=1"}
    refused = Response(
        403, {"link": f'<{CA}/terms>;rel="terms-of-service"', "replay-nonce": "x"}, json.dumps(body).encode()
    )
    with pytest.raises(Refused) as asked_for_person:
        drive(conversation("n").new_order(["a.example"]), lambda _request: refused)
    said = f"see {CA}/agree?t=1; the terms of service are at {CA}/terms"
    assert asked_for_person.value.message.endswith(said)
