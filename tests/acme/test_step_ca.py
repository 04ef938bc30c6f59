"""What step-ca does otherwise than Pebble, as a real one does it: our fakes of such a CA are made after this."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import dns.query
import dns.tsigkeyring
import dns.update
import pytest

from certwright.acme.jws import AccountKey, generate_account_key
from certwright.acme.messages import AuthorizationStatus, ChallengeStatus, OrderStatus
from certwright.acme.refusals import ProblemKind, Refused
from certwright.solver.proofs import dns01_value
from tests.acme.client import Client, connected
from tests.kit.nameserver import start_nameserver
from tests.kit.ports import LOOPBACK, free_port
from tests.kit.step_ca import USUAL_LIFE, StepCa

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certwright.acme.messages import Authorization, Challenge, Order
    from tests.kit.nameserver import NameServer

pytestmark = pytest.mark.servers

ZONE = "example.test"


@dataclass
class Door:
    """One of its addresses."""

    directory_url: str
    ca_pem: str


class WrongAnswers(BaseHTTPRequestHandler):
    """Somebody else's web server, which has an answer to everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def nameserver() -> Iterator[NameServer]:
    server = start_nameserver([ZONE])
    yield server
    server.stop()


@pytest.fixture(scope="module")
def step_ca(nameserver: NameServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StepCa]:
    web = HTTPServer((LOOPBACK, free_port()), WrongAnswers)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    with StepCa.start(
        tmp_path_factory.mktemp("step-ca"),
        resolver=f"{nameserver.host}:{nameserver.port}",
        http_port=web.server_port,
        lifetimes={"acme": USUAL_LIFE},
    ) as running:
        yield running
    web.shutdown()
    web.server_close()


@pytest.fixture
def key() -> AccountKey:
    return AccountKey.from_pem(generate_account_key())


@pytest.fixture
def client(step_ca: StepCa, key: AccountKey) -> Iterator[Client]:
    client = connected(Door(step_ca.directory_url("acme"), step_ca.root_pem), key)
    client.ask(client.talk.register(("mailto:a@example.org",), terms_agreed=False))
    yield client
    client.transport.close()


def ordered(client: Client, name: str, kind: str) -> tuple[Order, Authorization, Challenge]:
    """A new order for one name, and its challenge of one type."""
    order = client.ask(client.talk.new_order([name]))
    authorization = client.ask(client.talk.fetch_authorization(order.authorizations[0]))
    return order, authorization, next(each for each in authorization.challenges if each.type == kind)


def test_the_directory_promises_neither_advice_nor_profiles(client: Client) -> None:
    found = client.directory
    assert (found.renewal_info, found.profiles, found.terms_of_service) == (None, None, None)


def test_a_proof_that_was_not_found_stays_pending_with_an_error_and_may_be_shown_again(
    client: Client, nameserver: NameServer, key: AccountKey
) -> None:
    name = f"late.{ZONE}"
    order, authorization, challenge = ordered(client, name, "dns-01")
    answer = client.ask(client.talk.answer_challenge(challenge.url))
    assert answer.status is ChallengeStatus.PENDING
    assert answer.error is not None
    assert ProblemKind(answer.error.type) is ProblemKind.DNS
    assert (
        client.ask(client.talk.fetch_authorization(authorization.url)).status is AuthorizationStatus.PENDING
    )
    assert client.ask(client.talk.fetch_order(order.url)).status is OrderStatus.PENDING

    value = dns01_value(key.key_authorization(challenge.token))
    keyring = dns.tsigkeyring.from_text({nameserver.tsig_name: nameserver.tsig_secret})
    update = dns.update.UpdateMessage(ZONE, keyring=keyring)
    update.add(f"_acme-challenge.{name}.", 60, "TXT", value)
    dns.query.tcp(update, nameserver.host, port=nameserver.port)
    assert client.ask(client.talk.answer_challenge(challenge.url)).status is ChallengeStatus.VALID
    assert client.ask(client.talk.fetch_order(order.url)).status is OrderStatus.READY


def test_a_wrong_file_makes_the_challenge_invalid_and_nothing_else(client: Client) -> None:
    order, authorization, challenge = ordered(client, f"wrong.{ZONE}", "http-01")
    answer = client.ask(client.talk.answer_challenge(challenge.url))
    assert answer.status is ChallengeStatus.INVALID
    assert answer.error is not None
    assert ProblemKind(answer.error.type) is ProblemKind.REJECTED_IDENTIFIER
    assert (
        client.ask(client.talk.fetch_authorization(authorization.url)).status is AuthorizationStatus.PENDING
    )
    assert client.ask(client.talk.fetch_order(order.url)).status is OrderStatus.PENDING


def test_an_order_that_it_does_not_have_is_malformed(client: Client) -> None:
    order, _, _ = ordered(client, f"other.{ZONE}", "dns-01")
    with pytest.raises(Refused) as refused:
        client.ask(client.talk.fetch_order(f"{order.url}x"))
    assert (refused.value.kind, refused.value.status) == (ProblemKind.MALFORMED, 400)


@pytest.mark.usefixtures("client")
def test_an_account_belongs_to_the_host_name_by_which_it_was_opened(step_ca: StepCa, key: AccountKey) -> None:
    """It is found under another, and may do nothing there: why crds/issuer.md asks for a new key."""
    elsewhere = step_ca.directory_url("acme").replace(LOOPBACK, "localhost")
    moved = connected(Door(elsewhere, step_ca.root_pem), key)
    found = moved.ask(moved.talk.find_account())
    assert found is not None
    assert "localhost" in found.url
    with pytest.raises(Refused) as refused:
        moved.ask(moved.talk.new_order([f"moved.{ZONE}"]))
    assert refused.value.kind is ProblemKind.UNAUTHORIZED
    moved.transport.close()
