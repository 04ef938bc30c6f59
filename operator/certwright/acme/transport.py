"""HTTP to a CA: the only file of this room that waits for anything. It holds no secrets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import requests
import requests.structures
import urllib3.exceptions

from certwright.acme.connections import GuardedAdapter, trust
from certwright.acme.faults import unreachable
from certwright.acme.flow import Request, Response
from certwright.acme.proxies import STRAIGHT, Ways
from certwright.acme.wording import NotUnderstood, host_of, https_url

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Network, IPv6Network

    from certwright.acme.proxies import Proxy

_LIBRARY = f"python-requests/{requests.__version__}"
_CHUNK = 64 * 1024
#: Bytes on the line for each of the body, when it comes in chunks of one (RFC 9112 §7.1).
_FRAMING = 6
#: A hundred lines of 64 KiB are the most that http.client takes.
_HEADERS = 100 * 64 * 1024
#: What a socket, TLS, urllib3 and requests raise, and ValueError for hosts that cannot be encoded.
_FAULTS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)


class Observer(Protocol):
    """Told of each request, for metrics."""

    def __call__(self, method: str, host: str, status: int, seconds: float, /) -> None:
        """Note one request; `status` is 0 if there was no answer."""
        ...


def _nobody(_method: str, _host: str, _status: int, _seconds: float, /) -> None:
    """Observe nothing."""


class HttpTransport:
    """Carries requests to one CA, over connections that are kept. Threads may share it."""

    def __init__(
        self,
        ca_bundle: bytes | None = None,
        *,
        user_agent: str,
        permitted: Sequence[IPv4Network | IPv6Network] = (),
        pool_size: int = 32,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        deadline: float = 45.0,
        max_body: int = 1024 * 1024,
        observer: Observer = _nobody,
        ways: Ways = STRAIGHT,
    ) -> None:
        """Make one; nothing is connected yet.

        Args:
            ca_bundle: PEM of the only CAs to trust; None for the public ones.
            user_agent: names the client and its version; that of the library beneath is added (RFC 8555 §6.1).
            permitted: networks that may be spoken to although they are loopback, link-local and the like.
            pool_size: connections kept, as many as threads.
            connect_timeout: seconds for each address of the host.
            read_timeout: seconds for the headers, and between two pieces of the body.
            deadline: seconds in all, looked at between two pieces of the body.
            max_body: bytes; a longer answer is refused.
            observer: told of each request.
            ways: which hosts are behind a proxy; there only a literal address can be held against `permitted`.

        Raises:
            NeedsPerson: `ca_bundle` cannot be used.
        """
        self._timeouts = (connect_timeout, read_timeout)
        self._deadline = deadline
        self._max_body = max_body
        self._observer = observer
        self._ways = ways
        self._user_agent = f"{user_agent} {_LIBRARY}"
        # No requests.Session around it: that keeps cookies, and reads the bodies of redirects whole, however long.
        self._adapter = GuardedAdapter(
            trust(ca_bundle),
            permitted,
            pool_size=pool_size,
            most_seconds=deadline,
            most_bytes=_FRAMING * max_body + _HEADERS,
        )

    def __call__(self, request: Request, /) -> Response:
        """Send `request` and read the whole answer; redirects come back as they are.

        Raises:
            TryLater: no answer, or one that is too long or too slow.
            NeedsPerson: the address is none that we speak to.
        """
        started = time.monotonic()
        status = 0
        proxy: Proxy | None = None
        try:
            proxy = self._ways.to(https_url(request.url, "a request"))
            proxies = {"https": proxy.url.reveal()} if proxy else {}
            prepared = self._prepare(request)
            with self._adapter.send(prepared, timeout=self._timeouts, proxies=proxies) as answer:
                status = answer.status_code
                body = self._read(answer, started + self._deadline, request.url)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Response(status, headers, body)
        except _FAULTS as fault:
            status = 0
            raise unreachable(host_of(request.url), fault, proxy.place if proxy else "") from None
        finally:
            self._observer(request.method, host_of(request.url), status, time.monotonic() - started)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._adapter.close()

    def _prepare(self, request: Request) -> requests.PreparedRequest:
        # By hand: requests would tidy the address up, but the CA compares it byte for byte with the signed one.
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url, prepared.body = request.method, request.url, request.body
        prepared.headers = requests.structures.CaseInsensitiveDict(request.headers)
        # No compression: a small answer must not become a large one here.
        prepared.headers.update({"Accept-Encoding": "identity", "User-Agent": self._user_agent})
        prepared.headers["Host"] = urlsplit(request.url).netloc
        if request.body is not None:
            prepared.headers["Content-Length"] = str(len(request.body))
        return prepared

    def _read(self, answer: requests.Response, until: float, url: str) -> bytes:
        body = bytearray()
        while piece := answer.raw.read1(_CHUNK, decode_content=True):
            body += piece
            if len(body) > self._max_body:
                raise NotUnderstood(f"the answer of {host_of(url)} is longer than {self._max_body} bytes")
            if time.monotonic() > until:
                raise TimeoutError
        return bytes(body)
