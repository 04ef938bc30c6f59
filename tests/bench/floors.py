"""The least that one request can cost, in the hands of others: the same bytes, the same TLS, the whole answer."""

from __future__ import annotations

import http.client
import ssl
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeAlias

import requests
import requests.adapters
import urllib3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from tests.bench.idle_ca import IdleCa

Times: TypeAlias = "Callable[[int], None]"
_HEADERS = {
    "content-type": "application/jose+json",
    "accept": "application/json, application/problem+json;q=0.9",
    "accept-language": "en",
    "accept-encoding": "identity",
    "user-agent": f"bench python-requests/{requests.__version__}",
}


@contextmanager
def kept_connection(ca: IdleCa, message: bytes) -> Iterator[Times]:
    """The standard library's http.client, over one connection."""

    def do(times: int) -> None:
        for _ in range(times):
            connection.request("POST", "/order/1", message, _HEADERS)
            connection.getresponse().read()

    with closing(_connection(ca, _trust(ca))) as connection:
        yield do


def new_connections(ca: IdleCa, message: bytes) -> Times:
    """The same, with a TLS handshake for each request."""
    trust = _trust(ca)

    def do(times: int) -> None:
        for _ in range(times):
            with closing(_connection(ca, trust)) as connection:
                connection.request("POST", "/order/1", message, _HEADERS)
                connection.getresponse().read()

    return do


@contextmanager
def through_urllib3(ca: IdleCa, message: bytes) -> Iterator[Times]:
    """urllib3, over one connection."""

    def do(times: int) -> None:
        for _ in range(times):
            pool.urlopen("POST", "/order/1", body=message, headers=_HEADERS, retries=False, redirect=False)

    with urllib3.HTTPSConnectionPool("localhost", ca.port, ssl_context=_trust(ca)) as pool:
        yield do


@contextmanager
def through_requests(ca: IdleCa, message: bytes) -> Iterator[Times]:
    """The library requests, with a session over one connection."""

    def do(times: int) -> None:
        for _ in range(times):
            session.post(ca.url("/order/1"), message, headers=_HEADERS, allow_redirects=False)

    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", _Trusting(_trust(ca)))
        yield do


class _Trusting(requests.adapters.HTTPAdapter):
    """Takes a context, which requests alone would not."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._trust = trust
        super().__init__()

    def init_poolmanager(self, *places: Any, **named: Any) -> None:
        super().init_poolmanager(*places, **named, ssl_context=self._trust)

    def cert_verify(self, *_: Any) -> None:
        """The context does."""


def _trust(ca: IdleCa) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca.ca_pem.decode())


def _connection(ca: IdleCa, trust: ssl.SSLContext) -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection("localhost", ca.port, context=trust)
