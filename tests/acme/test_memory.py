"""Memory stays flat and requests are cut, however much a CA sends."""

from __future__ import annotations

import tracemalloc
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from certwright.acme.flow import Request
from certwright.acme.transport import HttpTransport
from certwright.failures import TryLater
from tests.acme.https_server import OddServer, odd_server

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
MIB = 2**20


@pytest.fixture
def server() -> Iterator[OddServer]:
    """One for each test, since a server that pours without end keeps a core busy."""
    with odd_server() as running:
        yield running


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/gigabyte", "longer than 262144 bytes"),
        ("/endless", "longer than 262144 bytes"),
        ("/bomb", "longer than 262144 bytes"),
        ("/bomb?deflate", "longer than 262144 bytes"),
        ("/long_chunk_line", "could not be asked"),
        ("/endless_trailers", "has no end"),
        ("/endless_headers", "could not be asked"),
        ("/endless_interim", "has no end|did not answer in time"),
    ],
)
def test_an_answer_without_end_costs_little_memory_and_is_cut(server: OddServer, path: str, why: str) -> None:
    """What Python allocates, the server's thread included, which never holds more than a piece."""
    transport = HttpTransport(
        server.ca_pem, user_agent="t", permitted=LOOPBACK, read_timeout=3.0, max_body=MIB // 4
    )
    tracemalloc.start()
    try:
        with pytest.raises(TryLater, match=why):
            transport(Request("GET", server.url(path)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        transport.close()
    assert peak < 2 * MIB
    assert server.poured < 64 * MIB, "the rest was never sent"
