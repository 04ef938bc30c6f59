"""Profile, preferred chain and duration through a whole operator: asked, noted, and asked anew when they change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from certwright.acme.messages import OrderStatus
from certwright.failures import NeedsPerson
from certwright.reconcile import actions as do
from certwright.reconcile.decide import decide
from certwright.reconcile.target import read_target
from certwright.resources.wish import Wish
from tests.kit.fake_ca_faults import problem
from tests.kit.faults import acme
from tests.reconcile.situations import (
    NAMES,
    NOW,
    READY,
    UNREADY,
    attempt,
    certificate,
    issuer,
    progress,
    seen,
    target,
)
from tests.reconcile.test_loop import POINTS, assert_issued
from tests.reconcile.world import CA, WEB, Killed, World, certificate_spec, issuer_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.reconcile.observed import Observed

PROFILES = {"classic": "Ninety days", "short": "Six days"}
SHORT, CHAIN = Wish("short"), Wish("", "Root One")
LIFE = timedelta(days=90)
OFFERS = replace(READY, profiles=PROFILES)


def wished(wish: Wish, **facts: Any) -> Observed:
    """A good certificate of ours that was asked with this wish, at an issuer with profiles."""
    return seen(issuer=OFFERS, target=target(attempt_id="x", wish_hash=wish.hash), **facts)


def told(**spec: Any) -> dict[str, Any]:
    return {"certificate": certificate(**spec)}


DRIFT = [
    pytest.param(wished(Wish(), **told(profile="short")), id="a profile is asked for"),
    pytest.param(wished(SHORT), id="a profile is not asked for any more"),
    pytest.param(wished(SHORT, **told(profile="classic")), id="another profile"),
    pytest.param(wished(Wish(), **told(preferredChain="Root One")), id="a chain is preferred"),
    pytest.param(wished(CHAIN, **told(preferredChain="Root Two")), id="another chain"),
    pytest.param(
        replace(wished(Wish()), issuer=replace(OFFERS, spec=issuer(profile="short").spec)),
        id="the issuer asks for a profile",
    ),
]
NO_DRIFT = [
    pytest.param(wished(Wish()), id="nothing was asked and nothing is wished"),
    pytest.param(wished(SHORT, **told(profile="short")), id="as it was asked"),
    pytest.param(
        replace(
            wished(SHORT, **told(profile="short")),
            issuer=replace(OFFERS, spec=issuer(profile="classic").spec),
        ),
        id="the issuer changes what the Certificate says itself",
    ),
    pytest.param(
        seen(issuer=OFFERS, target=target(), **told(profile="short")),
        id="a certificate that no order of ours brought, since nobody knows",
    ),
    pytest.param(
        seen(issuer=OFFERS, target=target(attempt_id="x", wish_hash="v2-77"), **told(profile="short")),
        id="a note of a later version",
    ),
    pytest.param(
        wished(Wish(), **told(profile="short"), noted_wish=("1234", SHORT.hash)),
        id="a note that was just taken away",
    ),
    pytest.param(wished(SHORT, **told(profile="short")), id="a profile that is still offered"),
    pytest.param(
        replace(wished(SHORT, **told(profile="short")), issuer=READY), id="a profile that was withdrawn"
    ),
    pytest.param(
        replace(wished(Wish(), **told(profile="short")), issuer=UNREADY),
        id="an issuer whose own words are not known",
    ),
]


@pytest.mark.parametrize("situation", DRIFT)
def test_a_changed_wish_is_ordered(situation: Observed) -> None:
    action = decide(situation, NOW)
    assert isinstance(action, do.PlaceOrder)
    assert action.problem.reason.word == "RequestChanged"


@pytest.mark.parametrize("situation", NO_DRIFT)
def test_everything_else_orders_nothing(situation: Observed) -> None:
    assert isinstance(decide(situation, NOW), do.Rest | do.Restamp)


def test_a_note_about_another_certificate_is_no_witness() -> None:
    situation = wished(Wish(), **told(profile="short"), noted_wish=("99", SHORT.hash))
    assert isinstance(decide(situation, NOW), do.PlaceOrder)


@pytest.mark.parametrize("facts", [{"target": None}, {"target": None, **told(profile="short")}])
def test_an_attempt_is_dropped_when_its_wish_changes(facts: dict[str, Any]) -> None:
    mine = attempt(wish=Wish("classic"))
    going = progress(OrderStatus.PENDING)
    situation = seen(issuer=OFFERS, attempt=mine, progress=going, **facts)
    assert decide(situation, NOW) == do.DropOrder(None)
    kept = seen(issuer=OFFERS, attempt=mine, progress=going, target=None, **told(profile="classic"))
    assert decide(kept, NOW) == do.SolveChallenges()
    withdrawn = replace(kept, issuer=READY)
    assert decide(withdrawn, NOW) == do.SolveChallenges(), "the CA took the order, and keeps it"
    assert decide(replace(withdrawn, attempt=replace(mine, order_url="")), NOW) == do.DropOrder(None)


def test_a_profile_that_is_not_advertised_is_never_ordered_and_the_choice_is_told() -> None:
    action = decide(seen(issuer=OFFERS, target=None, **told(profile="tlsclient")), NOW)
    assert isinstance(action, do.Halt)
    assert isinstance(action.setback, NeedsPerson)
    assert action.setback.reason == "UnknownProfile"
    assert action.setback.message == (
        "the CA does not advertise a profile tlsclient; write one that it does "
        "(classic: Ninety days; short: Six days)"
    )
    none = decide(seen(target=None, **told(profile="tlsclient")), NOW)
    assert isinstance(none, do.Halt)
    assert "it advertises none, so remove spec.profile" in none.setback.message


def test_a_hundred_profiles_make_one_readable_message() -> None:
    many = replace(READY, profiles={f"p{each}": "d" * 1000 for each in range(100)})
    action = decide(seen(issuer=many, target=None, **told(profile="x")), NOW)
    assert isinstance(action, do.Halt)
    assert "; p11: ddd" in action.setback.message
    assert ", and 88 more)" in action.setback.message
    assert len(action.setback.message) < 1000


def world_of(acme: Mapping[str, Any], **spec: Any) -> World:
    """A CA with two profiles and two further chains, the issuer's account open."""
    world = World()
    world.disk.ca.profiles = dict.fromkeys(PROFILES, LIFE)
    world.disk.ca.alternates = 2
    world.disk.apply(CA, issuer_spec(**acme))
    world.disk.apply(WEB, certificate_spec(**spec))
    world.see_all()
    world.turn(CA)
    return world


