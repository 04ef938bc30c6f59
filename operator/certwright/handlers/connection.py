"""kopf's connection to the API server: a bounded pool, and a token that is read again from its file."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import aiohttp
import kopf

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubernetes.client import Configuration

#: Watches need one connection each; kopf's own pool has no limit and was seen to take gigabytes.
POOL = 16


def open_session(configuration: Configuration, token: Callable[[], str | None]) -> kopf.AiohttpSession:
    """A new session; kopf closes the one before when it was answered 401."""

    async def authorize(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        bearer = token()
        if bearer:
            request.headers["Authorization"] = bearer
        return await handler(request)

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=POOL, ssl=_trust(configuration)),
        middlewares=(authorize,),
        trust_env=False,
        proxy=configuration.proxy,
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    return kopf.AiohttpSession(server=configuration.host, aiohttp_session=session)


def _trust(configuration: Configuration) -> ssl.SSLContext | bool:
    if not configuration.host.startswith("https:"):
        return False
    settings: dict[str, Any] = {}
    if configuration.ssl_ca_cert:
        settings["cafile"] = configuration.ssl_ca_cert
    if getattr(configuration, "ca_cert_data", None):
        settings["cadata"] = configuration.ca_cert_data
    context = ssl.create_default_context(**settings)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context
