"""One account at one CA on loopback, with the operator's own flows and transport."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from certwright.acme.flow import Flow, drive
from certwright.acme.flows import Conversation, fetch_directory
from certwright.acme.jws import AccountKey, generate_account_key
from certwright.acme.messages import AuthorizationStatus, Order, OrderStatus
from certwright.acme.nonces import NoncePool
from certwright.acme.transport import HttpTransport
from certwright.pki import keys
from certwright.pki.chain import VerifiedChain, verify_answer
from certwright.pki.csr import csr_der
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from certwright.acme.messages import Directory

T = TypeVar("T")


class Server(Protocol):
    """Pebble, or the fake CA's server."""

    directory_url: str
    ca_pem: str


class Client(NamedTuple):
    """One account at one CA."""

    talk: Conversation
    transport: HttpTransport
    directory: Directory

    def ask(self, flow: Flow[T]) -> T:
        return drive(flow, self.transport)

    def place(self, *names: str, replaces: str | None = None) -> Order:
        """An order that is ready to be finalized."""
        order = self.ask(self.talk.new_order(names, replaces=replaces))
        for url in order.authorizations:
            found = self.ask(self.talk.fetch_authorization(url))
            if found.status is AuthorizationStatus.PENDING:
                challenge = next(each for each in found.challenges if each.type == "dns-01")
                self.ask(self.talk.answer_challenge(challenge.url))
        return self.until(order.url, OrderStatus.READY)

    def obtain(self, *names: str, replaces: str | None = None) -> VerifiedChain:
        """A verified certificate for a new key."""
        order = self.place(*names, replaces=replaces)
        key = keys.generate_key("ECDSA")
        self.ask(self.talk.finalize(order.finalize, order.url, csr_der(key, names)))
        done = self.until(order.url, OrderStatus.VALID)
        assert done.certificate is not None
        assert done.replaces == replaces
        return verify_answer(
            self.ask(self.talk.download(done.certificate)),
            public_key_sha256=keys.public_key_sha256(key),
            dns_names=names,
            now=datetime.now(UTC),
        )

    def until(self, url: str, status: OrderStatus) -> Order:
        seen: list[Order] = []

        def reached() -> bool:
            seen.append(self.ask(self.talk.fetch_order(url)))
            return seen[-1].status is status

        eventually(reached, f"the order to become {status.value}")
        return seen[-1]


def connected(server: Server, key: AccountKey | None = None) -> Client:
    transport = HttpTransport(
        server.ca_pem.encode(),
        user_agent="certwright/test",
        permitted=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
    )
    directory = drive(fetch_directory(server.directory_url), transport)
    key = key or AccountKey.from_pem(generate_account_key())
    return Client(Conversation(directory, NoncePool(time.monotonic), key), transport, directory)
