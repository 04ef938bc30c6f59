"""`/healthz`, `/readyz` and `/metrics` on a port of their own, dual-stack."""

from __future__ import annotations

import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

#: Seconds that a client may take to send its request.
CLIENT_TIMEOUT = 10


class Exposition:
    """The listener's thread.

    Args:
        alive, ready: empty if all is well, else what is wrong.
    """

    def __init__(
        self,
        port: int,
        registry: CollectorRegistry,
        *,
        alive: Callable[[], str],
        ready: Callable[[], str],
    ) -> None:
        # With 10,000 Certificates a page is some megabytes: one is made at a time, however many ask.
        making = threading.Lock()

        def metrics() -> tuple[HTTPStatus, str, bytes]:
            with making:
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(registry)

        class Handler(_Handler):
            pages: ClassVar[dict[str, Callable[[], tuple[HTTPStatus, str, bytes]]]] = {
                "/healthz": lambda: _verdict(alive()),
                "/readyz": lambda: _verdict(ready()),
                "/metrics": metrics,
            }

        self._server = (
            _DualStack(("::", port), Handler) if socket.has_dualstack_ipv6() else _Single(("", port), Handler)
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="http", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens; chosen by the system if 0 was asked."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


class _Single(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16


class _DualStack(_Single):
    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_TIMEOUT
    server_version = "certwright"
    sys_version = ""
    pages: ClassVar[dict[str, Callable[[], tuple[HTTPStatus, str, bytes]]]]

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        status, kind, body = page() if page else (HTTPStatus.NOT_FOUND, "text/plain", b"not found\n")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's signature
        """Probes every few seconds are not worth a line."""


def _verdict(wrong: str) -> tuple[HTTPStatus, str, bytes]:
    status = HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK
    return status, "text/plain; charset=utf-8", f"{wrong or 'ok'}\n".encode()
