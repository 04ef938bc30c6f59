"""How a Pebble shall behave, and the files and environment that tell it so."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.kit.authority import KeyPair


@dataclass(frozen=True)
class PebbleSettings:
    """The knobs of one Pebble.

    Attributes:
        dns_server: "host:port" of the server that it asks when it validates; None for the system's.
        nonce_reject_percent: how many good nonces it refuses, 0 to 99.
        authz_reuse_percent: how often a new order gets an authorization that is valid already.
        eab: external account binding is required, with these MAC keys (base64url) by key id.
        strict: refuse as well what a coming version of Pebble will refuse.
        certificate_validity: of the "default" profile.
        profiles: further profiles, with the validity of their certificates.
        retry_after: what it answers in Retry-After while it validates or signs.
        http_port: where it asks for HTTP-01 answers.
        blocked_domains: names it refuses with rejectedIdentifier.
        alternate_roots: how many further chains it offers for each certificate.
        always_valid: look at no challenge answer at all.
    """

    dns_server: str | None = None
    nonce_reject_percent: int = 5
    authz_reuse_percent: int = 0
    eab: Mapping[str, str] | None = None
    strict: bool = True
    certificate_validity: timedelta = timedelta(days=90)
    profiles: Mapping[str, timedelta] = field(default_factory=dict)
    retry_after: timedelta = timedelta(seconds=1)
    http_port: int = 5002
    blocked_domains: tuple[str, ...] = ()
    alternate_roots: int = 0
    always_valid: bool = False

    def environment(self) -> dict[str, str]:
        """The knobs that Pebble reads from its environment. It never dawdles before it validates."""
        return {
            "PEBBLE_VA_NOSLEEP": "1",
            "PEBBLE_VA_ALWAYS_VALID": "1" if self.always_valid else "0",
            "PEBBLE_WFE_NONCEREJECT": str(self.nonce_reject_percent),
            "PEBBLE_AUTHZREUSE": str(self.authz_reuse_percent),
            "PEBBLE_ALTERNATE_ROOTS": str(self.alternate_roots),
        }

    def arguments(self) -> list[str]:
        """The knobs that are flags."""
        resolver = ["-dnsserver", self.dns_server] if self.dns_server else []
        return [*resolver, "-strict"] if self.strict else resolver

    def write(self, file: Path, *, acme: str, management: str, serving: KeyPair) -> None:
        """Write the configuration file.

        Args:
            file: where to.
            acme: "host:port" to listen on for clients.
            management: "host:port" of the management interface.
            serving: the certificate of both.
        """
        validities = {"default": self.certificate_validity, **self.profiles}
        seconds = round(self.retry_after.total_seconds())
        content: dict[str, Any] = {
            "listenAddress": acme,
            "managementListenAddress": management,
            "certificate": str(serving.certificate),
            "privateKey": str(serving.key),
            "httpPort": self.http_port,
            "externalAccountBindingRequired": self.eab is not None,
            "externalAccountMACKeys": dict(self.eab or {}),
            "domainBlocklist": list(self.blocked_domains),
            "retryAfter": {"authz": seconds, "order": seconds},
            "keyAlgorithm": "ecdsa",
            "profiles": {name: _profile(name, validity) for name, validity in validities.items()},
        }
        file.write_text(json.dumps({"pebble": content}, indent=2))


def _profile(name: str, validity: timedelta) -> dict[str, Any]:
    return {"description": f"the bench's {name} profile", "validityPeriod": round(validity.total_seconds())}
