"""The shapes of a CA's JSON, as tolerant as they can be: unknown fields fall away, missing ones are None."""

from __future__ import annotations

from typing import Any

import msgspec

from certwright.resources.decoding import prepared


class _Wire(msgspec.Struct, rename="camel", kw_only=True):
    """Names in camelCase; null counts as missing."""


class WireIdentifier(_Wire):
    """RFC 8555 §7.1.3."""

    type: str | None = None
    value: str | None = None


class WireSubproblem(_Wire):
    """RFC 8555 §6.7.1."""

    type: str | None = None
    detail: str | None = None
    status: int | None = None
    instance: str | None = None
    identifier: WireIdentifier | None = None


@prepared
class WireProblem(WireSubproblem):
    """RFC 8555 §6.7, RFC 9457."""

    subproblems: list[WireSubproblem] | None = None
    algorithms: Any = None
    """Only of `badSignatureAlgorithm` (RFC 8555 §6.2)."""


class WireMeta(_Wire):
    """RFC 8555 §7.1.1; profiles are from draft-ietf-acme-profiles."""

    terms_of_service: str | None = None
    caa_identities: list[str] | None = None
    external_account_required: bool | None = None
    profiles: dict[str, Any] | None = None


@prepared
class WireDirectory(_Wire):
    """RFC 8555 §7.1.1."""

    new_nonce: str | None = None
    new_account: str | None = None
    new_order: str | None = None
    renewal_info: str | None = None
    meta: WireMeta | None = None


@prepared
class WireAccount(_Wire):
    """RFC 8555 §7.1.2."""

    status: str | None = None
    contact: list[str] | None = None
    terms_of_service_agreed: bool | None = None


@prepared
class WireOrder(_Wire):
    """RFC 8555 §7.1.3."""

    status: str | None = None
    identifiers: list[WireIdentifier] | None = None
    authorizations: list[str] | None = None
    finalize: str | None = None
    certificate: str | None = None
    error: WireProblem | None = None
    expires: Any = None
    replaces: str | None = None


@prepared
class WireChallenge(_Wire):
    """RFC 8555 §7.1.5."""

    type: str | None = None
    url: str | None = None
    status: str | None = None
    token: str | None = None
    error: WireProblem | None = None


@prepared
class WireAuthorization(_Wire):
    """RFC 8555 §7.1.4."""

    identifier: WireIdentifier | None = None
    status: str | None = None
    wildcard: bool | None = None
    challenges: list[WireChallenge] | None = None
    expires: Any = None


class WireWindow(_Wire):
    """RFC 9773 §4.2."""

    start: Any = None
    end: Any = None


@prepared
class WireRenewalInfo(_Wire):
    """RFC 9773 §4.2."""

    suggested_window: WireWindow | None = None
    explanation_url: str | None = msgspec.field(default=None, name="explanationURL")
