"""When the CA is told that the proofs are in place: what a solver's `selfCheck` means."""

from __future__ import annotations

from datetime import timedelta

from tests.reconcile.world import CA, World, issuer_spec

SERVER = {"nameserver": "192.0.2.53:53"}


def world_with(self_check: str | None, *, blind: tuple[str, ...] = ("ns2.example.org",)) -> World:
    """A world whose name servers do not all show the record yet."""
    dns01 = {"rfc2136": SERVER} | ({"selfCheck": self_check} if self_check else {})
    world = World()
    world.disk.dns.blind = blind
    world.disk.apply_usual()
    world.disk.apply(CA, issuer_spec(solvers=[{"dns01": dns01}]))
    world.see_all()
    world.turn(CA)
    return world


def answered_after(world: World, at_most: timedelta) -> timedelta | None:
    """How long it took until the CA was told, by the clock that turns ask for."""
    begin = world.clock()
    while world.clock() - begin <= at_most:
        again = world.turn()
        if world.disk.ca.count("challenge"):
            return world.clock() - begin
        assert again is not None
        world.clock.now = max(again, world.clock() + timedelta(milliseconds=1))
    return None


def test_by_default_the_ca_is_not_told_while_one_server_does_not_show_the_record() -> None:
    world = world_with(None)
    assert answered_after(world, timedelta(hours=2)) is None
    told = world.condition("Ready")
    assert told is not None
    assert "ns2.example.org" in told[2], "after a while the status names the server"
    world.disk.dns.blind = ()
    assert answered_after(world, timedelta(minutes=1)) is not None


def test_advise_tells_the_ca_after_a_minute_whatever_was_seen() -> None:
    waited = answered_after(world_with("Advise"), timedelta(minutes=5))
    assert waited is not None
    assert timedelta(seconds=60) <= waited <= timedelta(seconds=91)


def test_advise_tells_the_ca_at_once_when_all_servers_show_the_record() -> None:
    assert answered_after(world_with("Advise", blind=()), timedelta(minutes=1)) == timedelta(0)


def test_wait_does_not_look_but_waits() -> None:
    assert answered_after(world_with("Wait=30s", blind=()), timedelta(minutes=5)) == timedelta(seconds=30)
    assert answered_after(world_with("Wait=30s"), timedelta(minutes=5)) == timedelta(seconds=30)


def test_waiting_for_name_servers_costs_the_ca_nothing() -> None:
    world = world_with(None)
    world.turn()
    asked = len(world.disk.ca.asked)
    answered_after(world, timedelta(minutes=10))
    assert len(world.disk.ca.asked) == asked
