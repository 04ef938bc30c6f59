"""Certificates as values: the spec checked by the rules of the CRD, the status read leniently."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct

from certwright.resources.condition import (
    Condition,
    condition_to_dict,
    read_conditions,
    read_moment,
    write_moment,
)
from certwright.resources.conditions import sentence
from certwright.resources.decoding import Broken, decode, require
from certwright.resources.dns_names import order_name, same_as_written
from certwright.resources.durations import parse_duration
from certwright.resources.metadata import Metadata, Unreadable, read_metadata
from certwright.resources.names import ApiNames, Ref
from certwright.resources.object_names import check_issuer_name, check_secret_name

if TYPE_CHECKING:
    from collections.abc import Mapping

SHORTEST_DURATION = timedelta(hours=1)
SHORTEST_LEAD = timedelta(minutes=5)
#: Longest URL that the CRD takes in a status.
LONGEST_URL = 2048


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

SIZE_ADVICE: Mapping[Algorithm | None, str] = {
    Algorithm.RSA: "an RSA key has size 2048, 3072, 4096 or 8192",
    Algorithm.ECDSA: "an ECDSA key has size 256, 384 or 521",
    Algorithm.ED25519: "an Ed25519 key has no size; remove it",
    None: "without algorithm, size means ECDSA and is 256, 384 or 521; for another, add algorithm",
}

_Name = Annotated[str, Meta(max_length=253)]
_Duration = Annotated[str, Meta(max_length=64)]


class PrivateKeySpec(Struct, frozen=True, rename="camel"):
    """How the key shall be; None accepts any existing one, and means the usual for a new one."""

    algorithm: Algorithm | None = None
    size: int | None = None
    encoding: Encoding | None = None
    rotation_policy: RotationPolicy = RotationPolicy.ALWAYS


class _IssuerKind(Enum):
    ISSUER = "Issuer"
    CLUSTER_ISSUER = "ClusterIssuer"


class _IssuerRef(Struct, frozen=True):
    name: _Name
    kind: _IssuerKind = _IssuerKind.ISSUER


class _WireSpec(Struct, frozen=True, rename="camel", kw_only=True):
    """The spec as JSON has it."""

    secret_name: _Name
    dns_names: Annotated[list[_Name], Meta(max_length=100)] = []
    common_name: Annotated[str, Meta(max_length=64)] | None = None
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
        spec = _checked(decode(body.get("spec"), _WireSpec), meta.namespace)
    except ValueError as error:
        return Unreadable(
            ref=ref,
            meta=meta,
            observed_generation=status.observed_generation,
            conditions=status.conditions,
            status=status_to_dict(status),
            problem=str(error),
        )
    return Certificate(ref=ref, meta=meta, spec=spec, status=status)


def _checked(wire: _WireSpec, namespace: str) -> CertificateSpec:
    check_secret_name(wire.secret_name, "spec.secretName")
    check_issuer_name(wire.issuer_ref.name, "spec.issuerRef.name")
    names, common_name = _names(wire)
    duration = _duration(wire.duration, SHORTEST_DURATION, "duration")
    lead = _duration(wire.renew_before, SHORTEST_LEAD, "renewBefore")
    _check_lead(lead, wire.renew_before_percentage, duration)
    _check_key(wire.private_key)
    kind = wire.issuer_ref.kind
    return CertificateSpec(
        secret_name=wire.secret_name,
        dns_names=names,
        common_name=common_name,
        duration=duration,
        renew_before=lead,
        renew_before_percentage=wire.renew_before_percentage,
        private_key=wire.private_key,
        issuer_ref=Ref(kind.value, namespace if kind is _IssuerKind.ISSUER else "", wire.issuer_ref.name),
        suspend=wire.suspend,
    )


def _names(wire: _WireSpec) -> tuple[tuple[str, ...], str | None]:
    """All names as ordered, and the common name; an empty common name is none, as cert-manager has it."""
    common_name = order_name(wire.common_name, "spec.commonName") if wire.common_name else None
    ordered = [order_name(name, f"spec.dnsNames[{at}]") for at, name in enumerate(wire.dns_names)]
    if common_name is None:
        require(ordered, "spec", "the spec asks for no name; add at least one to dnsNames")
    elif ordered:
        among = any(same_as_written(wire.common_name or "", name) for name in wire.dns_names)
        require(
            among, "spec", "commonName is not one of dnsNames; add it there, or remove it", wire.common_name
        )
    else:
        ordered = [common_name]
    return tuple(dict.fromkeys(ordered)), common_name


def _duration(text: str | None, shortest: timedelta, field: str) -> timedelta | None:
    if text is None:
        return None
    try:
        duration = parse_duration(text)
    except ValueError as error:
        raise Broken(f"spec.{field}: {error}") from None
    least = "1h" if shortest == SHORTEST_DURATION else "5m"
    require(duration >= shortest, f"spec.{field}", f"{field} must be {least} or more", text)
    return duration


def _check_lead(lead: timedelta | None, percentage: int | None, duration: timedelta | None) -> None:
    if lead is None:
        return
    alone = percentage is None
    require(alone, "spec", "renewBefore and renewBeforePercentage exclude each other; remove one")
    # In whole seconds, since CEL's getSeconds() knows no more.
    shorter = duration is None or lead // timedelta(seconds=1) < duration // timedelta(seconds=1)
    require(shorter, "spec", "renewBefore must be shorter than duration; the certificate would always be due")


def _check_key(key: PrivateKeySpec) -> None:
    fits = key.size is None or key.size in SIZES[key.algorithm]
    require(fits, "spec.privateKey", SIZE_ADVICE[key.algorithm], key.size)
    possible = key.encoding is not Encoding.PKCS1 or key.algorithm is not Algorithm.ED25519
    require(possible, "spec.privateKey", "an Ed25519 key has no PKCS1 encoding; write PKCS8")


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
            kind=status.issuer.kind, name=status.issuer.name, commonName=status.issuer.common_name[:1024]
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
    url = info.explanation_url if len(info.explanation_url) <= LONGEST_URL else ""
    return _present(window=window, explanationURL=url)


def _failure(failure: FailureStatus | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    return _present(
        reason=failure.reason,
        identifier=failure.identifier,
        type=failure.type,
        detail=sentence(failure.detail),
        at=_moment(failure.at),
        count=failure.count,
    )
