"""CAs that look for a proof while they are told of it, and leave what they did not find as it was, as step-ca does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from certwright.acme.flow import Request, Response
from tests.kit.fake_ca_policy import PATHS
from tests.reconcile.test_lost_answers import run
from tests.reconcile.world import CA, Disk, Killed, World

if TYPE_CHECKING:
    from tests.kit.fake_ca import FakeCa

HOUR = timedelta(hours=1)
NAMES = [f"{letter}.example.org" for letter in "abcd"]
DNS_PROBLEM = {"type": "urn:ietf:params:acme:error:dns", "detail": "error looking up TXT records"}
REJECTED = {
    "type": "urn:ietf:params:acme:error:rejectedIdentifier",
    "detail": "The server will not issue certificates for the identifier",
}


@dataclass
class PrivateCa:
    """Answers of challenges tell what was found; authorizations and orders never become invalid.

    Attributes:
        blind: numbers of authorizations whose proof it does not find.
        final: whether such a challenge is invalid and cannot be tried again.
        problem: what it says then.
        seconds: that each answer takes.
        shown: how often it was told of a proof.
    """

    ca: FakeCa
    blind: set[str]
    final: bool = False
    problem: dict[str, str] = field(default_factory=lambda: DNS_PROBLEM)
    failed: set[str] = field(default_factory=set)
    seconds: float = 0.0
    shown: int = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.ca, name)

    def __call__(self, request: Request) -> Response:
        self.ca.clock.move(seconds=self.seconds)  # type: ignore[attr-defined]  # a clock moved by hand
        path = request.url.removeprefix(self.ca.base)
        if path.startswith(PATHS["challenge"]):
            number = path.removeprefix(PATHS["challenge"]).rpartition("-")[0]
            self.shown += 1
            if number in self.blind or (self.final and number in self.failed):
                self.failed.add(number)
                return self._answer(
                    self._refused({"url": request.url, "type": "dns-01", "token": f"token-{number}"})
                )
            self.failed.discard(number)
        answer = self.ca(request)
        if path.startswith(PATHS["order"]) and answer.status == 404:
            return Response(400, answer.headers, answer.body)
        if (
            path.startswith(PATHS["authorization"])
            and path.removeprefix(PATHS["authorization"]) in self.failed
        ):
            body = json.loads(answer.body)
            return self._answer(body | {"challenges": [self._refused(each) for each in body["challenges"]]})
        return answer

    def _refused(self, challenge: dict[str, Any]) -> dict[str, Any]:
        return challenge | {"status": "invalid" if self.final else "pending", "error": self.problem}

    def _answer(self, body: dict[str, Any]) -> Response:
        nonce = self.ca(Request("HEAD", self.ca.url("new-nonce"), {}, None)).headers["replay-nonce"]
        return Response(200, {"replay-nonce": nonce}, json.dumps(body).encode())


def private_world(**ca: Any) -> tuple[World, PrivateCa]:
    disk = Disk()
    private = PrivateCa(disk.ca, **ca)
    disk.ca = private  # type: ignore[assignment]
    world = World(disk)
    disk.apply_usual(dnsNames=NAMES)
    world.see_all()
    world.turn(CA)
    return world, private


def test_a_proof_that_was_not_found_is_told_and_shown_again_in_the_same_order() -> None:
    world, private = private_world(blind={"1-1"})
    run(world, timedelta(minutes=1))
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[1] == "ValidationFailed"
    assert "b.example.org: the CA refused: error looking up TXT records" in ready[2]
    private.blind.clear()
    run(world, timedelta(minutes=10))
    assert world.web.status.revision == 1
    assert (private.ca.count("new-order"), private.ca.count("finalize")) == (1, 1)
    assert private.shown == len(NAMES) + 1, "what was accepted is not told again"
    assert not world.disk.attempts.stored


def test_a_proof_that_was_not_found_is_not_forgotten_over_the_turns_that_a_slow_ca_takes() -> None:
    world, private = private_world(blind={"1-0"}, seconds=9.0)
    run(world, timedelta(minutes=3))
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[1] == "ValidationFailed"
    private.blind.clear()
    run(world, timedelta(minutes=20))
    assert world.web.status.revision == 1
    assert private.ca.count("new-order") == 1


def test_a_proof_that_is_never_found_is_shown_ever_less_often() -> None:
    world, private = private_world(blind={"1-1"})
    run(world, 30 * HOUR)
    assert private.shown <= len(NAMES) + 4
    assert private.ca.count("new-order") == 1
    assert private.ca.count("order") + private.ca.count("authorization") < 30


@pytest.mark.parametrize("killed", [False, True], ids=["in one process", "with a crash in between"])
def test_a_challenge_that_is_invalid_ends_the_order_though_the_ca_calls_it_pending(*, killed: bool) -> None:
    world, private = private_world(blind={"1-0"}, final=True, problem=REJECTED)
    if killed:
        world.die_at = "after:answer-challenge"
        with pytest.raises(Killed):
            world.turn()
        world = World(world.disk)
        world.turn(CA)
    run(world, timedelta(minutes=1))
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[1] == "ValidationFailed", "it is the proof that was rejected, not the name"
    assert "a.example.org: the CA looked for the proof and did not accept it" in ready[2]
    assert not world.disk.attempts.stored
    run(world, 2 * HOUR)
    assert world.web.status.revision == 1
    assert private.ca.count("new-order") == 2
    assert private.ca.count("finalize") == 1


def test_an_order_that_the_ca_forgot_but_calls_malformed_is_placed_again() -> None:
    """The CA was restored from a backup that has the account and not the order."""
    world, private = private_world(blind={"1-1"})
    run(world, timedelta(minutes=1))
    private.ca.orders.clear()
    private.blind.clear()
    run(world, 2 * HOUR)
    assert world.web.status.revision == 1
    assert (private.ca.count("new-order"), private.ca.count("finalize")) == (2, 1)
