"""The status of a Certificate as a value: read leniently, written whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certwright.resources.condition import (
    Condition,
    condition_to_dict,
    read_conditions,
    read_moment,
    write_moment,
)
from certwright.resources.conditions import sentence
from certwright.resources.json_values import text_of

if TYPE_CHECKING:
    from datetime import datetime

#: Of losses that are kept; more would slow nothing down any further.
MOST_LOSSES = 8
#: Longest URL that the CRD takes in a status.
LONGEST_URL = 2048


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
    """All that a status holds; what is not known is None or empty.

    Attributes:
        losses: when a good certificate was lost with its Secret, oldest first.
        last_handled_renew: value of the annotation that asks for a renewal, as it was answered last.
    """

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
    losses: tuple[datetime, ...] = ()
    last_handled_renew: str = ""


def read_status(value: object) -> CertificateStatus:
    """A status of ours; whatever somebody else put there is passed over."""
    status = value if isinstance(value, dict) else {}
    return CertificateStatus(
        observed_generation=_number(status.get("observedGeneration"), -1),
        conditions=read_conditions(status.get("conditions")),
        not_before=read_moment(status.get("notBefore")),
        not_after=read_moment(status.get("notAfter")),
        renewal_time=read_moment(status.get("renewalTime")),
        serial_number=text_of(status.get("serialNumber")),
        fingerprint_sha256=text_of(status.get("fingerprintSHA256")),
        issuer=_read_issuer(status.get("issuer")),
        solver=text_of(status.get("solver")),
        revision=_number(status.get("revision"), 0),
        renewal_info=_read_renewal_info(status.get("renewalInfo")),
        attempt=_read_attempt(status.get("attempt")),
        failure=_read_failure(status.get("failure")),
        next_attempt_time=read_moment(status.get("nextAttemptTime")),
        losses=_read_moments(status.get("losses")),
        last_handled_renew=text_of(status.get("lastHandledRenew")),
    )


def _number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _read_moments(value: object) -> tuple[datetime, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(sorted(moment for each in listed if (moment := read_moment(each))))[-MOST_LOSSES:]


def _read_issuer(value: object) -> IssuerStatusRef | None:
    if not isinstance(value, dict):
        return None
    return IssuerStatusRef(
        kind=text_of(value.get("kind")),
        name=text_of(value.get("name")),
        common_name=text_of(value.get("commonName")),
    )


def _read_renewal_info(value: object) -> RenewalInfoStatus | None:
    window = value.get("window") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(window, dict):
        return None
    start, end = read_moment(window.get("start")), read_moment(window.get("end"))
    if start is None or end is None:
        return None
    return RenewalInfoStatus(start=start, end=end, explanation_url=text_of(value.get("explanationURL")))


def _read_attempt(value: object) -> AttemptStatus | None:
    started = read_moment(value.get("startedAt")) if isinstance(value, dict) else None
    if not isinstance(value, dict) or started is None:
        return None
    return AttemptStatus(
        number=_number(value.get("number"), 1), started_at=started, reason=text_of(value.get("reason"))
    )


def _read_failure(value: object) -> FailureStatus | None:
    at = read_moment(value.get("at")) if isinstance(value, dict) else None
    if not isinstance(value, dict) or at is None:
        return None
    return FailureStatus(
        reason=text_of(value.get("reason")),
        identifier=text_of(value.get("identifier")),
        type=text_of(value.get("type")),
        detail=text_of(value.get("detail")),
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
        "losses": [write_moment(each) for each in status.losses[-MOST_LOSSES:]],
        "lastHandledRenew": status.last_handled_renew,
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
