"""A small HTTPS server on loopback that does one odd thing per path."""

from __future__ import annotations

import ssl
import threading
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator


_PIECE = 2**16


@dataclass
class OddServer:
    """Where it listens, whom to trust, and what it was asked: request line, headers and body."""

    port: int
    ca_pem: bytes
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    poured: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, host: str = "localhost") -> str:
        return f"https://{host}:{self.port}{path}"


@contextmanager
def odd_server() -> Iterator[OddServer]:
    """Run one; it ends with the block."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    odd = OddServer(server.server_address[1], ca.cert_pem.bytes())
    server.odd = odd  # type: ignore[attr-defined]  # how http.server hands things to its handlers
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield odd
    finally:
        odd.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        odd: OddServer = self.server.odd
        odd.asked.append((self.requestline, dict(self.headers.items()), body))
        path = self.path.partition("?")[0]
        getattr(self, f"_{path[1:]}", self._fine)()

    do_POST = do_GET  # noqa: N815  http.server's name
    do_HEAD = do_GET  # noqa: N815  http.server's name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's name
        """Say nothing."""

    def _fine(self) -> None:
        self._send(200, b"{}", {"Replay-Nonce": "n", "Set-Cookie": "tracked=yes"})

    def _refused(self) -> None:
        self._send(429, b"{}", {"Retry-After": "5"})

    def _redirect(self) -> None:
        self._send(302, b"", {"Location": "https://localhost/elsewhere"})

    def _long(self) -> None:
        self._send(200, b"x" * 5000, {})

    def _endless(self) -> None:
        self.send_response(302 if "redirect" in self.path else 200)
        self.send_header("Location", "https://localhost/elsewhere")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not self.server.odd.over.is_set():
            self.wfile.write(b"5\r\nhello\r\n")

    def _gigabyte(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(2**30))
        self.end_headers()
        for _ in range(2**30 // _PIECE):
            self._pour(bytes(_PIECE))

    def _bomb(self) -> None:
        """A gibibyte of zeros, packed into a megabyte by who was asked not to pack."""
        self.send_response(200)
        self.send_header("Content-Encoding", "deflate" if "deflate" in self.path else "gzip")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS if "deflate" in self.path else zlib.MAX_WBITS | 16)
        for _ in range(2**30 // _PIECE):
            if packed := packer.compress(bytes(_PIECE)):
                self._pour(b"%x\r\n%s\r\n" % (len(packed), packed))

    def _pour(self, data: bytes) -> None:
        self.wfile.write(data)
        self.server.odd.poured += len(data)

    def _long_chunk_line(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not self.server.odd.over.is_set():
            self._pour(b"0" * 1000)

    def _endless_trailers(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"0\r\n")
        while not self.server.odd.over.is_set():
            self._pour(b"X: y\r\n" * 100)

    def _endless_interim(self) -> None:
        while not self.server.odd.over.is_set():
            self._pour(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    def _endless_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.server.odd.over.is_set():
            self._pour(b"X: y\r\n" * 100)

    def _dripping_body(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        while not self.server.odd.over.wait(0.02):
            self.wfile.write(b"x")

    def _slow_body(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        for _ in range(8):
            self.server.odd.over.wait(0.05)
            self.wfile.write(b"x")

    def _dripping_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        while not self.server.odd.over.wait(0.02):
            self.wfile.write(b"x")

    def _cut(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"short")
        self.close_connection = True

    def _silent(self) -> None:
        self.server.odd.over.wait(30)

    def handle(self) -> None:
        """Serve, and take it lightly when the client has had enough."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            self.close_connection = True

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
