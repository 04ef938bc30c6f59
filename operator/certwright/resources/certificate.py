"""Certificates as values: the spec checked by the rules of the CRD, the status read leniently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from certwright.resources.condition import (
    Condition,
    condition_to_dict,
    read_conditions,
    read_moment,
    write_moment,
)
from certwright.resources.dns_names import order_name
from certwright.resources.durations import parse_duration
from certwright.resources.metadata import Metadata, Unreadable, read_metadata
from certwright.resources.names import ApiNames, Ref

SHORTEST_DURATION = timedelta(hours=1)
SHORTEST_LEAD = timedelta(minutes=5)


class Algorithm(Enum):
    """Of private keys."""

    RSA = "RSA"
    ECDSA = "ECDSA"
    ED25519 = "Ed25519"


class Encoding(Enum):
    """Of tls.key: PKCS #8, or the older form of each algorithm (PKCS #1, SEC 1)."""

    PKCS1 = "PKCS1"
    PKCS8 = "PKCS8"


class RotationPolicy(Enum):
    """Whether a renewal makes a new key."""

    ALWAYS = "Always"
    NEVER = "Never"


#: What `size` may be; None: the algorithm has no sizes.
SIZES: Mapping[Algorithm | None, tuple[int, ...]] = {
    Algorithm.RSA: (2048, 3072, 4096, 8192),
    Algorithm.ECDSA: (256, 384, 521),
    Algorithm.ED25519: (),
    None: (256, 384, 521),
}

_Name = Annotated[str, Meta(min_length=1, max_length=253)]
_Duration = Annotated[str, Meta(min_length=1, max_length=32)]


class PrivateKeySpec(Struct, frozen=True, rename="camel"):
    """How the key shall be; None accepts any existing one, and means the usual for a new one."""

    algorithm: Algorithm | None = None
    size: int | None = None
    encoding: Encoding | None = None
    rotation_policy: RotationPolicy = RotationPolicy.ALWAYS


class _IssuerRef(Struct, frozen=True):
    name: _Name
    kind: str = "Issuer"


