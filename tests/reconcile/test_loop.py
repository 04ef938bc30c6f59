"""Whole lives of a Certificate over a fake CA, and the process killed at every point of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from certwright.failures import NeedsPerson, TryLater
from certwright.pki.keys import KeyFacts, read_facts
from certwright.pki.leaf import LeafFacts, read_leaf
from certwright.reconcile.credentials import secret_bytes
from certwright.resources.names import Ref
from tests.kit.fake_ca_faults import Altered, problem
from tests.kit.fake_ca_policy import FOR_EVER, NOTHING
from tests.kit.faults import acme
from tests.reconcile.world import CA, WEB, Disk, Killed, World, certificate_spec, issuer_spec

MINUTE = timedelta(minutes=1)


def stored(disk: Disk) -> tuple[LeafFacts, KeyFacts]:
    """Facts of what stands in the target Secret."""
    secret = disk.secrets.bodies["shop", "web-tls"]
    found = read_leaf(secret_bytes(secret, "tls.crt") or b"")
    key = read_facts(secret_bytes(secret, "tls.key") or b"")
    assert found is not None
    assert key is not None
    return found, key


def assert_issued(disk: Disk, *names: str) -> None:
    found, key = stored(disk)
    assert found.public_key_sha256 == key.public_key_sha256
    assert found.dns_names == set(names or ("www.example.org",))
    assert not disk.dns.records
    assert not disk.attempts.stored


def test_a_certificate_is_issued_stored_and_cleared_up_behind() -> None:
    world = World().ready()
    world.turns()
    assert_issued(world.disk)
    assert world.condition("Ready") == (
        "True",
        "Issued",
        "The certificate is valid until 2027-02-22T11:00:01Z.",
    )
    assert world.condition("Issuing") is None
    assert world.web.status.revision == 1
    assert [(told[1], told[2]) for told in world.disk.events.told if told[0] == WEB] == [(False, "Issued")]


def test_the_budget_of_writes_and_reads_holds() -> None:
    world = World().ready()
    writes_before, reads_before = len(world.disk.objects.written), len(world.disk.secrets.reads)
    world.turns()
    status = len(world.disk.objects.written) - writes_before
    events = [told for told in world.disk.events.told if told[0] == WEB]
    assert world.disk.attempts.writes == ["create", "save", "delete"]
    assert status + len(world.disk.secrets.applied) + len(events) + 3 <= 7
    # One LIST of rivals beside these.
    assert world.disk.objects.reads + len(world.disk.secrets.reads) - reads_before + 1 <= 5


def test_nothing_is_written_or_asked_while_all_is_well() -> None:
    world = World().ready()
    world.turns()
    world.turn()
    asked, written = list(world.disk.ca.asked), len(world.disk.objects.written)
    for _ in range(3):
        world.turn()
        world.turn(CA)
    assert (world.disk.ca.asked, len(world.disk.objects.written)) == (asked, written)


def test_apex_and_wildcard_are_proven_with_two_values_at_one_name() -> None:
    world = World()
    world.disk.apply_usual(dnsNames=["example.org", "*.example.org"])
    world.disk.dns.blind = ("ns2",)
    world.see_all()
    world.turn(CA)
    world.turn()
    assert {name for name, _ in world.disk.dns.records} == {"_acme-challenge.example.org"}
    assert len(world.disk.dns.records) == 2
    world.disk.dns.blind = ()
    world.turns()
    assert_issued(world.disk, "example.org", "*.example.org")


POINTS = [
    "before:create-attempt",
    "after:create-attempt",
    "before:new-order",
    "before:note-order",
    "after:note-order",
    "before:publish",
    "after:publish",
    "before:answer-challenge",
    "after:answer-challenge",
    "before:finalize",
    "after:finalize",
    "before:download",
    "after:download",
    "before:store-secret",
    "after:store-secret",
    "before:take-down",
    "after:take-down",
    "before:delete-attempt",
    "after:delete-attempt",
]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_the_next_process_finishes_the_same_order(point: str) -> None:
    world = World().ready()
    world.die_at = point
    with pytest.raises(Killed):
        world.turns()
    world.clock.move(seconds=5)
    heir = World(world.disk)
    heir.turn(CA)
    heir.turns()
    assert_issued(world.disk)
    ca = world.disk.ca
    # Only a crash between the CA's answer and the note of it may cost an order, and never a finalized one.
    assert ca.count("new-order") == (2 if point == "before:note-order" else 1)
    assert ca.count("finalize") == 1
    assert len(ca.accounts) == 1


def test_a_ca_that_signs_slowly_is_waited_for_without_another_finalize() -> None:
    world = World().ready()
    world.disk.ca.signing = FOR_EVER
    for _ in range(6):
        again = world.turn()
        assert again is not None
        world.clock.now = max(again, world.clock.now)
    assert world.disk.ca.count("finalize") == 1
    world.disk.ca.signing = NOTHING
    world.turns()
    assert_issued(world.disk)
    assert world.disk.ca.count("finalize") == 1


def test_a_wait_is_told_once_after_twenty_seconds() -> None:
    world = World().ready()
    world.disk.dns.blind = ("ns2",)
    for _ in range(12):
        again = world.turn()
        assert again is not None
        world.clock.now = again
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[1] == "AwaitingPropagation"
    assert "not visible yet on ns2" in ready[2]
    assert len([ref for ref, _ in world.disk.objects.written if ref == WEB]) == 2


def test_a_rejected_proof_is_told_in_the_cas_words_and_tried_again_slowly() -> None:
    world = World().ready()
    world.disk.ca.rejects.add("www.example.org")
    again = world.turn()
    for _ in range(5):
        if world.web.status.failure:
            break
        assert again is not None
        world.clock.now = again
        again = world.turn()
    failure = world.web.status.failure
    assert failure is not None
    assert (failure.reason, failure.identifier, failure.count) == ("ValidationFailed", "www.example.org", 1)
    assert "saw another TXT record" in failure.detail
    assert again == world.clock() + 5 * MINUTE
    assert not world.disk.dns.records
    assert not world.disk.attempts.stored
    told = [each for each in world.disk.events.told if each[0] == WEB]
    assert [(warning, reason) for _, warning, reason, _ in told] == [(True, "ValidationFailed")]


def test_a_hold_outlives_the_process() -> None:
    world = World().ready()
    world.disk.ca.rule(acme("new-order"), problem("rateLimited", 429, retry_after="1800"), times=1)
    assert world.turn() == world.clock() + 30 * MINUTE
    heir = World(world.disk)
    heir.turn(CA)
    heir.clock.move(minutes=29)
    assert heir.turn() == heir.clock() + MINUTE
    assert heir.disk.ca.count("new-order") == 1
    heir.clock.move(minutes=1)
    heir.turns()
    assert_issued(heir.disk)
    assert heir.web.status.failure is None


def test_an_account_that_may_not_order_is_not_asked_in_a_loop() -> None:
    """The account is looked up again each time, which must not lift the hold."""
    world = World().ready()
    for hour in range(1, 4):
        world.disk.ca.rule(acme("new-order"), problem("unauthorized", 403), times=1)
        again = world.turn()
        world.turn(CA)
        assert world.accounts.get(CA) is not None
        assert again is not None
        assert world.turn() == again
        assert world.disk.ca.count("new-order") == hour
        assert again >= world.clock() + timedelta(hours=1)
        world.clock.now = again


def test_a_changed_spec_does_not_wait_for_the_last_failure() -> None:
    world = World().ready()
    world.disk.ca.rule(acme("new-order"), problem("rejectedIdentifier", 400), times=1)
    world.turn()
    assert world.condition("Stalled") is not None
    world.disk.apply(WEB, certificate_spec(dnsNames=["other.example.org"]))
    world.see_all()
    world.turns()
    assert_issued(world.disk, "other.example.org")
    assert world.condition("Stalled") is None


def test_a_deleted_secret_comes_back() -> None:
    world = World().ready()
    world.turns()
    del world.disk.secrets.bodies["shop", "web-tls"]
    world.cache.drop_target(("shop", "web-tls"))
    world.turns()
    assert_issued(world.disk)
    assert world.web.status.revision == 2


def test_editing_the_names_while_ordering_drops_the_old_order() -> None:
    world = World().ready()
    world.disk.dns.blind = ("ns2",)
    world.turn()
    world.disk.apply(WEB, certificate_spec(dnsNames=["new.example.org"]))
    world.see_all()
    world.disk.dns.blind = ()
    world.turns()
    assert_issued(world.disk, "new.example.org")


def test_a_renewal_replaces_the_certificate_and_says_so_to_the_ca() -> None:
    world = World().ready()
    world.turns()
    before = stored(world.disk)[0]
    assert before is not None
    assert world.web.status.renewal_time is not None
    world.clock.now = world.web.status.renewal_time + MINUTE
    world.turns()
    after = stored(world.disk)[0]
    assert after is not None
    assert after.serial_number != before.serial_number
    assert after.public_key_sha256 != before.public_key_sha256
    orders = [payload for kind, payload in world.disk.ca.payloads if kind == "new-order"]
    assert [order.get("replaces") for order in orders] == [None, before.renewal_id]


def test_a_ca_that_refuses_the_replacement_is_asked_once_more_without() -> None:
    world = World().ready()
    world.turns()
    assert world.web.status.renewal_time is not None
    world.clock.now = world.web.status.renewal_time + MINUTE
    world.disk.ca.rule(acme("new-order"), problem("alreadyReplaced", 409), times=1)
    world.turns()
    assert world.web.status.revision == 2
    assert world.web.status.failure is None


def test_with_rotation_never_a_renewal_keeps_the_key() -> None:
    world = World()
    world.disk.apply_usual(privateKey={"rotationPolicy": "Never"})
    world.see_all()
    world.turn(CA)
    world.turns()
    before, old_key = stored(world.disk)
    assert world.web.status.renewal_time is not None
    world.clock.now = world.web.status.renewal_time + MINUTE
    world.turns()
    after, new_key = stored(world.disk)
    assert old_key == new_key
    assert before.serial_number != after.serial_number
    assert world.disk.ca.count("finalize") == 2


def test_a_deleted_certificate_leaves_its_secret_and_nothing_else() -> None:
    world = World().ready()
    world.turns()
    del world.disk.objects.bodies[WEB]
    world.cache.drop_certificate(WEB)
    assert world.turn() is None
    assert_issued(world.disk)


def test_a_certificate_deleted_while_ordering_is_cleared_up_behind() -> None:
    world = World().ready()
    world.disk.dns.blind = ("ns2",)
    world.turn()
    assert world.disk.dns.records
    del world.disk.objects.bodies[WEB]
    world.cache.drop_certificate(WEB)
    assert world.turn() is None
    assert not world.disk.dns.records
    assert not world.disk.attempts.stored
    assert ("shop", "web-tls") not in world.disk.secrets.bodies


def test_proofs_that_cannot_be_taken_down_are_tried_for_a_day_and_then_given_up() -> None:
    world = World().ready()
    world.disk.dns.blind = ("ns2",)
    world.turn()
    del world.disk.objects.bodies[WEB]
    world.cache.drop_certificate(WEB)
    world.disk.dns.fails = TryLater("DNSProviderUnavailable", "no answer")
    assert world.turn() == world.clock() + MINUTE
    assert world.disk.attempts.stored
    world.clock.move(days=1, minutes=1)
    assert world.turn() is None
    assert not world.disk.attempts.stored


def test_a_certificate_recreated_under_its_name_begins_anew() -> None:
    world = World().ready()
    world.disk.dns.blind = ("ns2",)
    world.turn()
    del world.disk.objects.bodies[WEB]
    world.disk.apply(WEB, certificate_spec(), uid="uid-of-the-second")
    world.disk.dns.blind = ()
    world.see_all()
    world.turns()
    assert_issued(world.disk)
    assert world.disk.ca.count("new-order") == 2


def test_a_certificate_that_vanished_from_the_watch_but_lives_is_kept() -> None:
    world = World().ready()
    world.cache.drop_certificate(WEB)
    assert world.turn() == world.clock()
    world.turns()
    assert_issued(world.disk)


def test_the_secret_does_not_come_back_for_a_certificate_deleted_at_the_last_moment() -> None:
    world = World().ready()
    world.disk.ca.signing = FOR_EVER
    for _ in range(4):
        again = world.turn()
        assert again is not None
        world.clock.now = max(again, world.clock.now)
    world.disk.ca.signing = NOTHING
    del world.disk.objects.bodies[WEB]
    world.turn()
    world.turn()
    assert ("shop", "web-tls") not in world.disk.secrets.bodies
    assert not world.disk.attempts.stored


def test_a_secret_that_somebody_else_made_meanwhile_is_not_overwritten() -> None:
    world = World().ready()
    world.disk.ca.signing = FOR_EVER
    for _ in range(4):
        again = world.turn()
        assert again is not None
        world.clock.now = max(again, world.clock.now)
    world.disk.ca.signing = NOTHING
    world.disk.secrets.put("shop", "web-tls", {"tls.crt": "theirs", "tls.key": "theirs"})
    for _ in range(4):
        again = world.turn()
        world.clock.now = max(again or world.clock.now, world.clock.now)
    assert not world.disk.secrets.applied


def test_a_secret_of_another_owner_is_told_and_left_alone_before_anything_is_asked() -> None:
    world = World().ready()
    world.disk.secrets.put("shop", "web-tls", {"password": "x"})
    world.turn()
    world.turn()
    assert world.disk.ca.count("new-order") == 0
    stalled = world.condition("Stalled")
    assert stalled is not None
    assert stalled[1] == "SecretConflict"
    assert "its type is Opaque" in stalled[2]
    assert "choose another secretName" in stalled[2]


def test_two_certificates_with_equal_names_order_one_after_the_other() -> None:
    world = World().ready()
    world.disk.dns.blind = ("ns2",)
    world.turn()
    twin = replace(WEB, name="twin")
    world.disk.apply(twin, certificate_spec(secretName="twin-tls"))
    world.see_all()
    again = world.turn(twin)
    assert again is not None
    assert timedelta(0) < again - world.clock() <= timedelta(minutes=1)
    ready = world.condition("Ready", twin)
    assert ready is not None
    assert ready[1] == "SameNames"
    assert "Certificate shop/web" in ready[2]
    assert world.disk.ca.count("new-order") == 1
    world.disk.dns.blind = ()
    world.turns()
    world.turns(twin)
    assert ("shop", "twin-tls") in world.disk.secrets.bodies
    assert world.disk.ca.count("new-order") == 2


@pytest.mark.parametrize(
    ("meant", "named", "told"),
    [
        (
            Ref("ClusterIssuer", "", "ca"),
            {"name": "ca"},
            "Issuer shop/ca does not exist, but ClusterIssuer ca does; write kind: ClusterIssuer in spec.issuerRef",
        ),
        (
            Ref("Issuer", "shop", "ca"),
            {"name": "ca", "kind": "ClusterIssuer"},
            "ClusterIssuer ca does not exist, but Issuer shop/ca does; write kind: Issuer in spec.issuerRef",
        ),
        (
            Ref("Issuer", "bank", "ca"),
            {"name": "ca"},
            "Issuer shop/ca does not exist; create it in this namespace or correct spec.issuerRef",
        ),
    ],
)
def test_of_issuers_of_another_kind_the_one_that_was_meant_is_told_and_of_other_namespaces_none(
    meant: Ref, named: dict[str, str], told: str
) -> None:
    world = World()
    world.disk.apply(meant, issuer_spec())
    world.disk.apply(WEB, certificate_spec(issuerRef=named))
    world.see_all()
    world.turn()
    ready = world.condition("Ready")
    assert ready is not None
    assert told in ready[2]


def test_without_its_issuer_a_certificate_waits_and_the_ca_hears_nothing() -> None:
    world = World()
    world.disk.apply(WEB, certificate_spec())
    world.see_all()
    world.turn()
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[1] == "IssuerNotFound"
    assert world.condition("Reconciling") is not None
    assert world.condition("Stalled") is None
    assert not world.disk.ca.asked


def test_a_suspended_certificate_is_left_alone() -> None:
    world = World()
    world.disk.apply_usual(suspend=True)
    world.see_all()
    world.turn(CA)
    assert world.turn() is None
    assert world.disk.ca.count("new-order") == 0
    assert world.condition("Suspended") is not None


def test_an_account_that_the_ca_forgot_is_registered_again() -> None:
    world = World().ready()
    world.disk.ca.rule(acme("new-order"), problem("accountDoesNotExist", 400), times=1)
    world.turn()
    assert CA in world.woken
    assert world.accounts.get(CA) is None
    world.turn(CA)
    world.turns()
    assert_issued(world.disk)
    assert world.web.status.failure is None


def test_an_order_that_the_ca_forgot_is_placed_again() -> None:
    world = World().ready()
    world.disk.dns.blind = ("ns2",)
    world.turn()
    world.disk.ca.orders.clear()
    heir = World(world.disk)
    heir.disk.dns.blind = ()
    heir.turn(CA)
    heir.turns()
    assert_issued(heir.disk)


def test_a_dns_server_that_refuses_us_is_a_persons_business_and_no_validation() -> None:
    world = World().ready()
    world.disk.dns.fails = NeedsPerson("DNSCredentialsRefused", "the server refused the key")
    world.turn()
    stalled = world.condition("Stalled")
    assert stalled is not None
    assert stalled[1] == "DNSCredentialsRefused"
    assert world.disk.ca.count("challenge") == 0
    world.disk.dns.fails = None
    world.turns()
    assert_issued(world.disk)


def test_a_failing_clear_up_is_no_failure_of_the_certificate() -> None:
    world = World().ready()
    world.die_at = "before:take-down"
    with pytest.raises(Killed):
        world.turns()
    world.die_at = ""
    world.disk.dns.fails = TryLater("DNSProviderUnavailable", "no answer")
    for _ in range(10):
        again = world.turn()
        assert again is not None
        world.clock.now = again
    assert world.web.status.failure is None
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[0] == "True"
    assert world.condition("RenewalFailing") is None
    world.disk.dns.fails = None
    world.turns()
    assert_issued(world.disk)


def test_an_answer_that_is_not_our_certificate_is_never_stored() -> None:
    world = World().ready()
    world.disk.ca.signing = FOR_EVER
    for _ in range(4):
        again = world.turn()
        assert again is not None
        world.clock.now = max(again, world.clock.now)
    world.disk.ca.rule(
        acme("certificate"), Altered(change=lambda chain: chain.split(b"-----END")[0]), times=1
    )
    world.disk.ca.signing = NOTHING
    world.turn()
    assert ("shop", "web-tls") not in world.disk.secrets.bodies
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[1] == "UnusableCertificate"


def test_a_turn_ends_at_its_deadline_and_goes_on_in_the_next() -> None:
    world = World()
    names = [f"n{number}.example.org" for number in range(6)]
    world.disk.apply_usual(dnsNames=names)
    world.see_all()
    world.turn(CA)
    ensure = world.disk.dns.ensure_txt

    def slow(record: object) -> None:
        world.clock.move(seconds=6)
        ensure(record)  # type: ignore[arg-type]

    world.disk.dns.ensure_txt = slow  # type: ignore[method-assign]
    world.turn()
    assert 2 <= len(world.disk.dns.records) < 6
    assert world.disk.ca.count("challenge") == 0
    world.turns()
    assert_issued(world.disk, *names)
