"""What a user in trouble reads: every trouble of the table names its cause and the next step.

All are made at once and looked at together. `CERTWRIGHT_RECORD_TROUBLES=1` keeps what is printed now in
`troubles/told/`; read every difference as somebody in trouble would.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from certwright.cli.main import main
from tests.cluster.troubles.shop import Shop, Town
from tests.cluster.troubles.table import TROUBLES
from tests.cluster.troubles.wording import settled
from tests.kit.waiting import WaitedInVain, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.troubles.trouble import Trouble
    from tests.kit.bench import Bench
    from tests.kit.operator_process import Operator

pytestmark = pytest.mark.cluster

#: Seconds until all are told: a wait is told after twenty, the rest is for a busy machine.
PATIENCE = 120
#: Seconds for what is still under way when all are told.
SETTLED = 10
RECORD = os.environ.get("CERTWRIGHT_RECORD_TROUBLES") == "1"


@pytest.fixture(scope="module")
def shops(
    bench: Bench,
    operator: Operator,  # noqa: ARG001  it must run
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Shop]]:
    """Every trouble in a namespace of its own, long enough for all to be told."""
    with Town.start(bench, tmp_path_factory.mktemp("town")) as town:
        shops = {each.name: Shop(town, f"z-{each.name}") for each in TROUBLES}
        made = _make(town, shops)
        _await_told(town)
        yield shops
        plane = bench.control_plane
        plane.kubectl("delete", "--filename", "-", "--ignore-not-found", "--wait=false", input=_listed(made))


def _listed(objects: list[Any]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def _make(town: Town, shops: dict[str, Shop]) -> list[Any]:
    """Make all objects at once, and return them."""
    taken = [each for each in TROUBLES if not each.is_refused]
    namespaces: list[Any] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": shop.namespace}}
        for shop in shops.values()
    ]
    objects = [each for trouble in taken for each in trouble.made(shops[trouble.name])]
    for batch in (namespaces, objects):
        town.bench.control_plane.kubectl("apply", "--filename", "-", input=_listed(batch))
    for trouble in taken:
        if trouble.then is not None:
            shops[trouble.name].await_ready(trouble.awaited)
            trouble.then(shops[trouble.name])
    return objects


def _await_told(town: Town) -> None:
    wanted = {f"z-{each.name}": each for each in TROUBLES if not each.is_refused}

    def missing() -> dict[str, Any]:
        listed = town.bench.control_plane.kubectl_json(
            "get", "certificates.certwright.dev", "--all-namespaces"
        )
        said = {
            each["metadata"]["namespace"]: each.get("status", {}).get("conditions", [])
            for each in listed["items"]
            if each["metadata"]["name"] == "web"
        }
        return {
            place: said.get(place)
            for place, trouble in wanted.items()
            if not any(
                (each["type"], each["reason"]) == (trouble.condition, trouble.reason)
                for each in said.get(place, [])
            )
        }

    try:
        eventually(lambda: not missing(), "all troubles to be told", PATIENCE)
    except AssertionError:
        print(json.dumps(missing(), indent=1))  # the tests say which


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_the_cause_and_the_next_step_are_named(trouble: Trouble, shops: dict[str, Shop]) -> None:
    shop = shops[trouble.name]
    told = refusal(trouble, shop) if trouble.is_refused else status(shop)
    if not (RECORD or trouble.is_refused):
        # A Certificate follows the words of its issuer a moment later.
        with suppress(WaitedInVain):
            told = eventually(lambda: as_kept(trouble, shop), "the words of before", SETTLED)
    print(told)
    if RECORD:
        trouble.golden.write_text(told, encoding="utf-8")
    for words in (trouble.cause, trouble.step):
        assert words in told
    assert told == trouble.golden.read_text(encoding="utf-8")


def as_kept(trouble: Trouble, shop: Shop) -> str:
    """What is printed, if it is what was kept."""
    told = status(shop)
    return told if told == trouble.golden.read_text(encoding="utf-8") else ""


def status(shop: Shop) -> str:
    """What `certwright status` prints."""
    config = str(shop.plane.kubeconfig())
    done = CliRunner().invoke(main, ["status", "web", "-n", shop.namespace, "--kubeconfig", config])
    return settled(done.output, shop, datetime.now(UTC))


def refusal(trouble: Trouble, shop: Shop) -> str:
    """What `kubectl apply` prints."""
    documents = "\n---\n".join(map(json.dumps, trouble.made(shop)))
    said = shop.plane.kubectl("apply", "--filename", "-", input=documents, check=False)
    return settled(said, shop, datetime.now(UTC))
