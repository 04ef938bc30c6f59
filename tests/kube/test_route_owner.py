"""The role that owns the routes: where it is asked for, how long it is believed, and what is said without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from certwright.failures import TryLater
from certwright.kube.route_owner import TRUSTED, KubeRouteOwner
from certwright.resources.scope import EVERYWHERE, Scope
from tests.engine.hand_clock import HandClock
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from certwright.kube.api import KubeApi

GROUP = "/apis/rbac.authorization.k8s.io/v1"
REFUSALS = [
    pytest.param(
        (refusal(403, "Forbidden", 'cannot get resource "clusterroles"'), "cannot get"), id="closed"
    ),
    pytest.param((refusal(404, "NotFound", "not found"), "there is no such role"), id="gone"),
]


def role(uid: str) -> Answer:
    return Answer(200, {"kind": "ClusterRole", "metadata": {"name": "certwright", "uid": uid}})


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def owner(api: KubeApi, clock: HandClock) -> KubeRouteOwner:
    return KubeRouteOwner(api, EVERYWHERE, "certwright", clock)


def uid(owner: KubeRouteOwner, namespace: str = "shop") -> str | None:
    reference = owner.of(namespace)
    return reference["uid"] if reference else None


def test_everywhere_it_is_one_cluster_role_and_nobody_waits_for_what_it_owns(
    server: ScriptedServer, owner: KubeRouteOwner
) -> None:
    server.script(role("uid-1"))
    assert owner.of("shop") == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "name": "certwright",
        "uid": "uid-1",
    }
    assert uid(owner, "blog") == "uid-1"
    assert [asked.path for asked in server.asked] == [f"{GROUP}/clusterroles/certwright"]


def test_in_some_namespaces_it_is_the_role_of_each(
    server: ScriptedServer, api: KubeApi, clock: HandClock
) -> None:
    owner = KubeRouteOwner(api, Scope(("blog", "shop")), "watched", clock)
    server.script(role("uid-1"), role("uid-2"))
    assert owner.of("shop") == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "name": "watched",
        "uid": "uid-1",
    }
    assert uid(owner, "blog") == "uid-2"
    assert uid(owner, "shop") == "uid-1"
    assert [asked.path for asked in server.asked] == [
        f"{GROUP}/namespaces/{namespace}/roles/watched" for namespace in ("shop", "blog")
    ]


def test_one_that_was_made_anew_is_known_soon(
    server: ScriptedServer, owner: KubeRouteOwner, clock: HandClock
) -> None:
    server.script(role("uid-1"), role("uid-2"))
    assert uid(owner) == "uid-1"
    clock.now += TRUSTED - 1
    assert uid(owner) == "uid-1"
    clock.now += 1
    assert uid(owner) == "uid-2"


@pytest.mark.parametrize("refused", REFUSALS)
def test_without_a_role_there_is_no_owner_and_that_is_said_once(
    server: ScriptedServer,
    owner: KubeRouteOwner,
    clock: HandClock,
    caplog: pytest.LogCaptureFixture,
    refused: tuple[Answer, str],
) -> None:
    answer, why = refused
    server.script(answer, answer, role("uid-1"), answer)
    told = []
    for expected in (None, None, "uid-1", None):
        assert uid(owner) == expected
        clock.now += TRUSTED
        told.append(len(caplog.records))
    assert told == [1, 1, 1, 2]
    assert why in caplog.records[0].__dict__["why"]
    assert caplog.records[0].__dict__["role"] == "ClusterRole certwright"


def test_nobody_is_asked_for_a_role_without_a_name(
    server: ScriptedServer, api: KubeApi, clock: HandClock
) -> None:
    assert KubeRouteOwner(api, EVERYWHERE, "", clock).of("shop") is None
    assert server.asked == []


def test_an_answer_that_was_lost_is_no_answer(server: ScriptedServer, owner: KubeRouteOwner) -> None:
    server.script(Answer(None), role("uid-1"))
    with pytest.raises(TryLater):
        owner.of("shop")
    assert uid(owner) == "uid-1"
