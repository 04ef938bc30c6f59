"""Issuers and ClusterIssuers as values: the spec checked by the rules of the CRD, the status read leniently."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from certwright.resources.condition import Condition, condition_to_dict, read_conditions
from certwright.resources.dns_names import order_name
from certwright.resources.durations import parse_duration
from certwright.resources.metadata import Metadata, Unreadable, read_metadata
from certwright.resources.names import ApiNames, Ref

#: A name server as host, host:port, or [IPv6]:port.
SERVER = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?")
ACCOUNT_KEY_FIELD, CA_BUNDLE_FIELD = "tls.key", "ca.crt"

_Text = Annotated[str, Meta(min_length=1, max_length=253)]


class CnameStrategy(Enum):
    """Whether the TXT record is written where `_acme-challenge` points to."""

    NONE = "None"
    FOLLOW = "Follow"


class TsigAlgorithm(Enum):
    """RFC 8945; names as cert-manager's."""

    HMACMD5 = "HMACMD5"
    HMACSHA1 = "HMACSHA1"
    HMACSHA256 = "HMACSHA256"
    HMACSHA512 = "HMACSHA512"


class Protocol(Enum):
    """By which updates are sent."""

    TCP = "TCP"
    UDP = "UDP"


class SelfCheckMode(Enum):
    """What our own look at a proof means for telling the CA."""

    REQUIRE = "Require"
    ADVISE = "Advise"
    WAIT = "Wait"


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """`Require`, `Advise`, or `Wait=30s`, which does not look but waits."""

    mode: SelfCheckMode = SelfCheckMode.REQUIRE
    wait: timedelta | None = None


class SecretKeyRef(Struct, frozen=True):
    """One key of one Secret."""

    name: _Text
    key: _Text


class _SecretRef(Struct, frozen=True):
    name: _Text
    key: _Text | None = None


class Rfc2136Spec(Struct, frozen=True, rename="camel", kw_only=True):
    """A name server that takes dynamic updates."""

    nameserver: _Text
    tsig_key_name: _Text | None = None
    tsig_secret: SecretKeyRef | None = msgspec.field(name="tsigSecretSecretRef", default=None)
    tsig_algorithm: TsigAlgorithm = TsigAlgorithm.HMACSHA256
    protocol: Protocol = Protocol.TCP


class SolverSelector(Struct, frozen=True, rename="camel"):
    """Which names a solver is for; empty: all."""

    match_labels: dict[str, str] = {}
    dns_names: Annotated[tuple[_Text, ...], Meta(max_length=100)] = ()
    dns_zones: Annotated[tuple[_Text, ...], Meta(max_length=100)] = ()


class Dns01Spec(Struct, frozen=True, rename="camel", kw_only=True):
    """How DNS-01 is done."""

    rfc2136: Rfc2136Spec
    cname_strategy: CnameStrategy = CnameStrategy.NONE
    nameservers: Annotated[tuple[_Text, ...], Meta(max_length=10)] = ()
    self_check_text: Annotated[str, Meta(max_length=32)] = msgspec.field(name="selfCheck", default="Require")

    @property
    def self_check(self) -> SelfCheck:
        """`selfCheck` as a value."""
        mode, _, wait = self.self_check_text.partition("=")
        return SelfCheck(SelfCheckMode(mode), parse_duration(wait) if wait else None)


class SolverSpec(Struct, frozen=True, rename="camel", kw_only=True):
    """One way to prove names."""

    name: Annotated[str, Meta(min_length=1, max_length=63)] | None = None
    selector: SolverSelector = SolverSelector()
    dns01: Dns01Spec


class _Binding(Struct, frozen=True, rename="camel", kw_only=True):
    key_id: Annotated[str, Meta(min_length=1, max_length=1024)] = msgspec.field(name="keyID")
    key_secret_ref: SecretKeyRef


