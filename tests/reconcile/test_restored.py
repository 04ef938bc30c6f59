"""Objects of another life: Certificates made again, clusters restored from a backup, notes of an older version."""

from __future__ import annotations

import base64
import copy
import json
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from certwright.kube.attempts import read_attempt
from tests.reconcile.fakes import NAMES
from tests.reconcile.meddling import (
    KEY,
    POINTS,
    UNTIL_FINALIZED,
    UNTIL_STORED,
    WAYS,
    MeddledWorld,
    assert_well,
    delete,
    hold_proofs,
    proving,
    stored,
)
from tests.reconcile.world import CA, WEB, Killed, certificate_spec, issuer_spec

if TYPE_CHECKING:
    from certwright.resources.attempt import Attempt

MINUTE = timedelta(minutes=1)
both_ways = pytest.mark.parametrize("way", WAYS)


# F101


@both_ways
@pytest.mark.parametrize("at_once", [True, False], ids=["seen at once", "seen after the turn"])
@pytest.mark.parametrize("point", POINTS)
def test_a_certificate_made_again_at_any_step_begins_anew_and_the_first_ones_order_is_cleared_up(
    point: str, way: str, *, at_once: bool
) -> None:
    world = proving(way, shows_at_once=at_once)

    def made_again() -> None:
        delete(world.disk)
        world.disk.apply(WEB, certificate_spec(), uid="uid-of-the-second")

    world.deeds[point] = made_again
    world.live()
    assert not world.deeds
    assert_well(world)
    assert world.web.meta.uid == "uid-of-the-second"
    secret = world.disk.secrets.bodies[KEY]
    assert secret["metadata"]["annotations"][NAMES.certificate_uid] == "uid-of-the-second"
    serial = secret["metadata"]["annotations"][NAMES.serial_number]
    assert world.disk.objects.bodies[WEB]["status"]["serialNumber"] == serial
    # What the first one had stored already, the second one takes as it is.
    assert world.disk.ca.count("new-order") == (2 if point in UNTIL_STORED else 1)
    twice = point in UNTIL_STORED and point not in UNTIL_FINALIZED
    assert world.disk.ca.count("finalize") == (2 if twice else 1)


# F102


@both_ways
def test_a_cluster_restored_object_by_object_orders_nothing(way: str) -> None:
    """As backup tools do it: every object gets a new UID, no status, and the tool's own field manager."""
    world = proving(way)
    world.live()
    backup = copy.deepcopy(world.disk.secrets.bodies)
    del world.disk.secrets.bodies[KEY]
    hold_proofs(world)
    world.watch()
    world.turn()
    world.turn()
    assert world.disk.attempts.stored, "an order is under way when the backup is put back"
    restored = copy.copy(world.disk)
    restored.objects.bodies.clear()
    restored.secrets.bodies |= backup
    for ref, spec in ((CA, issuer_spec(solvers=[WAYS[way]])), (WEB, certificate_spec())):
        restored.apply(ref, spec, uid=f"uid-restored-{ref.name}")
    for body in restored.secrets.bodies.values():
        body["metadata"] |= {"uid": f"restored-{restored.versions()}", "resourceVersion": restored.versions()}
        for entry in body["metadata"].get("managedFields", []):
            entry["manager"] = "velero-server"
    before = stored(restored)
    orders = restored.ca.count("new-order")
    heir = MeddledWorld(restored)
    heir.watch()
    heir.live()
    assert_well(heir)
    assert stored(restored) == before
    assert restored.ca.count("new-order") == orders
    assert len(restored.ca.accounts) == 1


@both_ways
def test_a_cluster_set_back_to_before_a_renewal_is_gone_on_with_after_a_restart(way: str) -> None:
    """As a snapshot of etcd does it: the same UIDs, and resourceVersions that were given out before."""
    world = proving(way)
    world.live()
    disk, first = world.disk, stored(world.disk)
    past = copy.deepcopy((disk.objects.bodies, disk.secrets.bodies)), next(disk.versions.next)
    assert world.web.status.renewal_time is not None
    world.clock.now = world.web.status.renewal_time + MINUTE
    world.live()
    assert stored(disk) != first
    orders = len(disk.ca.orders)
    (disk.objects.bodies, disk.secrets.bodies), version = past
    disk.versions.next = count(version)
    heir = MeddledWorld(disk)
    heir.watch()
    heir.live()
    assert_well(heir)
    assert stored(disk) != first
    assert len(disk.ca.orders) == orders + 1


# F31

#: As the version before HTTP-01 wrote it, but for the key: proofs had no type, solvers no HTTP-01.
OLD_NOTES = """{"certificate":{"kind":"Certificate","namespace":"shop","name":"web"},"certificate_uid":"uid-web",
"issuer":{"kind":"Issuer","namespace":"shop","name":"ca"},"directory_url":"https://ca.example/dir",
"account_url":"https://ca.example/my-account/1","names":["www.example.org"],"common_name":null,
"key_spec":{"algorithm":null,"size":null,"encoding":null,"rotationPolicy":"Always"},"public_key_sha256":"",
"reason":"DoesNotExist","number":1,"started_at":"2026-11-24T12:00:00Z","replaces":"",
"order_url":"https://ca.example/my-order/1","proofs":[{"identifier":"www.example.org","wildcard":false,
"authorization_url":"https://ca.example/authZ/1-0","challenge_url":"https://ca.example/chalZ/1-0-1","solver":0,
"fqdn":"_acme-challenge.www.example.org","value":"digest"}],"solvers":[{"name":"dns","selector":{"matchLabels":{},
"dnsNames":[],"dnsZones":[]},"dns01":{"rfc2136":{"nameserver":"192.0.2.53:53","tsigKeyName":null,
"tsigSecretSecretRef":null,"tsigAlgorithm":"HMACSHA256","protocol":"TCP"},"cnameStrategy":"None","nameservers":[],
"selfCheck":"Require"}}],"rank":107}"""


def in_old_notes(attempt: Attempt) -> Attempt:
    """The same attempt, with the same key, as an older version would have noted it."""
    notes = json.loads(OLD_NOTES) | {"public_key_sha256": attempt.public_key_sha256}
    texts = {"attempt.json": json.dumps(notes), "tls.key": attempt.private_key.reveal()}
    secret: dict[str, Any] = {
        "metadata": {"uid": attempt.uid, "resourceVersion": attempt.resource_version},
        "data": {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()},
    }
    read = read_attempt(secret)
    assert read is not None
    return read


@pytest.mark.parametrize(
    "point",
    ["after:note-order", "after:publish", "after:answer-challenge", "before:finalize", "before:take-down"],
)
def test_an_order_that_an_older_version_began_is_finished_by_this_one(point: str) -> None:
    world = proving("dns-01")
    world.die_at = point
    with pytest.raises(Killed):
        world.live()
    (live,) = world.disk.attempts.stored.values()
    old = in_old_notes(live)
    assert (old.name, old.order_url) == (live.name, live.order_url)
    world.disk.attempts.stored[old.name] = old
    world.disk.dns.records = {(fqdn, "digest") for fqdn, _ in world.disk.dns.records}
    heir = MeddledWorld(world.disk)
    heir.watch()
    heir.live()
    assert_well(heir)
    assert heir.disk.ca.count("new-order") == 1
