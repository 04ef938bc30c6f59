"""What else may be found where a name leads: web servers that know nothing of ACME, and closed doors."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

#: Nobody listens here, so that connections are refused.
CLOSED = "127.0.0.2"
#: Connections are never taken, as behind a firewall that drops packets.
FILTERED = "127.0.0.3"
#: Web servers, by what they answer to every request.
ADDRESSES = {"page": "127.0.0.4", "login": "127.0.0.5", "https": "127.0.0.6"}
_PAGE = b"<!doctype html><title>Welcome</title>" + b"<p>It works</p>" * 20


class Strangers:
    """Running servers; `start` makes them, `stop` or leaving a `with` block ends them."""

    def __init__(self, port: int) -> None:
        self._servers = [_Server((address, port), _HANDLERS[kind]) for kind, address in ADDRESSES.items()]
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self._filter = socket.socket()
        self._filter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._filter.bind((FILTERED, port))
        # Linux lets one connection more wait than the backlog says, and drops the SYNs of all others (listen(2)).
        self._filter.listen(0)
        self._waiting = socket.create_connection((FILTERED, port))

    @classmethod
    def start(cls, port: int) -> Self:
        """Listen at this port of each address, where the CA means port 80."""
        return cls(port)

    def stop(self) -> None:
        """End all."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._waiting.close()
        self._filter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _Page(BaseHTTPRequestHandler):
    status, location = 200, ""

    def do_GET(self) -> None:
        """The same whatever is asked."""
        self.send_response(self.status)
        if self.location:
            self.send_header("Location", self.location.format(host=self.headers.get("Host", "")))
        self.send_header("Content-Length", str(len(_PAGE)))
        self.end_headers()
        self.wfile.write(_PAGE)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class _Login(_Page):
    status = 401


class _Https(_Page):
    status, location = 301, "https://{host}/"


_HANDLERS = {"page": _Page, "login": _Login, "https": _Https}
