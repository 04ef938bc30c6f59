"""How a turn can end, and what an object is told whose turns end in a fault of the operator's own."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from certwright.engine.fence import Fence
from certwright.engine.retries import LONGEST_SECONDS, Retries
from certwright.failures import TryLater
from certwright.reconcile.turns import CLUSTER_PAUSE, STANDBY_PAUSE, Turns
from certwright.resources.names import Ref
from tests.reconcile.world import CA, WEB, World

FOREIGN = "something that only its owner may know"


class Lead:
    term = 1


class Bench:
    """A world whose turns are asked for as the workers do."""

    def __init__(self) -> None:
        self.world = World()
        self.world.ready()
        self.lead = Lead()
        self.fence = Fence(self.lead)
        self.turns = Turns(
            loops=self.world.parts,
            fence=self.fence,
            refused=Retries(random.Random(1)),
            faults=Retries(random.Random(2)),
            metrics=self.world.metrics,
            clock=self.world.clock,
            seconds=self.world.clock.seconds,
        )

    def crash(self, ref: Ref, times: int) -> float:
        """Turn after turn of an object raises what nobody foresaw; returns the last pause."""
        return [self.turns.crashed(ref, KeyError(FOREIGN)) for _ in range(times)][-1]

    def status(self, ref: Ref = WEB) -> dict[str, Any]:
        status: dict[str, Any] = self.world.disk.objects.bodies[ref]["status"]
        return status

    def said(self, ref: Ref) -> set[tuple[str, str, str]]:
        """Type, status and reason of each condition."""
        return {(each["type"], each["status"], each["reason"]) for each in self.status(ref)["conditions"]}

    def writes(self) -> int:
        return len(self.world.disk.objects.written)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_turn_says_when_its_key_is_due_in_monotonic_seconds(bench: Bench) -> None:
    bench.world.disk.dns.blind = ("ns1.example.org",)
    due = bench.turns(WEB)
    assert due is not None
    assert bench.world.clock.seconds() < due < bench.world.clock.seconds() + 60


def test_a_turn_that_lost_the_lead_leaves_the_key_to_whoever_leads(bench: Bench) -> None:
    bench.lead.term = 0
    bench.world.parts.certificates = Refusing(bench.fence)  # type: ignore[assignment]
    assert bench.turns(WEB) == bench.world.clock.seconds() + STANDBY_PAUSE


class Refusing:
    """A loop whose first effect meets the fence."""

    def __init__(self, fence: Fence) -> None:
        self.fence = fence

    def turn(self, _ref: Ref) -> None:
        self.fence.check()


def test_what_the_cluster_refuses_is_tried_again_within_seconds(bench: Bench) -> None:
    bench.world.disk.objects.write_fails = TryLater("ApiServerUnavailable", "the API server is away")
    for _ in range(12):
        due = bench.turns(WEB)
        assert due is not None
        assert due - bench.world.clock.seconds() <= CLUSTER_PAUSE


def test_a_fault_behind_an_outage_is_the_first_of_its_kind(bench: Bench) -> None:
    bench.world.disk.objects.write_fails = TryLater("ApiServerUnavailable", "the API server is away")
    for _ in range(8):
        bench.turns(WEB)
    bench.world.disk.objects.write_fails = None
    before = bench.writes()
    assert bench.crash(WEB, times=1) <= 1
    assert bench.writes() == before


def test_one_fault_is_a_matter_of_the_moment_and_told_by_the_log_only(bench: Bench) -> None:
    before = bench.writes()
    bench.crash(WEB, times=1)
    assert bench.writes() == before


def test_faults_in_a_row_are_told_once_however_often_they_come_back(bench: Bench) -> None:
    before, told = bench.writes(), len(bench.world.disk.events.told)
    pause = bench.crash(WEB, times=20)
    assert bench.writes() == before + 1
    assert len(bench.world.disk.events.told) == told + 1
    assert LONGEST_SECONDS / 2 <= pause <= LONGEST_SECONDS


def test_a_certificate_that_is_not_ready_says_why_and_what_helps(bench: Bench) -> None:
    bench.crash(WEB, times=2)
    ready = bench.world.condition("Ready")
    assert ready is not None
    assert ready[:2] == ("False", "InternalError")
    assert "KeyError" in ready[2]
    assert "report it" in ready[2]
    assert bench.world.condition("Reconciling") is not None
    assert bench.world.condition("Stalled") is None


def test_a_ready_certificate_stays_ready_and_only_its_renewal_is_in_doubt(bench: Bench) -> None:
    bench.world.turns()
    before = bench.status()
    bench.crash(WEB, times=2)
    assert bench.world.condition("Ready") is not None
    assert bench.world.condition("Ready")[0] == "True"  # type: ignore[index]
    assert bench.world.condition("RenewalFailing")[:2] == ("True", "InternalError")  # type: ignore[index]
    assert {k: v for k, v in bench.status().items() if k != "conditions"} == {
        k: v for k, v in before.items() if k != "conditions"
    }


@pytest.mark.parametrize("ref", [WEB, CA], ids=str)
def test_the_next_good_turn_takes_it_back(ref: Ref, bench: Bench) -> None:
    bench.world.turns()
    good = bench.said(ref)
    bench.crash(ref, times=2)
    assert bench.said(ref) != good
    bench.turns(ref)
    assert bench.said(ref) == good


def test_an_issuer_says_so_too(bench: Bench) -> None:
    bench.crash(CA, times=2)
    assert bench.world.condition("Ready", CA)[:2] == ("False", "InternalError")  # type: ignore[index]
    assert bench.world.condition("Accepted", CA)[0] == "True"  # type: ignore[index]


def test_what_the_fault_said_is_repeated_nowhere(bench: Bench) -> None:
    bench.crash(WEB, times=2)
    assert FOREIGN not in str(bench.status())
    assert FOREIGN not in str(bench.world.disk.events.told)


def test_a_cluster_that_does_not_take_the_telling_is_no_second_fault(bench: Bench) -> None:
    bench.world.disk.objects.write_fails = TryLater("ApiServerUnavailable", "the API server is away")
    assert bench.crash(WEB, times=2) > 0
    bench.world.disk.objects.write_fails = None
    bench.crash(WEB, times=2)
    assert bench.world.condition("Ready")[1] == "InternalError"  # type: ignore[index]


def test_an_object_that_is_gone_is_told_nothing(bench: Bench) -> None:
    before = bench.writes()
    bench.world.disk.objects.bodies.pop(WEB)
    assert bench.crash(WEB, times=3) > 0
    assert bench.writes() == before


def test_kinds_of_others_have_turns_of_their_own(bench: Bench) -> None:
    site = Ref("Ingress", "shop", "site")
    turned: list[Ref] = []
    turns = replace(bench.turns, others={"Ingress": turned.append})
    assert turns(site) is None
    assert turned == [site]
    bench.crash(site, times=3)
