"""Writing down what a turn taught: at most one status write, at most one event, and when to look again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from certwright.failures import NeedsPerson, NotYet, Setback, TryLater
from certwright.reconcile import actions as do
from certwright.reconcile.backoff import AT_ONCE
from certwright.reconcile.problems import Problem
from certwright.reconcile.record import Outcome
from certwright.resources.conditions import Reason
from tests.reconcile.situations import ATTEMPT
from tests.reconcile.world import WEB, World, certificate_spec

PROBLEM = Problem(Reason.DOES_NOT_EXIST, "Secret web-tls does not exist")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LATER = datetime.fromisoformat("2026-11-24T18:00:00Z")


def ended(setback: Setback | None = None, action: do.Action | None = None, **more: bool) -> Outcome:
    usual = do.Halt(setback) if setback and action is None else action or do.Rest(None)
    return Outcome(
        action=usual, setback=setback, stored=more.get("stored", False), again=more.get("again", False)
    )


def world_at_work() -> World:
    world = World().ready()
    mine = replace(ATTEMPT, certificate=WEB, certificate_uid="uid-web")
    world.memory.put_attempt(mine)
    return world


LOOKS = [
    pytest.param(ended(), None, id="nothing to do until something changes"),
    pytest.param(ended(action=do.Rest(LATER)), LATER, id="as it was decided"),
    pytest.param(
        ended(again=True, action=do.SolveChallenges()), timedelta(0), id="the turn's time was used up"
    ),
    pytest.param(ended(NotYet("IssuerNotFound", "x")), 30 * SECOND, id="a wait that an event ends"),
    pytest.param(
        ended(NotYet("CredentialMissing", "x", look_again_in=20 * SECOND)),
        20 * SECOND,
        id="a wait with a time",
    ),
    pytest.param(ended(NeedsPerson("NoMatchingSolver", "x")), 10 * MINUTE, id="a person is waited for"),
    pytest.param(
        ended(NeedsPerson("SecretConflict", "x")), 20 * SECOND, id="a Secret without label is not watched"
    ),
    pytest.param(
        ended(TryLater("CAError", "x"), do.PlaceOrder(PROBLEM)),
        MINUTE,
        id="a failure",
    ),
    pytest.param(
        ended(NeedsPerson("Rejected", "x", problem_type="rejectedIdentifier"), do.FinalizeOrder()),
        timedelta(hours=6),
        id="a refusal of the CA",
    ),
]


@pytest.mark.parametrize(("outcome", "pause"), LOOKS)
def test_each_ending_says_when_to_look_again(outcome: Outcome, pause: timedelta | datetime | None) -> None:
    world = World().ready()
    again = world.recorder(world.web, outcome)
    expected = world.clock() + max(pause, AT_ONCE) if isinstance(pause, timedelta) else pause
    assert again == expected


def test_a_conflicting_secret_is_read_again_before_the_next_decision() -> None:
    world = World().ready()
    world.turns()
    world.disk.secrets.put("shop", "web-tls", {"x": "y"})
    world.recorder(world.web, ended(NeedsPerson("SecretConflict", "x")))
    assert world.cache.target(("shop", "web-tls")) is not None, "what others see of it is left alone"
    world.turn()
    seen = world.cache.target(("shop", "web-tls"))
    assert seen is not None
    assert not seen.has_certificate


def test_nothing_is_written_when_nothing_changed() -> None:
    world = World().ready()
    outcome = ended(NeedsPerson("NoMatchingSolver", "no solver"))
    world.recorder(world.web, outcome)
    written, told = len(world.disk.objects.written), len(world.disk.events.told)
    for _ in range(3):
        world.clock.move(minutes=10)
        world.recorder(world.web, outcome)
    assert (len(world.disk.objects.written), len(world.disk.events.told)) == (written, told)


def test_a_wait_before_anything_was_begun_is_not_written() -> None:
    world = World().ready()
    world.recorder(world.web, ended(NotYet("ChangedMeanwhile", "x"), do.PlaceOrder(PROBLEM)))
    assert [ref for ref, _ in world.disk.objects.written if ref == WEB] == []
    world.recorder(world.web, ended(NotYet("CredentialMissing", "x"), do.PlaceOrder(PROBLEM)))
    assert [ref for ref, _ in world.disk.objects.written if ref == WEB] == [WEB]


def test_looks_at_a_wait_grow_and_another_wait_begins_anew() -> None:
    world = world_at_work()
    pauses = []
    for reason in ("AwaitingPropagation",) * 5 + ("AwaitingValidation",):
        again = world.recorder(world.web, ended(NotYet(reason, "soon"), do.SolveChallenges()))
        assert again is not None
        pauses.append((again - world.clock()) // SECOND)
    assert pauses == [1, 1, 2, 3, 5, 1]


def test_a_status_that_nobody_has_any_more_drops_the_certificate() -> None:
    world = World().ready()
    certificate = world.web
    del world.disk.objects.bodies[WEB]
    world.recorder(certificate, ended(NeedsPerson("NoMatchingSolver", "x")))
    assert world.cache.certificate(WEB) is None
    assert [told for told in world.disk.events.told if told[0] == WEB] == []


def test_each_new_trouble_is_one_event_and_its_repetition_none() -> None:
    world = World().ready()
    failure = ended(TryLater("CAError", "the CA failed"), do.FinalizeOrder())
    for _ in range(3):
        world.recorder(world.web, failure)
        world.clock.move(hours=1)
    assert world.web.status.failure is not None
    assert world.web.status.failure.count == 3
    world.recorder(world.web, ended(TryLater("CAError", "in another way"), do.FinalizeOrder()))
    told = [
        (warning, reason, message) for ref, warning, reason, message in world.disk.events.told if ref == WEB
    ]
    assert told == [(True, "CAError", "the CA failed"), (True, "CAError", "in another way")]


def test_a_failure_ends_the_lifting_of_a_hold() -> None:
    world = World().ready()
    world.memory.lift_hold("uid-web")
    world.recorder(world.web, ended(NotYet("CredentialMissing", "x")))
    assert world.memory.is_lifted("uid-web")
    world.recorder(world.web, ended(TryLater("CAError", "x"), do.FinalizeOrder()))
    assert not world.memory.is_lifted("uid-web")


def test_an_event_that_cannot_be_posted_is_no_failure() -> None:
    world = World().ready()
    world.disk.events.fails = TryLater("APIServerUnavailable", "busy")
    assert world.recorder(world.web, ended(NeedsPerson("NoMatchingSolver", "x"))) is not None
    assert world.condition("Stalled") is not None


def test_the_event_of_a_success_names_names_time_and_secret() -> None:
    world = World().ready()
    world.turns()
    message = next(
        message for ref, _, reason, message in world.disk.events.told if reason == "Issued" and ref == WEB
    )
    assert message == (
        "Issued a certificate for www.example.org, valid until 2027-02-22T11:00:01Z, in Secret web-tls"
    )


def test_what_a_person_must_provide_is_told_by_one_event() -> None:
    world = World()
    world.disk.apply(WEB, certificate_spec())
    world.see_all()
    for _ in range(3):
        world.turn()
        world.clock.move(seconds=30)
    told = [(ref, reason) for ref, warning, reason, _ in world.disk.events.told if warning]
    assert told == [(WEB, "IssuerNotFound")]
