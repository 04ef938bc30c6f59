"""The account's address follows the spec and nothing else (RFC 8555 §7.3.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.kit.fake_ca_faults import problem
from tests.kit.faults import acme
from tests.reconcile.odd_ca import edited
from tests.reconcile.world import CA, World, issuer_spec


def changes(world: World) -> list[Any]:
    """What was said to the account itself."""
    return [payload for kind, payload in world.disk.ca.payloads if kind == "account"]


def apply_address(world: World, address: str) -> None:
    world.disk.apply(CA, issuer_spec(email=address))
    world.see_all()


def without_contact(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "contact"}


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(lambda body: body, id="a CA that keeps them"),
        pytest.param(lambda body: body | {"contact": []}, id="a CA that drops them, as Let's Encrypt"),
        pytest.param(without_contact, id="a CA that does not tell them"),
        pytest.param(lambda body: body | {"contact": ["mailto:x@example.net"]}, id="a CA that has others"),
    ],
)
def test_a_changed_address_is_told_once_whatever_the_ca_shows_of_it(told: Any) -> None:
    world = World().ready()
    for kind in ("account", "new-account"):
        world.disk.ca.rule(acme(kind), edited(told))
    apply_address(world, "new@example.org")
    for _ in range(5):
        world.turn(CA)
        world.clock.move(hours=13)
    for _ in range(5):
        world = World(world.disk)
        world.turn(CA)
        world.clock.move(hours=13)
    assert changes(world) == [{"contact": ["mailto:new@example.org"]}]


def test_an_address_that_is_taken_away_is_taken_away_at_the_ca() -> None:
    world = World()
    world.disk.apply_usual()
    apply_address(world, "old@example.org")
    world.turn(CA)
    world.disk.apply(CA, issuer_spec())
    world.see_all()
    world.turn(CA)
    world.clock.now += timedelta(days=1)
    world.turn(CA)
    assert changes(world) == [{"contact": []}]


@pytest.mark.parametrize("kind", ["new-account", "account"])
def test_an_address_that_the_ca_refuses_is_told_with_its_field(kind: str) -> None:
    world = World()
    world.disk.apply_usual()
    if kind == "account":
        apply_address(world, "old@example.org")
        world.turn(CA)
    world.disk.ca.rule(acme(kind), problem("invalidContact", 400, "example.com is forbidden"))
    apply_address(world, "shop@example.com")
    world.turn(CA)
    ready = world.condition("Ready", CA)
    assert ready is not None
    assert "example.com is forbidden; correct spec.acme.email, or remove it." in ready[2]


def test_an_address_that_stays_is_never_told_again() -> None:
    world = World()
    world.disk.apply_usual()
    apply_address(world, "old@example.org")
    world.turn(CA)
    world.disk.apply(CA, issuer_spec(email="old@example.org", server=issuer_spec()["acme"]["server"]))
    world = World(world.disk)
    world.turn(CA)
    assert changes(world) == []
