"""What every request has in common (RFC 8555 §6.1 to §6.4), over all flows and in a whole conversation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from certwright.acme.flow import Flow, Request, drive
from certwright.acme.flows import Conversation, fetch_directory, fetch_renewal_info
from certwright.acme.jws import external_account_binding
from certwright.acme.messages import OrderStatus
from certwright.acme.nonces import NoncePool
from certwright.failures import Setback
from certwright.pki import keys
from certwright.pki.csr import csr_der
from certwright.secret_text import SecretText
from tests.acme.conversing import (
    ACCOUNT,
    CA,
    FRESH_NONCE,
    KEY,
    ORDER,
    answer,
    conversation,
    converse,
    opened,
    standing,
)
from tests.acme.hostility import FLOWS
from tests.kit import fake_ca_jws
from tests.kit.fake_ca import FakeCa

if TYPE_CHECKING:
    from certwright.acme.flow import Response

#: Asked without a signature: RFC 8555 §6.3 and RFC 9773 §4.1.
PLAIN = ("fetch_directory", "fetch_renewal_info")
#: Only where the account's URL is not known yet (RFC 8555 §6.2).
BY_KEY = {"find_account", "register"}
SIGNED = sorted(set(FLOWS) - set(PLAIN))


def asked_by(name: str) -> list[Request]:
    """All requests of a flow, each answered with a fresh nonce and nothing else."""
    asked: list[Request] = []

    def carry(request: Request, /) -> Response:
        asked.append(request)
        return FRESH_NONCE

    try:
        drive(FLOWS[name](), carry)
    except Setback:
        assert asked, "only the answer is not understood"
    return asked


@pytest.mark.parametrize("name", FLOWS)
def test_every_request_says_which_language_we_read(name: str) -> None:
    """RFC 8555 §6.1."""
    assert {request.headers["accept-language"] for request in asked_by(name)} == {"en"}


@pytest.mark.parametrize("name", PLAIN)
def test_only_directory_and_renewal_information_are_asked_without_a_signature(name: str) -> None:
    assert [(request.method, request.body) for request in asked_by(name)] == [("GET", None)]


@pytest.mark.parametrize("name", SIGNED)
def test_everything_else_is_a_flattened_jws_for_its_own_address(name: str) -> None:
    """RFC 8555 §6.2: alg, nonce and url, exactly one of jwk and kid, and nothing that is not protected."""
    head, post = asked_by(name)
    assert (head.method, head.body) == ("HEAD", None)
    assert (post.method, post.headers["content-type"]) == ("POST", "application/jose+json")
    protected = opened(post).protected
    named = {"jwk": KEY.jwk} if name in BY_KEY else {"kid": ACCOUNT}
    assert protected == {"alg": "ES256", "nonce": "first", "url": post.url, **named}
    assert post.body is not None
    jws = fake_ca_jws.take_apart(post.body)
    assert jws is not None
    fake_ca_jws.verify(jws, KEY.jwk, ("ES256",))


@pytest.mark.parametrize("name", ["fetch_order", "fetch_authorization", "download"])
def test_whatever_is_only_read_is_asked_for_with_nothing_as_payload(name: str) -> None:
    """RFC 8555 §6.3: a zero-length octet string, which is not `{}`."""
    (_, post) = asked_by(name)
    assert post.body is not None
    jws = fake_ca_jws.take_apart(post.body)
    assert jws is not None
    assert jws.payload == b""


def test_a_challenge_is_answered_with_an_object_that_is_not_nothing() -> None:
    (_, post) = asked_by("answer_challenge")
    assert opened(post).payload == {}


@pytest.mark.parametrize(
    "url",
    [
        f"{CA}/order/1?orderId=1&action=renew",
        "https://CA.Example/Order/1",
        "https://ca.example:443/order/1",
        f"{CA}/a/../b//c;d?x=%2f~%7E&&",
    ],
)
def test_an_address_is_signed_and_asked_byte_for_byte(url: str) -> None:
    """RFC 8555 §6.4: the CA compares both as strings."""
    asked, order = converse(conversation("n").fetch_order(url), answer(ORDER))
    assert asked[0].url == opened(asked[0]).protected["url"] == order.url == url


class Place:
    """A CA at an odd address, which compares addresses as strings, and a conversation with it."""

    def __init__(self, base: str, query: str, **policy: Any) -> None:
        self.ca = FakeCa(lambda: datetime(2027, 1, 1, tzinfo=UTC), base=base, query=query, **policy)
        self.directory = self.ask(fetch_directory(self.ca.directory_url))
        self.talk = Conversation(self.directory, NoncePool(standing), KEY)

    def ask(self, flow: Flow[Any]) -> Any:
        return drive(flow, self.ca)

    def obtain(self, name: str) -> str:
        """A chain, in the shortest conversation that there is."""
        order = self.ask(self.talk.new_order([name]))
        for url in order.authorizations:
            found = self.ask(self.talk.fetch_authorization(url))
            self.ask(self.talk.answer_challenge(found.challenges[0].url))
        self.ask(self.talk.finalize(order.finalize, order.url, csr_der(keys.generate_key("ECDSA"), [name])))
        done = self.ask(self.talk.fetch_order(order.url))
        assert done.status is OrderStatus.VALID
        chain: str = self.ask(self.talk.download(done.certificate))
        return chain


@pytest.mark.parametrize(
    ("base", "query"),
    [
        (CA, "?action=renew&orderId=555345678"),
        (CA, "?action=duplicate&orderId=1&x=%2f%2F&&"),
        ("https://CA.Example:8443", ""),
        ("https://ACME.ca.example", "?Case=Kept"),
    ],
)
def test_a_whole_conversation_at_an_odd_address(base: str, query: str) -> None:
    place = Place(base, query, bindings={"kid-1": b"secret"})
    binding = external_account_binding("kid-1", SecretText("c2VjcmV0"), KEY, place.directory.new_account)
    account = place.ask(place.talk.register((), terms_agreed=True, eab=binding))
    assert (account.created, account.url) == (True, f"{base}/my-account/1{query}")
    assert place.obtain("a.example").startswith("-----BEGIN CERTIFICATE-----")
    assert {each.status for each in place.ca.seen} == {200, 201}
    advice = place.ask(fetch_renewal_info(place.directory, place.ca.renewal_id("1")))
    assert advice.start < advice.end


def test_a_ca_that_compares_addresses_would_have_refused_another() -> None:
    place = Place("https://CA.Example", "?orderId=1")
    place.ask(place.talk.register((), terms_agreed=True))
    lower = place.directory.new_order.replace("CA.Example", "ca.example")
    signed = KEY.sign(b"{}", lower, place.ask(place.talk._fresh_nonce()), place.talk.account_url)
    url, headers = place.directory.new_order, {"content-type": "application/jose+json"}
    assert place.ca(Request("POST", url, headers, signed)).status == 400
