"""Answers that never arrive, that cannot be used, and what stands where it should not: nothing gets stuck."""

from __future__ import annotations

from datetime import timedelta

import pytest

from certwright.failures import NeedsPerson, NotYet, TryLater
from certwright.resources.names import Ref
from tests.kit.fake_ca_faults import problem
from tests.kit.faults import DropAnswer, acme
from tests.reconcile.world import CA, WEB, Disk, Killed, World, certificate_spec, issuer_spec

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def run(world: World, lasting: timedelta, ref: Ref = WEB) -> None:
    """Turn whenever a turn is due, for so long."""
    end = world.clock() + lasting
    while world.clock() < end:
        again = world.turn(ref)
        if again is None or again >= end:
            world.clock.now = end
            return
        world.clock.now = max(again, world.clock() + timedelta(milliseconds=1))


@pytest.mark.parametrize(
    "kind", ["new-order", "authorization", "challenge", "finalize", "order", "certificate"]
)
def test_a_lost_answer_costs_time_and_nothing_else(kind: str) -> None:
    disk = Disk()
    lost = disk.ca.rule(acme(kind), DropAnswer(), times=1)
    world = World(disk)
    disk.apply_usual(dnsNames=["a.example.org", "b.example.org"])
    world.see_all()
    world.turn(CA)
    run(world, timedelta(minutes=5))
    assert lost.hits
    assert world.condition("Ready") is not None
    assert world.web.status.revision == 1
    assert disk.ca.count("finalize") == 1
    assert not disk.attempts.stored


def test_an_order_whose_certificate_cannot_be_had_is_given_up_for_a_new_one() -> None:
    world = World().ready()
    world.disk.ca.rule(acme("certificate"), problem("malformed", 404), times=1)
    run(world, timedelta(minutes=1))
    assert not world.disk.attempts.stored
    run(world, 2 * HOUR)
    assert world.web.status.revision == 1
    assert len(world.disk.ca.orders) == 2


def test_two_certificates_never_write_over_each_other_whatever_was_annotated() -> None:
    world = World().ready()
    world.turns()
    twin = Ref("Certificate", "shop", "twin")
    world.disk.apply(twin, certificate_spec(dnsNames=["twin.example.org"]))
    secret = world.disk.secrets.bodies["shop", "web-tls"]
    secret["metadata"]["annotations"]["certwright.dev/adopt"] = "true"
    world.see_all()
    for _ in range(5):
        world.turn(twin)
        world.turn(WEB)
    assert world.disk.ca.count("finalize") == 1
    assert world.web.status.revision == 1


def test_a_secret_that_the_cache_does_not_know_yet_is_not_taken_from_a_living_certificate() -> None:
    world = World().ready()
    world.turns()
    twin = Ref("Certificate", "shop", "twin")
    world.disk.apply(twin, certificate_spec(dnsNames=["twin.example.org"]))
    world.see_all()
    world.cache.drop_target(("shop", "web-tls"))
    run(world, timedelta(minutes=1), twin)
    assert world.disk.ca.count("finalize") == 1
    stalled = world.condition("Stalled", twin)
    assert stalled is not None
    assert stalled[1] == "SecretConflict"


def test_the_secret_of_a_certificate_that_is_gone_goes_to_the_one_that_names_it_next() -> None:
    world = World().ready()
    world.turns()
    twin = Ref("Certificate", "shop", "twin")
    world.disk.apply(twin, certificate_spec(dnsNames=["twin.example.org"]))
    world.see_all()
    world.turn(twin)
    assert world.disk.ca.count("finalize") == 1
    del world.disk.objects.bodies[WEB]
    world.cache.drop_certificate(WEB)
    run(world, HOUR, twin)
    assert world.disk.ca.count("finalize") == 2


