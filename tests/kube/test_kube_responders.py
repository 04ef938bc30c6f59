"""Solver pods out of the EndpointSlices of their Service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from certwright.kube.responders import KubeResponders, responders_of
from certwright.resources.responder import Responder
from tests.kube.scripted_server import Answer, ScriptedServer

if TYPE_CHECKING:
    from certwright.kube.api import KubeApi

PORTS = [
    {"name": "health", "port": 8090, "protocol": "TCP"},
    {"name": "http", "port": 8089, "protocol": "TCP"},
]


def endpoint(address: str, ready: object = True, **more: Any) -> dict[str, Any]:  # noqa: FBT002
    return {"addresses": [address], "conditions": {"ready": ready}, **more}


def slice_of(*endpoints: dict[str, Any], family: str = "IPv4", ports: Any = PORTS) -> dict[str, Any]:
    return {"addressType": family, "endpoints": list(endpoints), "ports": ports}


def addresses(*slices: dict[str, Any]) -> list[str]:
    return [each.address for each in responders_of(slices)]


def test_both_families_are_read_in_one_list(server: ScriptedServer, api: KubeApi) -> None:
    server.script(
        Answer(200, {"items": [slice_of(endpoint("fd00::7"), family="IPv6"), slice_of(endpoint("10.0.0.7"))]})
    )
    assert KubeResponders(api, "certwright", "certwright-responder").read() == (
        Responder("10.0.0.7", "IPv4", 8089, 8090),
        Responder("fd00::7", "IPv6", 8089, 8090),
    )
    (asked,) = server.asked
    assert asked.path == "/apis/discovery.k8s.io/v1/namespaces/certwright/endpointslices"
    assert asked.query["labelSelector"] == "kubernetes.io/service-name=certwright-responder"


@pytest.mark.parametrize(
    ("conditions", "counts"),
    [
        pytest.param({"ready": True}, True, id="ready"),
        pytest.param({"ready": False}, False, id="not ready"),
        pytest.param({"ready": None}, True, id="unknown, which is to be read as ready"),
        pytest.param({}, True, id="nothing told"),
        pytest.param(None, True, id="no conditions"),
        pytest.param({"ready": False, "serving": True, "terminating": True}, False, id="on its way out"),
    ],
)
def test_only_ready_ones_count(conditions: object, counts: bool) -> None:  # noqa: FBT001
    found = addresses(slice_of({"addresses": ["10.0.0.7"], "conditions": conditions}))
    assert found == (["10.0.0.7"] if counts else [])


@pytest.mark.parametrize(
    "useless",
    [
        pytest.param(slice_of(), id="empty"),
        pytest.param({"addressType": "IPv4", "endpoints": None, "ports": None}, id="null"),
        pytest.param({}, id="nothing"),
        pytest.param(slice_of(endpoint("pod.example"), family="FQDN"), id="names"),
        pytest.param(slice_of(endpoint("10.0.0.7"), ports=PORTS[:1]), id="without the port of challenges"),
        pytest.param(slice_of(endpoint("10.0.0.7"), ports=PORTS[1:]), id="without the port of health"),
        pytest.param(slice_of(endpoint("10.0.0.7"), ports=[{"port": 80}]), id="ports without names"),
        pytest.param(
            slice_of(endpoint("10.0.0.7"), ports=[{"name": "http"}, {"name": "health"}]),
            id="names without ports",
        ),
        pytest.param(slice_of({"addresses": [], "conditions": {"ready": True}}), id="no address"),
        pytest.param(slice_of({"conditions": {"ready": True}}), id="addresses missing"),
    ],
)
def test_what_cannot_be_asked_is_left_out(useless: dict[str, Any]) -> None:
    assert addresses(useless, slice_of(endpoint("10.0.0.9"))) == ["10.0.0.9"]


def test_an_address_in_two_slices_counts_once_and_the_order_is_stable() -> None:
    one, other = slice_of(endpoint("10.0.0.9"), endpoint("10.0.0.7")), slice_of(endpoint("10.0.0.7"))
    assert addresses(one, other) == addresses(other, one) == ["10.0.0.7", "10.0.0.9"]


def test_only_the_first_address_of_an_endpoint_has_a_meaning() -> None:
    assert addresses(slice_of({"addresses": ["10.0.0.7", "10.0.0.8"]})) == ["10.0.0.7"]
