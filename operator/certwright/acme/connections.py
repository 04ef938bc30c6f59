"""TLS connections to a CA: whom we trust, whom we refuse to speak to, and how long headers may take.

`transport.py` speaks over them.
"""

from __future__ import annotations

import io
import re
import socket
import ssl
import time
from contextlib import suppress
from http.client import HTTPResponse
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, ClassVar

import requests.adapters
from urllib3 import PoolManager, ProxyManager
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

from certwright.acme.addresses import refused_class
from certwright.acme.wording import NotUnderstood
from certwright.failures import NeedsPerson
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Network, IPv6Network

#: Of one host, each with its own time limit.
MOST_ADDRESSES = 4
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


def trust(ca_bundle: bytes | None) -> ssl.SSLContext:
    """Whom to trust: exactly the certificates of `ca_bundle` (PEM), or the public CAs if there is none.

    Raises:
        NeedsPerson: nothing in the bundle can be used.
    """
    if ca_bundle is None:
        return ssl.create_default_context(cafile=requests.adapters.DEFAULT_CA_BUNDLE_PATH)
    # Only the blocks: bundles carry comments, and those may be in any encoding.
    pem = b"\n".join(_CERTIFICATE.findall(ca_bundle)).decode()
    try:
        return ssl.create_default_context(cadata=pem or "nothing")
    except (ssl.SSLError, ValueError):
        raise NeedsPerson(
            Reason.CREDENTIAL_INVALID.word,
            "caBundle holds no certificate in PEM that can be read; put the CA's root certificate there",
        ) from None


def _literal(host: str) -> str:
    """The address that a host is without any look-up, also in the old short forms (`127.1`, `0x7f000001`), or ""."""
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761 §6.3
        return "127.0.0.1"
    with suppress(ValueError):
        return str(ip_address(host.partition("%")[0]))
    with suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(host))
    return ""


class _Within(io.RawIOBase):
    """A socket's bytes, as long as they come in time and have an end.

    The socket's own timeout starts anew with every byte, so a server that sends one now and then would hold the thread
    for ever; so would one that sends trailers or framing without end, which http.client reads over.
    """

    def __init__(self, sock: socket.socket, stream: io.RawIOBase, most_bytes: int) -> None:
        self._sock = sock
        self._stream = stream
        self._room = most_bytes
        self._pause = sock.gettimeout()
        self._until = time.monotonic() + (self._pause or 0.0)

    def extend(self, seconds: float) -> None:
        """Wait until so long from now, but for each read no longer than the socket's timeout."""
        self._until = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if self._room <= 0:
            raise NotUnderstood("the CA's answer has no end")
        self._sock.settimeout(min(left, self._pause or left))
        try:
            count = self._stream.readinto(buffer)
        finally:
            self._sock.settimeout(self._pause)
        self._room -= count or 0
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


class _Answer(HTTPResponse):
    """Status and headers come within the socket's timeout in all, also those of a proxy; the body is limited too."""

    most_seconds: ClassVar[float] = 45.0
    most_bytes: ClassVar[int] = 2**23

    def __init__(self, sock: socket.socket, *rest: Any, **named: Any) -> None:
        super().__init__(sock, *rest, **named)
        self._within = _Within(sock, self.fp.detach(), self.most_bytes)
        self.fp = io.BufferedReader(self._within)

    def begin(self) -> None:
        """Read status and headers; the body has pauses of its own."""
        super().begin()
        self._within.extend(self.most_seconds)


class GuardedConnection(HTTPSConnection):
    """Looks at whom it reached before it says anything, and does not wait for headers for ever."""

    permitted: ClassVar[Sequence[IPv4Network | IPv6Network]] = ()
    response_class = _Answer

    def _new_conn(self) -> socket.socket:
        """Connect, and refuse addresses that no CA has.

        The address is that of the connection itself, so a name server that answers differently each time
        (DNS rebinding) gains nothing.
        """
        sock = self._first_that_connects()
        try:
            peer = sock.getpeername()[0]
        except OSError as gone:
            sock.close()
            raise NewConnectionError(self, f"the connection was lost: {gone}") from gone
        if self.proxy is not None:
            # Whoever runs the operator named it, and it looks up the CA's name itself; only what is no name is judged.
            literal = _literal(self._tunnel_host or "")
            if not literal:
                return sock
            peer = literal
        if why := refused_class(peer, self.permitted):
            sock.close()
            raise NeedsPerson(
                Reason.CA_UNREACHABLE.word,
                f"{self._tunnel_host or self.host} is at {peer}, a {why} address, which the operator does not speak "
                "to; correct the name, or start the operator with --permit-network and the network "
                "(the chart's permitNetworks)",
            )
        return sock

    def _first_that_connects(self) -> socket.socket:
        """Try the host's first addresses only: whoever controls a name shall not make us try hundreds."""
        host, fault = self._dns_host, None
        for address in _addresses(self, host):
            self._dns_host = address
            try:
                return super()._new_conn()
            except (NewConnectionError, ConnectTimeoutError) as failed:
                fault = failed
            finally:
                self._dns_host = host
        raise fault or NewConnectionError(self, "the host has no address")


def _addresses(connection: HTTPSConnection, host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), connection.port, allowed_gai_family(), socket.SOCK_STREAM
        )
    except socket.gaierror as unknown:
        raise NameResolutionError(connection.host, connection, unknown) from unknown
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))[:MOST_ADDRESSES]


class GuardedAdapter(requests.adapters.HTTPAdapter):
    """Gives requests our connections and nothing but our trust."""

    def __init__(
        self,
        context: ssl.SSLContext,
        permitted: Sequence[IPv4Network | IPv6Network],
        *,
        pool_size: int,
        most_seconds: float,
        most_bytes: int,
    ) -> None:
        answer = type("Answer", (_Answer,), {"most_seconds": most_seconds, "most_bytes": most_bytes})
        names = {"permitted": tuple(permitted), "response_class": answer}
        connection = type("Connection", (GuardedConnection,), names)
        self._pool_class = type("Pool", (HTTPSConnectionPool,), {"ConnectionCls": connection})
        self._context = context
        self._kept = pool_size
        super().__init__(pool_connections=4, pool_maxsize=pool_size)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **_: Any) -> None:  # noqa: FBT001, FBT002  requests' signature
        """Build pools that know only https."""
        self.poolmanager = PoolManager(
            num_pools=connections, maxsize=maxsize, block=block, ssl_context=self._context
        )
        self.poolmanager.pool_classes_by_scheme = {"https": self._pool_class}

    def proxy_manager_for(self, proxy: str, **_: Any) -> ProxyManager:
        """The same for the way through a proxy, which is asked for a tunnel (CONNECT)."""
        manager: ProxyManager | None = self.proxy_manager.get(proxy)
        if manager is None:
            manager = ProxyManager(
                proxy,
                proxy_headers=self.proxy_headers(proxy),
                num_pools=4,
                maxsize=self._kept,
                ssl_context=self._context,
            )
            manager.pool_classes_by_scheme = {"https": self._pool_class}
            self.proxy_manager[proxy] = manager
        return manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave trust to the context; requests would add the public CAs to a private bundle here."""
