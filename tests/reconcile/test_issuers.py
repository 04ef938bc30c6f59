"""Turns of an issuer: what its status says, who is woken, and when it is looked at again."""

from __future__ import annotations

from datetime import timedelta

from certwright.failures import TryLater
from certwright.resources.issuer_status import issuer_status_to_dict
from tests.kit.fake_ca_faults import problem
from tests.kit.faults import acme
from tests.kit.kstatus import kstatus, looked_at
from tests.reconcile.days import Days
from tests.reconcile.world import CA, WEB, World, issuer_spec

MINUTE = timedelta(minutes=1)


def conditions(world: World) -> dict[str, tuple[str, str]]:
    return {each.type: (each.status, each.reason) for each in world.issuer.status.conditions}


def health(world: World) -> str:
    return kstatus(looked_at(world.issuer.meta.generation, issuer_status_to_dict(world.issuer.status)))


def test_a_working_account_is_ready_and_told() -> None:
    world = World().ready()
    assert conditions(world) == {
        "Ready": ("True", "AccountRegistered"),
        "AccountReady": ("True", "AccountRegistered"),
        "Accepted": ("True", "Accepted"),
    }
    assert health(world) == "Current"
    acme = world.issuer.status.acme
    assert acme is not None
    assert acme.account_url.endswith("/my-account/1")
    assert acme.renewal_info
    assert acme.key_thumbprint
    assert [(told[1], told[2]) for told in world.disk.events.told] == [(False, "AccountRegistered")]
    assert world.woken == [WEB]


def test_the_second_turn_asks_and_writes_nothing() -> None:
    world = World().ready()
    asked, written = list(world.disk.ca.asked), len(world.disk.objects.written)
    assert world.turn(CA) is None
    assert (world.disk.ca.asked, len(world.disk.objects.written)) == (asked, written)


def test_after_a_restart_the_account_is_found_and_the_status_not_written() -> None:
    world = World().ready()
    written = len(world.disk.objects.written)
    heir = World(world.disk)
    assert heir.turn(CA) is None
    assert len(world.disk.objects.written) == written
    assert len(world.disk.ca.accounts) == 1


def test_a_ca_that_is_down_is_tried_again_ever_later() -> None:
    world = World()
    world.disk.apply_usual()
    world.see_all()
    pauses = []
    for _ in range(4):
        world.disk.ca.rule(acme("new-account"), problem("serverInternal", 500), times=1)
        again = world.turn(CA)
        assert again is not None
        pauses.append(again - world.clock())
        world.clock.now = again
    assert pauses == [MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE]
    assert conditions(world)["Reconciling"] == ("True", "CAError")
    assert "Next attempt at 2026-11-24T12:18:00Z" in world.issuer.status.conditions[0].message
    assert health(world) == "InProgress"
    assert world.turn(CA) is None
    assert "Reconciling" not in conditions(world)


def test_what_a_person_must_do_is_stalled_and_names_it() -> None:
    world = World()
    world.disk.ca.terms = "https://ca.example/terms"
    world.disk.apply_usual()
    world.see_all()
    world.turn(CA)
    assert conditions(world)["Stalled"] == ("True", "TermsNotAgreed")
    assert health(world) == "Failed"
    world.disk.apply(CA, issuer_spec(termsOfServiceAgreed=True))
    world.see_all()
    assert world.turn(CA) is None
    assert health(world) == "Current"


def test_a_missing_credential_is_waited_for_never_stalled() -> None:
    world = World()
    binding = {"keyID": "kid", "keySecretRef": {"name": "eab", "key": "mac"}}
    world.disk.apply(CA, issuer_spec(externalAccountBinding=binding))
    world.see_all()
    assert world.turn(CA) == world.clock() + timedelta(seconds=20)
    assert conditions(world)["Reconciling"] == ("True", "CredentialMissing")
    assert "Stalled" not in conditions(world)


def test_a_binding_that_the_ca_refuses_is_not_sent_in_a_loop() -> None:
    world = World()
    world.disk.ca.bindings = {"kid": b"another key"}
    binding = {"keyID": "kid", "keySecretRef": {"name": "eab", "key": "mac"}}
    world.disk.secrets.put("shop", "eab", {"mac": "d3Jvbmc"}, "credential")
    world.disk.apply(CA, issuer_spec(externalAccountBinding=binding))
    world.see_all()
    days = Days(world, CA)
    days.pass_by(hours=1)
    assert conditions(world)["Stalled"] == ("True", "ExternalAccountRequired")
    sent = [said for kind, said in world.disk.ca.payloads if kind == "new-account"]
    assert sum("externalAccountBinding" in each for each in sent) == 1
    days.pass_by(hours=23)
    sent = [said for kind, said in world.disk.ca.payloads if kind == "new-account"]
    assert sum("externalAccountBinding" in each for each in sent) <= 5


