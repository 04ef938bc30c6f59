"""HTTP-01 within an attempt: what is published, when a route is made, when the CA is told, what is left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from certwright.failures import TryLater
from tests.reconcile.world import CA, WEB, Disk, Killed, World, issuer_spec

HTTP = {"name": "web", "http01": {"ingress": {"ingressClassName": "traefik"}}}
DNS = {"name": "dns", "dns01": {"rfc2136": {"nameserver": "192.0.2.53:53"}}}


def world_with(*solvers: dict[str, Any], disk: Disk | None = None, **spec: Any) -> World:
    """A world whose issuer has these solvers, HTTP-01 alone where none is named."""
    world = World(disk)
    world.disk.apply_usual(**spec)
    world.disk.apply(CA, issuer_spec(solvers=list(solvers) or [HTTP]))
    world.see_all()
    world.turn(CA)
    return world


def told(world: World) -> str:
    ready = world.condition("Ready")
    assert ready is not None
    return ready[2]


def test_a_name_is_proven_by_a_row_and_a_route_and_nothing_is_left() -> None:
    world = world_with()
    world.turns()
    assert world.condition("Ready") is not None
    assert told(world).startswith("The certificate is valid")
    web = world.disk.web
    assert (web.rows, web.routes, web.writes) == ({}, {}, ["ensure", "remove"])
    assert world.web.status.solver == "web"


def test_no_route_is_made_where_the_token_is_visible_already() -> None:
    world = world_with()
    world.disk.web.standing.add("www.example.org")
    world.turns()
    assert told(world).startswith("The certificate is valid")
    assert world.disk.web.writes == []


def test_several_names_share_one_route() -> None:
    world = world_with(dnsNames=["a.example.org", "b.example.org", "c.example.org"])
    world.disk.web.standing.add("b.example.org")
    world.disk.web.blind.add("c.example.org")
    world.turn()
    (route,) = world.disk.web.routes.values()
    assert sorted(host for host, _ in route) == ["a.example.org", "b.example.org", "c.example.org"]
    assert world.disk.ca.count("challenge") == 0
    world.disk.web.blind.clear()
    world.turns()
    assert world.disk.web.writes == ["ensure", "remove"]


def test_the_next_process_does_not_cut_the_route_of_a_name_that_is_visible_through_it() -> None:
    world = world_with(dnsNames=["a.example.org", "b.example.org"])
    world.disk.web.blind.add("b.example.org")
    world.turn()
    successor = World(world.disk)
    successor.turn(CA)
    for attempt in successor.memory.attempts():
        successor.http01.republish(attempt)
    successor.turn()
    (route,) = world.disk.web.routes.values()
    assert sorted(host for host, _ in route) == ["a.example.org", "b.example.org"]
    world.disk.web.blind.clear()
    successor.turns()
    assert told(successor).startswith("The certificate is valid")


def test_waiting_for_a_name_to_be_reachable_costs_the_ca_nothing() -> None:
    world = world_with()
    world.disk.web.blind.add("www.example.org")
    world.turn()
    asked = len(world.disk.ca.asked)
    for _ in range(10):
        world.clock.move(seconds=30)
        world.turn()
    assert len(world.disk.ca.asked) == asked


def test_a_wait_counts_from_the_route_and_not_from_the_try_that_failed() -> None:
    world = world_with({"http01": {"ingress": {}, "selfCheck": "Wait=45s"}})
    world.disk.web.route_fails = TryLater("RouteRefused", "exceeded quota", retry_after=timedelta(minutes=5))
    world.turn()
    world.clock.move(minutes=6)
    world.disk.web.route_fails = None
    world.turn()
    assert world.disk.ca.count("challenge") == 0
    world.turns()
    assert world.disk.ca.count("challenge") == 1


def test_a_solver_that_proved_nothing_is_not_remembered() -> None:
    world = world_with(HTTP)
    world.disk.ca.rejects.add("www.example.org")
    world.turns()
    assert world.condition("Ready") is not None
    assert world.web.status.solver == ""


def test_one_solver_that_cannot_take_down_leaves_the_others_proofs_no_longer_than_theirs() -> None:
    world = world_with(HTTP, DNS, dnsNames=["*.example.org", "www.example.org"])
    world.disk.web.blind.add("www.example.org")
    world.turn()
    assert world.disk.web.routes
    world.disk.dns.fails = TryLater("DNSProviderUnavailable", "gone")
    del world.disk.objects.bodies[WEB]
    world.cache.drop_certificate(WEB)
    world.turn()
    assert (world.disk.web.rows, world.disk.web.routes) == ({}, {})
    assert world.disk.attempts.stored, "the list of what is left stays"
    world.disk.dns.fails = None
    world.clock.move(minutes=2)
    world.turn()
    assert world.disk.attempts.stored == {}


def test_the_ca_is_not_told_before_every_solver_pod_answers() -> None:
    world = world_with()
    world.disk.web.pods_ready = False
    for _ in range(12):
        world.turn()
        world.clock.move(seconds=5)
    assert world.disk.ca.count("challenge") == 0
    assert world.disk.web.looked == []
    assert "No solver pod is ready" in told(world)
    world.disk.web.pods_ready = True
    (wake,) = world.disk.web.waking.values()
    wake()
    assert world.woken[-1] == WEB
    world.turns()
    assert told(world).startswith("The certificate is valid")


def test_the_ca_is_not_told_while_our_own_look_finds_something_else() -> None:
    world = world_with()
    world.disk.web.blind.add("www.example.org")
    for _ in range(12):
        world.turn()
        world.clock.move(seconds=30)
    assert world.disk.ca.count("challenge") == 0
    assert (
        "HTTP-01 for www.example.org is not reachable yet through an Ingress of class traefik: it answered 404"
        in told(world)
    )
    assert world.disk.web.writes == ["ensure"]


@pytest.mark.parametrize(
    ("self_check", "answers_after"),
    [
        ("Require", None),
        ("Advise", timedelta(seconds=60)),
        ("Wait=45s", timedelta(seconds=45)),
    ],
)
def test_what_self_check_means_where_our_own_look_cannot_reach_the_name(
    self_check: str, answers_after: timedelta | None
) -> None:
    solver = {"http01": {"ingress": {}, "selfCheck": self_check}}
    world = world_with(solver)
    world.disk.web.blind.add("www.example.org")
    began = world.clock()
    while world.clock() - began < timedelta(minutes=10) and not world.disk.ca.count("challenge"):
        again = world.turn()
        assert again is not None
        waited = world.clock() - began
        world.clock.now = max(again, world.clock() + timedelta(milliseconds=1))
    if answers_after is None:
        assert world.disk.ca.count("challenge") == 0
    else:
        assert answers_after <= waited <= answers_after + timedelta(seconds=31)
    assert len(world.disk.web.looked) == 0 or self_check != "Wait=45s"


def test_a_wildcard_goes_to_dns_and_its_apex_to_the_first_solver() -> None:
    world = world_with(HTTP, DNS, dnsNames=["example.org", "*.example.org"])
    world.turns()
    assert told(world).startswith("The certificate is valid")
    assert world.disk.web.writes == ["ensure", "remove"]
    assert world.disk.dns.records == set()
    assert world.web.status.solver == "dns,web"


def test_a_ca_that_does_not_offer_the_planned_type_is_answered_with_the_next_that_fits() -> None:
    world = world_with(HTTP, DNS)
    world.disk.ca.offers = ("dns-01",)
    world.turns()
    assert told(world).startswith("The certificate is valid")
    assert world.disk.web.writes == []


def test_a_ca_that_offers_no_type_that_the_issuer_has_is_told_apart() -> None:
    world = world_with(HTTP)
    world.disk.ca.offers = ("dns-01", "tls-alpn-01")
    world.turn()
    assert "does not offer http-01" in told(world)
    assert "it offers dns-01" in told(world)


def test_a_route_that_cannot_be_made_costs_nothing_at_the_ca() -> None:
    world = world_with()
    world.disk.web.route_fails = TryLater("RouteRefused", "exceeded quota: services")
    world.turn()
    assert "xceeded quota" in told(world)
    assert world.disk.ca.count("challenge") == 0
    world.disk.web.route_fails = None
    world.turns()
    assert told(world).startswith("The certificate is valid")
    assert world.disk.ca.count("new-order") == 1


def test_a_certificate_deleted_meanwhile_leaves_no_row_and_no_route() -> None:
    world = world_with()
    world.disk.web.blind.add("www.example.org")
    world.turn()
    assert world.disk.web.routes
    del world.disk.objects.bodies[WEB]
    world.cache.drop_certificate(WEB)
    world.turn()
    assert (world.disk.web.rows, world.disk.web.routes) == ({}, {})
    assert world.disk.attempts.stored == {}


def test_rows_of_an_attempt_that_another_process_began_are_published_again() -> None:
    disk = Disk()
    world = world_with(disk=disk)
    disk.web.blind.add("www.example.org")
    world.turn()
    rows = dict(disk.web.rows)
    disk.web.rows.clear()
    successor = World(disk)
    for attempt in successor.memory.attempts():
        successor.http01.republish(attempt)
    assert disk.web.rows == rows


@pytest.mark.parametrize(
    "point", ["after:new-order", "after:note-order", "before:answer-challenge", "after:answer-challenge"]
)
def test_a_crash_leaves_nothing_behind_and_asks_for_one_certificate(point: str) -> None:
    disk = Disk()
    world = world_with(disk=disk, dnsNames=["a.example.org", "b.example.org"])
    world.die_at = point
    with pytest.raises(Killed):
        world.turns()
    successor = World(disk)
    successor.turn(CA)
    successor.turns()
    assert told(successor).startswith("The certificate is valid")
    assert disk.ca.count("finalize") == 1
    assert (disk.web.rows, disk.web.routes, disk.attempts.stored) == ({}, {}, {})


def test_a_route_keeps_the_names_that_the_ca_was_told_of_after_a_crash() -> None:
    world = world_with(dnsNames=["a.example.org", "b.example.org"])
    world.die_at = "after:answer-challenge"
    with pytest.raises(Killed):
        world.turns()
    web = world.disk.web
    web.blind.add("b.example.org")
    successor = World(world.disk)
    successor.turn(CA)
    successor.turn()
    (route,) = web.routes.values()
    assert sorted(host for host, _ in route) == ["a.example.org", "b.example.org"]