def change(world: World, acme: Mapping[str, Any] | None = None, **spec: Any) -> None:
    """The user edits issuer and Certificate."""
    if acme is not None:
        world.disk.apply(CA, issuer_spec(**acme))
    world.disk.apply(WEB, certificate_spec(**spec))
    world.see_all()
    world.turn(CA)


def ordered(world: World) -> list[Mapping[str, Any]]:
    """What the orders said, without their names."""
    said = [payload for kind, payload in world.disk.ca.payloads if kind == "new-order"]
    return [{key: each[key] for key in each if key not in ("identifiers", "replaces")} for each in said]


def note(world: World) -> str | None:
    found: Mapping[str, str] = world.disk.secrets.bodies["shop", "web-tls"]["metadata"]["annotations"]
    return found.get(NAMES.wish_hash)


def leads_to(world: World) -> str:
    return read_target(world.disk.secrets.bodies["shop", "web-tls"], NAMES).leads_to


def issued_events(world: World) -> list[tuple[bool, str]]:
    return [
        (warning, text)
        for ref, warning, reason, text in world.disk.events.told
        if (ref, reason) == (WEB, "Issued")
    ]


def test_a_profile_is_asked_noted_and_asked_anew_when_it_changes() -> None:
    world = world_of({"profile": "classic"})
    world.turns()
    assert_issued(world.disk)
    assert (ordered(world), note(world)) == ([{"profile": "classic"}], Wish("classic").hash)
    change(world, profile="short")
    world.turns()
    assert (ordered(world)[1:], note(world)) == ([{"profile": "short"}], SHORT.hash)
    change(world, {}, profile="")
    world.turns()
    assert (ordered(world)[2:], note(world)) == ([{}], None)
    world.clock.move(hours=1)
    world.turns()
    assert len(ordered(world)) == 3
    assert world.web.status.losses == ()


def test_a_certificate_of_a_version_without_profiles_stays_until_a_profile_is_set() -> None:
    world = world_of({})
    world.turns()
    assert note(world) is None, "as such a version left it"
    heir = World(world.disk)
    heir.turn(CA)
    heir.turns()
    assert len(ordered(heir)) == 1
    change(heir, profile="short")
    heir.turns()
    assert ordered(heir) == [{}, {"profile": "short"}]


