"""A scriptable ACME CA for what Pebble never does: a function from request to answer, and a script of faults.

It really checks signatures, nonces and addresses, and really signs. Its paths are Pebble's, so that the matchers of
`faults.py` fit both. Two doors lead in: calling it (the operator's transport seam, with a clock moved by hand), and
`fake_ca_server.py` (sockets and TLS).

    ca = FakeCa(clock, bindings={"kid-1": b"secret"}, validating=timedelta(minutes=5))
    ca.rule(acme("new-order"), problem("rateLimited", 429, retry_after="3600"), times=2)
    ca.rule(acme("finalize"), DropAnswer(), skip=1)
    drive(conversation.new_order(["www.example.org"]), ca)
    assert ca.count("new-order") == 1
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from certwright.acme.faults import unreachable
from certwright.acme.flow import Request, Response
from certwright.acme.wording import host_of
from tests.kit import fake_ca_hierarchy as pki
from tests.kit import fake_ca_jws as jose
from tests.kit.fake_ca_desk import Desk, Seen
from tests.kit.fake_ca_faults import Altered, CutShort
from tests.kit.fake_ca_policy import PATHS, Policy
from tests.kit.faults import Answer, Asked, Delay, DropAnswer, Hang, Reset, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.kit.fake_ca_accounts import Account
    from tests.kit.fake_ca_faults import CaFault
    from tests.kit.fake_ca_orders import Authorization, Order
    from tests.kit.faults import Matcher


@dataclass(repr=False)
class FakeCa(Policy):
    """An ACME CA in memory; threads may share it.

    Attributes:
        pause: how a `Delay` passes; seconds.
        seed: of all its dice.
        seen: all requests, oldest first, those that a fault struck included.
    """

    pause: Callable[[float], object] = time.sleep
    seed: int = 1
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.move_to(self.base)
        self._rules: list[Rule] = []
        self._dice = random.Random(self.seed)
        self._lock = threading.RLock()

    def move_to(self, base: str) -> None:
        """Be at this address from now on, as a CA that nobody has spoken to."""
        self.base = base
        self._desk = Desk(self, self.seed)

    # For tests

    @property
    def directory_url(self) -> str:
        return self.url("directory")

    @property
    def accounts(self) -> dict[str, Account]:
        """By the thumbprint of their key."""
        return self._desk.accounts.known

    @property
    def orders(self) -> dict[str, Order]:
        """By number."""
        return self._desk.orders.placed

    @property
    def authorizations(self) -> dict[str, Authorization]:
        """By number: that of their order, and their place in it, as "1-0"."""
        return self._desk.orders.authorizations

    @property
    def certificates(self) -> dict[str, pki.Issued]:
        """By the number of their order."""
        return self._desk.orders.certificates

    @property
    def asked(self) -> list[str]:
        """The kinds of all requests that arrived, but for nonces."""
        return [each.kind for each in self.seen if each.status and each.kind != "new-nonce"]

    @property
    def payloads(self) -> list[tuple[str, Any]]:
        """What was said in all requests that arrived, by kind."""
        return [(each.kind, each.payload) for each in self.seen if each.status]

    def count(self, kind: str) -> int:
        return self.asked.count(kind)

    def settle(self, authorization: str, status: str) -> None:
        """Decide about an authorization by hand, whatever was proven."""
        self._desk.orders.settle(authorization, status)

    def renewal_id(self, number: str) -> str:
        """By which the renewal advice for an order's certificate is asked for."""
        return pki.certificate_id(self.certificates[number].leaf)

    def rule(self, matches: Matcher, fault: CaFault, **when: Any) -> Rule:
        """Do wrong from now on, as `FaultProxy.rule` does. Of the rules that match, the newest alone strikes."""
        rule = Rule(matches, cast("Any", fault), **when)
        with self._lock:
            self._rules = [rule, *(each for each in self._rules if each.in_force)]
        return rule

    # Doors

    def __call__(self, request: Request, /) -> Response:
        """Carry a request of the operator in process.

        Raises:
            TryLater: a fault that looks so through the operator's transport.
        """
        target = request.url.removeprefix(self.base)
        told, fault = self.answer(request.method, target, request.headers, request.body or b"")
        if isinstance(fault, Hang) or fault == DropAnswer(silent=True):
            raise unreachable(host_of(request.url), TimeoutError())
        if isinstance(fault, Reset | DropAnswer | CutShort):
            raise unreachable(host_of(request.url), ConnectionResetError())
        return Response(told.status, told.headers, told.body if request.method != "HEAD" else b"")

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[Answer, CaFault | None]:
        """What the CA says to a request, and the fault that a door has to add to it.

        Args:
            method: of HTTP.
            target: path and query, byte for byte.
            headers: names in lower case.
            body: a JWS, or nothing.
        """
        kind, number = self._routed(target.partition("?")[0])
        asked, url, content_type = Asked(method, target), self.base + target, headers.get("content-type", "")
        jws = jose.take_apart(body)
        with self._lock:
            struck = next((rule.fault for rule in self._rules if rule.strikes(asked, self._dice)), None)
            fault = cast("CaFault | None", struck)
            seen = Seen(self.clock(), kind, number, method, url, content_type, jws, fault)
            self.seen.append(seen)
        if isinstance(fault, Delay):
            self.pause(self._dice.uniform(fault.least, fault.most))
        if isinstance(fault, Reset | Hang):
            return Answer(0), fault
        with self._lock:
            told = fault if isinstance(fault, Answer) else self._desk.act(seen)
            if method == "POST" or kind == "new-nonce":
                told = replace(told, headers={"replay-nonce": self._desk.accounts.nonce(), **told.headers})
        told = fault.applied(told) if isinstance(fault, Altered) else told
        seen.status = told.status
        return replace(told, headers={name: value for name, value in told.headers.items() if value}), fault

    def _routed(self, path: str) -> tuple[str, str]:
        """The kind of a request, and the number of the thing that it is about; ("", path) for no kind."""
        for kind in PATHS:
            base = self.path(kind)
            if path == base or (base.endswith("/") and path.startswith(base)):
                return kind, path.removeprefix(base)
        return "", path
