"""Certificates that are made for Ingresses: the fence of each write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from certwright.kube.api import Conflict
from certwright.kube.certificates import KubeCertificates
from certwright.kube.events import KubeEvents
from certwright.kube.statuses import KubeObjects
from certwright.resources.metadata import Metadata
from certwright.resources.names import Ref
from tests.kube.scripted_server import Answer, ScriptedServer, refusal
from tests.reconcile.situations import NOW
from tests.shim.situations import NAMES, SITE

if TYPE_CHECKING:
    from certwright.kube.api import KubeApi

WEB = Ref("Certificate", "shop", "web-tls")
PATH = "/apis/certwright.dev/v1/namespaces/shop/certificates/web-tls"
SEEN = Metadata(name="web-tls", namespace="shop", uid="uid-1", generation=1, resource_version="7")
BODY = {"kind": "Certificate", "metadata": {"name": "web-tls", "namespace": "shop"}, "spec": {"a": 1}}


@pytest.mark.parametrize(
    ("seen", "fence", "forced"),
    [
        pytest.param(None, {"resourceVersion": "1"}, False, id="new"),
        pytest.param(SEEN, {"uid": "uid-1", "resourceVersion": "7"}, True, id="known"),
    ],
)
def test_an_apply_is_for_the_version_that_was_seen_and_forces_no_new_one(
    server: ScriptedServer, api: KubeApi, seen: Metadata | None, fence: dict[str, str], *, forced: bool
) -> None:
    server.script(Answer(200, {"made": True}))
    assert KubeCertificates(api, NAMES).apply(BODY, replaces=seen) == {"made": True}
    (asked,) = server.asked
    assert asked.path == PATH
    assert (asked.query.get("force") == "true") is forced
    assert asked.body["metadata"] == BODY["metadata"] | fence  # type: ignore[operator]


def test_a_delete_is_for_the_version_that_was_seen(server: ScriptedServer, api: KubeApi) -> None:
    server.script(
        Answer(200, {}), refusal(409, "Conflict", "the precondition failed"), refusal(404, "NotFound", "x")
    )
    certificates = KubeCertificates(api, NAMES)
    certificates.delete(WEB, meta=SEEN)
    with pytest.raises(Conflict):
        certificates.delete(WEB, meta=SEEN)
    certificates.delete(WEB, meta=SEEN)
    assert {asked.path for asked in server.asked} == {PATH}
    assert server.asked[0].body["preconditions"] == {"uid": "uid-1", "resourceVersion": "7"}


def test_an_ingress_is_read_where_kubernetes_has_it(server: ScriptedServer, api: KubeApi) -> None:
    server.script(Answer(200, {"found": True}))
    assert KubeObjects(api, NAMES).read(SITE) == {"found": True}
    assert server.asked[0].path == "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/site"


def test_a_mistake_has_one_event_however_often_it_is_told(server: ScriptedServer, api: KubeApi) -> None:
    taken = refusal(409, "AlreadyExists", "there is one")
    server.script(Answer(201, {}), taken, Answer(201, {}))
    events = KubeEvents(api, NAMES, controller="c", instance="i", clock=lambda: NOW)
    for message in ("no issuer", "no issuer", "no hosts"):
        events.post_once(SITE, SEEN, warning=True, reason="BadConfig", message=message, action="Requesting")
    one, same, other = (asked.body["metadata"]["name"] for asked in server.asked)
    assert one == same != other
    assert server.asked[0].body["regarding"] == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "name": "site",
        "namespace": "shop",
        "uid": "uid-1",
        "resourceVersion": "7",
    }