class _WireSpec(Struct, frozen=True, rename="camel", kw_only=True):
    """The spec as JSON has it."""

    secret_name: _Name
    dns_names: Annotated[list[_Name], Meta(max_length=100)] = []
    common_name: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    duration: _Duration | None = None
    renew_before: _Duration | None = None
    renew_before_percentage: Annotated[int, Meta(ge=1, le=99)] | None = None
    private_key: PrivateKeySpec = PrivateKeySpec()
    issuer_ref: _IssuerRef
    suspend: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSpec:
    """What is asked.

    Attributes:
        dns_names: as ordered: A-labels, each once, the common name among them.
        common_name: as ordered, or None.
        renew_before: lead before the end, or None; never beside `renew_before_percentage`.
        issuer_ref: with the Certificate's namespace where it is an Issuer.
    """

    secret_name: str
    dns_names: tuple[str, ...]
    common_name: str | None
    duration: timedelta | None
    renew_before: timedelta | None
    renew_before_percentage: int | None
    private_key: PrivateKeySpec
    issuer_ref: Ref
    suspend: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerStatusRef:
    """Who issued the certificate in the Secret."""

    kind: str
    name: str
    common_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalInfoStatus:
    """The CA's window (RFC 9773)."""

    start: datetime
    end: datetime
    explanation_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStatus:
    """The attempt under way."""

    number: int
    started_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureStatus:
    """The last failure since the last success."""

    reason: str
    identifier: str
    type: str
    detail: str
    at: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateStatus:
    """All that a status holds; what is not known is None or empty."""

    observed_generation: int = -1
    conditions: tuple[Condition, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None
    renewal_time: datetime | None = None
    serial_number: str = ""
    fingerprint_sha256: str = ""
    issuer: IssuerStatusRef | None = None
    solver: str = ""
    revision: int = 0
    renewal_info: RenewalInfoStatus | None = None
    attempt: AttemptStatus | None = None
    failure: FailureStatus | None = None
    next_attempt_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A Certificate whose spec is understood."""

    ref: Ref
    meta: Metadata
    spec: CertificateSpec
    status: CertificateStatus


def read_certificate(body: Mapping[str, Any], names: ApiNames) -> Certificate | Unreadable:  # noqa: ARG001  one signature for all kinds
    """A Certificate as the API server sends it; never raises."""
    meta = read_metadata(body)
    ref = Ref("Certificate", meta.namespace, meta.name)
    status = read_status(body.get("status"))
    try:
        wire = msgspec.convert(body.get("spec") or {}, _WireSpec, strict=True)
        spec = _checked(wire, meta.namespace)
    except (ValueError, TypeError) as error:
        # msgspec's errors are ValueErrors and name the place, as in "$.secretName".
        return Unreadable(
            ref=ref,
            meta=meta,
            observed_generation=status.observed_generation,
            conditions=status.conditions,
            status=status_to_dict(status),
            problem=str(error).replace("`$.", "`spec.").replace("`$`", "`spec`"),
        )
    return Certificate(ref=ref, meta=meta, spec=spec, status=status)


def _checked(wire: _WireSpec, namespace: str) -> CertificateSpec:
    common_name = order_name(wire.common_name) if wire.common_name else None
    ordered = list(dict.fromkeys(order_name(name) for name in wire.dns_names))
    if not ordered and common_name is None:
        raise ValueError("the spec asks for no name; add at least one to dnsNames")
    if ordered and common_name is not None and common_name not in ordered:
        raise ValueError(f"commonName {common_name} is not in dnsNames; add it there")
    duration = parse_duration(wire.duration) if wire.duration else None
    lead = parse_duration(wire.renew_before) if wire.renew_before else None
    _check_times(duration, lead, wire.renew_before_percentage)
    _check_key(wire.private_key)
    if wire.issuer_ref.kind not in ("Issuer", "ClusterIssuer"):
        raise ValueError(
            f"issuerRef.kind {wire.issuer_ref.kind!r} is not known; write Issuer or ClusterIssuer"
        )
    where = namespace if wire.issuer_ref.kind == "Issuer" else ""
    return CertificateSpec(
        secret_name=wire.secret_name,
        dns_names=tuple(ordered) or (common_name or "",),
        common_name=common_name,
        duration=duration,
        renew_before=lead,
        renew_before_percentage=wire.renew_before_percentage,
        private_key=wire.private_key,
        issuer_ref=Ref(wire.issuer_ref.kind, where, wire.issuer_ref.name),
        suspend=wire.suspend,
    )


def _check_times(duration: timedelta | None, lead: timedelta | None, percentage: int | None) -> None:
    if lead is not None and percentage is not None:
        raise ValueError("renewBefore and renewBeforePercentage exclude each other; remove one")
    if duration is not None and duration < SHORTEST_DURATION:
        raise ValueError("duration is under 1h; no CA issues that")
    if lead is not None and lead < SHORTEST_LEAD:
        raise ValueError("renewBefore is under 5m; leave time for the renewal")
    if lead is not None and duration is not None and lead >= duration:
        raise ValueError("renewBefore is not shorter than duration; the certificate would always be due")


def _check_key(key: PrivateKeySpec) -> None:
    if key.size is not None and key.size not in SIZES[key.algorithm]:
        sizes = ", ".join(map(str, SIZES[key.algorithm])) or "no size"
        name = key.algorithm.value if key.algorithm else "ECDSA"
        raise ValueError(f"privateKey.size {key.size} does not fit {name}, which has {sizes}")
    if key.encoding is Encoding.PKCS1 and key.algorithm is Algorithm.ED25519:
        raise ValueError("Ed25519 keys have no PKCS1 encoding; use PKCS8")


def read_status(value: object) -> CertificateStatus:
    """A status of ours; whatever somebody else put there is passed over."""
    status = value if isinstance(value, dict) else {}
    return CertificateStatus(
        observed_generation=_number(status.get("observedGeneration"), -1),
        conditions=read_conditions(status.get("conditions")),
        not_before=read_moment(status.get("notBefore")),
        not_after=read_moment(status.get("notAfter")),
        renewal_time=read_moment(status.get("renewalTime")),
        serial_number=_text(status.get("serialNumber")),
        fingerprint_sha256=_text(status.get("fingerprintSHA256")),
        issuer=_read_issuer(status.get("issuer")),
        solver=_text(status.get("solver")),
        revision=_number(status.get("revision"), 0),
        renewal_info=_read_renewal_info(status.get("renewalInfo")),
        attempt=_read_attempt(status.get("attempt")),
        failure=_read_failure(status.get("failure")),
        next_attempt_time=read_moment(status.get("nextAttemptTime")),
    )


def _number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read_issuer(value: object) -> IssuerStatusRef | None:
    if not isinstance(value, dict):
        return None
    return IssuerStatusRef(
        kind=_text(value.get("kind")),
        name=_text(value.get("name")),
        common_name=_text(value.get("commonName")),
    )


def _read_renewal_info(value: object) -> RenewalInfoStatus | None:
    window = value.get("window") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(window, dict):
        return None
    start, end = read_moment(window.get("start")), read_moment(window.get("end"))
    if start is None or end is None:
        return None
    return RenewalInfoStatus(start=start, end=end, explanation_url=_text(value.get("explanationURL")))


def _read_attempt(value: object) -> AttemptStatus | None:
    started = read_moment(value.get("startedAt")) if isinstance(value, dict) else None
    if not isinstance(value, dict) or started is None:
        return None
    return AttemptStatus(
        number=_number(value.get("number"), 1), started_at=started, reason=_text(value.get("reason"))
    )


def _read_failure(value: object) -> FailureStatus | None:
    at = read_moment(value.get("at")) if isinstance(value, dict) else None
    if not isinstance(value, dict) or at is None:
        return None
    return FailureStatus(
        reason=_text(value.get("reason")),
        identifier=_text(value.get("identifier")),
        type=_text(value.get("type")),
        detail=_text(value.get("detail")),
        at=at,
        count=max(1, _number(value.get("count"), 1)),
    )


def status_to_dict(status: CertificateStatus) -> dict[str, Any]:
    """The whole status as it is written; what is empty is left out."""
    written: dict[str, Any] = {
        "observedGeneration": status.observed_generation,
        "conditions": [condition_to_dict(condition) for condition in status.conditions],
        "notBefore": _moment(status.not_before),
        "notAfter": _moment(status.not_after),
        "renewalTime": _moment(status.renewal_time),
        "serialNumber": status.serial_number,
        "fingerprintSHA256": status.fingerprint_sha256,
        "issuer": _present(
            kind=status.issuer.kind, name=status.issuer.name, commonName=status.issuer.common_name
        )
        if status.issuer
        else None,
        "solver": status.solver,
        "revision": status.revision or None,
        "renewalInfo": _renewal_info(status.renewal_info),
        "attempt": _present(
            number=status.attempt.number,
            startedAt=_moment(status.attempt.started_at),
            reason=status.attempt.reason,
        )
        if status.attempt
        else None,
        "failure": _failure(status.failure),
        "nextAttemptTime": _moment(status.next_attempt_time),
    }
    return _present(**written)


def _present(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value not in (None, "", [])}


def _moment(moment: datetime | None) -> str | None:
    return write_moment(moment) if moment else None


def _renewal_info(info: RenewalInfoStatus | None) -> dict[str, Any] | None:
    if info is None:
        return None
    window = {"start": write_moment(info.start), "end": write_moment(info.end)}
    return _present(window=window, explanationURL=info.explanation_url)


def _failure(failure: FailureStatus | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    return _present(
        reason=failure.reason,
        identifier=failure.identifier,
        type=failure.type,
        detail=failure.detail,
        at=_moment(failure.at),
        count=failure.count,
    )