class _WireAcme(Struct, frozen=True, rename="camel", kw_only=True):
    server: Annotated[str, Meta(min_length=1, max_length=2048)]
    email: Annotated[str, Meta(max_length=254)] | None = None
    private_key_secret_ref: _SecretRef
    external_account_binding: _Binding | None = None
    terms_of_service_agreed: bool = False
    ca_bundle: Annotated[str, Meta(max_length=262144)] | None = None
    ca_bundle_secret_ref: _SecretRef | None = None
    solvers: Annotated[tuple[SolverSpec, ...], Meta(max_length=100)] = ()


class _WireSpec(Struct, frozen=True):
    acme: _WireAcme


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalAccountBinding:
    """What the CA gave a customer to bind the account to (RFC 8555 §7.3.4)."""

    key_id: str
    key_secret: SecretKeyRef


@dataclass(frozen=True, slots=True, kw_only=True)
class AcmeSpec:
    """An ACME account and how its names are proven.

    Attributes:
        server: the directory's URL, byte for byte as written.
        ca_bundle: PEM, trusted in place of the system's roots.
    """

    server: str
    email: str | None
    private_key_secret: SecretKeyRef
    external_account_binding: ExternalAccountBinding | None
    terms_of_service_agreed: bool
    ca_bundle: bytes | None
    ca_bundle_secret: SecretKeyRef | None
    solvers: tuple[SolverSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcmeStatus:
    """What is known of the account and of the CA."""

    account_url: str
    caa_identities: tuple[str, ...] = ()
    terms_of_service: str = ""
    profiles: Mapping[str, str] = field(default_factory=dict)
    renewal_info: bool = False
    external_account_required: bool = False
    last_registered_email: str = ""
    key_thumbprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerStatus:
    """All that a status holds."""

    observed_generation: int = -1
    conditions: tuple[Condition, ...] = ()
    acme: AcmeStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An Issuer or ClusterIssuer whose spec is understood."""

    ref: Ref
    meta: Metadata
    spec: AcmeSpec
    status: IssuerStatus


def read_issuer(body: Mapping[str, Any], names: ApiNames) -> Issuer | Unreadable:  # noqa: ARG001  one signature for all kinds
    """An issuer as the API server sends it; never raises."""
    meta = read_metadata(body)
    kind = "ClusterIssuer" if not meta.namespace else "Issuer"
    ref = Ref(kind, meta.namespace, meta.name)
    status = read_issuer_status(body.get("status"))
    try:
        spec = _checked(msgspec.convert(body.get("spec") or {}, _WireSpec, strict=True).acme)
    except (ValueError, TypeError) as error:
        return Unreadable(
            ref=ref,
            meta=meta,
            observed_generation=status.observed_generation,
            conditions=status.conditions,
            status=issuer_status_to_dict(status),
            problem=str(error).replace("`$.", "`spec.").replace("`$`", "`spec`"),
        )
    return Issuer(ref=ref, meta=meta, spec=spec, status=status)


def _checked(wire: _WireAcme) -> AcmeSpec:
    _check_server(wire.server)
    if wire.email and not re.fullmatch(r"[^\s@,?&]+@[^\s@,?&]+", wire.email):
        raise ValueError(f"acme.email {wire.email!r} is not one plain address such as certs@example.com")
    if wire.ca_bundle is not None and wire.ca_bundle_secret_ref is not None:
        raise ValueError("caBundle and caBundleSecretRef exclude each other; remove one")
    _check_solvers(wire.solvers)
    binding = wire.external_account_binding
    return AcmeSpec(
        server=wire.server,
        email=wire.email or None,
        private_key_secret=_with_key(wire.private_key_secret_ref, ACCOUNT_KEY_FIELD),
        external_account_binding=ExternalAccountBinding(
            key_id=binding.key_id, key_secret=binding.key_secret_ref
        )
        if binding
        else None,
        terms_of_service_agreed=wire.terms_of_service_agreed,
        ca_bundle=_bundle(wire.ca_bundle),
        ca_bundle_secret=_with_key(wire.ca_bundle_secret_ref, CA_BUNDLE_FIELD)
        if wire.ca_bundle_secret_ref
        else None,
        solvers=tuple(_with_ordered_names(solver) for solver in wire.solvers),
    )


def _check_server(url: str) -> None:
    try:
        parts = urlsplit(url)
        fine = parts.scheme == "https" and bool(parts.hostname) and (parts.port or 443) > 0
    except ValueError:
        fine = False
    if not fine or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise ValueError(f"acme.server {url!r} is not an https URL; write the CA's directory URL")


def _with_key(ref: _SecretRef, usual: str) -> SecretKeyRef:
    return SecretKeyRef(ref.name, ref.key or usual)


def _bundle(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("acme.caBundle is not base64; encode the PEM text with base64") from None


def _check_solvers(solvers: tuple[SolverSpec, ...]) -> None:
    names = [solver.name for solver in solvers if solver.name]
    if len(names) != len(set(names)):
        raise ValueError("two solvers have the same name; give each its own")
    for solver in solvers:
        dns01 = solver.dns01
        for server in (dns01.rfc2136.nameserver, *dns01.nameservers):
            if not SERVER.fullmatch(server):
                raise ValueError(f"{server!r} is not a name server; write host, host:port or [IPv6]:port")
        if (dns01.rfc2136.tsig_key_name is None) != (dns01.rfc2136.tsig_secret is None):
            raise ValueError("tsigKeyName and tsigSecretSecretRef belong together; set both or none")
        if not re.fullmatch(r"Require|Advise|Wait=([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+", dns01.self_check_text):
            raise ValueError(
                f"selfCheck {dns01.self_check_text!r} is not known; write Require, Advise or Wait=30s"
            )


def _with_ordered_names(solver: SolverSpec) -> SolverSpec:
    """Selectors are compared with names as they are ordered."""
    selector = solver.selector
    return msgspec.structs.replace(
        solver,
        selector=msgspec.structs.replace(
            selector,
            dns_names=tuple(order_name(name) for name in selector.dns_names),
            dns_zones=tuple(order_name(zone.removeprefix(".")) for zone in selector.dns_zones),
        ),
    )


def read_issuer_status(value: object) -> IssuerStatus:
    """A status of ours; whatever somebody else put there is passed over."""
    status = value if isinstance(value, dict) else {}
    generation = status.get("observedGeneration")
    return IssuerStatus(
        observed_generation=generation if isinstance(generation, int) else -1,
        conditions=read_conditions(status.get("conditions")),
        acme=_read_acme(status.get("acme")),
    )


def _read_acme(value: object) -> AcmeStatus | None:
    if not isinstance(value, dict) or not isinstance(value.get("accountURL"), str):
        return None
    identities, profiles = value.get("caaIdentities"), value.get("profiles")
    return AcmeStatus(
        account_url=value["accountURL"],
        caa_identities=tuple(map(str, identities)) if isinstance(identities, list) else (),
        terms_of_service=str(value.get("termsOfService", "")),
        profiles={str(key): str(text) for key, text in profiles.items()}
        if isinstance(profiles, dict)
        else {},
        renewal_info=value.get("renewalInfo") is True,
        external_account_required=value.get("externalAccountRequired") is True,
        last_registered_email=str(value.get("lastRegisteredEmail", "")),
        key_thumbprint=str(value.get("keyThumbprint", "")),
    )


def issuer_status_to_dict(status: IssuerStatus) -> dict[str, Any]:
    """The whole status as it is written; what is empty is left out."""
    written: dict[str, Any] = {
        "observedGeneration": status.observed_generation,
        "conditions": [condition_to_dict(condition) for condition in status.conditions],
    }
    acme = status.acme
    if acme is not None:
        fields = {
            "accountURL": acme.account_url,
            "caaIdentities": list(acme.caa_identities),
            "termsOfService": acme.terms_of_service,
            "profiles": dict(acme.profiles),
            "lastRegisteredEmail": acme.last_registered_email,
            "keyThumbprint": acme.key_thumbprint,
        }
        written["acme"] = {key: value for key, value in fields.items() if value} | {
            "renewalInfo": acme.renewal_info,
            "externalAccountRequired": acme.external_account_required,
        }
    return written
