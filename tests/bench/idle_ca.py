"""A CA that does next to nothing: every POST is answered with the same order, unread.

It runs in a process of its own, so that its work is not in the client's bill. `python -m tests.bench.idle_ca` prints
one line of JSON with its port and its root certificate, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import ssl
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADERS_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class IdleCa(NamedTuple):
    """Where it listens and whom to trust."""

    port: int
    ca_pem: bytes

    def url(self, path: str) -> str:
        """An address at this CA."""
        return f"https://localhost:{self.port}{path}"

    def counts(self) -> dict[str, int]:
        """What it has seen so far, this question included."""
        trust = ssl.create_default_context(cadata=self.ca_pem.decode())
        with closing(http.client.HTTPSConnection("localhost", self.port, context=trust)) as connection:
            connection.request("GET", "/counts")
            counts: dict[str, int] = json.loads(connection.getresponse().read())
            return counts


@dataclass
class _Counts:
    connections: int = 0
    requests: int = 0
    nonces_asked: int = 0


@contextmanager
def idle_ca(cores: set[int] | None = None) -> Iterator[IdleCa]:
    """Run one on these cores, or wherever there is room; it ends with the block."""
    command = [sys.executable, "-m", __name__, *map(str, sorted(cores or ()))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        told = json.loads(process.stdout.readline())
        yield IdleCa(told["port"], told["ca"].encode())
        process.stdin.close()


class _Server(asyncio.Protocol):
    """Takes apart no more of a request than its length."""

    counts = _Counts()
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._read = b""
        self.counts.connections += 1

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(_HEADERS_END)) >= 0:
            head = self._read[:end].lower()
            position = head.find(_LENGTH)
            length = int(head[position + len(_LENGTH) :].split(b"\r\n", 1)[0]) if position >= 0 else 0
            whole = end + len(_HEADERS_END) + length
            if len(self._read) < whole:
                return
            self._read = self._read[whole:]
            self.counts.requests += 1
            self.transport.write(self._answer(*head.split(b" ", 2)[:2]))

    def _answer(self, method: bytes, path: bytes) -> bytes:
        base = f"https://localhost:{self.transport.get_extra_info('sockname')[1]}"
        document: dict[str, object] = {
            "status": "pending",
            "identifiers": [{"type": "dns", "value": "a.example.test"}],
            "authorizations": [f"{base}/authorization/1"],
            "finalize": f"{base}/finalize/1",
        }
        if path == b"/directory":
            document = {name: base + f"/{name}" for name in ("newNonce", "newAccount", "newOrder")}
        if path == b"/counts":
            document = dict(vars(self.counts))
        self.counts.nonces_asked += method == b"head"
        body = b"" if method == b"head" else json.dumps(document).encode()
        headers = (
            f"HTTP/1.1 200 OK\r\nServer: idle\r\nDate: Tue, 24 Nov 2026 12:00:00 GMT\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nCache-Control: public, max-age=0\r\n"
            f'Link: <{base}/directory>;rel="index"\r\nLocation: {base}/order/1\r\n'
            f"Replay-Nonce: n{self.counts.requests:021d}\r\n\r\n"
        )
        return headers.encode() + body


async def _serve() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0, ssl=context, backlog=512)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps({"port": port, "ca": authority.cert_pem.bytes().decode()}) + "\n")
    sys.stdout.flush()
    async with server:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.sched_setaffinity(0, {int(core) for core in sys.argv[1:]})
    asyncio.run(_serve())