def test_a_changed_key_id_does_not_stop_an_issuer_that_works() -> None:
    world = World().ready()
    world.woken.clear()
    binding = {"keyID": "new", "keySecretRef": {"name": "not-there", "key": "mac"}}
    world.disk.apply(CA, issuer_spec(externalAccountBinding=binding))
    world.see_all()
    assert world.turn(CA) is None
    assert conditions(world)["Ready"] == ("True", "AccountRegistered")
    assert len(world.disk.ca.accounts) == 1
    assert world.turns() is not None
    assert world.web.status.revision == 1


def test_a_transition_time_moves_only_when_the_status_flips() -> None:
    world = World()
    world.disk.ca.terms = "https://ca.example/terms"
    world.disk.apply_usual()
    world.see_all()
    world.turn(CA)
    first = world.issuer.status.conditions[0].last_transition_time
    world.clock.move(minutes=1)
    world.disk.ca.terms, world.disk.ca.bindings = "", {}
    world.accounts.authority(world.issuer.spec.server, None)._directory = None
    world.turn(CA)
    assert conditions(world)["Ready"] == ("False", "ExternalAccountRequired")
    assert world.issuer.status.conditions[0].last_transition_time == first


def test_certificates_learn_why_their_issuer_is_not_ready() -> None:
    world = World()
    world.disk.ca.terms = "https://ca.example/terms"
    world.disk.apply_usual()
    world.see_all()
    world.turn(CA)
    assert WEB in world.woken
    world.turn()
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[1] == "IssuerNotReady"
    assert "termsOfServiceAgreed" in ready[2]


def test_a_changed_spec_opens_the_account_anew_and_lifts_holds() -> None:
    world = World().ready()
    world.disk.ca.rule(acme("new-order"), problem("rejectedIdentifier", 400), times=1)
    world.turn()
    assert not world.memory.is_lifted("uid-web")
    world.disk.apply(CA, issuer_spec(email="new@example.org"))
    world.see_all()
    world.turn(CA)
    assert world.memory.is_lifted("uid-web")
    world.turns()
    assert world.web.status.revision == 1


def test_a_restart_lifts_no_hold() -> None:
    """Otherwise each restart would send every refused Certificate to the CA at once."""
    world = World().ready()
    world.disk.ca.rule(acme("new-order"), problem("rejectedIdentifier", 400), times=1)
    world.turn()
    heir = World(world.disk)
    heir.turn(CA)
    assert heir.accounts.get(CA) is not None
    assert not heir.memory.is_lifted("uid-web")


def test_an_issuer_that_works_again_lifts_holds() -> None:
    world = World().ready()
    world.disk.ca.rule(acme("new-order"), problem("rejectedIdentifier", 400), times=1)
    world.turn()
    world.disk.secrets.put("shop", "ca-account", {"tls.key": "garbage"}, "account")
    world.accounts.drop(CA)
    world.turn(CA)
    del world.disk.secrets.bodies["shop", "ca-account"]
    world.clock.move(minutes=1)
    world.turn(CA)
    assert world.memory.is_lifted("uid-web")


def test_a_deleted_issuer_closes_its_account() -> None:
    world = World().ready()
    del world.disk.objects.bodies[CA]
    world.cache.drop_issuer(CA)
    assert world.turn(CA) is None
    assert world.accounts.get(CA) is None


def test_an_issuer_that_is_only_missing_in_the_cache_keeps_its_account() -> None:
    world = World().ready()
    world.cache.drop_issuer(CA)
    again = world.turn(CA)
    assert again is not None
    assert world.accounts.get(CA) is not None


def test_an_unreadable_spec_closes_the_account_and_says_why() -> None:
    world = World().ready()
    world.disk.apply(CA, {"acme": {"server": "http://ca.example"}})
    world.see_all()
    assert world.turn(CA) is None
    assert world.accounts.get(CA) is None
    stalled = world.condition("Stalled", CA)
    assert stalled is not None
    assert stalled[1] == "InvalidSpec"


def test_an_event_that_cannot_be_posted_is_no_failure() -> None:
    world = World()
    world.disk.events.fails = TryLater("APIServerUnavailable", "busy")
    world.disk.apply_usual()
    world.see_all()
    assert world.turn(CA) is None
    assert health(world) == "Current"
