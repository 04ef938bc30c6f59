"""Sentences for faults on the way to a CA. They name the host and what failed, never path or query."""

from __future__ import annotations

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


def unreachable(host: str, fault: BaseException) -> TryLater:
    """`fault` as a setback; nothing of its own text is used but the verdict on the TLS certificate."""
    causes = tuple(_causes(fault))
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
