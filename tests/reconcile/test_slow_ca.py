"""A CA that takes its time with every answer: no turn lasts, and the order is placed once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from certwright.reconcile.loop import TURN_SECONDS
from tests.kit.faults import Delay, Hang, acme, on
from tests.reconcile.world import CA, WEB, Disk, World, issuer_spec

SECONDS = 9.0
NAMES = [f"www{number}.example.org" for number in range(40)]
HTTP = {"name": "web", "http01": {"ingress": {}}}
DNS = {"name": "dns", "dns01": {"rfc2136": {"nameserver": "192.0.2.53:53"}}}


def slow_world(solver: dict[str, Any]) -> World:
    """Every answer takes so many seconds."""
    disk = Disk()
    disk.ca.rule(on(), Delay(SECONDS, SECONDS))
    world = World(disk)
    disk.apply_usual(dnsNames=NAMES)
    disk.apply(CA, issuer_spec(solvers=[solver]))
    world.see_all()
    world.turn(CA)
    return world


def turn_until_ready(world: World) -> float:
    """Turn after turn until the certificate is there; returns the longest turn in seconds."""
    longest = 0.0
    for _ in range(200):
        began = world.clock()
        again = world.turn(WEB)
        longest = max(longest, (world.clock() - began).total_seconds())
        ready = world.condition("Ready")
        if ready is not None and ready[0] == "True" and not world.disk.attempts.stored:
            return longest
        assert again is not None
        world.clock.now = max(world.clock(), again)
    raise AssertionError("it is never ready")


@pytest.mark.parametrize("solver", [HTTP, DNS], ids=["http-01", "dns-01"])
def test_no_turn_lasts_much_longer_than_it_may_and_nothing_is_asked_twice(solver: dict[str, Any]) -> None:
    world = slow_world(solver)
    assert turn_until_ready(world) < TURN_SECONDS + 3 * SECONDS + 1
    ca = world.disk.ca
    assert (ca.count("new-order"), ca.count("finalize")) == (1, 1)
    assert ca.count("challenge") == len(NAMES)
    assert ca.count("authorization") == len(NAMES)


def test_an_answer_that_is_lost_on_the_way_costs_no_second_order() -> None:
    world = slow_world(DNS)
    world.disk.ca.rule(acme("authorization"), Hang(), times=1)
    turn_until_ready(world)
    assert world.disk.ca.count("new-order") == 1


def test_a_lead_that_is_lost_before_the_order_is_noted_and_won_back_costs_no_second_order() -> None:
    world = slow_world(DNS)
    world.disk.ca.rule(acme("authorization"), Hang(), times=1)
    world.turn(WEB)
    assert world.disk.ca.count("new-order") == 1
    for _ in range(2):  # the first time the cluster could not be read
        world.memory.begin_term(world.clock())
    world.see_all()
    turn_until_ready(world)
    assert world.disk.ca.count("new-order") == 1


def test_who_is_told_to_leave_begins_nothing_more() -> None:
    world = slow_world(DNS)
    world.leaving = True
    began = world.clock()
    world.turn(WEB)
    assert world.clock() - began <= timedelta(seconds=2 * SECONDS)
    world.leaving = False
    turn_until_ready(world)
    assert world.disk.ca.count("new-order") == 1
