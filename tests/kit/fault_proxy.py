"""A proxy that does harm on demand, between a client and the real API server, or between a client and Pebble.

It ends TLS on both sides and passes messages on byte for byte, Host header included: Pebble builds its URLs from it,
so a client that was given the proxy's directory stays on this way. Credentials must be in the request (a bearer
token, a JWS); client certificates do not pass.

    with FaultProxy.start(directory, plane.url, plane.ca_file) as proxy:
        with proxy.rule(kube("update create", "secrets"), refusal(503), times=3):
            ...
        proxy.down()
        proxy.up()
        assert len(proxy.requests("POST", "/secrets")) == 1
"""

from __future__ import annotations

import random
import re
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from tests.kit.authority import Authority
from tests.kit.fault_connection import Connection, Seen
from tests.kit.faults import Rule
from tests.kit.ports import LOOPBACK, free_port
from tests.kit.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.kit.faults import Asked, Delay, Fault, Matcher

#: Seconds that open connections have to end when they are told to.
_END_SECONDS = 10.0


class FaultProxy:
    """A running proxy; `start` makes one, `stop` or leaving a `with` block ends it.

    Attributes:
        url: where it listens, between `up` and `down`.
        ca_file, ca_pem: to verify it with.
        seen: all requests, oldest first.
    """

    def __init__(self, directory: Path, upstream: str, upstream_ca: Path, seed: int) -> None:
        authority = Authority.found(directory / "pki", "Certwright bench proxy CA")
        serving = authority.serving("fault-proxy", LOOPBACK, "localhost")
        self.ca_file, self.ca_pem = authority.file, authority.pem
        self.seen: list[Seen] = []
        self._port = free_port()
        self.url = f"https://{LOOPBACK}:{self._port}"
        self._inward = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._inward.load_cert_chain(serving.certificate, serving.key)
        self._outward = ssl.create_default_context(cafile=str(upstream_ca))
        where = urlsplit(upstream)
        self._upstream = (where.hostname or "", where.port or 443)
        self._dice = random.Random(seed)
        self._rules: list[Rule] = []
        self._answers: dict[Asked, bytes] = {}
        self._connections: dict[Connection, threading.Thread] = {}
        self._listener: tuple[socket.socket, threading.Thread] | None = None
        self._lock = threading.Lock()

    @classmethod
    def start(cls, directory: Path, upstream: str, upstream_ca: Path, *, seed: int = 1) -> Self:
        """Listen in front of a server.

        Args:
            directory: for the proxy's keys.
            upstream: the server's URL; only host and port count.
            upstream_ca: to verify it with.
            seed: of the dice.
        """
        proxy = cls(directory, upstream, upstream_ca, seed)
        proxy.up()
        return proxy

    def stop(self) -> None:
        """Listen no more, and end all connections."""
        self.down()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def up(self) -> None:
        """Listen (again). Not an error if it does."""
        if self._listener is None:
            listener = socket.create_server((LOOPBACK, self._port), backlog=256)
            thread = threading.Thread(target=self._accept, args=(listener,), name="fault-proxy", daemon=True)
            self._listener = (listener, thread)
            thread.start()

    def down(self) -> None:
        """Be gone: connections are refused, open ones reset. Not an error if it is; connections may call it."""
        if self._listener is not None:
            listener, thread = self._listener
            self._listener = None
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            listener.close()
        self.cut()

    def cut(self) -> None:
        """Reset all open connections; new ones are taken."""
        with self._lock:
            connections = dict(self._connections)
        for connection in connections:
            connection.reset()
        until = time.monotonic() + _END_SECONDS
        for thread in connections.values():
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))

    def rule(self, matches: Matcher, fault: Fault, **when: Any) -> Rule:
        """Do harm from now on. Of the rules that match, the newest alone strikes.

        Args:
            matches: which requests.
            fault: what happens to them.
            when: `skip`, `times`, `probability` of `Rule`.
        """
        rule = Rule(matches, fault, **when)
        with self._lock:
            self._rules = [rule, *(each for each in self._rules if each.in_force)]
        return rule

    def forget_rules(self) -> None:
        """Do no more harm."""
        with self._lock:
            self._rules = []

    def photograph(self) -> Mapping[Asked, bytes]:
        """All that was last answered to each GET and LIST, for `Stale`."""
        with self._lock:
            return dict(self._answers)

    def mark(self) -> int:
        """This moment, for `requests`."""
        return len(self.seen)

    def requests(self, method: str = "", path: str = "", since: int = 0) -> list[Seen]:
        """The requests of a method whose path and query contain a regular expression; left out, all."""
        pattern = re.compile(path)
        return [
            each
            for each in self.seen[since:]
            if method in ("", each.asked.method) and pattern.search(each.asked.target)
        ]

    def matching(self, matches: Matcher, since: int = 0) -> list[Seen]:
        """The requests that a matcher means."""
        return [each for each in self.seen[since:] if matches(each.asked)]

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # The handshake is the connection's own thread's, so that a slow client holds up nobody.
            sock = self._inward.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            connection = Connection(self, Wire(sock))
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            with self._lock:
                del self._connections[connection]

    # For connections

    def note(self, asked: Asked) -> Seen:
        """Record a request, with the fault that strikes it."""
        with self._lock:
            fault = next((rule.fault for rule in self._rules if rule.strikes(asked, self._dice)), None)
            seen = Seen(time.monotonic(), asked, fault)
            self.seen.append(seen)
        return seen

    def keep(self, asked: Asked, answer: bytes) -> None:
        """Remember the last answer to a GET."""
        with self._lock:
            self._answers[asked] = answer

    def draw(self, delay: Delay) -> float:
        """Throw the dice for a delay; seconds."""
        with self._lock:
            return self._dice.uniform(delay.least, delay.most)

    def connect(self) -> Wire:
        """A new connection to the server."""
        plain = socket.create_connection(self._upstream, timeout=_END_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock = self._outward.wrap_socket(plain, server_hostname=self._upstream[0])
        sock.settimeout(None)
        return Wire(sock)
