"""Golden texts: what commands say, word for word, also in operator/CLI.md."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "operator" / "CLI.md"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ESCAPES = "\x1b[2J\u202eevil"


def on_the_page(text: str) -> bool:
    """Whether the page shows this output as a block."""
    return f"\n{text.rstrip()}\n```" in PAGE.read_text(encoding="utf-8")


def condition(kind: str, status: str, reason: str, message: str, since: str = "2026-03-01T11:00:00Z") -> Any:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": since,
        "observedGeneration": 1,
    }


def certificate(name: str, *conditions: Any, namespace: str = "shop", by: str = "ca", **status: Any) -> Any:
    """A Certificate as the API server sends it."""
    return {
        "apiVersion": "certwright.dev/v1",
        "kind": "Certificate",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {
            "secretName": f"{name}-tls",
            "dnsNames": [f"{name}.example.test"],
            "issuerRef": {"name": by},
        },
        "status": {"observedGeneration": 1, "conditions": list(conditions)} | status,
    }


READY = condition("Ready", "True", "Issued", "The certificate is valid until 2026-05-01T00:00:00Z.")
FAILED = (
    "The target Secret does not exist. The CA could not validate api.example.test by http-01: 192.0.2.7: Connection "
    "refused. Next attempt at 2026-03-01T12:20:00Z, attempt 3."
)


def ready(name: str, **more: Any) -> Any:
    facts: dict[str, Any] = {
        "notBefore": "2026-01-31T00:00:00Z",
        "notAfter": "2026-05-01T00:00:00Z",
        "renewalTime": "2026-04-01T00:00:00Z",
        "issuer": {"kind": "Issuer", "name": "ca", "commonName": "Example CA"},
        "revision": 3,
    }
    return certificate(name, READY, **(facts | more))


def failing(name: str = "api") -> Any:
    return certificate(
        name,
        condition("Ready", "False", "ValidationFailed", FAILED),
        condition("Reconciling", "True", "ProgressingWithRetry", FAILED),
        nextAttemptTime="2026-03-01T12:20:00Z",
        failure={
            "reason": "ValidationFailed",
            "identifier": "api.example.test",
            "type": "connection",
            "detail": "192.0.2.7: Connection refused",
            "at": "2026-03-01T12:00:00Z",
            "count": 2,
        },
    )
