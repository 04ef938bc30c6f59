"""Faults that other people cause while an order is under way, in both ways of proving; see tests/faults.md."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from certwright.failures import NeedsPerson
from certwright.resources.names import Ref
from tests.reconcile.fakes import NAMES, FakeDns01
from tests.reconcile.meddling import (
    KEY,
    POINTS,
    UNTIL_FINALIZED,
    UNTIL_STORED,
    WAYS,
    MeddledWorld,
    assert_nothing_left,
    assert_well,
    delete,
    facts,
    hold_proofs,
    proving,
    stored,
)
from tests.reconcile.world import CA, WEB, Disk, Killed, certificate_spec, issuer_spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from certwright.reconcile.ports import Json
    from certwright.resources.dns01_spec import Dns01Spec
    from certwright.resources.secret_refs import SecretKeyRef
    from certwright.secret_text import SecretText

OTHER = Ref("Issuer", "shop", "other")
MINUTE = timedelta(minutes=1)
both_ways = pytest.mark.parametrize("way", WAYS)
shown = pytest.mark.parametrize("at_once", [True, False], ids=["seen at once", "seen after the turn"])


def is_of_secret(**annotations: str) -> Callable[[Json], bool]:
    wanted = {getattr(NAMES, name): text for name, text in annotations.items()}
    return lambda body: wanted.items() <= body["metadata"]["annotations"].items()


# F40, F41: the spec is edited

EDITS: dict[str, tuple[dict[str, Any], Callable[[Json], bool]]] = {
    "names": (
        {"dnsNames": ["new.example.org"]},
        lambda body: facts(body)[0].dns_names == {"new.example.org"},
    ),
    "issuer": ({"issuerRef": {"name": "other"}}, is_of_secret(issuer_name="other")),
    "key": ({"privateKey": {"size": 384}}, lambda body: facts(body)[1].size == 384),
}


@both_ways
@shown
@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("point", POINTS)
def test_a_spec_edited_at_any_step_gets_its_own_certificate_and_no_other_is_stored(
    point: str, edit: str, way: str, *, at_once: bool
) -> None:
    spec, fits = EDITS[edit]
    world = proving(way, shows_at_once=at_once)
    disk = world.disk
    other = {"privateKeySecretRef": {"name": "other-account"}, "solvers": [WAYS[way]]}
    disk.apply(OTHER, issuer_spec(**other))
    world.watch()
    applied_before: list[int] = []

    def edited() -> None:
        applied_before.append(len(disk.secrets.applied))
        disk.apply(WEB, certificate_spec(**spec))

    world.deeds[point] = edited
    world.live()
    assert_well(world, *spec.get("dnsNames", ()))
    assert fits(disk.secrets.bodies[KEY])
    if point != "before:store-secret":
        assert all(fits(body) for body in disk.secrets.applied[applied_before[0] :])
    assert len(disk.ca.orders) == 2
    assert disk.ca.count("finalize") == (1 if point in UNTIL_FINALIZED else 2)


@both_ways
@shown
@pytest.mark.parametrize("point", UNTIL_STORED)
def test_a_spec_edited_back_while_the_new_order_runs_keeps_the_certificate_that_there_is(
    point: str, way: str, *, at_once: bool
) -> None:
    world = proving(way, shows_at_once=at_once)
    world.live()
    first, applies = stored(world.disk), len(world.disk.secrets.applied)
    world.disk.apply(WEB, certificate_spec(dnsNames=["new.example.org"]))
    world.watch()
    world.deeds[point] = lambda: world.disk.apply(WEB, certificate_spec())
    world.live()
    assert not world.deeds
    assert_well(world)
    assert stored(world.disk) == first
    assert len(world.disk.secrets.applied) == applies
    assert world.web.status.revision == 1


# F42: the Certificate is deleted


@both_ways
@shown
@pytest.mark.parametrize("renewal", [True, False], ids=["renewal", "first"])
@pytest.mark.parametrize("point", POINTS)
def test_a_certificate_deleted_at_any_step_leaves_its_secret_and_nothing_else(
    point: str, way: str, *, renewal: bool, at_once: bool
) -> None:
    world = proving(way, shows_at_once=at_once)
    if renewal:
        world.live()
        assert world.web.status.renewal_time is not None
        world.clock.now = world.web.status.renewal_time + MINUTE
    before = copy.deepcopy(world.disk.secrets.bodies.get(KEY))
    finalized = world.disk.ca.count("finalize")
    world.deeds[point] = lambda: delete(world.disk)
    world.live()
    assert not world.deeds
    assert_nothing_left(world.disk)
    if point in UNTIL_STORED:
        assert world.disk.secrets.bodies.get(KEY) == before
    else:
        assert stored(world.disk).dns_names == {"www.example.org"}
    if point in UNTIL_FINALIZED:
        assert world.disk.ca.count("finalize") == finalized


@both_ways
def test_certificate_and_issuer_deleted_together_leave_no_proof(way: str) -> None:
    world = proving(way)
    hold_proofs(world)
    world.turn()
    assert world.disk.dns.records or world.disk.web.rows
    delete(world.disk)
    delete(world.disk, CA)
    world.watch()
    world.live()
    assert_nothing_left(world.disk)


# F43: the issuer goes or changes


@both_ways
@pytest.mark.parametrize("renewal", [True, False], ids=["renewal", "first"])
def test_without_its_issuer_an_order_rests_and_goes_on_when_it_is_back(way: str, *, renewal: bool) -> None:
    world = proving(way)
    if renewal:
        world.live()
        assert world.web.status.renewal_time is not None
        world.clock.now = world.web.status.renewal_time + MINUTE
    orders = world.disk.ca.count("new-order") + 1
    hold_proofs(world)
    world.turn()
    assert world.disk.ca.count("new-order") == orders
    delete(world.disk, CA)
    world.watch()
    hold_proofs(world, held=False)
    for _ in range(5):
        world.clock.move(minutes=1)
        world.turn()
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[0] == ("True" if renewal else "False")
    assert renewal or ready[1] == "IssuerNotFound"
    assert len(world.disk.attempts.stored) == 1
    assert (KEY in world.disk.secrets.bodies) is renewal
    world.disk.apply(CA, issuer_spec(solvers=[WAYS[way]]), uid="uid-of-the-second")
    world.watch()
    world.live()
    assert_well(world)
    assert (world.disk.ca.count("new-order"), world.disk.ca.count("finalize")) == (orders, orders)


CHANGES: dict[str, Callable[[str], dict[str, Any]]] = {
    "account": lambda way: {"privateKeySecretRef": {"name": "new-account"}, "solvers": [WAYS[way]]},
    "contact": lambda way: {"email": "new@example.org", "solvers": [WAYS[way]]},
    "solver": lambda way: {
        "solvers": [
            {"dns01": {"rfc2136": {"nameserver": "192.0.2.54:53"}}}
            if way == "dns-01"
            else {"http01": {"ingress": {"ingressClassName": "nginx"}}}
        ]
    },
}


@both_ways
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("point", POINTS)
def test_an_issuer_edited_at_any_step_costs_one_order_at_most(point: str, change: str, way: str) -> None:
    world = proving(way)
    world = MeddledWorld(world.disk)
    world.watch()
    world.deeds[point] = lambda: world.disk.apply(CA, issuer_spec(**CHANGES[change](way)))
    world.live()
    assert not world.deeds
    assert_well(world)
    ca = world.disk.ca
    assert 403 not in [each.status for each in ca.seen], "nothing of another account is asked for"
    assert ca.count("new-order") <= (1 if change == "contact" else 2)
    assert len(ca.accounts) == (2 if change == "account" else 1)


@both_ways
def test_a_solver_edited_while_its_proofs_wait_is_used_in_a_new_order(way: str) -> None:
    world = proving(way)
    hold_proofs(world)
    world.turn()
    assert world.disk.ca.count("new-order") == 1
    world.disk.apply(CA, issuer_spec(**CHANGES["solver"](way)))
    world.watch()
    hold_proofs(world, held=False)
    world.live()
    assert_well(world)
    assert (world.disk.ca.count("new-order"), world.disk.ca.count("finalize")) == (2, 1)


# F17: a CA that answers the same request with the same order


@both_ways
@pytest.mark.parametrize("point", ["after:new-order", "before:note-order"])
def test_an_order_that_nobody_wrote_down_is_got_again_where_the_ca_hands_it_out_again(
    point: str, way: str
) -> None:
    world = proving(way)
    world.disk.ca.reuses_orders = True
    world = MeddledWorld(world.disk)
    world.watch()
    world.die_at = point
    with pytest.raises(Killed):
        world.live()
    heir = MeddledWorld(world.disk)
    heir.watch()
    heir.live()
    assert_well(heir)
    assert list(heir.disk.ca.orders) == ["1"]
    assert heir.disk.ca.count("finalize") == 1


# F44: the credential is missing, or changes


class TsigDns(FakeDns01):
    """A name server that takes changes with the one key that it knows."""

    def __init__(self, accepts: str) -> None:
        super().__init__()
        self.accepts = accepts
        self._shown = ""

    def open(self, spec: Dns01Spec, credential: Callable[[SecretKeyRef], SecretText]) -> FakeDns01:
        assert spec.rfc2136.tsig_secret is not None
        self._shown = credential(spec.rfc2136.tsig_secret).reveal()
        refused = NeedsPerson("DNSCredentialsRefused", "the server refused the key")
        self.fails = None if self._shown == self.accepts else refused
        return self


KEYED = {"tsigKeyName": "k", "tsigSecretSecretRef": {"name": "dns-key", "key": "secret"}}


def keyed_world(accepts: str = "right") -> MeddledWorld:
    disk = Disk()
    disk.dns = TsigDns(accepts)
    disk.apply_usual()
    solver = {"dns01": {"rfc2136": {"nameserver": "192.0.2.53:53"} | KEYED}}
    disk.apply(CA, issuer_spec(solvers=[solver]))
    world = MeddledWorld(disk)
    world.watch()
    return world


def put_key(world: MeddledWorld, text: str, key: str = "secret", *, is_shown: bool) -> None:
    """Somebody writes the credential, and the watch shows it or stays silent."""
    world.disk.secrets.put("shop", "dns-key", {key: text}, "credential")
    if is_shown:
        world.credentials.forget("shop", "dns-key")


def run(world: MeddledWorld, lasting: timedelta, begin: datetime | None = None) -> datetime:
    """Turn whenever a turn is due, for so long; returns when the next one is due."""
    end, due = world.clock() + lasting, begin or world.clock()
    while due < end:
        world.clock.now = max(due, world.clock())
        due = max(world.turn() or end, world.clock() + timedelta(milliseconds=1))
    world.clock.now = end
    return due


MISSING = {"no Secret": None, "another key in it": "sekret"}


@pytest.mark.parametrize("there", MISSING)
def test_a_credential_that_comes_later_is_found_within_half_a_minute_even_unseen(there: str) -> None:
    world = keyed_world()
    if wrong := MISSING[there]:
        put_key(world, "right", wrong, is_shown=True)
    due = run(world, 7 * MINUTE)
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[1] == "CredentialMissing"
    assert world.disk.ca.count("new-order") == 0
    put_key(world, "right", is_shown=False)
    run(world, timedelta(seconds=30), due)
    assert_well(world)
    assert world.disk.ca.count("new-order") == 1


@pytest.mark.parametrize("is_shown", [True, False], ids=["seen", "unseen"])
@pytest.mark.parametrize(
    "point", ["after:note-order", "after:publish", "after:finalize", "after:store-secret"]
)
def test_a_credential_rotated_in_the_middle_of_an_order_costs_no_second_one(
    point: str, *, is_shown: bool
) -> None:
    world = keyed_world("old")
    put_key(world, "old", is_shown=True)

    def rotated() -> None:
        assert isinstance(world.disk.dns, TsigDns)
        world.disk.dns.accepts = "new"
        put_key(world, "new", is_shown=is_shown)

    world.deeds[point] = rotated
    run(world, 10 * MINUTE)
    assert not world.deeds
    assert_well(world)
    assert world.disk.ca.count("finalize") == 1


# F45: the attempt is deleted after the CA has signed for its key


@both_ways
@pytest.mark.parametrize(
    "point", ["after:finalize", "before:download", "after:download", "before:store-secret"]
)
def test_an_attempt_deleted_under_our_hands_loses_no_key(point: str, way: str) -> None:
    world = proving(way)
    world.deeds[point] = world.disk.attempts.stored.clear
    world.live()
    assert not world.deeds
    assert_well(world)
    assert world.disk.ca.count("finalize") == 1


@both_ways
@pytest.mark.parametrize(
    "point", ["after:finalize", "before:download", "after:download", "before:store-secret"]
)
def test_an_attempt_deleted_while_nobody_looked_is_never_stored_without_its_key(point: str, way: str) -> None:
    world = proving(way)
    world.die_at = point
    with pytest.raises(Killed):
        world.live()
    signed = set(world.disk.ca.certificates)
    world.disk.attempts.stored.clear()
    heir = MeddledWorld(world.disk)
    heir.watch()
    heir.live()
    assert stored(heir.disk).dns_names == {"www.example.org"}
    assert len(heir.disk.secrets.applied) == 1
    assert heir.disk.ca.count("finalize") == 2
    assert set(heir.disk.ca.certificates) > signed
    assert not heir.disk.attempts.stored