def test_a_secret_that_only_the_cache_lost_is_not_called_absent() -> None:
    """The issuer is not ready, so nothing else would look at the Secret live."""
    world = World().ready()
    world.turns()
    world.cache.drop_target(("shop", "web-tls"))
    world.accounts.drop(CA)
    world.turn()
    assert world.condition("Ready") is not None
    ready = next(each for each in world.web.status.conditions if each.type == "Ready")
    assert ready.status == "True"


def test_a_predecessor_that_could_not_be_cleared_up_is_tried_again_soon() -> None:
    world = World().ready()
    world.turn()
    assert world.disk.attempts.stored
    world.disk.dns.fails = TryLater("DNSProviderUnavailable", "the name server is away")
    del world.disk.objects.bodies[WEB]
    world.disk.apply(WEB, certificate_spec(), uid="uid-second")
    world.see_all()
    again = world.turn()
    assert again is not None
    assert again <= world.clock() + timedelta(minutes=1)


def test_proofs_whose_credential_is_gone_do_not_keep_the_attempt_for_ever() -> None:
    world = World().ready()
    world.turn()
    assert world.disk.attempts.stored
    world.disk.dns.open_fails = NotYet("CredentialMissing", "Secret dns-key does not exist")
    del world.disk.objects.bodies[WEB]
    world.cache.drop_certificate(WEB)
    run(world, DAY + HOUR)
    assert not world.disk.attempts.stored


def test_something_else_in_the_place_of_an_attempt_is_named_and_does_not_make_a_loop() -> None:
    world = World().ready()
    world.disk.attempts.blocked = NeedsPerson(
        "AttemptUnreadable", "Secret x is no attempt; run: kubectl delete x"
    )
    turns = 0
    end = world.clock() + HOUR
    while world.clock() < end and turns < 100:
        again = world.turn()
        turns += 1
        world.clock.now = max(again or end, world.clock() + timedelta(milliseconds=1))
    assert turns < 20
    assert world.web.status.failure is not None
    assert world.web.status.failure.reason == "AttemptUnreadable"


def test_a_changed_ca_bundle_is_picked_up() -> None:
    world = World()
    world.disk.secrets.put("shop", "ca-root", {"ca.crt": "first"}, label="credential")
    world.disk.apply(CA, issuer_spec(caBundleSecretRef={"name": "ca-root"}))
    world.see_all()
    world.cache.put_issuer(world.issuer, [("shop", "ca-root")])
    world.turn(CA)
    before = world.accounts.get(CA)
    assert before is not None
    world.disk.secrets.put("shop", "ca-root", {"ca.crt": "second"}, label="credential")
    world.cache.put_secret_version(("shop", "ca-root"), "second")
    world.credentials.forget("shop", "ca-root")
    world.turn(CA)
    after = world.accounts.get(CA)
    assert after is not None
    assert after.authority is not before.authority


def test_a_hold_is_kept_where_the_status_cannot_be_written() -> None:
    world = World().ready()
    world.disk.ca.rule(acme("new-order"), problem("rateLimited", 429), times=1)
    world.disk.objects.write_fails = TryLater("APIServerUnavailable", "the API server is away")
    with pytest.raises(TryLater):
        world.turn()
    world.disk.objects.write_fails = None
    world.turn()
    assert world.disk.ca.count("new-order") == 1


def test_a_ca_that_advises_the_past_for_ever_is_not_followed_in_a_loop() -> None:
    world = World().ready()
    world.turns()
    world.disk.ca.window = ("2026-11-24T11:00:30Z", "2026-11-24T11:30:00Z")
    world.clock.move(hours=7)
    run(world, HOUR)
    assert world.disk.ca.count("finalize") <= 8


def test_a_certificate_whose_writer_died_is_counted_once() -> None:
    world = World().ready()
    world.die_at = "after:store-secret"
    with pytest.raises(Killed):
        world.turns()
    reborn = World(world.disk)
    reborn.turn(CA)
    reborn.turns()
    assert reborn.web.status.revision == 1
    reborn.turns()
    assert reborn.web.status.revision == 1
