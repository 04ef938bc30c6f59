"""Certificates and issuers at a closed gate: what they tell, what they cost, and how they go on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.resources.names import Ref
from tests.kit.fake_ca_faults import problem
from tests.kit.faults import acme
from tests.reconcile.days import Days
from tests.reconcile.world import CA, WEB, World, certificate_spec, issuer_spec

if TYPE_CHECKING:
    from tests.kit.faults import Rule

TOO_MANY = "too many new orders (300) from this account in the last 3h0m0s"
SENTENCE = (
    "The CA takes no more orders of this account for a while; the status of Issuer shop/ca says why and until when, "
    "and this goes on by itself then."
)
OTHERS = [Ref("Certificate", "shop", f"web-{number}") for number in range(30)]


def crowded() -> World:
    world = World().ready()
    for other in OTHERS:
        spec = certificate_spec(secretName=other.name, dnsNames=[f"{other.name}.example.org"])
        world.disk.apply(other, spec)
    world.see_all()
    return world


def versions(world: World) -> list[str]:
    return [world.disk.objects.bodies[other]["metadata"]["resourceVersion"] for other in OTHERS]


def limited(world: World, wait: int = 600) -> Rule:
    return world.disk.ca.rule(acme("new-order"), problem("rateLimited", 429, TOO_MANY, retry_after=str(wait)))


def test_a_crowd_behind_a_limit_costs_one_request_an_opening_and_tells_it_once() -> None:
    world = crowded()
    rule = limited(world)
    days = Days(world, CA, WEB, *OTHERS)
    days.pass_by(minutes=1)
    assert rule.hits == 1
    before = versions(world)
    days.pass_by(minutes=59)
    assert rule.hits <= 7
    told = [world.condition("Ready", other) for other in OTHERS]
    assert {each[1] for each in told if each} == {"RateLimited"}
    assert sum(SENTENCE in each[2] for each in told if each) >= len(OTHERS) - rule.hits
    changed = [now != then for now, then in zip(versions(world), before, strict=True)]
    assert sum(changed) <= rule.hits, "who only waits is not written to again"
    (limit,) = world.disk.objects.bodies[CA]["status"]["limits"]
    assert TOO_MANY in limit["detail"]


def test_once_the_limit_is_over_all_are_issued_within_minutes_and_no_limit_is_told() -> None:
    world = crowded()
    rule = limited(world)
    days = Days(world, CA, WEB, *OTHERS)
    days.pass_by(minutes=5)
    rule.remove()
    days.pass_by(minutes=8)
    ready = [world.condition("Ready", other) for other in (WEB, *OTHERS)]
    assert all(each and each[0] == "True" for each in ready)
    assert len(world.disk.ca.orders) == len(OTHERS) + 1
    days.pass_by(minutes=15)
    assert "limits" not in world.disk.objects.bodies[CA]["status"]


def test_a_limit_outlives_the_process() -> None:
    world = crowded()
    rule = limited(world, 3600)
    Days(world, CA, WEB, *OTHERS).pass_by(minutes=5)
    heir = World(world.disk)
    Days(heir, CA, WEB, *OTHERS).pass_by(minutes=50)
    assert rule.hits == 1


def test_a_changed_issuer_has_new_terms_tried_again_at_once() -> None:
    world = World().ready()
    rule = world.disk.ca.rule(acme("new-order"), problem("userActionRequired", 403, "new terms"))
    days = Days(world, CA, WEB)
    days.pass_by(minutes=5)
    assert rule.hits == 1
    rule.remove()
    world.disk.apply(CA, issuer_spec(email="certificates@example.org"))
    world.see_all()
    days.due[CA] = world.clock()
    days.pass_by(minutes=2)
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[0] == "True"


def test_a_busy_ca_is_asked_nothing_while_an_order_is_under_way_and_the_order_goes_on() -> None:
    world = World().ready()
    world.disk.ca.signing = timedelta(hours=1)
    days = Days(world, CA, WEB)
    days.pass_by(minutes=2)
    busy = problem("serverInternal", 503, "busy", retry_after="1800")
    world.disk.ca.rule(acme("order"), busy, times=1)
    days.pass_by(minutes=2)
    asked = len(world.disk.ca.seen)
    days.pass_by(minutes=25)
    assert len(world.disk.ca.seen) == asked
    days.pass_by(hours=2)
    assert (len(world.disk.ca.orders), world.disk.ca.count("finalize")) == (1, 1)
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[0] == "True"
