"""One question to one server: UDP, then TCP when the answer did not fit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdatatype

if TYPE_CHECKING:
    from collections.abc import Callable


class SilenceError(Exception):
    """The server gave no readable answer; the text says why, in a few words."""


class Ask(Protocol):
    """How a question is put; tests answer it from a table."""

    def __call__(
        self,
        address: str,
        port: int,
        name: dns.name.Name,
        kind: dns.rdatatype.RdataType,
        *,
        recursive: bool,
        timeout: timedelta,
    ) -> dns.message.Message:
        """Put the question; raises `SilenceError`."""


def ask(
    address: str,
    port: int,
    name: dns.name.Name,
    kind: dns.rdatatype.RdataType,
    *,
    recursive: bool,
    timeout: timedelta,
) -> dns.message.Message:
    """The answer of the server at `address` to a question about `name`.

    Args:
        address: IPv4 or IPv6.
        port: for UDP and TCP.
        name: what is asked about.
        kind: the type of record wanted.
        recursive: set RD, asking the server to find out from others.
        timeout: for the exchange over UDP, and once more for the one over TCP if that is needed.

    Raises:
        SilenceError: no answer in time, none that can be read, or no way there.
    """
    # 1232 octets pass unfragmented nearly everywhere (DNS flag day 2020); longer answers come over TCP.
    query = dns.message.make_query(name, kind, use_edns=0, payload=1232)
    if not recursive:
        query.flags &= ~dns.flags.RD
    try:
        # Forged or broken datagrams are passed over while we wait for the real one.
        response, _ = dns.query.udp_with_fallback(
            query, address, timeout.total_seconds(), port, ignore_unexpected=True, ignore_errors=True
        )
    except Exception as problem:
        raise SilenceError(describe(problem)) from problem
    return response


def bounded(ask: Ask, clock: Callable[[], float], limit: timedelta) -> Ask:
    """`ask`, for so long from now: later questions get `SilenceError` unasked, and the last one is cut short.

    A zone with many silent servers must not hold a turn.

    Args:
        ask: how a question is put.
        clock: monotonic seconds.
        limit: for all questions together.
    """
    deadline = clock() + limit.total_seconds()

    def hurried(
        address: str,
        port: int,
        name: dns.name.Name,
        kind: dns.rdatatype.RdataType,
        *,
        recursive: bool,
        timeout: timedelta,
    ) -> dns.message.Message:
        left = timedelta(seconds=deadline - clock())
        if left <= timedelta():
            raise SilenceError("not asked, as others took too long")
        return ask(address, port, name, kind, recursive=recursive, timeout=min(timeout, left))

    return hurried


def describe(problem: Exception) -> str:
    """Why an exchange failed, in a few words that hold nothing that the server sent."""
    match problem:
        case dns.exception.Timeout():
            return "no answer in time"
        case EOFError():
            return "the connection was closed"
        case OSError():
            return (problem.strerror or type(problem).__name__).lower()
        case _:
            return f"unreadable answer ({type(problem).__name__})"
