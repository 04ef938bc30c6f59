"""A small proxy that opens tunnels (CONNECT, RFC 9110 §9.3.6), and remembers whom it was asked for."""

from __future__ import annotations

import base64
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Server(ThreadingTCPServer):
    daemon_threads = True
    proxy: ConnectProxy


@dataclass
class ConnectProxy:
    """A running proxy on loopback; leaving the `with` block ends it.

    Attributes:
        leads: host:port as asked → where the tunnel ends; what is not listed leads where it says.
        password: "user:password" that it wants, or "".
        refuses: status of every answer in place of a tunnel, or "".
        asked: host:port of every CONNECT.
    """

    leads: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    password: str = ""
    refuses: str = ""
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Tunnel)
        self._server.proxy = self
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])


class _Tunnel(BaseRequestHandler):
    request: socket.socket

    def handle(self) -> None:
        proxy = cast("_Server", self.server).proxy
        with suppress(OSError):
            head = self._head()
            place = head.split(b" ")[1].decode()
            proxy.asked.append(place)
            wanted = b"Basic " + base64.b64encode(proxy.password.encode())
            if proxy.password and wanted not in head:
                self.request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                return
            if proxy.refuses:
                self.request.sendall(f"HTTP/1.1 {proxy.refuses} No\r\n\r\n".encode())
                return
            host, _, port = place.rpartition(":")
            with socket.create_connection(proxy.leads.get(place, (host, int(port)))) as there:
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pour, args=(there, self.request), daemon=True)
                back.start()
                _pour(self.request, there)
                back.join()

    def _head(self) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece: Any = self.request.recv(1)
            if not piece:
                raise OSError("the client left")
            head += piece
        return head


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
