"""What the life of a Certificate leaves in the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reconcile.world import CA, WEB, Killed, World, certificate_spec

if TYPE_CHECKING:
    from collections.abc import Mapping


def value(world: World, name: str, labels: Mapping[str, str]) -> float | None:
    return world.metrics.registry.get_sample_value(f"certwright_{name}", dict(labels))


def attempts(world: World) -> dict[tuple[str, str], float]:
    """How many there were, by result and reason."""
    return {
        (sample.labels["result"], sample.labels["reason"]): sample.value
        for family in world.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "certwright_attempts_total"
    }


def test_an_attempt_that_succeeds_is_counted_once_and_timed_from_its_order() -> None:
    world = World().ready()
    world.turns()
    assert attempts(world) == {("issued", ""): 1}
    labels = {"challenge": "dns-01"}
    assert value(world, "issuance_duration_seconds_count", labels) == 1
    assert value(world, "issuance_duration_seconds_bucket", {**labels, "le": "60.0"}) == 1


def test_a_restart_between_order_and_certificate_is_part_of_the_time() -> None:
    world = World().ready()
    world.die_at = "after:finalize"
    with pytest.raises(Killed):
        world.turns()
    world.clock.move(seconds=500)
    heir = World(world.disk)
    heir.turn(CA)
    heir.turns()
    assert attempts(world) == {("issued", ""): 0}
    assert attempts(heir) == {("issued", ""): 1}
    assert 500 < (value(heir, "issuance_duration_seconds_sum", {"challenge": "dns-01"}) or 0) < 600


def test_an_attempt_that_fails_is_counted_by_its_reason_and_a_hold_is_none() -> None:
    world = World().ready()
    world.disk.ca.rejects.add("www.example.org")
    while world.web.status.failure is None:
        world.clock.now = world.turn() or world.clock.now
    assert attempts(world) == {("issued", ""): 0, ("failed", "ValidationFailed"): 1}
    world.disk.ca.rejects.clear()
    world.clock.move(seconds=-30)
    world.turn()
    assert attempts(world) == {("issued", ""): 0, ("failed", "ValidationFailed"): 1}
    world.clock.move(seconds=60)
    world.turns()
    assert attempts(world) == {("issued", ""): 1, ("failed", "ValidationFailed"): 1}


def test_a_wait_is_no_attempt() -> None:
    world = World()
    world.disk.apply(WEB, certificate_spec())
    world.see_all()
    world.turn()
    assert attempts(world) == {("issued", ""): 0}
