"""Routes over HTTP: paths, fences, and what a refusal means."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from certwright.failures import NeedsPerson, NotYet, Setback, TryLater
from certwright.kube.routes import KubeRoutes
from certwright.kube.secrets import NO_VERSION
from certwright.resources.conditions import Reason
from certwright.resources.names import ApiNames
from certwright.resources.scope import Scope
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from certwright.kube.api import KubeApi

NAMES = ApiNames()
PATHS = [
    ("Service", "/api/v1/namespaces/shop/services/x"),
    ("EndpointSlice", "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/x"),
    ("Ingress", "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/x"),
]


def body(kind: str = "Ingress") -> Any:
    return {"kind": kind, "metadata": {"name": "x", "namespace": "shop", "labels": {"a": "b"}}, "spec": {}}


@pytest.mark.parametrize(("kind", "path"), PATHS)
def test_each_kind_has_its_place(server: ScriptedServer, api: KubeApi, kind: str, path: str) -> None:
    server.script(Answer(200, body(kind)), refusal(404, "NotFound", "no"), Answer(200, body(kind)), Answer())
    routes = KubeRoutes(api, NAMES)
    assert routes.read(kind, "shop", "x") == body(kind)
    assert routes.read(kind, "shop", "x") is None
    assert routes.apply(body(kind), uid="uid-1") == body(kind)
    routes.delete(kind, "shop", "x", uid="uid-1")
    assert [(asked.method, asked.path) for asked in server.asked] == [
        (verb, path) for verb in ("GET", "GET", "PATCH", "DELETE")
    ]
    assert server.asked[-1].body["preconditions"] == {"uid": "uid-1"}


def test_what_is_absent_is_made_only_if_it_is_absent(server: ScriptedServer, api: KubeApi) -> None:
    server.script(Answer(201, body()))
    KubeRoutes(api, NAMES).apply(body(), uid="")
    (asked,) = server.asked
    assert asked.body["metadata"] == body()["metadata"] | {"resourceVersion": NO_VERSION}
    assert "force" not in asked.query
    assert asked.query["fieldValidation"] == "Strict"


def test_what_is_ours_is_written_over_whoever_else_wrote_but_only_while_it_is_the_same_object(
    server: ScriptedServer, api: KubeApi
) -> None:
    server.script(Answer(200, body()))
    wanted = body()
    KubeRoutes(api, NAMES).apply(wanted, uid="uid-1")
    (asked,) = server.asked
    assert asked.body["metadata"] == body()["metadata"] | {"uid": "uid-1"}
    assert asked.query["force"] == "true"
    assert wanted == body()


def test_all_of_ours_are_listed_by_label_over_pages_without_their_specs(
    server: ScriptedServer, api: KubeApi
) -> None:
    one, two = {"metadata": {"name": "one"}}, {"metadata": {"name": "two"}}
    server.script(
        Answer(200, {"metadata": {"continue": "more"}, "items": [one]}),
        Answer(200, {"metadata": {}, "items": [two]}),
    )
    assert KubeRoutes(api, NAMES).read_all("Ingress") == ([one, two], frozenset())
    for asked in server.asked:
        assert asked.path == "/apis/networking.k8s.io/v1/ingresses"
        assert asked.query["labelSelector"] == "certwright.dev/solver=http-01"
        assert "PartialObjectMetadataList" in asked.headers["accept"]


CLOSED = refusal(403, "Forbidden", 'cannot list resource "ingresses" in the namespace "blog"')


def test_namespaces_that_refuse_are_named_with_what_the_others_have_and_told_of_once(
    server: ScriptedServer, api: KubeApi, caplog: pytest.LogCaptureFixture
) -> None:
    one = Answer(200, {"metadata": {}, "items": [{"metadata": {"name": "one"}}]})
    routes = KubeRoutes(api, NAMES, Scope(("blog", "shop")))
    told = []
    for first in (CLOSED, CLOSED, one, CLOSED):
        server.script(first, one)
        found, closed = routes.read_all("Ingress")
        assert [each["metadata"]["name"] for each in found] == ["one"] * (1 + (first is one))
        assert closed == (frozenset() if first is one else {"blog"})
        told.append(len(caplog.records))
    assert told == [1, 1, 1, 2]


def test_a_cluster_that_refuses_as_a_whole_is_not_an_empty_one(server: ScriptedServer, api: KubeApi) -> None:
    server.script(CLOSED)
    with pytest.raises(NeedsPerson, match="cannot list"):
        KubeRoutes(api, NAMES).read_all("Ingress")


DENIED = 'ingresses.networking.k8s.io "x" is forbidden: '
REFUSALS = [
    pytest.param(
        refusal(403, "Forbidden", f"{DENIED}exceeded quota: small, requested: count/ingresses=1"),
        TryLater,
        id="a quota passes when others are done",
    ),
    pytest.param(
        refusal(
            403,
            "Forbidden",
            f"{DENIED}unable to create new content in namespace shop because it is being terminated",
        ),
        TryLater,
        id="a namespace that is going will be gone",
    ),
    pytest.param(
        refusal(400, "BadRequest", 'admission webhook "policy.example.org" denied the request: no'),
        NeedsPerson,
        id="a webhook's no",
    ),
    pytest.param(
        refusal(422, "Invalid", "ValidatingAdmissionPolicy 'hosts' denied request: not your host"),
        NeedsPerson,
        id="a policy's no",
    ),
    pytest.param(
        refusal(422, "Invalid", 'Ingress "x" is invalid: spec.rules[0].host: Invalid value: "a_b.org"'),
        NeedsPerson,
        id="a host that no Ingress can have",
    ),
    pytest.param(
        refusal(403, "Forbidden", f'{DENIED}User "certwright" cannot patch resource "ingresses"'),
        NeedsPerson,
        id="a missing permission",
    ),
]


@pytest.mark.parametrize(("answer", "kind"), REFUSALS)
def test_a_refusal_is_told_in_the_api_servers_words(
    server: ScriptedServer, api: KubeApi, answer: Answer, kind: type[Setback]
) -> None:
    server.script(answer)
    with pytest.raises(Setback) as raised:
        KubeRoutes(api, NAMES).apply(body(), uid="")
    assert type(raised.value) is kind
    assert raised.value.reason == Reason.ROUTE_REFUSED.word
    assert answer.body["message"] in raised.value.message
    assert "Ingress shop/x" in raised.value.message
    if isinstance(raised.value, TryLater):
        assert raised.value.retry_after == timedelta(minutes=5)


OTHERS = [
    pytest.param(
        refusal(409, "Conflict", "uid mismatch"), NotYet, Reason.CHANGED_MEANWHILE, id="another object"
    ),
    pytest.param(
        refusal(500, "InternalError", "failed calling webhook"),
        TryLater,
        Reason.API_SERVER_UNAVAILABLE,
        id="a fault",
    ),
    pytest.param(Answer(None), TryLater, Reason.API_SERVER_UNAVAILABLE, id="no answer"),
]


@pytest.mark.parametrize(("answer", "kind", "reason"), OTHERS)
def test_what_is_no_refusal_is_not_called_one(
    server: ScriptedServer, api: KubeApi, answer: Answer, kind: type[Setback], reason: Reason
) -> None:
    server.script(answer)
    with pytest.raises(kind) as raised:
        KubeRoutes(api, NAMES).apply(body(), uid="uid-1")
    assert raised.value.reason == reason.word
