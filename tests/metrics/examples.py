"""A registry of each program in which something has happened, so that every series is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from certwright.metrics.registry import Metrics
from certwright.resources.certificate import Certificate, read_certificate
from certwright.resources.issuer import Issuer, read_issuer
from certwright.resources.names import ApiNames
from certwright.solver.responder.figures import Figures as ResponderFigures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prometheus_client import CollectorRegistry

    from certwright.resources.metadata import Unreadable

NAMES = ApiNames()
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass
class QueueFigures:
    depth: int = 3
    due_later: int = 2
    processing: int = 1
    oldest_seconds: float = 1.5


@dataclass
class TokenFigures:
    rows: int = 4
    oldest_unserved_seconds: float = 0.5


def condition(value: str, reason: str) -> dict[str, str]:
    """The condition Ready as a status has it."""
    moment = "2026-11-24T00:00:00Z"
    return {"type": "Ready", "status": value, "reason": reason, "message": "m", "lastTransitionTime": moment}


def certificate(
    name: str = "web",
    ready: str = "True",
    reason: str = "Issued",
    *,
    spec: dict[str, Any] | None = None,
    **status: Any,
) -> Certificate | Unreadable:
    """A Certificate of the namespace shop with a certificate of 90 days, and changed fields of its status."""
    facts = {
        "conditions": [condition(ready, reason)],
        "notBefore": "2026-11-01T00:00:00Z",
        "notAfter": "2027-01-30T00:00:00Z",
        "renewalTime": "2026-12-31T00:00:00Z",
    }
    usual = {"secretName": name, "dnsNames": ["www.example.org"], "issuerRef": {"name": "ca"}}
    body = {
        "metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": "1"},
        "spec": usual if spec is None else spec,
        "status": facts | status,
    }
    return read_certificate(body, NAMES)


def failing(name: str = "failing", reason: str = "ValidationFailed") -> Certificate | Unreadable:
    """One whose second attempt failed, too."""
    failure = {"reason": reason, "detail": "not found", "at": "2026-11-24T00:00:00Z", "count": 2}
    return certificate(name, failure=failure, nextAttemptTime="2026-11-24T13:00:00Z")


def issuer(
    name: str = "ca",
    ready: str = "True",
    limits: Sequence[dict[str, Any]] = (),
    account: str = "https://ca.example/account/1",
    *,
    kind: str = "Issuer",
    **acme: Any,
) -> Issuer | Unreadable:
    """An issuer of the namespace shop, with limits as its status shows them."""
    reason = "AccountRegistered" if ready == "True" else "CAUnreachable"
    body = {
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": "" if kind == "ClusterIssuer" else "shop",
            "uid": f"uid-{name}",
        },
        "spec": {"acme": {"server": "https://ca.example/dir", "privateKeySecretRef": {"name": "key"}} | acme},
        "status": {
            "conditions": [condition(ready, reason)],
            "acme": {"accountURL": account},
            "limits": list(limits),
        },
    }
    return read_issuer(body, NAMES)


def limit(scope: str, until: str = "2026-11-24T13:00:00Z", subject: str = "") -> dict[str, Any]:
    """A limit as a status shows it."""
    since = "2026-11-24T11:00:00Z"
    return {"scope": scope, "subject": subject, "until": until, "since": since, "reason": "RateLimited"}


def watched(
    metrics: Metrics,
    certificates: Sequence[Certificate | Unreadable] = (),
    issuers: Sequence[Issuer | Unreadable] = (),
) -> Metrics:
    """Let the registry serve what is read when it is scraped."""
    metrics.watch(
        queue=QueueFigures,
        leading=lambda: (True, 7),
        tokens=TokenFigures,
        relist_age=lambda: 90.0,
        certificates=lambda: certificates,
        issuers=lambda: issuers,
        clock=lambda: NOW,
    )
    return metrics


def operator_registry(*, aliases: bool = False) -> CollectorRegistry:
    """Of an operator."""
    metrics = Metrics(aliases=aliases)
    metrics.count_action("PlaceOrder", "")
    metrics.count_crash()
    metrics.observe_request("POST", "ca.example", 201, 0.2)
    cluster = [issuer("all", kind="ClusterIssuer")] if aliases else []
    objects = [certificate(), failing(), certificate("new", "False", "Issuing")]
    return watched(metrics, objects, [issuer(limits=[limit("account")]), *cluster]).registry


def responder_registry() -> CollectorRegistry:
    """Of a solver pod."""
    figures = ResponderFigures(rows=lambda: 3, connections=lambda: 2, restarts=lambda: 1, dropped=lambda: 4)
    figures.count(HTTPStatus.OK)
    return figures.registry
