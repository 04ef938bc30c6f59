"""One scripted API server for all tests of this room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kube.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certwright.kube.api import KubeApi


@pytest.fixture(scope="session")
def running_server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def api(running_server: ScriptedServer) -> KubeApi:
    """A client of the server; making one reads the system's trust store, so there is one."""
    return running_server.api()


@pytest.fixture
def server(running_server: ScriptedServer) -> Iterator[ScriptedServer]:
    running_server.script()
    yield running_server
    running_server.answers = []
