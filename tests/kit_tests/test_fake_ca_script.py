"""What the fake CA does that Pebble never does: by script, by policy, and by a clock moved by hand."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from certwright.acme.flow import Flow, Request, drive
from certwright.acme.flows import Conversation, fetch_directory, fetch_renewal_info
from certwright.acme.jws import AccountKey, generate_account_key
from certwright.acme.messages import AuthorizationStatus, Order, OrderStatus
from certwright.acme.nonces import NoncePool
from certwright.acme.refusals import ProblemKind, Refused
from certwright.acme.transport import HttpTransport
from certwright.acme.wording import NotUnderstood
from certwright.failures import TryLater
from certwright.pki import keys
from certwright.pki.csr import csr_der
from tests.kit.fake_ca import FakeCa
from tests.kit.fake_ca_faults import Altered, CutShort, Drip, Endless, gzip_bomb, half, page, problem
from tests.kit.fake_ca_policy import FOR_EVER, Proof
from tests.kit.fake_ca_server import FakeCaServer
from tests.kit.faults import Delay, DropAnswer, Hang, Reset, acme

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.fake_ca_faults import CaFault

NAME = "www.example.org"
DAY = timedelta(days=1)


@dataclass
class Talk:
    """One account at a fake CA, in process, with a clock that stands still."""

    now: datetime = datetime(2027, 1, 1, tzinfo=UTC)
    policy: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ca = FakeCa(lambda: self.now, pause=self.move, **self.policy)
        self.directory = self.ask(fetch_directory(self.ca.directory_url))
        self.talk = Conversation(
            self.directory, NoncePool(time.monotonic), AccountKey.from_pem(generate_account_key())
        )
        self.ask(self.talk.register((), terms_agreed=True))

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def ask(self, flow: Flow[Any]) -> Any:
        return drive(flow, self.ca)

    def order(self, *names: str) -> Order:
        order: Order = self.ask(self.talk.new_order(names or (NAME,)))
        return order

    def answer(self, order: Order) -> None:
        for url in order.authorizations:
            proof = self.ask(self.talk.fetch_authorization(url))
            self.ask(self.talk.answer_challenge(proof.challenges[-1].url))

    def seen(self, order: Order) -> Order:
        seen: Order = self.ask(self.talk.fetch_order(order.url))
        return seen

    def finalize(self, order: Order, *names: str) -> Order:
        csr = csr_der(keys.generate_key("ECDSA"), names or (NAME,))
        done: Order = self.ask(self.talk.finalize(order.finalize, order.url, csr))
        return done


def test_a_rule_strikes_the_requests_that_it_means_and_no_others() -> None:
    talk = Talk()
    talk.ca.rule(acme("new-order"), problem("rateLimited", 429, retry_after="1800"), skip=1, times=1)
    placed = talk.order()
    with pytest.raises(Refused) as refused:
        talk.order()
    assert (refused.value.kind, refused.value.status) == (ProblemKind.RATE_LIMITED, 429)
    assert talk.order().url != placed.url
    assert (talk.ca.count("new-order"), len(talk.ca.orders)) == (3, 2)


def test_a_script_may_refuse_a_nonce_and_give_the_next() -> None:
    talk = Talk()
    talk.ca.rule(acme("new-order"), problem("badNonce", 400), times=3)
    assert talk.order().status is OrderStatus.PENDING
    assert talk.ca.count("new-order") == 4
    assert [each.kind for each in talk.ca.seen].count("new-nonce") == 1


def test_an_answer_may_lack_its_nonce() -> None:
    talk = Talk()
    talk.ca.rule(acme("new-order"), Altered({"replay-nonce": ""}), times=1)
    message = talk.talk._key.sign(b"{}", talk.directory.new_order, talk.ask(talk.talk._fresh_nonce()), None)
    asked = Request("POST", talk.directory.new_order, {"content-type": "application/jose+json"}, message)
    assert ["replay-nonce" in talk.ca(asked).headers for _ in range(2)] == [False, True]


def test_every_request_is_on_record() -> None:
    talk = Talk()
    talk.order()
    directory, nonce, account, order = talk.ca.seen
    assert [each.kind for each in talk.ca.seen] == ["directory", "new-nonce", "new-account", "new-order"]
    assert (directory.method, nonce.method) == ("GET", "HEAD")
    assert (account.header["alg"], "jwk" in account.header, order.header["kid"]) == (
        "ES256",
        True,
        talk.talk.account_url,
    )
    assert (order.at, order.payload["identifiers"][0]["value"]) == (talk.now, NAME)


@pytest.mark.parametrize(
    ("fault", "acted", "why"),
    [
        (Reset(), False, "connection was lost"),
        (Hang(), False, "did not answer in time"),
        (DropAnswer(), True, "connection was lost"),
        (DropAnswer(silent=True), True, "did not answer in time"),
        (CutShort(), True, "connection was lost"),
        (page(502), False, "502"),
        (Altered(change=half), True, "answer"),
        (Altered(change=lambda body: b"[" + body + b"]"), True, "answer"),
        (Altered({"location": ""}), True, "order"),
    ],
)
def test_a_fault_tells_whether_the_ca_acted(fault: CaFault, acted: bool, why: str) -> None:  # noqa: FBT001
    talk = Talk()
    talk.ca.rule(acme("new-order"), fault, times=1)
    with pytest.raises(TryLater, match=why):
        talk.order()
    assert len(talk.ca.orders) == acted
    assert talk.order().url.endswith("/2" if acted else "/1")


def test_a_delay_moves_the_clock_and_no_test_waits() -> None:
    talk = Talk()
    before = talk.now
    with talk.ca.rule(acme("new-order"), Delay(9, 9)):
        talk.order()
    assert talk.now - before == timedelta(seconds=9)


def test_an_order_waits_wherever_the_policy_says_so() -> None:
    minute = timedelta(minutes=1)
    talk = Talk(policy={"validating": minute, "readying": minute, "signing": 2 * DAY, "retry_after": "30"})
    order = talk.order()
    talk.answer(order)
    proof = talk.ask(talk.talk.fetch_authorization(order.authorizations[0]))
    assert (proof.status, proof.retry_after) == (AuthorizationStatus.PENDING, timedelta(seconds=30))
    assert proof.challenges[-1].status.value == "processing"
    statuses = []
    for _ in range(2):
        talk.move(60)
        statuses.append(talk.seen(order).status.value)
    assert statuses == ["pending", "ready"]
    assert talk.finalize(order).status is OrderStatus.PROCESSING
    talk.now += DAY
    assert talk.seen(order).status is OrderStatus.PROCESSING
    talk.now += DAY
    done = talk.seen(order)
    assert done.status is OrderStatus.VALID
    assert "BEGIN CERTIFICATE" in talk.ask(talk.talk.download(done.certificate or ""))


def test_a_challenge_may_stay_in_processing_for_ever() -> None:
    talk = Talk(policy={"validating": FOR_EVER, "order_life": None})
    order = talk.order()
    talk.answer(order)
    talk.now += 1000 * DAY
    assert (talk.seen(order).status, order.expires) == (OrderStatus.PENDING, None)


def test_a_judge_sees_what_the_client_has_to_show() -> None:
    shown: list[Proof] = []

    def judge(proof: Proof) -> dict[str, Any]:
        shown.append(proof)
        return {"type": "urn:ietf:params:acme:error:caa", "detail": "forbidden"}

    talk = Talk(policy={"judge": judge})
    order = talk.order("*.example.org")
    talk.answer(order)
    proof = talk.ask(talk.talk.fetch_authorization(order.authorizations[0]))
    assert (proof.challenges[0].error.type, talk.seen(order).status) == ("caa", OrderStatus.INVALID)
    expected = talk.talk._key.key_authorization(proof.challenges[0].token)
    assert shown == [Proof("*.example.org", "dns-01", expected)]


def test_a_prevalidated_name_has_no_challenges_and_a_known_one_is_not_asked_again() -> None:
    talk = Talk(policy={"prevalidated": {NAME}, "reuse_percent": 100})
    order = talk.order()
    proof = talk.ask(talk.talk.fetch_authorization(order.authorizations[0]))
    assert (order.status, proof.status, proof.challenges) == (
        OrderStatus.READY,
        AuthorizationStatus.VALID,
        (),
    )
    first = talk.order("a.example.org")
    talk.answer(first)
    again = talk.order("a.example.org")
    assert (again.status, again.authorizations) == (OrderStatus.READY, first.authorizations)


def test_a_name_may_stay_idle_while_others_are_judged() -> None:
    talk = Talk(policy={"idle": {"a.example.org"}})
    order = talk.order("a.example.org", NAME)
    talk.answer(order)
    talk.now += DAY
    assert talk.seen(order).status is OrderStatus.PENDING
    assert [each.status for each in talk.ca.authorizations.values()] == ["pending", "valid"]
    talk.ca.idle.clear()
    assert talk.seen(order).status is OrderStatus.READY


def test_an_authorization_may_be_settled_by_hand_and_unsettled_again() -> None:
    talk = Talk()
    order = talk.order("a.example.org", NAME)
    talk.ca.settle("1-0", "valid")
    proof = talk.ask(talk.talk.fetch_authorization(order.authorizations[0]))
    assert (proof.status, proof.challenges) == (AuthorizationStatus.VALID, ())
    talk.ca.settle("1-0", "pending")
    talk.answer(order)
    assert talk.seen(order).status is OrderStatus.READY
    other = talk.order()
    talk.ca.settle("2-0", "valid")
    assert talk.seen(other).status is OrderStatus.READY


def test_an_open_order_is_handed_out_again_as_boulder_does() -> None:
    talk = Talk(policy={"reuses_orders": True})
    first = talk.order("b.example.org", "a.example.org")
    assert talk.order("a.example.org", "b.example.org").url == first.url
    assert talk.order("a.example.org").url != first.url
    talk.answer(first)
    assert talk.order("b.example.org", "a.example.org").status is OrderStatus.READY
    talk.finalize(first, "a.example.org", "b.example.org")
    assert talk.order("b.example.org", "a.example.org").url != first.url


def test_an_order_that_expired_is_not_known_any_more() -> None:
    talk = Talk()
    order = talk.order()
    assert order.expires == talk.now + 7 * DAY
    talk.now += 7 * DAY
    with pytest.raises(Refused) as refused:
        talk.seen(order)
    assert refused.value.status == 404


def test_a_nonce_may_age() -> None:
    talk = Talk(policy={"nonce_life": timedelta(hours=1)})
    talk.now += timedelta(hours=2)
    talk.order()
    assert talk.ca.count("new-order") == 2


def test_names_may_be_shown_in_another_order_and_case() -> None:
    talk = Talk(policy={"shows": lambda names: [name.upper() for name in reversed(names)]})
    order = talk.order("a.example.org", "b.example.org")
    talk.answer(order)
    assert talk.finalize(order, "a.example.org", "b.example.org").status is OrderStatus.VALID
    kept: list[bytes] = []

    def keep(body: bytes) -> bytes:
        kept.append(body)
        return body

    talk.ca.rule(acme("order"), Altered(change=keep))
    talk.seen(order)
    told = json.loads(kept[0])["identifiers"]
    assert [each["value"] for each in told] == ["B.EXAMPLE.ORG", "A.EXAMPLE.ORG"]


def test_addresses_may_have_a_query() -> None:
    talk = Talk(policy={"query": "?orderId=1&x=%2F"})
    order = talk.order()
    talk.answer(order)
    assert talk.finalize(order).status is OrderStatus.VALID
    assert order.url == "https://ca.example/my-order/1?orderId=1&x=%2F"


def test_a_certificate_may_keep_its_signer_to_itself_and_has_no_id_then() -> None:
    talk = Talk(policy={"names_signer": False})
    for names_signer in (False, True):
        talk.ca.names_signer = names_signer
        order = talk.order()
        talk.answer(order)
        talk.finalize(order)
    assert (talk.ca.renewal_id("1"), bool(talk.ca.renewal_id("2"))) == ("", True)
    assert talk.ask(fetch_renewal_info(talk.directory, talk.ca.renewal_id("2"))).start > talk.now


@pytest.mark.parametrize("window", [("2027-03-02T00:00:00Z", "2027-03-01T00:00:00Z"), ("soon", "later")])
def test_renewal_advice_may_be_absurd(window: tuple[str, str]) -> None:
    talk = Talk()
    order = talk.order()
    talk.answer(order)
    talk.finalize(order)
    usual = talk.ask(fetch_renewal_info(talk.directory, talk.ca.renewal_id("1")))
    assert usual.start == talk.now - timedelta(hours=1) + 60 * DAY
    talk.ca.window = window
    with pytest.raises(NotUnderstood, match="window"):
        talk.ask(fetch_renewal_info(talk.directory, talk.ca.renewal_id("1")))


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Reset(), "connection was lost"),
        (DropAnswer(), "connection was lost"),
        (CutShort(), "connection was lost"),
        (Hang(), "did not answer in time"),
        (Drip(0.01), "did not answer in time"),
        (Endless(), "longer than"),
        (gzip_bomb(10**7), "longer than"),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_over_sockets_a_fault_is_what_it_looks_like(fault: CaFault, why: str, tmp_path: Path) -> None:
    ca = FakeCa(lambda: datetime.now(UTC))
    with FakeCaServer.start(tmp_path, ca) as server:
        transport = HttpTransport(
            server.ca_pem.encode(),
            user_agent="t",
            permitted=(ip_network("127.0.0.0/8"),),
            read_timeout=0.3,
            deadline=0.5,
        )
        asked = Request("GET", server.directory_url)
        with ca.rule(acme("directory"), fault), pytest.raises(TryLater, match=why):
            transport(asked)
        assert transport(asked).status == 200
        transport.close()
    assert [each.kind for each in ca.seen] == ["directory", "directory"]
