"""What may go wrong between a client and a server, as values; `fault_proxy.py` makes it happen.

A rule is a matcher, a fault, and when it strikes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self, TypeAlias
from urllib.parse import parse_qs, urlsplit

from tests.kit import pebble_log

if TYPE_CHECKING:
    import random


@dataclass(frozen=True)
class Asked:
    """A request as the client sent it; `target` is path and query.

    Attributes:
        accept: which representation is wanted: the same list may be asked for as metadata alone.
    """

    method: str
    target: str
    agent: str = ""
    accept: str = ""

    @property
    def path(self) -> str:
        """Without the query."""
        return urlsplit(self.target).path

    @property
    def is_watch(self) -> bool:
        """Whether the answer is a stream of events (Kubernetes API concepts, "Efficient detection of changes")."""
        return parse_qs(urlsplit(self.target).query).get("watch", [""])[0] in ("true", "1")


Matcher: TypeAlias = Callable[[Asked], bool]


def on(method: str = "", path: str = "") -> Matcher:
    """Requests by method and a regular expression somewhere in their path; left out, any."""
    pattern = re.compile(path)
    return lambda asked: method in ("", asked.method) and bool(pattern.search(asked.path))


def kube(verbs: str, resource: str = "", name: str = "", *, agent: str = "") -> Matcher:
    """Requests to an API server as RBAC sees them.

    Args:
        verbs: "get list watch create update patch delete", those that are meant; "write" is the last four.
        resource: "secrets", "certificates/status"; left out, any.
        name: of the object; left out, any. A creation has none.
        agent: the beginning of the user agent.
    """
    meant = set(verbs.replace("write", "create update patch delete").split())

    def matches(asked: Asked) -> bool:
        verb, what, whose = kube_request(asked)
        return (
            verb in meant and resource in ("", what) and name in ("", whose) and asked.agent.startswith(agent)
        )

    return matches


def kube_request(asked: Asked) -> tuple[str, str, str]:
    """Verb, resource with subresource, and name (Kubernetes, "Authorization overview", request verbs)."""
    parts = asked.path.strip("/").split("/")
    parts = parts[{"api": 2, "apis": 3}.get(parts[0], len(parts)) :]
    if len(parts) > 2 and parts[0] == "namespaces":
        parts = parts[2:]
    resource, name, *sub = [*parts, "", ""][: max(2, len(parts))]
    verbs = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    reads = "watch" if asked.is_watch else "get" if name else "list"
    return verbs.get(asked.method, reads), "/".join([resource, *sub]), name


def acme(kind: str) -> Matcher:
    """POSTs to Pebble (GETs and HEADs of directory, nonce and renewal-info) by their kind in RFC 8555 §7.1."""
    path = next(path for path, word in pebble_log._KINDS.items() if word == kind)
    return lambda asked: asked.path == path or (path.endswith("/") and asked.path.startswith(path))


@dataclass(frozen=True)
class Delay:
    """The request is forwarded after so many seconds, drawn between the two."""

    least: float
    most: float


@dataclass(frozen=True)
class Answer:
    """The proxy answers; the server sees nothing."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """As it goes over the wire."""
        headers = {"Content-Length": str(len(self.body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True)
class DropAnswer:
    """The server acts and answers, the client sees its connection closed; or, if silent, hears nothing more at all."""

    silent: bool = False


@dataclass(frozen=True)
class Reset:
    """The connection is reset (RST) before the server sees the request."""


@dataclass(frozen=True)
class Hang:
    """Nothing is forwarded and nothing answered, for as long as the client waits."""


@dataclass(frozen=True)
class CutStream:
    """An answer ends, as if complete, after so many events (lines) or seconds, whichever is first."""

    events: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class MuteStream:
    """An answer stays open but silent after so many events."""

    events: int = 0


@dataclass(frozen=True)
class ErrorEvent:
    """A watch ends with an ERROR event after so many events."""

    code: int = 410
    reason: str = "Expired"
    events: int = 0

    def line(self) -> bytes:
        """The event."""
        return json.dumps({"type": "ERROR", "object": _status(self.code, self.reason)}).encode() + b"\n"


@dataclass(frozen=True)
class Stale:
    """A GET or LIST is answered as it was when the photograph was made; what was not asked by then, truly."""

    photograph: Mapping[Asked, bytes]


@dataclass(frozen=True)
class Then:
    """Once the server has answered, and before the client gets the answer, `act` is called."""

    act: Callable[[], object]


Fault: TypeAlias = (
    Delay | Answer | DropAnswer | Reset | Hang | CutStream | MuteStream | ErrorEvent | Stale | Then
)


def refusal(code: int, reason: str = "", *, message: str = "", retry_after: int | None = None) -> Answer:
    """A Status as the API server sends it (Kubernetes API conventions, "Response Status Kind")."""
    headers = {"Content-Type": "application/json"}
    headers |= {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Answer(code, json.dumps(_status(code, reason, message)).encode(), headers)


def _status(code: int, reason: str, message: str = "") -> dict[str, Any]:
    reason = reason or HTTPStatus(code).phrase.title().replace(" ", "")
    message = message or f"injected by the bench: {reason}"
    parts = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**parts, "message": message, "reason": reason, "code": code}


@dataclass(eq=False)
class Rule:
    """A fault that strikes requests while it is in force; leaving a `with` block ends that.

    Attributes:
        matches: which requests.
        fault: what happens to them.
        skip: so many that match are let through first.
        times: it strikes so often at most; None for as long as it is in force.
        probability: that it strikes a request that matches.
        in_force: what it did to requests under way stays, also when it is not any more.
        hits: how often it struck.
    """

    matches: Matcher
    fault: Fault
    skip: int = 0
    times: int | None = None
    probability: float = 1.0
    in_force: bool = True
    hits: int = 0

    def strikes(self, asked: Asked, dice: random.Random) -> bool:
        """Whether it strikes this request; counts."""
        if not self.in_force or self.hits == self.times or not self.matches(asked):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        struck = dice.random() < self.probability
        self.hits += struck
        return struck

    def remove(self) -> None:
        """End it."""
        self.in_force = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
