"""Counts what clients asked the API server, from the server's own audit log."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NewType

from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: A moment in the log: only requests that ended later count.
Mark = NewType("Mark", int)

#: Written as the API server's audit policy. Its own traffic and that of the controller manager (whose
#: controllers are ServiceAccounts in kube-system) would only make the log long; everybody else's requests are
#: noted once they have ended, without bodies.
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": ["system:apiserver", "system:kube-controller-manager"]},
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*"]},
        {"level": "Metadata"},
    ],
}

#: Where `AuditLog` sends a request of its own to see how far the log has come.
_PROBE_PATH = "/version?audit-probe="


@dataclass(frozen=True)
class AuditRequest:
    """One request as the API server saw it; parts that a request does not have are empty."""

    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    user: str
    uri: str
    agent: str


class AuditLog:
    """The audit log of one API server; a restarted server goes on in the same file.

    Args:
        file: where the server writes it.
        ask: makes a GET request for a path, so that its trace can be waited for; False if the server is away.
    """

    def __init__(self, file: Path, ask: Callable[[str], bool]) -> None:
        self._file = file
        self._ask = ask
        self._offset = 0
        self._requests: list[AuditRequest] = []
        self._open_watches: set[str] = set()

    def mark(self) -> Mark:
        """Remember this moment."""
        self._catch_up()
        return Mark(len(self._requests))

    def requests(self, user: str | None = None, since: Mark = Mark(0)) -> list[AuditRequest]:
        """The requests that have ended (watches: begun) since the mark, oldest first.

        Args:
            user: only this user's, by the full name as Kubernetes sees it.
            since: only later ones.
        """
        self._catch_up()
        return [seen for seen in self._requests[since:] if user is None or seen.user == user]

    def _catch_up(self) -> None:
        """Read on until our own newest request is seen, and so everything that was answered before it."""
        probe = f"{_PROBE_PATH}{uuid.uuid4()}"
        if self._ask(probe):
            eventually(lambda: self._read_on(probe), "the audit log to show a request that was just answered")
        else:
            self._read_on(probe)

    def _read_on(self, probe: str) -> bool:
        """Take in what was appended, and say whether the probe was in it."""
        if not self._file.exists():
            return False
        with self._file.open("rb") as log:
            log.seek(self._offset)
            whole_lines, end_of_line, _rest = log.read().rpartition(b"\n")
        self._offset += len(whole_lines) + len(end_of_line)
        events = [json.loads(line) for line in whole_lines.splitlines()]
        for event in events:
            self._take_in(event)
        return any(event["requestURI"] == probe for event in events)

    def _take_in(self, event: dict[str, Any]) -> None:
        """Note a request once: a watch when it begins, any other when it has ended."""
        if event["stage"] == "ResponseStarted":
            self._open_watches.add(event["auditID"])
        elif event["auditID"] in self._open_watches:
            self._open_watches.remove(event["auditID"])
            return
        if not event["requestURI"].startswith(_PROBE_PATH):
            self._requests.append(_request(event))


def _request(event: dict[str, Any]) -> AuditRequest:
    target = event.get("objectRef", {})
    return AuditRequest(
        verb=event["verb"],
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        user=event["user"].get("username", ""),
        uri=event["requestURI"],
        agent=event.get("userAgent", ""),
    )
