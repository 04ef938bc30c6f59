"""A CA that does not answer: nothing is ordered twice, and work goes on soon after it is back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from certwright.failures import TryLater
from certwright.resources.names import Ref
from tests.kit.faults import Reset, acme, on
from tests.reconcile.days import Days
from tests.reconcile.world import CA, WEB, Disk, World, certificate_spec

if TYPE_CHECKING:
    from tests.kit.faults import Rule

MINUTE = timedelta(minutes=1)
#: What is promised: so soon after its return a CA is asked again.
SOON = timedelta(seconds=30)


def outage(world: World) -> Rule:
    """The CA's network is down until the rule is removed."""
    return world.disk.ca.rule(on(), Reset())


def run(world: World, lasting: timedelta, *refs: Ref) -> None:
    """Turn each object whenever it is due or woken, for so long."""
    Days(world, *refs).pass_by(seconds=lasting.total_seconds())


def is_ready(world: World, ref: Ref = WEB) -> bool:
    ready = world.condition("Ready", ref)
    return ready is not None and ready[0] == "True"


@pytest.mark.parametrize("minutes", [0.1, 1.5, 5, 60])
def test_work_goes_on_within_half_a_minute_of_the_return(minutes: float) -> None:
    world = World().ready()
    world.disk.dns.blind = ("ns2",)
    run(world, timedelta(seconds=2), WEB, CA)
    assert world.disk.ca.count("new-order") == 1
    down, world.disk.dns.blind = outage(world), ()
    run(world, minutes * MINUTE, WEB, CA)
    assert not is_ready(world)
    down.remove()
    run(world, SOON, WEB, CA)
    assert is_ready(world)
    assert (world.disk.ca.count("new-order"), world.disk.ca.count("finalize")) == (1, 1)


def test_the_status_says_that_it_goes_on_when_the_ca_answers() -> None:
    world = World().ready()
    outage(world)
    run(world, 3 * MINUTE, WEB, CA)
    told = world.condition("Ready")
    assert told is not None
    assert "could not be asked: the connection was lost" in told[2]
    assert "or as soon as the CA answers" in told[2]


def test_however_many_wait_a_silent_ca_is_asked_once_in_a_while() -> None:
    world = World().ready()
    others = [Ref("Certificate", "shop", f"web{number}") for number in range(50)]
    for ref in others:
        world.disk.apply(
            ref, certificate_spec(secretName=f"{ref.name}-tls", dnsNames=[f"{ref.name}.example.org"])
        )
    world.see_all()
    down = outage(world)
    run(world, timedelta(seconds=5), *others, CA)
    down.hits = 0
    run(world, timedelta(seconds=50), *others, CA)
    assert down.hits <= 5, "no certificate asks for itself before its hold is over"
    down.remove()
    run(world, SOON, *others, CA)
    assert all(is_ready(world, ref) for ref in others)


def test_failures_of_another_kind_are_not_tried_sooner_because_the_ca_is_back() -> None:
    world = World().ready()
    world.disk.ca.rejects.add("www.example.org")
    run(world, MINUTE, WEB, CA)
    orders = world.disk.ca.count("new-order")
    other = Ref("Certificate", "shop", "other")
    world.disk.apply(other, certificate_spec(secretName="other-tls", dnsNames=["other.example.org"]))
    world.see_all()
    down = outage(world)
    run(world, MINUTE, other, CA)
    down.remove()
    run(world, SOON, WEB, other, CA)
    assert is_ready(world, other)
    assert world.disk.ca.count("new-order") == orders + 1


def test_an_issuer_whose_account_is_not_open_yet_goes_on_as_soon() -> None:
    disk = Disk()
    world = World(disk)
    down = outage(world)
    disk.apply_usual()
    world.see_all()
    run(world, 30 * MINUTE, WEB, CA)
    written = [status for ref, status in disk.objects.written if ref == CA]
    assert len(written) <= 2, "the status is not written at every look"
    down.remove()
    run(world, SOON, WEB, CA)
    assert is_ready(world)


@pytest.mark.parametrize(("wish", "pause"), [(None, 10), (timedelta(seconds=25), 25)])
def test_an_api_server_that_does_not_answer_is_no_failure_of_the_certificate(
    wish: timedelta | None, pause: int
) -> None:
    world = World().ready()
    world.disk.objects.fails = TryLater("APIServerUnavailable", "GET was not answered", retry_after=wish)
    again = world.turn()
    assert again == world.clock() + timedelta(seconds=pause)
    assert world.web.status.failure is None
    world.clock.now = again
    world.turns()
    assert is_ready(world)
    assert world.disk.ca.count("new-order") == 1


def test_a_ca_that_answers_with_its_directory_alone_is_not_asked_again_and_again() -> None:
    world = World().ready()
    world.disk.ca.rule(acme("new-order"), Reset())
    days = Days(world, CA, WEB)
    days.pass_by(hours=1)
    tries = [each.kind for each in world.disk.ca.seen]
    assert tries.count("new-order") <= 15
    assert tries.count("directory") <= 15
    assert world.condition("Ready") is not None
