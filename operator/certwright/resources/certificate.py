"""Certificates as values: the spec checked by the rules of the CRD."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct

from certwright.resources.certificate_status import CertificateStatus, read_status, status_to_dict
from certwright.resources.decoding import Broken, decode, prepared, require
from certwright.resources.dns_names import order_name, same_as_written
from certwright.resources.durations import parse_duration
from certwright.resources.json_values import mapping_of, text_of
from certwright.resources.metadata import Metadata, Unreadable, read_metadata
from certwright.resources.names import ApiNames, Ref
from certwright.resources.object_names import check_issuer_name, check_secret_name
from certwright.resources.renew_value import kept_value
from certwright.resources.wish import (
    LONGEST_CHAIN_NAME,
    LONGEST_PROFILE,
    checked_chain_name,
    checked_profile,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

SHORTEST_DURATION = timedelta(hours=1)
SHORTEST_LEAD = timedelta(minutes=5)
#: Names of one Certificate, as CAs have it (Let's Encrypt, "Rate Limits").
MOST_NAMES = 100


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


@prepared
class _WireSpec(Struct, frozen=True, rename="camel", kw_only=True):
    """The spec as JSON has it."""

    secret_name: _Name
    dns_names: Annotated[list[_Name], Meta(max_length=MOST_NAMES)] = []
    common_name: Annotated[str, Meta(max_length=64)] | None = None
    duration: _Duration | None = None
    renew_before: _Duration | None = None
    renew_before_percentage: Annotated[int, Meta(ge=1, le=99)] | None = None
    private_key: PrivateKeySpec = PrivateKeySpec()
    issuer_ref: _IssuerRef
    profile: Annotated[str, Meta(max_length=LONGEST_PROFILE)] | None = None
    preferred_chain: Annotated[str, Meta(max_length=LONGEST_CHAIN_NAME)] | None = None
    suspend: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSpec:
    """What is asked.

    Attributes:
        dns_names: as ordered: A-labels, each once, the common name among them.
        common_name: as ordered, or None.
        renew_before: lead before the end, or None; never beside `renew_before_percentage`.
        issuer_ref: with the Certificate's namespace where it is an Issuer.
        profile, preferred_chain: "" where the issuer's count.
    """

    secret_name: str
    dns_names: tuple[str, ...]
    common_name: str | None
    duration: timedelta | None
    renew_before: timedelta | None
    renew_before_percentage: int | None
    private_key: PrivateKeySpec
    issuer_ref: Ref
    profile: str
    preferred_chain: str
    suspend: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A Certificate whose spec is understood.

    Attributes:
        renew: value of the annotation that asks for a renewal, as it is kept, or "".
    """

    ref: Ref
    meta: Metadata
    spec: CertificateSpec
    status: CertificateStatus
    renew: str = ""


def read_certificate(body: Mapping[str, Any], names: ApiNames) -> Certificate | Unreadable:
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
            conditions=status.conditions,
            status=status_to_dict(status),
            problem=str(error),
        )
    annotations = mapping_of(mapping_of(body.get("metadata")).get("annotations"))
    renew = kept_value(text_of(annotations.get(names.renew)))
    return Certificate(ref=ref, meta=meta, spec=spec, status=status, renew=renew)


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
        profile=checked_profile(wire.profile, "spec.profile"),
        preferred_chain=checked_chain_name(wire.preferred_chain, "spec.preferredChain"),
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
