"""Writing statuses: the resourceVersion is the fence, and only a live object of the same UID is written again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from certwright.kube.api import Conflict
from certwright.kube.statuses import KubeObjects
from certwright.resources.metadata import Metadata
from certwright.resources.names import ApiNames, Ref
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from certwright.kube.api import KubeApi

WEB, CA = Ref("Certificate", "shop", "web"), Ref("ClusterIssuer", "", "ca")
META = Metadata(name="web", namespace="shop", uid="uid-1", generation=1, resource_version="7")
STATUS = {"observedGeneration": 1}
CONFLICT = refusal(409, "Conflict", "modified")


WAS = {"observedGeneration": -1}


def same(status: object) -> bool:
    return status == WAS


def live(uid: str) -> Answer:
    return Answer(200, {"metadata": {"uid": uid, "resourceVersion": "9"}, "status": WAS})


def test_the_whole_status_is_applied_to_the_version_that_was_seen(
    server: ScriptedServer, api: KubeApi
) -> None:
    server.script(live("uid-1"))
    written = KubeObjects(api, ApiNames()).write_status(WEB, META, STATUS, unchanged=same)
    assert written == live("uid-1").body
    (asked,) = server.asked
    assert (asked.method, asked.query["force"]) == ("PATCH", "true")
    assert asked.path == "/apis/certwright.dev/v1/namespaces/shop/certificates/web/status"
    assert asked.body == {
        "apiVersion": "certwright.dev/v1",
        "kind": "Certificate",
        "metadata": {"name": "web", "namespace": "shop", "resourceVersion": "7"},
        "status": STATUS,
    }


def test_a_stale_version_is_written_again_if_the_object_is_the_same(
    server: ScriptedServer, api: KubeApi
) -> None:
    server.script(CONFLICT, live("uid-1"), live("uid-1"))
    assert KubeObjects(api, ApiNames()).write_status(WEB, META, STATUS, unchanged=same) is not None
    assert [asked.method for asked in server.asked] == ["PATCH", "GET", "PATCH"]
    assert server.asked[2].body["metadata"]["resourceVersion"] == "9"


@pytest.mark.parametrize("found", [live("uid-2"), refusal(404, "NotFound", "gone")], ids=["replaced", "gone"])
def test_another_object_of_the_name_is_left_alone(
    server: ScriptedServer, api: KubeApi, found: Answer
) -> None:
    server.script(CONFLICT, found)
    assert KubeObjects(api, ApiNames()).write_status(WEB, META, STATUS, unchanged=same) is None
    assert len(server.asked) == 2


def test_a_vanished_object_is_none(server: ScriptedServer, api: KubeApi) -> None:
    server.script(refusal(404, "NotFound", "gone"), refusal(404, "NotFound", "gone"))
    assert KubeObjects(api, ApiNames()).write_status(WEB, META, STATUS, unchanged=same) is None


def test_an_object_that_changes_all_the_time_is_left_for_the_next_turn(
    server: ScriptedServer, api: KubeApi
) -> None:
    server.script(CONFLICT, live("uid-1"), CONFLICT)
    with pytest.raises(Conflict):
        KubeObjects(api, ApiNames()).write_status(WEB, META, STATUS, unchanged=same)


def test_cluster_scoped_objects_have_no_namespace(server: ScriptedServer, api: KubeApi) -> None:
    server.script(live("uid-1"), live("uid-1"))
    objects = KubeObjects(api, ApiNames("cert-manager.io"))
    objects.read(CA)
    objects.write_status(CA, META, STATUS, unchanged=same)
    assert server.asked[0].path == "/apis/cert-manager.io/v1/clusterissuers/ca"
    assert "namespace" not in server.asked[1].body["metadata"]


def test_a_status_that_another_replica_wrote_meanwhile_is_not_written_over(
    server: ScriptedServer, api: KubeApi
) -> None:
    written = {"metadata": {"uid": "uid-1", "resourceVersion": "9"}, "status": {"observedGeneration": 1}}
    server.script(CONFLICT, Answer(200, written))
    with pytest.raises(Conflict):
        KubeObjects(api, ApiNames()).write_status(WEB, META, STATUS, unchanged=same)
    assert [asked.method for asked in server.asked] == ["PATCH", "GET"]
