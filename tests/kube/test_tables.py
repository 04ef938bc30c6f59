"""Token tables as ConfigMaps: what is asked of the API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from certwright.failures import NeedsPerson, NotYet, TryLater
from certwright.kube.api import AlreadyExists, Conflict
from certwright.kube.tables import KubeTables
from certwright.resources.conditions import Reason
from certwright.resources.names import ApiNames
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from certwright.kube.api import KubeApi

BODY = {"metadata": {"name": "certwright-tokens-0", "resourceVersion": "7"}, "data": {"rows": "a.test t v\n"}}
PATH = "/api/v1/namespaces/certwright/configmaps"


@pytest.fixture
def tables(api: KubeApi) -> KubeTables:
    return KubeTables(api, ApiNames(), "certwright")


def test_tables_are_listed_by_their_label_page_by_page(server: ScriptedServer, tables: KubeTables) -> None:
    server.script(
        Answer(200, {"items": [BODY], "metadata": {"continue": "more"}}), Answer(200, {"items": [BODY]})
    )
    assert tables.read_all() == [BODY, BODY]
    assert [(asked.method, asked.path) for asked in server.asked] == [("GET", PATH)] * 2
    assert server.asked[0].query["labelSelector"] == "certwright.dev/table=tokens"
    assert server.asked[1].query["continue"] == "more"


def test_one_table_is_read_by_its_name(server: ScriptedServer, tables: KubeTables) -> None:
    server.script(Answer(200, BODY), refusal(404, "NotFound", "gone"))
    assert tables.read("certwright-tokens-0") == BODY
    assert tables.read("certwright-tokens-0") is None
    assert server.asked[0].path == f"{PATH}/certwright-tokens-0"


def test_a_table_is_made_by_post_and_replaced_by_put(server: ScriptedServer, tables: KubeTables) -> None:
    server.script(Answer(201, BODY), Answer(200, BODY))
    assert tables.create(BODY) == BODY
    assert tables.replace(BODY) == BODY
    assert [(asked.method, asked.path) for asked in server.asked] == [
        ("POST", PATH),
        ("PUT", f"{PATH}/certwright-tokens-0"),
    ]
    assert [asked.body for asked in server.asked] == [BODY, BODY]


def test_whoever_was_there_first_is_told_as_a_change_meanwhile(
    server: ScriptedServer, tables: KubeTables
) -> None:
    """The publisher goes by the reason, not by the class: it does not know this room."""
    server.script(
        refusal(409, "AlreadyExists", "exists"),
        refusal(409, "Conflict", "modified"),
        refusal(404, "NotFound", "deleted"),
    )
    with pytest.raises(AlreadyExists) as exists:
        tables.create(BODY)
    with pytest.raises(Conflict) as changed:
        tables.replace(BODY)
    with pytest.raises(Conflict) as vanished:
        tables.replace(BODY)
    for told in (exists, changed, vanished):
        assert isinstance(told.value, NotYet)
        assert told.value.reason == Reason.CHANGED_MEANWHILE.word


def test_refusals_and_outages_are_told_apart(server: ScriptedServer, tables: KubeTables) -> None:
    server.script(refusal(403, "Forbidden", "no"), refusal(500, "InternalError", "oops"), Answer(None))
    with pytest.raises(NeedsPerson):
        tables.replace(BODY)
    with pytest.raises(TryLater):
        tables.replace(BODY)
    with pytest.raises(TryLater):
        tables.create(BODY)
