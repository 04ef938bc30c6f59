"""The scripted API server of tests/kube, for what kopf's session sends."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.kube.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

# kopf leaves tasks behind whose exceptions asyncio tells of when the interpreter ends, long after the test.
logging.getLogger("asyncio").addHandler(logging.NullHandler())


@pytest.fixture(scope="session")
def running_server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.stop()


@pytest.fixture
def server(running_server: ScriptedServer) -> Iterator[ScriptedServer]:
    running_server.script()
    yield running_server
    running_server.answers = []
