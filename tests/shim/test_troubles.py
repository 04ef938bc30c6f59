"""What a user in trouble with annotations reads beside the Ingress.

`CERTWRIGHT_RECORD_TROUBLES=1` keeps what is told now in `tests/cluster/troubles/told/`, of which TROUBLESHOOTING.md is
made; `tests/cluster/test_ingress_annotations.py` sees that the API server keeps the same words.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from certwright.resources.names import Ref
from tests.cluster.troubles.ingresses import INGRESSES, described
from tests.shim.situations import SITE
from tests.shim.world import World

if TYPE_CHECKING:
    from tests.cluster.troubles.ingresses import IngressTrouble

RECORD = os.environ.get("CERTWRIGHT_RECORD_TROUBLES") == "1"


@pytest.mark.parametrize("trouble", INGRESSES, ids=lambda trouble: trouble.name)
def test_the_cause_and_the_next_step_are_named(trouble: IngressTrouble) -> None:
    world = World(trouble.options)
    for body in trouble.made:
        metadata = body["metadata"]
        world.cluster.put(Ref("Ingress", metadata["namespace"], metadata["name"]), body)
        world.run()
    told = described([each[1:] for each in world.events.told if each[0] == SITE])
    if RECORD:
        trouble.golden.write_text(told, encoding="utf-8")
    for words in (trouble.cause, trouble.step):
        assert words in told
    assert told == trouble.golden.read_text(encoding="utf-8")
