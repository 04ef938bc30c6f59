"""A fake CA behind real sockets and TLS, which can also answer slowly, without end, or half."""

from __future__ import annotations

import ssl
import threading
from dataclasses import replace
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Any, Self

from tests.kit.authority import Authority
from tests.kit.fake_ca_faults import CutShort, Drip, Endless
from tests.kit.faults import Answer, DropAnswer, Hang, Reset
from tests.kit.ports import LOOPBACK
from tests.kit.wire import Lost, Wire, readable

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.fake_ca import FakeCa
    from tests.kit.fake_ca_faults import CaFault

#: Seconds between two looks whether the server is to end.
_LOOK = 0.05


class FakeCaServer(ThreadingTCPServer):
    """A running server; `start` makes one, `stop` or leaving a `with` block ends it.

    Attributes:
        ca: whose policy and rules may be changed while it runs.
        directory_url: what an ACME client is given.
        ca_pem: to verify its TLS with.
    """

    request_queue_size = 256

    def __init__(self, directory: Path, ca: FakeCa) -> None:
        authority = Authority.found(directory / "pki", "Certwright bench fake CA")
        serving = authority.serving("fake-ca", LOOPBACK, "localhost")
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(serving.certificate, serving.key)
        self.ca, self.ca_pem, self.over = ca, authority.pem, threading.Event()
        super().__init__((LOOPBACK, 0), _Connection)
        ca.move_to(f"https://{LOOPBACK}:{self.server_address[1]}")
        self.directory_url, ca.pause = ca.directory_url, self.over.wait

    @classmethod
    def start(cls, directory: Path, ca: FakeCa) -> Self:
        """Listen on loopback.

        Args:
            directory: for the server's own keys.
            ca: gets the server's address as its base; nobody has spoken to it yet.
        """
        server = cls(directory, ca)
        threading.Thread(target=server.serve_forever, args=(_LOOK,), daemon=True).start()
        return server

    def stop(self) -> None:
        """Listen no more, and end all connections."""
        self.over.set()
        self.shutdown()
        self.server_close()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Connection(BaseRequestHandler):
    """One client's connection."""

    server: Any

    def handle(self) -> None:
        """Until either side has enough."""
        over: threading.Event = self.server.over
        self.request.settimeout(None)
        reset = True
        try:
            wire = Wire(self.server.tls.wrap_socket(self.request, server_side=True))
        except OSError:
            return
        try:
            while not over.is_set():
                if readable([wire], _LOOK):
                    self._exchange(wire)
        except Lost:
            reset = False
        except OSError:
            pass
        finally:
            wire.close(reset=reset)

    def _exchange(self, wire: Wire) -> None:
        """One request and its answer.

        Raises:
            ConnectionResetError: the connection shall end so.
        """
        head = wire.head()
        body = b"".join(wire.body(head, until_end=False))
        method, target, _ = head.line.split(" ", 2)
        told, fault = self.server.ca.answer(method, target, head.headers, body)
        if isinstance(fault, Hang) or fault == DropAnswer(silent=True):
            while not self.server.over.is_set() and not readable([wire], _LOOK):
                pass
        if isinstance(fault, Reset | Hang | DropAnswer):
            raise ConnectionResetError
        self._tell(wire, told if method != "HEAD" else replace(told, body=b""), fault)

    def _tell(self, wire: Wire, told: Answer, fault: CaFault | None) -> None:
        if isinstance(fault, CutShort):
            wire.write(told.encoded()[: -len(told.body) // 2 or None])
            raise ConnectionResetError
        if isinstance(fault, Endless):
            headers = {**told.headers, "Content-Length": str(2**40)}
            wire.write(replace(told, headers=headers).encoded())
            while not self.server.over.is_set():
                wire.write(b" " * 65536)
        elif isinstance(fault, Drip):
            for byte in told.encoded():
                wire.write(bytes([byte]))
                if self.server.over.wait(fault.seconds):
                    return
        else:
            wire.write(told.encoded())
