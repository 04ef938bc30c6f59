"""A CA whose addresses moved: its directory is read again once, and what was asked goes to the new ones."""

from __future__ import annotations

from datetime import timedelta

import pytest

from certwright.failures import Setback
from certwright.reconcile.accounts import MOST_LISTED, Authority, Moved
from certwright.resources.names import Ref
from tests.kit.fake_ca_faults import page, problem
from tests.kit.faults import acme, on
from tests.reconcile.days import Days
from tests.reconcile.situations import issuer
from tests.reconcile.world import CA, WEB, World, certificate_spec

ENDPOINTS = ["new-nonce", "new-account", "new-order"]


def reads(world: World) -> int:
    return world.disk.ca.count("directory")


def use_up_nonces(world: World) -> None:
    authority = world.accounts.authority(world.issuer.spec.server, None)
    while authority.nonces.take():
        pass


def moved(world: World, *kinds: str) -> None:
    world.disk.ca.moved = {kind: f"/v2/{kind}" for kind in kinds}


@pytest.mark.parametrize("kinds", [["new-order"], ["new-nonce"], ENDPOINTS])
def test_an_order_goes_to_the_new_address_at_the_next_turn(kinds: list[str]) -> None:
    world = World().ready()
    world.clock.move(minutes=6)
    use_up_nonces(world)
    before = reads(world)
    moved(world, *kinds)
    Days(world, WEB, CA).pass_by(minutes=2)
    assert reads(world) == before + 1
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[0] == "True"
    assert world.web.status.failure is None
    assert len(world.disk.ca.accounts) == len(world.disk.ca.orders) == 1


def test_an_issuer_that_opens_its_account_reads_it_again_as_well() -> None:
    world = World().ready()
    world.clock.move(minutes=6)
    moved(world, "new-account")
    world.accounts.drop(CA)
    Days(world, CA).pass_by(minutes=1)
    assert world.accounts.get(CA) is not None


def test_many_who_meet_the_same_have_it_read_once() -> None:
    world = World().ready()
    others = [Ref("Certificate", "shop", f"web-{number}") for number in range(20)]
    for other in others:
        spec = certificate_spec(secretName=other.name, dnsNames=[f"{other.name}.example.org"])
        world.disk.apply(other, spec)
    world.see_all()
    world.clock.move(minutes=6)
    before = reads(world)
    moved(world, "new-order")
    Days(world, CA, WEB, *others).pass_by(minutes=5)
    assert reads(world) == before + 1
    assert len(world.disk.ca.orders) == len(others) + 1


def test_an_order_under_way_is_not_taken_for_lost_where_the_nonces_moved() -> None:
    world = World().ready()
    world.disk.ca.signing = timedelta(minutes=10)
    days = Days(world, CA, WEB)
    days.pass_by(minutes=6)
    moved(world, "new-nonce")
    use_up_nonces(world)
    days.pass_by(minutes=20)
    assert world.web.status.revision == 1
    assert (len(world.disk.ca.orders), world.disk.ca.count("finalize")) == (1, 1)


def test_nothing_at_an_address_that_is_still_listed_is_no_loop_and_no_lost_order() -> None:
    world = World().ready()
    world.disk.ca.signing = timedelta(minutes=10)
    days = Days(world, CA, WEB)
    days.pass_by(minutes=6)
    rule = world.disk.ca.rule(on("HEAD"), page(404))
    use_up_nonces(world)
    days.pass_by(hours=6)
    assert rule.hits <= 8
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[1] == "CAError"
    rule.remove()
    days.pass_by(hours=7)
    assert world.web.status.revision == 1
    assert len(world.disk.ca.orders) == 1


def test_a_ca_that_moves_without_end_is_read_once_in_five_minutes() -> None:
    world = World().ready()
    days, before = Days(world, CA, WEB), 0
    for hop in range(60):
        world.disk.ca.moved = {"new-order": f"/v{hop}/new-order"}
        days.pass_by(minutes=1)
        before = before or reads(world)
        if world.web.status.revision:
            world.disk.apply(WEB, certificate_spec(dnsNames=[f"h{hop}.example.org"]))
            world.see_all()
            days.due[WEB] = world.clock()
    assert reads(world) - before <= 12


@pytest.mark.parametrize("kind", ["accountDoesNotExist", "unauthorized", "rateLimited"])
def test_a_404_that_says_what_it_is_about_is_an_answer(kind: str) -> None:
    world = World().ready()
    world.clock.move(minutes=6)
    before = reads(world)
    world.disk.ca.rule(acme("new-order"), problem(kind, 404), times=1)
    world.turn()
    assert reads(world) == before


def test_a_ca_cannot_make_us_remember_addresses_without_end() -> None:
    world = World()
    authority = Authority(f"{world.disk.ca.base}/dir", world.disk.ca, world.clock, world.clock.seconds)
    for hop in range(50):
        world.disk.ca.moved = {kind: f"/v{hop}/{kind}" for kind in ENDPOINTS}
        world.clock.move(hours=13)
        authority.directory()
    assert len(authority._listed) == MOST_LISTED
    account = World(world.disk).opening.open(issuer())
    world.disk.ca.moved = {}
    world.clock.move(hours=1)
    with pytest.raises(Moved) as told:
        account.authority.ask(account.conversation.find_account())
    assert told.value.reason == "Registering"


def test_a_directory_that_is_gone_too_leaves_what_it_said_last() -> None:
    world = World().ready()
    account = world.accounts.get(CA)
    assert account is not None
    world.clock.move(minutes=6)
    world.disk.ca.rule(on(), page(404))
    with pytest.raises(Setback) as told:
        account.authority.ask(account.conversation.new_order(["a.example.org"]))
    assert not isinstance(told.value, Moved)
    assert account.authority.directory() == account.directory
