"""Sentences for faults on the way to a CA. They name the host and what failed, never path or query."""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING

import requests
import urllib3.exceptions

from certwright.acme.wording import clean_text
from certwright.failures import TryLater
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The first that is found in the chain of causes tells what happened.
_SENTENCES: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    (
        (urllib3.exceptions.NameResolutionError, socket.gaierror, UnicodeError),
        "its name could not be resolved; check the server's address, DNS and network policy",
    ),
    ((ConnectionRefusedError,), "the connection was refused; check the server's address and port"),
    (
        (requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError),
        "it did not take the connection in time; check the server's address and network policy",
    ),
    ((requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError, TimeoutError), "it did not answer in time"),
    ((ssl.SSLError, urllib3.exceptions.SSLError), "TLS failed"),
    ((urllib3.exceptions.DecodeError,), "its answer could not be decompressed"),
    ((ConnectionError, urllib3.exceptions.ProtocolError), "the connection was lost"),
)


#: What http.client says when a proxy does not open the way.
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")
_ANSWERS = {
    "407": "it wants a user and a password, or refused those that HTTPS_PROXY has",
    "403": "it does not allow this host; allow it there, or list the host in NO_PROXY",
}


def unreachable(host: str, fault: BaseException, proxy: str = "") -> TryLater:
    """`fault` as a setback; nothing of its own text is used but the verdict on the TLS certificate.

    Args:
        proxy: host and port of the proxy on the way, or "".
    """
    causes = tuple(_causes(fault))
    if proxy and (why := _fault_of_proxy(causes)):
        return _unasked(host, f"the proxy {proxy} on the way was the trouble: {why}")
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = clean_text(cause.verify_message, 200) or "no reason was given"
            message = (
                f"the TLS certificate of {host} could not be verified: {why}; "
                "if the CA is a private one, put its root certificate into caBundle"
            )
            return TryLater(Reason.CA_UNREACHABLE.word, message)
    for kinds, sentence in _SENTENCES:
        if any(isinstance(cause, kinds) for cause in causes):
            return _unasked(host, sentence)
    return _unasked(host, type(fault).__name__)


def _fault_of_proxy(causes: tuple[BaseException, ...]) -> str:
    """Why there was no way through the proxy, "" if there was one."""
    refused = next((found[1] for cause in causes if (found := _TUNNEL.search(str(cause)))), "")
    if refused:
        return _ANSWERS.get(refused, f"it could not reach the CA (HTTP {refused})")
    if not any(isinstance(cause, urllib3.exceptions.ProxyError) for cause in causes):
        return ""
    for kinds, sentence in _SENTENCES:
        if any(isinstance(cause, kinds) for cause in causes):
            return sentence.replace("the server's address", "HTTPS_PROXY")
    return "it did not answer as a proxy; check HTTPS_PROXY"


def _unasked(host: str, why: str) -> TryLater:
    ca = host if host == "the CA" else f"the CA at {host}"
    return TryLater(Reason.CA_UNREACHABLE.word, f"{ca} could not be asked: {why}")


def _causes(fault: BaseException) -> Iterator[BaseException]:
    """`fault` and everything that it wraps, as requests and urllib3 nest it, outermost first."""
    waiting: list[object] = [fault]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
