"""Verbs and refusals, over real HTTP."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.client import Configuration

from certwright.failures import NeedsPerson, NotYet, Setback, TryLater
from certwright.kube.api import PAGE, AlreadyExists, Conflict, KubeApi
from certwright.kube.pauses import Pauses
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = "/api/v1/namespaces/shop/secrets"
ONE = f"{PATH}/web-tls"
BODY = {"metadata": {"name": "web-tls"}}


def test_an_object_is_got_with_our_token_as_json(server: ScriptedServer, api: KubeApi) -> None:
    server.script(Answer(200, BODY))
    assert api.get(ONE) == BODY
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.query, asked.body) == ("GET", ONE, {}, None)
    assert (asked.headers["authorization"], asked.headers["accept"]) == ("Bearer token", "application/json")


def test_what_is_not_there_is_none(server: ScriptedServer, api: KubeApi) -> None:
    server.script(refusal(404, "NotFound", 'secrets "web-tls" not found'))
    assert api.get(ONE) is None


def test_post_and_put_name_us_and_are_strict_about_fields(server: ScriptedServer, api: KubeApi) -> None:
    server.script(Answer(201, BODY), Answer(200, BODY))
    api.create(PATH, BODY)
    api.replace(ONE, BODY)
    assert [(asked.method, asked.path) for asked in server.asked] == [("POST", PATH), ("PUT", ONE)]
    for asked in server.asked:
        assert asked.query == {"fieldManager": "certwright", "fieldValidation": "Strict"}
        assert asked.headers["content-type"] == "application/json"
        assert asked.body == BODY


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_merge_patch_says_only_what_changes(server: ScriptedServer, api: KubeApi, dry_run: bool) -> None:  # noqa: FBT001
    patch = {"spec": {"suspend": None}}
    server.script(Answer(200, BODY), refusal(404, "NotFound", "not found"))
    assert api.merge(ONE, patch, dry_run=dry_run) == BODY
    assert api.merge(ONE, patch) is None
    asked = server.asked[0]
    assert (asked.method, asked.path, asked.body) == ("PATCH", ONE, patch)
    assert asked.headers["content-type"] == "application/merge-patch+json"
    usual = {"fieldManager": "certwright", "fieldValidation": "Strict"}
    assert asked.query == usual | ({"dryRun": "All"} if dry_run else {})


@pytest.mark.parametrize("force", [True, False])
def test_apply_is_a_patch_of_its_own_content_type(
    server: ScriptedServer, api: KubeApi, *, force: bool
) -> None:
    server.script(Answer(200, BODY))
    assert api.apply(ONE, BODY, force=force) == BODY
    (asked,) = server.asked
    assert asked.method == "PATCH"
    assert asked.headers["content-type"] == "application/apply-patch+yaml"
    assert asked.body == BODY
    assert asked.query.get("force") == ("true" if force else None)
    assert asked.query["fieldManager"] == "certwright"


GONE = [
    Answer(200, {"kind": "Status", "status": "Success"}),
    refusal(404, "NotFound", "not found"),
    refusal(409, "Conflict", "the UID in the precondition (a) does not match the UID in record (b)"),
]


@pytest.mark.parametrize("answer", GONE, ids=["deleted", "gone already", "replaced"])
def test_delete_is_for_one_uid_and_gone_is_success(
    server: ScriptedServer, api: KubeApi, answer: Answer
) -> None:
    server.script(answer)
    api.delete(ONE, uid="uid-1")
    (asked,) = server.asked
    assert asked.method == "DELETE"
    assert asked.body == {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": "uid-1"}}


def test_a_collection_comes_in_pages(server: ScriptedServer, api: KubeApi) -> None:
    server.script(
        Answer(200, {"metadata": {"continue": "next&page"}, "items": [{"a": 1}]}),
        Answer(200, {"metadata": {}, "items": [{"a": 2}]}),
    )
    pages = list(api.pages(PATH, selector="certwright.dev/secret=target", metadata_only=True))
    assert pages == [[{"a": 1}], [{"a": 2}]]
    first, second = server.asked
    assert first.query == {"limit": str(PAGE), "labelSelector": "certwright.dev/secret=target"}
    assert second.query == first.query | {"continue": "next&page"}
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    assert {asked.headers["accept"] for asked in server.asked} == {accept}


def test_an_empty_collection_may_have_null_items(server: ScriptedServer, api: KubeApi) -> None:
    server.script(Answer(200, {"items": None}))
    assert list(api.pages(PATH)) == [[]]
    assert server.asked[0].headers["accept"] == "application/json"


IMMUTABLE_UID = 'secrets "x" is invalid: metadata.uid: Invalid value: "a": field is immutable'
GET, POST, PUT, APPLY = ("get", "create", "replace", "apply")
REFUSALS = [
    pytest.param(
        POST,
        refusal(409, "AlreadyExists", "exists"),
        (AlreadyExists, "ChangedMeanwhile"),
        id="a name is taken",
    ),
    pytest.param(
        PUT, refusal(409, "Conflict", "modified"), (Conflict, "ChangedMeanwhile"), id="an older version"
    ),
    pytest.param(
        APPLY,
        refusal(409, "Conflict", "conflict with kubectl"),
        (Conflict, "ChangedMeanwhile"),
        id="somebody's field",
    ),
    pytest.param(APPLY, refusal(404, "NotFound", "gone"), (Conflict, "ChangedMeanwhile"), id="it vanished"),
    pytest.param(
        APPLY, refusal(422, "Invalid", IMMUTABLE_UID), (Conflict, "ChangedMeanwhile"), id="it was replaced"
    ),
    pytest.param(
        APPLY,
        refusal(422, "Invalid", 'secrets "guide" is invalid: data: Too long'),
        (NeedsPerson, "Forbidden"),
        id="invalid, and a name with the letters uid in it",
    ),
    pytest.param(
        POST,
        refusal(404, "NotFound", 'namespaces "shop" not found'),
        (TryLater, "APIServerUnavailable"),
        id="no namespace",
    ),
    pytest.param(
        GET, refusal(403, "Forbidden", "cannot get resource"), (NeedsPerson, "Forbidden"), id="RBAC refuses"
    ),
    pytest.param(
        GET, refusal(401, "Unauthorized", "who?"), (TryLater, "APIServerUnavailable"), id="an old token"
    ),
    pytest.param(POST, refusal(400, "BadRequest", "no"), (NeedsPerson, "Forbidden"), id="a bad request"),
    pytest.param(
        GET, refusal(500, "InternalError", "etcd"), (TryLater, "APIServerUnavailable"), id="it failed"
    ),
    pytest.param(GET, refusal(503, "", "starting"), (TryLater, "APIServerUnavailable"), id="it starts"),
    pytest.param(GET, Answer(502, b"<html>"), (TryLater, "APIServerUnavailable"), id="a proxy's page"),
    pytest.param(
        GET, Answer(200, b"<html>"), (TryLater, "APIServerUnavailable"), id="a captive portal's page"
    ),
    pytest.param(GET, Answer(200, b"[1]"), (TryLater, "APIServerUnavailable"), id="JSON that is no object"),
    pytest.param(GET, Answer(200, b""), (TryLater, "APIServerUnavailable"), id="nothing at all"),
    pytest.param(APPLY, Answer(None), (TryLater, "APIServerUnavailable"), id="a cut connection"),
    pytest.param(
        GET, Answer(302, {}, {"Location": "/elsewhere"}), (TryLater, "APIServerUnavailable"), id="a redirect"
    ),
]


def call(api: KubeApi, verb: str) -> Any:
    calls: dict[str, Callable[[], Any]] = {
        GET: lambda: api.get(ONE),
        POST: lambda: api.create(PATH, BODY),
        PUT: lambda: api.replace(ONE, BODY),
        APPLY: lambda: api.apply(ONE, BODY, force=True),
    }
    return calls[verb]()


@pytest.mark.parametrize(("verb", "answer", "expected"), REFUSALS)
def test_every_refusal_is_a_setback_named_by_what_helps(
    server: ScriptedServer, api: KubeApi, verb: str, answer: Answer, expected: tuple[type[Setback], str]
) -> None:
    server.script(answer)
    with pytest.raises(Setback) as caught:
        call(api, verb)
    assert (type(caught.value), caught.value.reason) == expected
    assert "/api/v1/namespaces/shop/secrets" in caught.value.message
    assert len(server.asked) == 1
    if isinstance(answer.body, dict) and "message" in answer.body:
        assert answer.body["message"] in caught.value.message


@pytest.mark.parametrize("verb", [GET, POST, PUT, APPLY])
@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_handed_to_whoever_keeps_the_calendar(
    server: ScriptedServer, api: KubeApi, verb: str, code: int
) -> None:
    server.script(refusal(code, "TooManyRequests", "later", Retry_After="7"))
    with pytest.raises(TryLater) as caught:
        call(api, verb)
    assert caught.value.retry_after == timedelta(seconds=7)
    assert len(server.asked) == 1


def test_what_shall_wait_is_not_sent_again_before_its_time(server: ScriptedServer) -> None:
    now = [0.0]
    api = server.api(Pauses(lambda: now[0]))
    server.script(refusal(429, "TooManyRequests", "later", Retry_After="7"), Answer(200, BODY))
    for _ in range(3):
        with pytest.raises(TryLater):
            api.get(ONE)
    assert len(server.asked) == 1
    now[0] = 7.0
    assert api.get(ONE) is not None
    assert len(server.asked) == 2


def test_a_retry_after_that_is_no_number_is_none(server: ScriptedServer, api: KubeApi) -> None:
    server.script(refusal(429, "TooManyRequests", "later", Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"))
    with pytest.raises(TryLater) as caught:
        api.get(ONE)
    assert caught.value.retry_after is None


def test_nobody_at_home_is_tried_later() -> None:
    closed = ScriptedServer()
    client = closed.api()
    closed.stop()
    with pytest.raises(TryLater) as caught:
        client.get(ONE)
    assert caught.value.reason == "APIServerUnavailable"


def test_a_conflict_is_looked_at_again_at_once(server: ScriptedServer, api: KubeApi) -> None:
    server.script(refusal(409, "Conflict", "modified"))
    with pytest.raises(NotYet) as caught:
        api.replace(ONE, BODY)
    assert caught.value.look_again_in == timedelta(0)


def test_what_is_sent_is_never_in_a_message(server: ScriptedServer, api: KubeApi) -> None:
    server.script(refusal(403, "Forbidden", "no"), Answer(None))
    for _ in range(2):
        with pytest.raises(Setback) as caught:
            api.create(PATH, {"data": {"tls.key": "marker"}})
        assert "marker" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"


def test_the_pool_is_as_large_as_it_is_told() -> None:
    configuration = Configuration(host="http://127.0.0.1:1")
    KubeApi(configuration, pool_size=36, field_manager="certwright")
    assert configuration.connection_pool_maxsize == 36


class Refused(Exception):  # noqa: N818  named by what happened
    """Whatever the fence raises."""


def guarded(server: ScriptedServer, permit: Callable[[], None]) -> KubeApi:
    return KubeApi(
        Configuration(host=server.url), pool_size=1, field_manager="certwright", timeout=(1, 1), permit=permit
    )


def test_nothing_is_written_without_permission_and_everything_can_be_read(server: ScriptedServer) -> None:
    def refuse() -> None:
        raise Refused

    client = guarded(server, refuse)
    server.script(Answer(200, BODY), Answer(200, {"items": []}))
    assert client.get(ONE) == BODY
    assert list(client.pages(PATH)) == [[]]
    writes: list[Callable[[], object]] = [
        lambda: client.create(PATH, BODY),
        lambda: client.replace(ONE, BODY),
        lambda: client.apply(ONE, BODY, force=True),
        lambda: client.delete(ONE, uid="uid-1"),
    ]
    for write in writes:
        with pytest.raises(Refused):
            write()
    assert [asked.method for asked in server.asked] == ["GET", "GET"]


def test_permission_is_asked_before_each_write(server: ScriptedServer) -> None:
    asked_then: list[int] = []
    client = guarded(server, lambda: asked_then.append(len(server.asked)))
    server.script(*[Answer(200, BODY)] * 4)
    client.create(PATH, BODY)
    client.replace(ONE, BODY)
    client.apply(ONE, BODY, force=False)
    client.delete(ONE, uid="uid-1")
    assert asked_then == [0, 1, 2, 3]


def test_a_server_that_is_silent_is_left_when_the_time_is_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = KubeApi(Configuration(host=host), pool_size=1, field_manager="certwright", timeout=(1, 0.05))
        with pytest.raises(TryLater, match="was not answered"):
            client.get(ONE)
