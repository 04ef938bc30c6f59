"""What happens to the target Secret at other people's hands, as conversations with a whole operator."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certwright.pki.keys import encode_key, read_facts
from certwright.pki.leaf import read_leaf
from certwright.reconcile.credentials import secret_bytes
from certwright.reconcile.target import read_target
from tests.kit.fake_ca_hierarchy import intermediate
from tests.kit.fake_ca_policy import FOR_EVER, NOTHING
from tests.pki.issuing import found, issue, pem_of
from tests.reconcile.fake_secrets import NAMES, b64
from tests.reconcile.situations import NOW
from tests.reconcile.world import CA, DIRECTORY_URL, WEB, Killed, World, certificate_spec, issuer_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.resources.names import Ref
    from tests.pki.issuing import Ca

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
KEY = ("shop", "web-tls")
SECOND = replace(WEB, name="second")


def see_secret(world: World) -> None:
    """The watch shows the Secret, if it carries our label; else it shows that it went."""
    body = world.disk.secrets.bodies.get(KEY)
    if body and body["metadata"].get("labels", {}).get(NAMES.secret_label) == NAMES.target:
        world.cache.put_target(KEY, read_target(body, NAMES))
    else:
        world.cache.drop_target(KEY)


def edit(world: World, manager: str = "kubectl-edit", **changes: Any) -> None:
    """Somebody edits the Secret, and the watch shows it."""
    world.disk.secrets.edit(*KEY, manager, **changes)
    see_secret(world)


def delete(world: World) -> None:
    """Somebody deletes the Secret, and the watch shows it."""
    del world.disk.secrets.bodies[KEY]
    see_secret(world)


def issued() -> World:
    """With a certificate whose annotations are all there."""
    world = World()
    world.disk.ca.profiles = {"short": timedelta(days=90)}
    world.disk.apply(CA, issuer_spec(profile="short"))
    world.disk.apply(WEB, certificate_spec())
    world.disk.annotate(WEB, NAMES.renew, "1")
    world.see_all()
    world.turn(CA)
    world.turns()
    assert world.disk.ca.count("new-order") == 1
    return world


def secret(world: World) -> dict[str, Any]:
    return world.disk.secrets.bodies[KEY]


def record(world: World) -> Mapping[str, str]:
    found: Mapping[str, str] = secret(world)["metadata"]["annotations"]
    return found


def assert_pair(world: World) -> None:
    leaf = read_leaf(secret_bytes(secret(world), "tls.crt") or b"")
    key = read_facts(secret_bytes(secret(world), "tls.key") or b"")
    assert leaf is not None
    assert key is not None
    assert leaf.public_key_sha256 == key.public_key_sha256


FAKE_CA = intermediate(0)


def pair(ca: Ca | None = FAKE_CA, *names: str, **changed: Any) -> dict[str, str]:
    """Key and certificate made elsewhere."""
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = issue(key, names or ["www.example.org"], ca, **({"not_after": NOW + 80 * DAY} | changed))
    chain = pem_of(leaf) + (ca.pem if ca else "")
    return {"tls.crt": chain, "tls.key": encode_key(key, "PKCS8").reveal()}


def put_elsewhere(world: World, data: Mapping[str, str], **annotations: str) -> None:
    """A TLS Secret that somebody made by kubectl."""
    world.disk.secrets.put(*KEY, {})["type"] = "kubernetes.io/tls"
    world.disk.secrets.edit(*KEY, "kubectl-create", data=data)
    world.disk.secrets.edit(
        *KEY,
        "kubectl-annotate",
        annotations={getattr(NAMES, name): text for name, text in annotations.items()},
    )


def apply(world: World, ref: Ref, created: str, **spec: Any) -> None:
    """A Certificate that was created at this time."""
    world.disk.apply(ref, certificate_spec(**spec))
    world.disk.objects.bodies[ref]["metadata"]["creationTimestamp"] = created
    world.see_all()


# Adoption


def test_a_secret_that_was_handed_over_and_fits_is_adopted_without_an_order() -> None:
    world = World().ready()
    put_elsewhere(world, pair() | {"extra": "stays"}, adopt="true")
    before = dict(secret(world)["data"])
    world.turns()
    assert world.disk.ca.count("new-order") == 0
    assert secret(world)["data"] == before
    assert secret(world)["metadata"]["labels"] == {NAMES.secret_label: NAMES.target}
    assert record(world)[NAMES.certificate_uid] == world.web.meta.uid
    assert record(world)[NAMES.serial_number] == world.web.status.serial_number == "87654321"
    assert NAMES.directory not in record(world)
    assert world.condition("Ready") is not None
    assert world.web.status.revision == 0
    world.turns()
    assert len(world.disk.secrets.applied) == 1


def test_a_secret_whose_certificate_is_gone_is_adopted_with_its_record() -> None:
    world = issued()
    old = record(world)[NAMES.certificate_uid]
    del world.disk.objects.bodies[WEB]
    world.cache.drop_certificate(WEB)
    world.disk.apply(SECOND, certificate_spec())
    world.see_all()
    world.turns(SECOND)
    assert world.disk.ca.count("new-order") == 1
    assert record(world)[NAMES.certificate_name] == "second"
    assert record(world)[NAMES.certificate_uid] != old
    assert record(world)[NAMES.directory] == DIRECTORY_URL


STRANGE = [
    pytest.param(pair(None), id="self-signed"),
    pytest.param(pair(found("(STAGING) Wannabe Watercress R11")), id="from a staging CA"),
    pytest.param(pair(FAKE_CA, "other.example.org"), id="for other names"),
    pytest.param(pair(not_after=NOW + 20 * DAY, not_before=NOW - 70 * DAY), id="that is due"),
    pytest.param(pair() | {"tls.key": pair()["tls.key"]}, id="with another key"),
    pytest.param({"tls.crt": pair()["tls.crt"] + found("X").pem, "tls.key": ""}, id="without a key"),
]


@pytest.mark.parametrize("data", STRANGE)
def test_a_secret_that_was_handed_over_and_does_not_fit_gets_a_certificate_of_its_issuer(
    data: dict[str, str],
) -> None:
    world = World().ready()
    put_elsewhere(world, data, adopt="true")
    world.turns()
    assert world.disk.ca.count("new-order") == 1
    assert record(world)[NAMES.directory] == DIRECTORY_URL
    assert_pair(world)


def test_a_secret_that_nobody_handed_over_is_left_alone_however_well_it_fits() -> None:
    world = World().ready()
    put_elsewhere(world, pair())
    world.turn()
    assert not world.disk.secrets.applied
    stalled = world.condition("Stalled")
    assert stalled is not None
    assert "its content was written by kubectl-create" in stalled[2]
    edit(world, annotations={NAMES.adopt: "true"})
    world.clock.move(seconds=20)
    world.turns()
    assert world.condition("Stalled") is None
    assert world.disk.ca.count("new-order") == 0


def test_the_renewal_of_an_adopted_certificate_does_not_claim_to_replace_one_of_this_ca() -> None:
    world = World().ready()
    put_elsewhere(world, pair(), adopt="true")
    world.turns()
    assert world.web.status.renewal_time is not None
    world.clock.now = world.web.status.renewal_time
    world.turns()
    orders = [payload for kind, payload in world.disk.ca.payloads if kind == "new-order"]
    assert [order.get("replaces") for order in orders] == [None]
    assert record(world)[NAMES.directory] == DIRECTORY_URL


# Label, annotations, and what is not ours


def test_a_label_that_was_taken_away_comes_back_without_an_order_or_a_loss() -> None:
    world = issued()
    before = dict(secret(world)["data"])
    edit(world, "kubectl-label", labels={NAMES.secret_label: None})
    assert world.cache.target(KEY) is None
    world.turns()
    assert secret(world)["metadata"]["labels"] == {NAMES.secret_label: NAMES.target}
    assert secret(world)["data"] == before
    assert world.disk.ca.count("new-order") == 1
    assert world.web.status.losses == ()
    assert len(world.disk.secrets.applied) == 2


@pytest.mark.parametrize("name", [each for each in NAMES.stamps if each != NAMES.attempt_id])
@pytest.mark.parametrize("text", [None, "nonsense"])
def test_an_annotation_that_was_taken_away_or_edited_comes_back_without_an_order(
    name: str, text: str | None
) -> None:
    world = issued()
    before = dict(record(world))
    edit(world, "kubectl-annotate", annotations={name: text, "mine": "stays"})
    world.turns()
    assert record(world) == before | {"mine": "stays"}
    assert world.disk.ca.count("new-order") == 1
    assert len(world.disk.secrets.applied) == 2
    world.turns()
    assert len(world.disk.secrets.applied) == 2


def test_all_annotations_edited_or_taken_away_at_once_come_back_without_an_order() -> None:
    world = issued()
    before = dict(record(world))
    known = set(before) - {NAMES.attempt_id}
    edit(world, annotations=dict.fromkeys(known, "nonsense"))
    world.turns()
    assert record(world) == before
    edit(world, annotations=dict.fromkeys(known, None))
    world.turns()
    assert record(world) == before
    assert world.disk.ca.count("new-order") == 1


def test_a_certificate_made_again_writes_its_uid_to_the_secret_that_it_finds() -> None:
    world = issued()
    del world.disk.objects.bodies[WEB]
    world.cache.drop_certificate(WEB)
    world.disk.apply(WEB, certificate_spec(), uid="uid-of-the-next")
    world.see_all()
    world.turns()
    assert record(world)[NAMES.certificate_uid] == "uid-of-the-next"
    assert world.disk.ca.count("new-order") == 1


def test_what_others_added_stays_through_a_restamp_and_a_renewal() -> None:
    world = issued()
    edit(world, data={"extra": "x", "ca.crt": "theirs"}, labels={"team": "a"}, annotations={"note": "b"})
    edit(world, labels={NAMES.secret_label: None})
    world.turns()
    assert world.web.status.renewal_time is not None
    world.clock.now = world.web.status.renewal_time
    world.turns()
    assert world.web.status.revision == 2
    assert secret(world)["data"]["extra"] == b64("x")
    assert secret(world)["data"]["ca.crt"] == b64("theirs")
    assert secret(world)["metadata"]["labels"] == {"team": "a", NAMES.secret_label: NAMES.target}
    assert record(world)["note"] == "b"


def test_whoever_takes_the_label_away_each_time_is_not_fought_without_end() -> None:
    world = issued()
    world.disk.secrets.strips = True
    edit(world, labels={NAMES.secret_label: None})
    writes = world.disk.secrets.applies
    until = world.clock() + HOUR
    looks = 0
    while world.clock() < until:
        looks += 1
        again = world.turn()
        assert again is not None
        world.clock.now = max(again, world.clock.now)
    assert looks < 30
    # Three at once, then one every ten minutes.
    assert 3 + 5 <= world.disk.secrets.applies - writes <= 3 + 6
    assert world.disk.ca.count("new-order") == 1
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[0] == "True"
    assert "put back every ten minutes" in ready[2]
    world.disk.secrets.strips = False
    world.clock.move(minutes=10)
    while (again := world.turn()) is not None and again - world.clock() < HOUR:
        world.clock.now = max(again, world.clock.now)
    ready = world.condition("Ready")
    assert ready is not None
    assert "put back" not in ready[2]


def test_a_secret_that_changes_while_it_is_stamped_is_looked_at_again() -> None:
    world = issued()
    edit(world, labels={NAMES.secret_label: None})
    read = world.disk.secrets.read

    def read_late(namespace: str, name: str) -> Any:
        body = read(namespace, name)
        if len(world.disk.secrets.reads) == reads + 2:
            world.disk.secrets.edit(*KEY, "kubectl", annotations={"a": "b"})
        return body

    reads = len(world.disk.secrets.reads)
    world.disk.secrets.read = read_late  # type: ignore[method-assign]
    world.turns()
    assert secret(world)["metadata"]["labels"] == {NAMES.secret_label: NAMES.target}
    assert record(world)["a"] == "b"
    assert world.disk.ca.count("new-order") == 1


def test_a_secret_is_not_stamped_for_what_was_seen_of_it_earlier() -> None:
    world = issued()
    edit(world, labels={NAMES.secret_label: None})
    world.cache.put_target(KEY, read_target(secret(world), NAMES))
    world.disk.secrets.edit(*KEY, "kubectl-edit", data={"tls.key": pair()["tls.key"]})
    world.turns()
    assert "before:stamp-secret" not in world.passed
    assert world.disk.ca.count("new-order") == 2
    assert_pair(world)


def test_a_secret_is_not_stamped_for_a_certificate_that_was_just_deleted() -> None:
    world = issued()
    edit(world, labels={NAMES.secret_label: None})
    applies = world.disk.secrets.applies
    del world.disk.objects.bodies[WEB]
    world.turn()
    assert world.disk.secrets.applies == applies


# Hand-edits of the data

EDITS = [
    pytest.param(
        {"tls.crt": "garbage"}, "tls.crt in Secret web-tls is not a readable certificate", id="garbage"
    ),
    pytest.param(
        {"tls.key": "garbage"}, "tls.key in Secret web-tls is not a readable private key", id="no key"
    ),
    pytest.param({"tls.key": ""}, "Secret web-tls has no tls.key", id="an empty key"),
    pytest.param(
        {"tls.key": pair()["tls.key"]}, "tls.key in Secret web-tls does not belong", id="another key"
    ),
    pytest.param(
        {"tls.crt": pair()["tls.crt"]}, "tls.key in Secret web-tls does not belong", id="another leaf"
    ),
    pytest.param(pair(None), "the certificate is self-signed", id="a self-signed pair"),
    pytest.param(pair(FAKE_CA, "a.test"), "does not cover www.example.org", id="a pair for other names"),
]


@pytest.mark.parametrize(("data", "what"), EDITS)
def test_an_edited_certificate_is_made_again_once_and_the_editor_is_named(
    data: dict[str, str], what: str
) -> None:
    world = issued()
    edit(world, data=data)
    world.disk.dns.blind = ("ns2",)
    world.turn()
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[:2] == ("False", "Issuing")
    assert what in ready[2]
    assert "(last written by kubectl-edit)" in ready[2]
    assert len(world.web.status.losses) == 1
    world.disk.dns.blind = ()
    world.turns()
    assert_pair(world)
    assert world.condition("Ready") is not None
    assert world.disk.ca.count("new-order") == 2
    assert world.disk.ca.count("finalize") == 2


def test_another_good_pair_of_the_same_names_is_accepted_and_the_record_follows() -> None:
    world = issued()
    edit(world, data=pair())
    world.turns()
    assert world.disk.ca.count("new-order") == 1
    assert record(world)[NAMES.serial_number] == world.web.status.serial_number == "87654321"
    assert world.web.status.losses == ()
    # Where it came from is not known: no later order may say that it replaces a certificate of this CA.
    assert not {NAMES.directory, NAMES.attempt_id} & set(record(world))
    applies = world.disk.secrets.applies
    world.turns()
    assert world.disk.secrets.applies == applies
    assert world.web.status.renewal_time is not None
    world.clock.now = world.web.status.renewal_time
    world.turns()
    orders = [payload for kind, payload in world.disk.ca.payloads if kind == "new-order"]
    assert [order.get("replaces") for order in orders] == [None, None]
    assert record(world)[NAMES.directory] == DIRECTORY_URL


# A backup


def test_an_older_certificate_from_a_backup_is_kept_while_it_is_good() -> None:
    world = issued()
    backup = {"data": dict(secret(world)["data"]), "annotations": dict(record(world))}
    first = world.web.status.serial_number
    world.clock.now += 30 * DAY
    world.disk.ca.window = ("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")
    world.turns()
    assert world.web.status.revision == 2
    newer = world.web.status.serial_number
    body = secret(world)
    body["data"], body["metadata"]["annotations"] = backup["data"], backup["annotations"]
    for entry in body["metadata"]["managedFields"]:
        entry["manager"] = "velero-server"
    body["metadata"]["resourceVersion"] = world.disk.versions()
    see_secret(world)
    world.disk.ca.window = None
    world.turns()
    assert world.web.status.serial_number == first != newer
    assert world.web.status.revision == 2
    assert world.disk.ca.count("new-order") == 2
    assert world.web.status.renewal_time is not None
    world.clock.now = world.web.status.renewal_time
    world.turns()
    assert len(world.disk.ca.orders) == 3
    assert world.web.status.revision == 3


# Two Certificates, one Secret


def test_the_older_of_two_certificates_gets_the_secret_and_the_newer_asks_nothing() -> None:
    world = World().ready()
    apply(world, WEB, "2026-11-24T10:00:00Z")
    apply(world, SECOND, "2026-11-24T11:00:00Z", dnsNames=["second.example.org"])
    world.turn(SECOND)
    assert world.disk.ca.count("new-order") == 0
    assert not world.disk.attempts.writes
    stalled = world.condition("Stalled", SECOND)
    assert stalled is not None
    assert stalled[1] == "SecretConflict"
    assert "Certificate web names the same Secret, is older and goes first" in stalled[2]
    world.turns()
    world.turn(SECOND)
    assert record(world)[NAMES.certificate_name] == "web"
    assert (world.disk.ca.count("new-order"), world.disk.ca.count("finalize")) == (1, 1)
    stalled = world.condition("Stalled", SECOND)
    assert stalled is not None
    assert "it belongs to Certificate web" in stalled[2]
    told = [each for each in world.disk.events.told if each[0] == SECOND]
    assert 1 <= len(told) <= 2


def test_of_one_second_the_lower_uid_goes_first_for_everybody() -> None:
    world = World().ready()
    for ref in (WEB, SECOND):
        apply(world, ref, "2026-11-24T10:00:00Z")
    first, other = sorted((WEB, SECOND), key=lambda ref: world.disk.objects.bodies[ref]["metadata"]["uid"])
    world.turn(other)
    assert world.condition("Stalled", other) is not None
    world.turns(first)
    assert record(world)[NAMES.certificate_name] == first.name


def test_the_one_whose_secret_it_is_keeps_it_though_the_other_is_older() -> None:
    world = issued()
    world.disk.objects.bodies[WEB]["metadata"]["creationTimestamp"] = "2026-11-24T11:00:00Z"
    world.disk.objects.bodies[WEB]["metadata"]["resourceVersion"] = world.disk.versions()
    apply(world, SECOND, "2026-11-24T10:00:00Z")
    world.turn(SECOND)
    assert world.condition("Stalled", SECOND) is not None
    world.turns()
    assert world.condition("Stalled") is None
    assert world.disk.ca.count("new-order") == 1


def test_a_newer_one_that_began_before_the_older_was_seen_gives_way_before_it_finalizes() -> None:
    world = World().ready()
    apply(world, WEB, "2026-11-24T11:00:00Z")
    world.disk.dns.blind = ("ns2",)
    world.turn()
    assert world.disk.ca.count("new-order") == 1
    apply(world, SECOND, "2026-11-24T10:00:00Z", dnsNames=["second.example.org"])
    world.disk.dns.blind = ()
    world.turn()
    assert world.condition("Stalled") is not None
    assert not world.disk.attempts.stored
    assert not world.disk.dns.records
    world.turns(SECOND)
    assert record(world)[NAMES.certificate_name] == "second"
    assert world.disk.ca.count("finalize") == 1


@pytest.mark.parametrize("goes", ["deleted", "renamed"])
def test_when_the_older_goes_the_newer_takes_over(goes: str) -> None:
    world = World().ready()
    apply(world, WEB, "2026-11-24T10:00:00Z")
    apply(world, SECOND, "2026-11-24T11:00:00Z", dnsNames=["second.example.org"])
    world.turns()
    world.turn(SECOND)
    if goes == "deleted":
        del world.disk.objects.bodies[WEB]
        world.cache.drop_certificate(WEB)
    else:
        apply(world, WEB, "2026-11-24T10:00:00Z", secretName="other-tls")
    world.turns(SECOND)
    assert record(world)[NAMES.certificate_name] == "second"
    assert world.condition("Stalled", SECOND) is None
    assert_pair(world)


def test_the_owner_whose_spec_cannot_be_understood_does_not_lose_its_secret() -> None:
    world = issued()
    apply(world, SECOND, "2026-11-24T11:00:00Z", dnsNames=["second.example.org"])
    world.disk.apply(WEB, certificate_spec(dnsNames=[]))
    world.see_all()
    world.turn(SECOND)
    assert world.condition("Stalled", SECOND) is not None
    assert world.disk.ca.count("new-order") == 1


# A Secret that keeps vanishing


def test_a_secret_deleted_once_is_back_in_seconds() -> None:
    world = issued()
    delete(world)
    began = world.clock()
    world.turn()
    assert world.web.status.losses == (began.replace(microsecond=0),)
    while (again := world.turn()) and KEY not in world.disk.secrets.bodies:
        world.clock.now = max(again, world.clock.now)
    assert world.clock() - began < timedelta(seconds=5)
    assert_pair(world)
    assert world.disk.ca.count("new-order") == 2


def test_a_secret_that_keeps_vanishing_slows_down_and_says_so() -> None:
    world = issued()
    # An answer, so that nothing is asked again soon.
    world.disk.ca.window = ("2027-01-10T00:00:00Z", "2027-01-12T00:00:00Z")
    waits = [timedelta(0), timedelta(0), HOUR, 6 * HOUR, 24 * HOUR, 24 * HOUR]
    for number, wait in enumerate(waits, start=1):
        delete(world)
        began, orders = world.clock(), world.disk.ca.count("new-order")
        again = world.turns()
        if wait:
            assert world.disk.ca.count("new-order") == orders
            ready = world.condition("Ready")
            assert ready is not None
            assert ready[:2] == ("False", "SecretVanishing")
            assert f"lost {number} times within seven days" in ready[2]
            assert world.condition("Stalled") is None
            while KEY not in world.disk.secrets.bodies:
                assert again is not None
                world.clock.now = max(again, world.clock.now)
                again = world.turn()
            world.turns()
        assert wait <= world.clock() - began <= wait + 25 * MINUTE
        assert world.disk.ca.count("new-order") == orders + 1
    warned = [reason for _, warning, reason, _ in world.disk.events.told if warning]
    assert warned == ["SecretVanishing"] * 4
    world.clock.move(days=8)
    delete(world)
    world.turns()
    assert_pair(world)
    assert world.condition("Ready") is not None


def test_the_count_outlives_the_process_and_a_death_between_loss_and_order() -> None:
    world = issued()
    for _ in range(2):
        delete(world)
        world.turns()
    delete(world)
    world.turn()
    heir = World(world.disk)
    heir.turn(CA)
    orders = heir.disk.ca.count("new-order")
    heir.turns()
    assert heir.disk.ca.count("new-order") == orders
    assert len(heir.web.status.losses) == 3
    ready = heir.condition("Ready")
    assert ready is not None
    assert ready[1] == "SecretVanishing"


def test_a_loss_that_cannot_be_written_down_is_not_made_up_for_yet() -> None:
    world = issued()
    delete(world)
    orders = world.disk.ca.count("new-order")
    world.disk.objects.write_fails = Killed("no status")  # type: ignore[assignment]
    with pytest.raises(Killed):
        world.turn()
    assert world.disk.ca.count("new-order") == orders
    world.disk.objects.write_fails = None
    world.turns()
    assert len(world.web.status.losses) == 1
    assert world.disk.ca.count("new-order") == orders + 1


def test_absence_is_believed_only_after_a_live_look() -> None:
    world = issued()
    world.cache.drop_target(KEY)
    world.turns()
    assert world.web.status.losses == ()
    assert world.disk.ca.count("new-order") == 1


# The attempt, deleted by hand


def at_work(world: World) -> None:
    """Bring an order to where it is finalized and not stored."""
    world.disk.ca.signing = FOR_EVER
    for _ in range(4):
        world.clock.now = max(world.turn() or world.clock.now, world.clock.now)
    assert world.disk.ca.count("finalize") == 1
    assert world.web.status.attempt is not None
    world.disk.ca.signing = NOTHING


def test_an_attempt_deleted_under_a_living_operator_costs_nothing() -> None:
    world = World().ready()
    at_work(world)
    world.disk.attempts.stored.clear()
    world.turns()
    assert_pair(world)
    assert world.disk.ca.count("new-order") == 1


def test_an_attempt_deleted_while_nobody_looked_is_told_and_its_certificate_never_stored() -> None:
    world = World().ready()
    at_work(world)
    world.disk.attempts.stored.clear()
    heir = World(world.disk)
    heir.turn(CA)
    again = heir.turn()
    assert KEY not in heir.disk.secrets.bodies
    failure = heir.web.status.failure
    assert failure is not None
    assert (failure.reason, failure.count) == ("AttemptLost", 1)
    assert heir.web.status.attempt is None
    assert ("AttemptLost", True) in [(reason, warning) for _, warning, reason, _ in heir.disk.events.told]
    assert again == heir.clock() + MINUTE
    heir.clock.now = again
    heir.turns()
    assert_pair(heir)
    assert heir.disk.ca.count("finalize") == 2
    assert heir.web.status.failure is None


def test_an_order_that_was_dropped_on_purpose_is_not_told_as_lost() -> None:
    world = World().ready()
    world.disk.dns.blind = ("ns2",)
    world.turn()
    world.clock.move(seconds=30)
    world.turn()
    assert world.web.status.attempt is not None
    attempt = world.memory.attempt(world.web.meta.uid)
    assert attempt is not None
    world.memory.put_attempt(replace(attempt, account_url="https://ca.example/account/0"))
    world.disk.dns.blind = ()
    world.turns()
    assert_pair(world)
    assert world.web.status.failure is None
    assert not [each for each in world.disk.events.told if each[2] == "AttemptLost"]
