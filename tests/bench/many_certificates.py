"""Ten thousand Certificates as an API server shows them, and a server that shows nothing else.

It runs in a process of its own, with its pages made beforehand. `python -m tests.bench.many_certificates COUNT CORE...`
prints one line of JSON with its port, and ends with its standard input.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from certwright.kube.api import PAGE
from tests.cli.golden import failing, ready

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A namespace in which there are none.
EMPTY = "empty"
#: Of as many one fails.
FAILING = 50


def bodies(count: int) -> Iterator[dict[str, Any]]:
    """Certificates of a hundred namespaces, with what the API server notes of their writers."""
    for number in range(count):
        name, namespace = f"site-{number:05}", f"team-{number % 100:02}"
        body: dict[str, Any] = failing(name) if number % FAILING == 0 else ready(name)
        body["metadata"] |= {
            "namespace": namespace,
            "resourceVersion": str(number + 1),
            "managedFields": [
                _written("kubectl", {"f:spec": body["spec"]}),
                _written("certwright", {"f:status": body["status"]}),
            ],
        }
        yield body


def _written(manager: str, fields: dict[str, Any]) -> dict[str, Any]:
    """An entry of managedFields: the fields' names, as deep as they go."""
    return {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": "certwright.dev/v1",
        "time": "2026-01-31T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {part: {f"f:{name}": {} for name in told} for part, told in fields.items()},
    }


def pages(count: int) -> list[bytes]:
    """Them as a LIST shows them, a page at a time."""
    found = list(bodies(count))
    starts = range(0, count, PAGE) or range(1)
    return [
        _page(found[start : start + PAGE], start + PAGE if start + PAGE < count else 0) for start in starts
    ]


def _page(items: list[dict[str, Any]], following: int) -> bytes:
    metadata = {"resourceVersion": "1"} | ({"continue": str(following)} if following else {})
    body = {"apiVersion": "certwright.dev/v1", "kind": "List", "metadata": metadata, "items": items}
    return json.dumps(body, separators=(",", ":")).encode()


@contextmanager
def served(count: int, cores: set[int] | None = None) -> Iterator[str]:
    """Serve so many, on these cores, or wherever there is room; gives the URL."""
    command = [sys.executable, "-m", __name__, str(count), *map(str, sorted(cores or ()))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        process.stdin.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    shown: list[bytes]

    def do_GET(self) -> None:
        """Certificates of all namespaces; of all else there is none."""
        url = urlsplit(self.path)
        payload = _page([], 0)
        if url.path.endswith("/v1/certificates"):
            payload = self.shown[int(parse_qs(url.query).get("continue", ["0"])[0]) // PAGE]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def _serve(count: int) -> None:
    _Handler.shown = pages(count)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps({"port": server.server_address[1]}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        os.sched_setaffinity(0, {int(core) for core in sys.argv[2:]})
    _serve(int(sys.argv[1]))