def test_an_unknown_profile_asks_the_directory_once_in_a_while_and_nothing_else() -> None:
    world = world_of({}, profile="tlsclient")
    world.turn()
    asked = list(world.disk.ca.asked)
    ready = world.condition("Stalled")
    assert ready is not None
    assert (ready[1], "classic: a profile" in ready[2]) == ("UnknownProfile", True)
    assert "new-order" not in asked
    for _ in range(60):
        world.clock.move(minutes=1)
        world.turn()
    more = world.disk.ca.asked[len(asked) :]
    assert set(more) == {"directory"}
    assert len(more) <= 12
    assert not world.disk.attempts.stored
    world.disk.ca.profiles = {"tlsclient": LIFE}
    world.clock.move(minutes=10)
    world.turns()
    assert_issued(world.disk)
    assert ordered(world) == [{"profile": "tlsclient"}]


def test_a_profile_that_the_ca_withdraws_leaves_a_valid_certificate_ready_and_its_renewal_failing() -> None:
    world = world_of({}, profile="short")
    world.turns()
    world.disk.ca.profiles = {"classic": LIFE}
    world.clock.move(days=1)
    world.turns()
    assert world.condition("RenewalFailing") is None, "not due yet"
    world.clock.move(days=76)
    world.turns()
    ready, failing = world.condition("Ready"), world.condition("RenewalFailing")
    assert ready is not None
    assert ready[0] == "True"
    assert failing is not None
    assert failing[1] == "UnknownProfile"
    assert "(classic: a profile)" in failing[2]
    assert world.condition("Stalled") is None


@pytest.mark.parametrize("where", ["new-order", "finalize"])
def test_a_profile_that_the_ca_refuses_all_the_same_needs_a_person_and_lists_what_there_is(
    where: str,
) -> None:
    world = world_of({}, profile="short")
    world.disk.ca.profiles = dict.fromkeys((*PROFILES, "new"), LIFE)
    world.disk.ca.rule(acme(where), problem("invalidProfile", 400, "not for this account"), times=1)
    world.turns()
    stalled = world.condition("Stalled")
    assert stalled is not None
    assert stalled[1] == "UnknownProfile"
    assert "write one that it does (classic: a profile; new: a profile)" in stalled[2]
    assert "not for this account" in stalled[2]
    failure = world.web.status.failure
    assert failure is not None
    assert failure.type == "invalidProfile"
    assert world.web.status.next_attempt_time == failure.at + timedelta(hours=6)
    assert world.disk.ca.count("new-order") == 1
    # An order keeps its profile, so one that was refused at its end is of no use any more.
    assert [each.order_url for each in world.disk.attempts.stored.values()] == (
        [""] if where == "new-order" else []
    )
    change(world, profile="classic")
    world.turns()
    assert_issued(world.disk)
    assert ordered(world) == [{"profile": "short"}, {"profile": "classic"}]
    assert world.disk.ca.count("finalize") == (2 if where == "finalize" else 1)


def test_a_ca_that_wants_some_profile_is_told_so() -> None:
    world = world_of({})
    world.disk.ca.rule(acme("new-order"), problem("invalidProfile", 400), times=1)
    world.turns()
    stalled = world.condition("Stalled")
    assert stalled is not None
    assert (
        "certificates without a profile; write one that it does (classic: a profile; short: a profile)"
        in stalled[2]
    )
    assert world.disk.ca.count("directory") == 1


def test_a_refused_profile_is_not_blamed_on_the_certificate_that_is_replaced() -> None:
    world = world_of({}, profile="short")
    world.turns()
    world.clock.move(days=76)
    world.disk.ca.rule(acme("new-order"), problem("invalidProfile", 400), times=1)
    world.turn()
    orders = [payload for kind, payload in world.disk.ca.payloads if kind == "new-order"]
    assert ["replaces" in each for each in orders] == [False, True]


@pytest.mark.parametrize("root", ["Fake Root 0", "Fake Root 1", "Fake Root 2"])
def test_the_preferred_chain_is_stored(root: str) -> None:
    world = world_of({"preferredChain": "Fake Root 1"}, preferredChain=root)
    world.turns()
    assert (leads_to(world), note(world)) == (root, Wish("", root).hash)
    assert [warning for warning, _ in issued_events(world)] == [False]
    ready = world.condition("Ready")
    assert ready is not None
    assert "Its chain" not in ready[2]
    assert world.disk.ca.count("certificate") == 1 + ["Fake Root 0", "Fake Root 1", "Fake Root 2"].index(root)


