"""An account after its opening: lost, closed, refused, and bound to terms that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from certwright.resources.names import Ref
from tests.kit.fake_ca_faults import new_terms, problem
from tests.kit.faults import Answer, acme
from tests.reconcile.days import Days
from tests.reconcile.world import BASE, CA, WEB, World, certificate_spec, issuer_spec

if TYPE_CHECKING:
    from tests.kit.faults import Asked, Rule

OTHERS = [Ref("Certificate", "shop", f"web-{number}") for number in range(5)]
AGREE, TERMS = "https://ca.example/agree/7", "https://ca.example/terms-2"
BINDING = {"keyID": "kid", "keySecretRef": {"name": "eab", "key": "mac"}}


def crowd(bindings: dict[str, bytes] | None = None, **acme: Any) -> tuple[World, Days]:
    """One Certificate that was issued, and an account that has worked for an hour."""
    world = World()
    world.disk.ca.bindings = bindings
    world.disk.secrets.put("shop", "eab", {"mac": "c2VjcmV0"}, "credential")
    world.disk.apply(CA, issuer_spec(**acme))
    world.disk.apply(WEB, certificate_spec())
    world.see_all()
    days = Days(world, CA, WEB)
    days.pass_by(hours=1)
    assert is_ready(world, WEB)
    return world, days


def come(world: World, days: Days) -> None:
    """More Certificates are wanted."""
    for other in OTHERS:
        spec = certificate_spec(secretName=other.name, dnsNames=[f"{other.name}.example.org"])
        world.disk.apply(other, spec)
        days.due[other] = world.clock()
    world.see_all()


def is_ready(world: World, ref: Ref) -> bool:
    ready = world.condition("Ready", ref)
    return ready is not None and ready[0] == "True"


def change_issuer(world: World, days: Days, **acme: Any) -> None:
    world.disk.apply(CA, issuer_spec(**acme))
    world.see_all()
    days.due[CA] = world.clock()


def sent(world: World) -> list[Any]:
    """What newAccount was asked."""
    return [said for kind, said in world.disk.ca.payloads if kind == "new-account"]


def requests(world: World) -> int:
    """How much the account asked for; directory, nonces and renewal advice are free to all."""
    return sum(each.jws is not None for each in world.disk.ca.seen)


LOOK = {"onlyReturnExisting": True}


@pytest.mark.parametrize("status", ["deactivated", "revoked"])
@pytest.mark.parametrize("told", ["as a refusal", "in the account"])
def test_an_account_that_was_closed_is_told_by_its_issuer_and_looked_up_now_and_then(
    status: str, told: str
) -> None:
    world, days = crowd()
    (account,) = world.disk.ca.accounts.values()
    account.status = status
    if told == "in the account":
        body = f'{{"status": "{status}"}}'.encode()
        world.disk.ca.rule(acme("new-account"), Answer(200, body, {"location": account.url}))
    come(world, days)
    before = requests(world), len(sent(world))
    days.pass_by(hours=24)
    ready, stalled = world.condition("Ready", CA), world.condition("Stalled", CA)
    assert ready is not None
    assert stalled is not None
    assert (ready[0], ready[1]) == ("False", "AccountRefused")
    assert status in ready[2]
    assert "privateKeySecretRef" in ready[2]
    assert set(map(str, sent(world)[before[1] :])) == {str(LOOK)}, "nothing is registered"
    assert len(sent(world)) - before[1] <= 5
    assert requests(world) - before[0] <= 5 + 1, "the look-ups, and what found out"
    assert len(world.disk.ca.accounts) == 1
    assert is_ready(world, WEB), "what is issued stays"
    waits = world.condition("Ready", OTHERS[3])
    assert waits is not None
    assert waits[1] == "IssuerNotReady"
    assert status in waits[2]


def test_another_secret_opens_a_new_account_in_place_of_a_closed_one() -> None:
    world, days = crowd()
    (account,) = world.disk.ca.accounts.values()
    account.status = "deactivated"
    come(world, days)
    days.pass_by(hours=2)
    change_issuer(world, days, privateKeySecretRef={"name": "second"})
    days.pass_by(hours=1)
    assert len(world.disk.ca.accounts) == 2
    assert all(is_ready(world, other) for other in OTHERS)


def test_a_ca_that_was_built_anew_gets_the_account_of_the_same_key_once() -> None:
    world, days = crowd()
    key = dict(world.disk.secrets.bodies["shop", "ca-account"]["data"])
    world.disk.ca.move_to(BASE)
    come(world, days)
    before = len(sent(world))
    days.pass_by(hours=1)
    assert sent(world)[before:] == [LOOK, {}]
    assert world.disk.secrets.bodies["shop", "ca-account"]["data"] == key
    assert all(is_ready(world, other) for other in (WEB, *OTHERS))


def test_a_lost_account_whose_binding_is_used_up_is_told_and_not_tried_in_a_loop() -> None:
    world, days = crowd(bindings={"kid": b"secret"}, externalAccountBinding=BINDING)
    url = world.issuer.status.acme.account_url if world.issuer.status.acme else ""
    world.disk.ca.move_to(BASE)
    world.disk.ca.bindings = {}
    come(world, days)
    before = len(sent(world))
    days.pass_by(hours=1)
    told = world.condition("Stalled", CA)
    assert told is not None
    assert told[1] == "ExternalAccountRequired"
    assert f"does not know account {url} any more" in told[2]
    assert "externalAccountBinding" in told[2]
    assert sum("externalAccountBinding" in each for each in sent(world)[before:]) == 1
    days.pass_by(hours=23)
    assert sum("externalAccountBinding" in each for each in sent(world)[before:]) <= 5
    assert is_ready(world, WEB)
    world.disk.ca.bindings = {"kid-2": b"secret"}
    change_issuer(world, days, externalAccountBinding=BINDING | {"keyID": "kid-2"})
    days.pass_by(hours=1)
    assert all(is_ready(world, other) for other in (WEB, *OTHERS))


def test_an_account_that_may_not_order_is_not_looked_up_for_each_that_hears_so() -> None:
    world, days = crowd()
    rule = world.disk.ca.rule(acme("new-order"), problem("unauthorized", 403))
    come(world, days)
    before = len(sent(world))
    days.pass_by(minutes=30)
    assert rule.hits == len(OTHERS)
    assert sent(world)[before:] == [LOOK]
    assert world.accounts.get(CA) is not None


def signed(asked: Asked) -> bool:
    """Everything that an account asks for."""
    return asked.method == "POST"


def terms_change(world: World) -> Rule:
    return world.disk.ca.rule(signed, new_terms(AGREE, TERMS))


def test_changed_terms_are_told_with_their_links_and_cost_five_requests_a_day_for_all() -> None:
    world, days = crowd()
    rule = terms_change(world)
    come(world, days)
    days.pass_by(hours=24)
    assert rule.hits <= 5
    for other in OTHERS:
        told = world.condition("Ready", other)
        assert told is not None
        assert told[1] == "UserActionRequired"
        assert AGREE in told[2]
        assert TERMS in told[2]
    (limit,) = world.disk.objects.bodies[CA]["status"]["limits"]
    assert (limit["scope"], limit["reason"]) == ("account", "UserActionRequired")
    assert AGREE in limit["detail"]
    assert is_ready(world, CA), "the account is held at its gate, and nowhere else"
    assert is_ready(world, WEB)


def test_once_a_person_acted_and_changed_the_issuer_all_go_on() -> None:
    world, days = crowd()
    rule = terms_change(world)
    come(world, days)
    days.pass_by(hours=1)
    rule.remove()
    change_issuer(world, days, email="certificates@example.org")
    days.pass_by(minutes=10)
    assert all(is_ready(world, other) for other in OTHERS)


def test_a_person_who_acted_at_the_ca_alone_waits_six_hours_at_most() -> None:
    world, days = crowd()
    rule = terms_change(world)
    come(world, days)
    days.pass_by(hours=1)
    rule.remove()
    days.pass_by(hours=6)
    assert all(is_ready(world, other) for other in OTHERS)


def test_changed_terms_outlive_a_restart_with_one_look_more() -> None:
    world, days = crowd()
    rule = terms_change(world)
    come(world, days)
    days.pass_by(hours=1)
    before = rule.hits
    heir = World(world.disk)
    Days(heir, CA, WEB, *OTHERS).pass_by(hours=4)
    assert rule.hits == before + 1
    told = heir.condition("Ready", CA)
    assert told is not None
    assert told[1] == "UserActionRequired"
    assert AGREE in told[2]


def test_an_order_under_way_when_the_terms_change_is_looked_at_now_and_then() -> None:
    world, days = crowd()
    world.disk.dns.blind = ("ns2",)
    world.disk.apply(OTHERS[0], certificate_spec(secretName="other", dnsNames=["other.example.org"]))
    world.see_all()
    days.due[OTHERS[0]] = world.clock()
    days.pass_by(minutes=1)
    rule = terms_change(world)
    world.disk.dns.blind = ()
    days.pass_by(hours=24)
    assert rule.hits <= 5
    rule.remove()
    days.pass_by(hours=7)
    assert is_ready(world, OTHERS[0])
    assert len(world.disk.ca.orders) == 2


def test_terms_that_are_asked_for_while_an_account_is_opened_hold_its_issuer() -> None:
    world = World()
    world.disk.apply_usual()
    world.see_all()
    rule = terms_change(world)
    Days(world, CA, WEB).pass_by(hours=24)
    assert rule.hits <= 5
    told = world.condition("Stalled", CA)
    assert told is not None
    assert told[1] == "UserActionRequired"
    assert TERMS in told[2]
