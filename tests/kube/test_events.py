"""Events: one sentence beside an object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from certwright.kube.events import KubeEvents
from certwright.resources.metadata import Metadata
from certwright.resources.names import ApiNames, Ref
from tests.kube.scripted_server import Answer, ScriptedServer
from tests.reconcile.situations import NOW

if TYPE_CHECKING:
    from certwright.kube.api import KubeApi


def posted(
    server: ScriptedServer, api: KubeApi, ref: Ref, *, warning: bool = True, message: str = "no"
) -> tuple[str, Any]:
    server.script(Answer(201, {"metadata": {}}))
    events = KubeEvents(
        api, ApiNames(), controller="certwright.dev/certwright", instance="i" * 300, clock=lambda: NOW
    )
    meta = Metadata(name=ref.name, namespace=ref.namespace, uid="uid-1", generation=1, resource_version="7")
    events.post(ref, meta, warning=warning, reason="Rejected", message=message, action="Issuing")
    (asked,) = server.asked
    return asked.path, asked.body


def test_an_event_names_its_object_reason_and_us(server: ScriptedServer, api: KubeApi) -> None:
    path, body = posted(server, api, Ref("Certificate", "shop", "web"))
    assert path == "/apis/events.k8s.io/v1/namespaces/shop/events"
    assert (body["type"], body["reason"], body["action"], body["note"]) == (
        "Warning",
        "Rejected",
        "Issuing",
        "no",
    )
    assert body["regarding"] == {
        "apiVersion": "certwright.dev/v1",
        "kind": "Certificate",
        "name": "web",
        "namespace": "shop",
        "uid": "uid-1",
        "resourceVersion": "7",
    }
    assert body["eventTime"] == "2026-11-24T12:00:00.000000Z"
    assert len(body["reportingInstance"]) == 128
    assert re.fullmatch(r"web\.[0-9a-f]{16}", body["metadata"]["name"])


def test_a_cluster_scoped_object_has_its_events_in_default(server: ScriptedServer, api: KubeApi) -> None:
    path, body = posted(server, api, Ref("ClusterIssuer", "", "ca"), warning=False)
    assert path == "/apis/events.k8s.io/v1/namespaces/default/events"
    assert body["type"] == "Normal"
    assert "namespace" not in body["regarding"]


@pytest.mark.parametrize(("length", "letter"), [(1, "x"), (253, "x"), (1, "ü"), (1, "証")])
def test_names_and_notes_keep_within_the_api_servers_bounds(
    server: ScriptedServer, api: KubeApi, length: int, letter: str
) -> None:
    """Names have 253 characters, notes 1024 bytes (Kubernetes, pkg/apis/core/validation/events.go)."""
    _, body = posted(server, api, Ref("Certificate", "shop", "n" * length), message=letter * 5000)
    assert len(body["metadata"]["name"]) <= 253
    assert 900 < len(body["note"].encode()) <= 1024
