"""Saying of an object that its spec cannot be understood, without touching what it made before."""

from __future__ import annotations

from typing import Any

from certwright.reconcile.unreadable import tell_unreadable
from certwright.resources.certificate import read_certificate
from certwright.resources.metadata import Unreadable
from certwright.resources.names import Ref
from tests.kit.kstatus import kstatus, looked_at
from tests.reconcile.fakes import NAMES, Clock, FakeObjects
from tests.reconcile.world import WEB, World

BAD = {"secretName": "web-tls", "dnsNames": ["not a name"], "issuerRef": {"name": "ca"}}


def told(status: dict[str, Any] | None = None) -> tuple[FakeObjects, dict[str, Any]]:
    body = {
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "uid-1",
            "generation": 2,
            "resourceVersion": "7",
        },
        "spec": BAD,
        "status": status or {"observedGeneration": -1},
    }
    objects = FakeObjects(bodies={Ref("Certificate", "shop", "web"): body})
    read = read_certificate(body, NAMES)
    assert isinstance(read, Unreadable)
    tell_unreadable(read, objects, Clock()())
    return objects, body["status"]  # type: ignore[return-value]


def test_a_spec_that_cannot_be_used_is_stalled_with_the_field_that_is_wrong() -> None:
    _, status = told()
    assert kstatus(looked_at(2, status)) == "Failed"
    by_type = {each["type"]: each for each in status["conditions"]}
    assert set(by_type) == {"Ready", "Stalled"}
    assert {each["reason"] for each in by_type.values()} == {"InvalidSpec"}
    assert "spec.dnsNames[0]" in by_type["Ready"]["message"]
    assert status["observedGeneration"] == 2


def test_what_it_made_before_stays_in_the_status() -> None:
    _, status = told({"observedGeneration": 1, "notAfter": "2027-01-01T00:00:00Z", "revision": 3})
    assert (status["notAfter"], status["revision"]) == ("2027-01-01T00:00:00Z", 3)


def test_the_second_look_writes_nothing() -> None:
    _, status = told()
    objects, again = told(status)
    assert objects.written == []
    assert again == status


def test_a_turn_of_an_unreadable_certificate_tells_and_does_nothing_else() -> None:
    world = World().ready()
    world.turns()
    world.disk.apply(WEB, BAD)
    world.see_all()
    secrets = len(world.disk.secrets.applied)
    assert world.turn() is None
    stalled = world.condition("Stalled")
    assert stalled is not None
    assert stalled[1] == "InvalidSpec"
    assert len(world.disk.secrets.applied) == secrets
