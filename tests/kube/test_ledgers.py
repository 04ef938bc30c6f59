"""Ledgers as ConfigMaps: what is asked of the API server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from certwright.failures import NotYet
from certwright.kube.ledgers import KubeLedgers
from certwright.resources.ledger import Hold, Ledger, ledger_to_text
from certwright.resources.names import ApiNames
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from certwright.kube.api import KubeApi

ACCOUNT = "https://ca.example/account/1"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOLD = Hold(scope="account", until=NOW, since=NOW, reason="RateLimited", detail="too many", count=2)
NEW = Ledger(ACCOUNT, (HOLD,))
KNOWN = Ledger(ACCOUNT, (HOLD,), "7")
PATH = "/api/v1/namespaces/certwright/configmaps"


def body(ledger: Ledger, version: str = "8", name: str = "") -> dict[str, Any]:
    metadata = {"name": name or ledger.name, "resourceVersion": version}
    return {"metadata": metadata, "data": {"ledger.json": ledger_to_text(ledger)}}


@pytest.fixture
def ledgers(api: KubeApi) -> KubeLedgers:
    return KubeLedgers(api, ApiNames(), "certwright")


def test_ledgers_are_listed_by_their_label_and_damaged_ones_passed_over(
    server: ScriptedServer, ledgers: KubeLedgers
) -> None:
    damaged = {
        "metadata": {"name": "certwright-ledger-x", "resourceVersion": "1"},
        "data": {"ledger.json": "{"},
    }
    empty = {"metadata": {"name": "certwright-ledger-y", "resourceVersion": "1"}}
    elsewhere = body(NEW, name="certwright-ledger-of-somebody-else")
    server.script(Answer(200, {"items": [damaged, empty, elsewhere, body(NEW)]}))
    assert ledgers.read_all() == [Ledger(ACCOUNT, (HOLD,), "8")]
    assert server.asked[0].query["labelSelector"] == "certwright.dev/ledger=holds"


def test_a_new_ledger_is_made_by_post_and_a_known_one_replaced_by_put(
    server: ScriptedServer, ledgers: KubeLedgers
) -> None:
    server.script(Answer(201, body(NEW, "7")), Answer(200, body(KNOWN)))
    written = ledgers.write(NEW)
    assert written == KNOWN
    assert ledgers.write(written).version == "8"
    made, replaced = server.asked
    assert (made.method, made.path) == ("POST", PATH)
    assert (replaced.method, replaced.path) == ("PUT", f"{PATH}/{NEW.name}")
    assert json.loads(json.dumps(replaced.body))["metadata"]["resourceVersion"] == "7"


@pytest.mark.parametrize(
    ("ledger", "answers", "verb"),
    [
        (NEW, (refusal(409, "AlreadyExists", "there is one"), Answer(200, body(NEW, "5"))), "PUT"),
        (KNOWN, (refusal(409, "Conflict", "changed"), Answer(200, body(NEW, "9"))), "PUT"),
        (KNOWN, (refusal(404, "NotFound", "gone"), refusal(404, "NotFound", "gone")), "POST"),
    ],
)
def test_what_we_know_now_goes_over_what_stands_there(
    ledger: Ledger, answers: tuple[Answer, ...], verb: str, server: ScriptedServer, ledgers: KubeLedgers
) -> None:
    server.script(*answers, Answer(200, body(NEW, "10")))
    assert ledgers.write(ledger).version == "10"
    assert [asked.method for asked in server.asked][1:] == ["GET", verb]


def test_a_second_conflict_is_left_to_the_next_write(server: ScriptedServer, ledgers: KubeLedgers) -> None:
    conflict = refusal(409, "Conflict", "changed")
    server.script(conflict, Answer(200, body(NEW, "9")), conflict)
    with pytest.raises(NotYet):
        ledgers.write(KNOWN)