def test_a_chain_that_nobody_offers_is_told_once_by_an_event_and_stays_in_the_condition() -> None:
    world = world_of({}, preferredChain="Root Nine")
    world.turns()
    assert leads_to(world) == "Fake Root 0"
    ((warning, text),) = issued_events(world)
    assert warning
    assert "those that were offered lead to Fake Root 0, Fake Root 1, Fake Root 2" in text
    heir = World(world.disk)
    heir.turn(CA)
    for _ in range(3):
        heir.clock.move(hours=1)
        heir.turns()
    assert (len(ordered(heir)), len(issued_events(heir))) == (1, 1)
    ready = heir.condition("Ready")
    assert ready is not None
    assert "Its chain leads to Fake Root 0, because the CA offered none to Root Nine" in ready[2]


def test_another_preferred_chain_is_another_order() -> None:
    world = world_of({})
    world.turns()
    assert (leads_to(world), world.disk.ca.count("certificate")) == ("Fake Root 0", 1)
    change(world, {"preferredChain": "Fake Root 2"})
    world.turns()
    assert (leads_to(world), len(ordered(world))) == ("Fake Root 2", 2)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_the_next_process_goes_on_with_the_same_wish(point: str) -> None:
    world = world_of({"preferredChain": "Fake Root 2"}, profile="short")
    world.die_at = point
    with pytest.raises(Killed):
        world.turns()
    heir = World(world.disk)
    heir.clock.move(seconds=5)
    heir.turn(CA)
    heir.turns()
    assert_issued(heir.disk)
    assert set(map(str, ordered(heir))) == {"{'profile': 'short'}"}
    assert (leads_to(heir), note(heir)) == ("Fake Root 2", Wish("short", "Fake Root 2").hash)
    assert heir.disk.ca.count("finalize") == 1


def test_an_attempt_of_a_version_without_wishes_is_finished_as_it_was_begun() -> None:
    world = world_of({})
    world.die_at = "after:note-order"
    with pytest.raises(Killed):
        world.turns()
    ((name, begun),) = world.disk.attempts.stored.items()
    world.disk.attempts.stored[name] = replace(begun, wish=Wish())
    heir = World(world.disk)
    heir.turn(CA)
    heir.turns()
    assert_issued(heir.disk)
    assert len(ordered(heir)) == 1


END = {"enableDurationFeature": True}


@pytest.mark.parametrize(
    ("acme", "spec", "asked"),
    [
        ({}, {"duration": "720h"}, {}),
        (END, {}, {}),
        (END, {"duration": "720h"}, {"notAfter": "2026-12-24T12:00:00Z"}),
        (END, {"duration": "1d2h30m0.9s"}, {"notAfter": "2026-11-25T14:30:00Z"}),
        (
            END | {"profile": "short"},
            {"duration": "2h"},
            {"profile": "short", "notAfter": "2026-11-24T14:00:00Z"},
        ),
    ],
)
def test_a_duration_is_asked_of_the_ca_only_where_the_issuer_says_so(
    acme: dict[str, Any], spec: dict[str, Any], asked: dict[str, Any]
) -> None:
    world = world_of(acme, **spec)
    world.turns()
    assert ordered(world) == [asked]
    assert_issued(world.disk)


def test_a_changed_duration_waits_for_the_next_order() -> None:
    world = world_of(END, duration="720h")
    world.turns()
    change(world, END, duration="1000h")
    world.turns()
    assert len(ordered(world)) == 1
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[0] == "True"


def test_a_ca_that_takes_no_end_is_told_how_to_be_left_alone_and_goes_on_at_once() -> None:
    world = world_of(END, duration="720h")
    world.disk.ca.rule(
        acme("new-order"), problem("malformed", 400, "NotBefore and NotAfter are not supported"), times=1
    )
    world.turn()
    stalled = world.condition("Stalled")
    assert stalled is not None
    assert "NotBefore and NotAfter are not supported" in stalled[2]
    assert "spec.acme.enableDurationFeature; if the CA takes no such wish, set it to false" in stalled[2]
    assert world.disk.ca.count("new-order") == 1
    change(world, {}, duration="720h")
    world.turns()
    assert_issued(world.disk)
    assert ordered(world)[1:] == [{}]


@pytest.mark.parametrize(
    ("kind", "status"),
    [("rateLimited", 429), ("rejectedIdentifier", 400), ("serverInternal", 500), ("strange", 503)],
)
def test_a_refusal_of_another_kind_is_not_blamed_on_the_duration(kind: str, status: int) -> None:
    world = world_of(END, duration="720h")
    world.disk.ca.rule(acme("new-order"), problem(kind, status), times=1)
    world.turn()
    failure = world.web.status.failure
    assert failure is not None
    assert "enableDurationFeature" not in failure.detail
