"""Conversations with a CA, as tables of what is asked and answered."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from josepy.b64 import b64encode

from certwright.acme.flow import Response
from certwright.acme.flows import (
    MOST_ALTERNATES,
    NONCE_TRIES,
    fetch_directory,
    fetch_renewal_info,
)
from certwright.acme.jws import external_account_binding
from certwright.acme.messages import ChainOffer, Directory, OrderStatus
from certwright.acme.refusals import ProblemKind, Refused
from certwright.acme.wording import NotUnderstood
from certwright.failures import NeedsPerson, TryLater
from certwright.secret_text import SecretText
from tests.acme.conversing import (
    ACCOUNT,
    CA,
    DIRECTORY,
    FRESH_NONCE,
    KEY,
    ORDER,
    answer,
    conversation,
    converse,
    nonces_used,
    opened,
    refusal,
)


def test_the_directory_is_asked_by_a_plain_get_of_exactly_its_address() -> None:
    url = "https://CA.example/dir?action=renew&orderId=%2f1"
    body = {"newNonce": f"{CA}/n", "newAccount": f"{CA}/a", "newOrder": f"{CA}/o"}
    asked, directory = converse(fetch_directory(url), answer(body))
    assert [(request.method, request.url, request.body) for request in asked] == [("GET", url, None)]
    assert asked[0].headers["accept-language"] == "en"
    assert directory.url == url


def test_a_directory_over_http_is_never_asked() -> None:
    with pytest.raises(NeedsPerson, match="https"):
        converse(fetch_directory("http://ca.example/dir"))


@pytest.mark.parametrize("status", [301, 302, 304])
def test_a_redirect_is_not_followed(status: int) -> None:
    with pytest.raises(NotUnderstood, match="redirects"):
        converse(fetch_directory(f"{CA}/dir?secret=1"), answer(None, status, location=f"{CA}/elsewhere"))


def test_the_first_request_fetches_a_nonce_and_later_ones_use_what_came_back() -> None:
    talk = conversation()
    asked, _ = converse(talk.fetch_order(f"{CA}/order/1"), FRESH_NONCE, answer(ORDER, replay_nonce="second"))
    assert [(request.method, request.url) for request in asked] == [
        ("HEAD", f"{CA}/new-nonce"),
        ("POST", f"{CA}/order/1"),
    ]
    asked, _ = converse(talk.fetch_order(f"{CA}/order/1"), answer(ORDER))
    assert nonces_used(asked) == ["second"]


def test_a_stale_nonce_is_retried_with_the_one_just_received() -> None:
    asked, order = converse(
        conversation("newer", "old").fetch_order(f"{CA}/order/1"),
        refusal("badNonce", replay_nonce="fresh"),
        answer(ORDER),
    )
    assert nonces_used(asked) == ["old", "fresh"]
    assert order.status is OrderStatus.PENDING


def test_a_refused_nonce_without_a_new_one_fetches_one() -> None:
    asked, _ = converse(
        conversation("old").fetch_order(f"{CA}/order/1"),
        refusal("badNonce", replay_nonce=""),
        FRESH_NONCE,
        answer(ORDER),
    )
    assert nonces_used(asked) == ["old", "first"]


def test_a_server_that_takes_no_nonce_is_given_up() -> None:
    with pytest.raises(Refused) as given_up:
        converse(
            conversation("old").fetch_order(f"{CA}/order/1"),
            *[refusal("badNonce", replay_nonce="x") for _ in range(NONCE_TRIES)],
        )
    assert given_up.value.kind is ProblemKind.BAD_NONCE
    assert isinstance(given_up.value, TryLater)


def test_the_nonce_of_a_refusal_is_kept() -> None:
    talk = conversation("one")
    with pytest.raises(Refused):
        converse(talk.fetch_order(f"{CA}/order/1"), refusal("malformed", 404, replay_nonce="two"))
    asked, _ = converse(talk.fetch_order(f"{CA}/order/1"), answer(ORDER))
    assert nonces_used(asked) == ["two"]


def test_a_server_without_nonces_is_not_understood() -> None:
    with pytest.raises(NotUnderstood, match="no nonce"):
        converse(conversation().fetch_order(f"{CA}/order/1"), Response(200))


def test_an_account_is_found_by_its_key_alone() -> None:
    talk = conversation("n", account=None)
    asked, account = converse(talk.find_account(), answer({"status": "valid"}, location=ACCOUNT))
    said = opened(asked[0])
    assert said.payload == {"onlyReturnExisting": True}
    assert said.protected["jwk"] == KEY.jwk
    assert "kid" not in said.protected
    assert account is not None
    assert (account.url, account.created, talk.account_url) == (ACCOUNT, False, ACCOUNT)


def test_a_key_that_the_ca_does_not_know_has_no_account() -> None:
    asked, account = converse(conversation("n", account=None).find_account(), refusal("accountDoesNotExist"))
    assert (len(asked), account) == (1, None)


def test_other_refusals_of_a_look_up_are_refusals() -> None:
    with pytest.raises(Refused):
        converse(conversation("n", account=None).find_account(), refusal("unauthorized", 403))


def test_registering_agrees_only_if_a_person_did() -> None:
    talk = conversation("n", account=None)
    contact = ("mailto:a@example.org",)
    asked, account = converse(talk.register(contact, terms_agreed=True), answer({}, 201, location=ACCOUNT))
    assert opened(asked[0]).payload == {"contact": ["mailto:a@example.org"], "termsOfServiceAgreed": True}
    assert account.created
    asked, account = converse(talk.register((), terms_agreed=False), answer({}, 200, location=ACCOUNT))
    assert opened(asked[0]).payload == {}
    assert not account.created


def test_registering_sends_the_external_account_binding() -> None:
    binding = external_account_binding("kid", SecretText("c2VjcmV0"), KEY, DIRECTORY.new_account)
    talk = conversation("n", account=None)
    asked, _ = converse(talk.register((), terms_agreed=True, eab=binding), answer({}, 201, location=ACCOUNT))
    assert opened(asked[0]).payload["externalAccountBinding"] == binding


@pytest.mark.parametrize("kind", ["unauthorized", "malformed", "externalAccountRequired"])
def test_a_refused_external_account_binding_needs_a_person(kind: str) -> None:
    binding = external_account_binding("kid", SecretText("c2VjcmV0"), KEY, DIRECTORY.new_account)
    with pytest.raises(NeedsPerson) as refused:
        converse(
            conversation("n", account=None).register((), terms_agreed=True, eab=binding),
            refusal(kind, 403, "unknown key id"),
        )
    assert refused.value.reason == "ExternalAccountRequired"
    assert "unknown key id" in refused.value.message


@pytest.mark.parametrize(
    ("taken", "reason"),
    [
        (["ES256", "RS256"], "ExternalAccountRequired"),
        (["RS256"], "AccountKeyInvalid"),
        ([], "AccountKeyInvalid"),
    ],
)
def test_an_algorithm_is_the_bindings_where_the_ca_takes_that_of_the_key(
    taken: list[str], reason: str
) -> None:
    binding = external_account_binding("kid", SecretText("c2VjcmV0"), KEY, DIRECTORY.new_account, "HS512")
    document = {"type": "urn:ietf:params:acme:error:badSignatureAlgorithm", "algorithms": taken}
    with pytest.raises(NeedsPerson) as refused:
        converse(
            conversation("n", account=None).register((), terms_agreed=True, eab=binding),
            answer(document, 400),
        )
    assert refused.value.reason == reason


@pytest.mark.parametrize("location", ["", "/relative", "account/1"])
def test_an_account_without_an_address_is_not_understood(location: str) -> None:
    with pytest.raises(NotUnderstood, match="account"):
        converse(conversation("n", account=None).find_account(), answer({}, location=location))


def test_an_account_at_an_http_address_needs_a_person() -> None:
    with pytest.raises(NeedsPerson, match="http://"):
        converse(conversation("n", account=None).find_account(), answer({}, location="http://ca.example/1"))


def test_contacts_are_replaced_at_the_account() -> None:
    asked, account = converse(
        conversation("n").update_contact(["mailto:b@example.org"]), answer({"contact": []})
    )
    assert (asked[0].url, opened(asked[0]).payload) == (ACCOUNT, {"contact": ["mailto:b@example.org"]})
    assert account.contact == ()


def test_an_order_asks_each_name_once_in_order_and_in_lower_case() -> None:
    asked, order = converse(
        conversation("n").new_order(["b.example", "*.A.example", "B.example"]),
        answer(ORDER, 201, location=f"{CA}/order/1"),
    )
    said = opened(asked[0])
    assert said.payload == {
        "identifiers": [{"type": "dns", "value": "*.a.example"}, {"type": "dns", "value": "b.example"}]
    }
    assert said.protected["kid"] == ACCOUNT
    assert said.protected["url"] == asked[0].url == f"{CA}/new-order"
    assert asked[0].headers["content-type"] == "application/jose+json"
    assert order.url == f"{CA}/order/1"


def test_an_order_names_its_predecessor_only_where_the_ca_keeps_track() -> None:
    created = answer(ORDER, 201, location=f"{CA}/order/1")
    asked, _ = converse(conversation("n").new_order(["a.example"], replaces="aki.serial"), created)
    assert opened(asked[0]).payload["replaces"] == "aki.serial"
    plain = Directory(f"{CA}/dir", f"{CA}/n", f"{CA}/a", f"{CA}/o")
    asked, _ = converse(conversation("n", directory=plain).new_order(["a.example"], replaces="x.y"), created)
    assert "replaces" not in opened(asked[0]).payload


def test_a_predecessor_that_was_replaced_already_can_be_told_apart() -> None:
    with pytest.raises(Refused) as refused:
        converse(conversation("n").new_order(["a.example"], replaces="x.y"), refusal("alreadyReplaced", 409))
    assert (refused.value.kind, refused.value.status) == (ProblemKind.ALREADY_REPLACED, 409)


@pytest.mark.parametrize(
    ("flow", "body"),
    [
        (conversation("n").fetch_order(f"{CA}/order/1"), ORDER),
        (
            conversation("n").fetch_authorization(f"{CA}/x"),
            {"identifier": {"type": "dns", "value": "a.example"}},
        ),
    ],
)
def test_what_is_fetched_is_fetched_by_an_empty_post(flow: object, body: object) -> None:
    asked, _ = converse(flow, answer(body))  # type: ignore[arg-type]  # a table of flows of different results
    assert opened(asked[0]).payload is None


def test_a_challenge_is_answered_with_an_empty_object() -> None:
    body = {"type": "dns-01", "url": f"{CA}/chall/1", "status": "processing", "token": "t"}
    asked, challenge = converse(conversation("n").answer_challenge(f"{CA}/chall/1"), answer(body))
    assert (opened(asked[0]).payload, challenge.status.value) == ({}, "processing")


@pytest.mark.parametrize("body", [{"status": "deactivated"}, {}, None])
def test_an_authorization_is_given_up_by_its_new_status_whatever_is_answered(body: object) -> None:
    asked, _ = converse(conversation("n").deactivate_authorization(f"{CA}/authz/1"), answer(body))
    assert (asked[0].url, opened(asked[0]).payload) == (f"{CA}/authz/1", {"status": "deactivated"})


def test_finalizing_sends_the_request_and_keeps_the_orders_address() -> None:
    asked, order = converse(
        conversation("n").finalize(f"{CA}/finalize/1", f"{CA}/order/1", b"\x30\x00"),
        answer({**ORDER, "status": "processing"}, retry_after="3"),
    )
    assert opened(asked[0]).payload == {"csr": b64encode(b"\x30\x00").decode()}
    assert (asked[0].url, order.url) == (f"{CA}/finalize/1", f"{CA}/order/1")
    assert order.status is OrderStatus.PROCESSING


def test_a_chain_is_asked_for_by_its_type_and_returned_as_it_came() -> None:
    asked, chain = converse(conversation("n").download(f"{CA}/cert/1"), answer(b"-----BEGIN..."))
    assert asked[0].headers["accept"] == "application/pem-certificate-chain"
    assert chain == "-----BEGIN..."


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"-----BEGIN EC PRIVATE KEY-----", "private key"),
        (b"x" * 102_401, "longer than 100 KiB"),
        (b"\xff\xfe", "no PEM"),
    ],
)
def test_a_download_that_is_no_chain_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(TryLater, match=why) as refused:
        converse(conversation("n").download(f"{CA}/cert/1"), answer(body))
    assert refused.value.reason == "UnusableCertificate"


@pytest.mark.parametrize(
    ("link", "alternates"),
    [
        ("", ()),
        (f'<{CA}/cert/1/1>;rel="alternate"', (f"{CA}/cert/1/1",)),
        (f'<{CA}/a>;rel="alternate", <{CA}/dir>;rel="index", <{CA}/b>;rel=alternate', (f"{CA}/a", f"{CA}/b")),
        (f'<{CA}/a>;rel="alternate", <{CA}/a>;rel="alternate"', (f"{CA}/a",)),
        (f'<{CA}/cert/1>;rel="alternate"', ()),
        ('</cert/1/2>;rel="alternate", <3>;rel="alternate"', (f"{CA}/cert/1/2", f"{CA}/cert/3")),
        (f'<http://ca.example/a>;rel="alternate", <{CA}/b>;rel="alternate"', (f"{CA}/b",)),
        ('<https://[a>;rel="alternate"', ()),
        (f'<{CA}/up>;rel="up"', ()),
    ],
)
def test_other_chains_are_where_the_links_say(link: str, alternates: tuple[str, ...]) -> None:
    _, offer = converse(conversation("n").chain_offer(f"{CA}/cert/1"), answer(b"-----BEGIN...", link=link))
    assert offer == ChainOffer("-----BEGIN...", alternates)


def test_no_more_alternates_are_believed_than_a_ca_can_have_roots() -> None:
    link = ", ".join(f'<{CA}/cert/{each}>;rel="alternate"' for each in range(1000))
    _, offer = converse(conversation("n").chain_offer(f"{CA}/cert/1"), answer(b"", link=link))
    assert len(offer.alternates) == MOST_ALTERNATES


def test_an_order_asks_for_profile_and_end_only_where_they_are_wanted() -> None:
    created = answer(ORDER, 201, location=f"{CA}/order/1")
    end = datetime(2026, 11, 24, 14, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    asked, _ = converse(conversation("n").new_order(["a.example"], profile="short", not_after=end), created)
    told = opened(asked[0]).payload
    assert (told["profile"], told["notAfter"]) == ("short", "2026-11-24T12:00:00Z")
    asked, _ = converse(conversation("n").new_order(["a.example"]), created)
    assert set(opened(asked[0]).payload) == {"identifiers"}


@pytest.mark.parametrize("base", [f"{CA}/renewal-info", f"{CA}/renewal-info/"])
def test_renewal_information_is_asked_without_a_signature(base: str) -> None:
    directory = Directory(f"{CA}/dir", f"{CA}/n", f"{CA}/a", f"{CA}/o", renewal_info=base)
    body = {"suggestedWindow": {"start": "2026-11-24T12:00:00Z", "end": "2026-11-25T12:00:00Z"}}
    asked, _ = converse(fetch_renewal_info(directory, "aki.serial"), answer(body))
    assert [(each.method, each.url, each.body) for each in asked] == [
        ("GET", f"{CA}/renewal-info/aki.serial", None)
    ]


def test_a_ca_without_renewal_information_is_not_asked() -> None:
    directory = Directory(f"{CA}/dir", f"{CA}/n", f"{CA}/a", f"{CA}/o")
    with pytest.raises(NotUnderstood, match="no renewal information"):
        converse(fetch_renewal_info(directory, "aki.serial"))


def test_nothing_is_signed_for_an_http_address() -> None:
    with pytest.raises(NeedsPerson, match="http://"):
        converse(conversation("n").fetch_order("http://ca.example/order/1"))


def test_an_account_that_is_not_there_yet_signs_nothing() -> None:
    with pytest.raises(NeedsPerson, match="no account"):
        converse(conversation("n", account=None).fetch_order(f"{CA}/order/1"))


def test_a_throttle_says_when_to_come_back() -> None:
    with pytest.raises(Refused) as refused:
        converse(conversation("n").new_order(["a.example"]), refusal("rateLimited", 429, retry_after="60"))
    assert isinstance(refused.value, TryLater)
    assert refused.value.retry_after is not None
    assert refused.value.retry_after.total_seconds() == 60
