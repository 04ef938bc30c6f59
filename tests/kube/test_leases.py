"""The Lease on the wire: what is written, what is understood, and what a lost race looks like."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from certwright.engine.lease import LeaseRecord
from certwright.failures import NeedsPerson, TryLater
from certwright.kube.leases import KubeLeases, read_lease
from certwright.resources.names import ApiNames
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from certwright.kube.api import KubeApi

HOME = "/apis/coordination.k8s.io/v1/namespaces/certwright/leases"
NOON = datetime(2027, 3, 1, 12, 0, 0, 250, tzinfo=UTC)
LEADING = LeaseRecord(
    holder="certwright-0",
    process="4f1c",
    duration=10,
    transitions=3,
    acquired=NOON,
    renewed=NOON + timedelta(seconds=90),
    version="41",
)
SPEC = {
    "holderIdentity": "certwright-0",
    "leaseDurationSeconds": 10,
    "leaseTransitions": 3,
    "acquireTime": "2027-03-01T12:00:00.000250Z",
    "renewTime": "2027-03-01T12:01:30.000250Z",
}


def lease(**metadata: Any) -> dict[str, Any]:
    usual = {
        "name": "certwright",
        "namespace": "certwright",
        "resourceVersion": "41",
        "uid": "uid-1",
        "annotations": {"certwright.dev/process": "4f1c"},
    }
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": usual | metadata,
        "spec": dict(SPEC),
    }


@pytest.fixture
def leases(api: KubeApi) -> KubeLeases:
    return KubeLeases(api, ApiNames(), "certwright", "certwright")


def test_a_lease_is_read(server: ScriptedServer, leases: KubeLeases) -> None:
    server.script(Answer(200, lease()))
    assert leases.read() == LEADING
    assert [(asked.method, asked.path) for asked in server.asked] == [("GET", f"{HOME}/certwright")]


def test_there_may_be_none(server: ScriptedServer, leases: KubeLeases) -> None:
    server.script(refusal(404, "NotFound", "not found"))
    assert leases.read() is None


def test_a_record_without_a_version_is_posted(server: ScriptedServer, leases: KubeLeases) -> None:
    server.script(Answer(201, lease()))
    assert leases.write(replace(LEADING, version="")) == LEADING
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", HOME)
    assert asked.body == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": "certwright",
            "namespace": "certwright",
            "annotations": {"certwright.dev/process": "4f1c"},
        },
        "spec": SPEC,
    }


def test_a_record_with_a_version_is_put_over_it_and_others_keep_what_is_theirs(
    server: ScriptedServer, leases: KubeLeases
) -> None:
    found = lease(
        annotations={"certwright.dev/process": "dead", "note": "ours"},
        labels={"app": "certwright"},
        managedFields=[{"manager": "kubectl"}],
    )
    found["spec"]["strategy"] = "OldestEmulationVersion"
    server.script(Answer(200, found), Answer(200, lease(resourceVersion="42")))
    leases.read()
    stored = leases.write(LEADING)
    assert stored
    assert stored.version == "42"
    put = server.asked[-1]
    assert (put.method, put.path) == ("PUT", f"{HOME}/certwright")
    assert put.body["spec"] == SPEC | {"strategy": "OldestEmulationVersion"}
    assert put.body["metadata"] == {
        "name": "certwright",
        "namespace": "certwright",
        "resourceVersion": "41",
        "uid": "uid-1",
        "labels": {"app": "certwright"},
        "annotations": {"certwright.dev/process": "4f1c", "note": "ours"},
    }


def test_giving_back_takes_the_process_away(server: ScriptedServer, leases: KubeLeases) -> None:
    server.script(Answer(200, lease()), Answer(200, lease(resourceVersion="42")))
    leases.read()
    leases.write(replace(LEADING, holder="", process="", duration=1))
    written = server.asked[-1].body
    assert (written["spec"]["holderIdentity"], written["spec"]["leaseDurationSeconds"]) == ("", 1)
    assert written["metadata"]["annotations"] == {}


def test_a_lease_deleted_and_made_anew_has_nothing_of_the_old_one(
    server: ScriptedServer, leases: KubeLeases
) -> None:
    server.script(Answer(200, lease()), refusal(404, "NotFound", "gone"), Answer(201, lease(uid="uid-2")))
    leases.read()
    leases.read()
    leases.write(replace(LEADING, version=""))
    assert not {"uid", "resourceVersion"} & set(server.asked[-1].body["metadata"])


RACES = [
    pytest.param("", refusal(409, "AlreadyExists", "exists"), id="another made it"),
    pytest.param("41", refusal(409, "Conflict", "modified"), id="another wrote it"),
    pytest.param("41", refusal(404, "NotFound", "gone"), id="it was deleted"),
]


@pytest.mark.parametrize(("version", "answer"), RACES)
def test_a_lost_race_is_none(
    server: ScriptedServer, leases: KubeLeases, version: str, answer: Answer
) -> None:
    server.script(answer)
    assert leases.write(replace(LEADING, version=version)) is None


def test_an_outage_is_raised(server: ScriptedServer, leases: KubeLeases) -> None:
    server.script(refusal(503, "", "starting"), Answer(None))
    with pytest.raises(TryLater):
        leases.read()
    with pytest.raises(TryLater):
        leases.write(LEADING)


def test_a_missing_permission_names_the_verb_and_what_to_grant(
    server: ScriptedServer, leases: KubeLeases
) -> None:
    denied = 'leases.coordination.k8s.io "certwright" is forbidden: cannot update resource "leases"'
    server.script(refusal(403, "Forbidden", denied))
    with pytest.raises(NeedsPerson) as caught:
        leases.write(LEADING)
    assert caught.value.reason == "Forbidden"
    assert "cannot update resource" in caught.value.message
    assert "get, create and update of leases" in caught.value.message


ODD = [
    pytest.param({}, id="nothing"),
    pytest.param({"spec": None}, id="null"),
    pytest.param({"spec": {"holderIdentity": None, "leaseDurationSeconds": None}}, id="nulls"),
    pytest.param({"spec": {"renewTime": "yesterday", "acquireTime": 7}}, id="times that are none"),
]


@pytest.mark.parametrize("spec", ODD)
def test_what_is_missing_or_odd_says_nothing(spec: dict[str, Any]) -> None:
    body = {"metadata": {"resourceVersion": "7"}} | spec
    assert read_lease(body, ApiNames()) == LeaseRecord(version="7")


def test_times_are_written_in_utc_with_microseconds(server: ScriptedServer, leases: KubeLeases) -> None:
    server.script(Answer(200, lease()))
    elsewhere = datetime(2027, 3, 1, 7, tzinfo=timezone(timedelta(hours=-5)))
    leases.write(replace(LEADING, renewed=elsewhere))
    assert server.asked[0].body["spec"]["renewTime"] == "2027-03-01T12:00:00.000000Z"
