"""Issuers and ClusterIssuers as values: the spec checked by the rules of the CRD."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta, Struct

from certwright.resources.decoding import Broken, decode, require
from certwright.resources.dns_names import to_ascii
from certwright.resources.durations import PATTERN, parse_duration
from certwright.resources.issuer_status import IssuerStatus, issuer_status_to_dict, read_issuer_status
from certwright.resources.metadata import Metadata, Unreadable, read_metadata
from certwright.resources.names import ApiNames, Ref
from certwright.resources.object_names import AUTHORITY, check_secret_key, check_secret_name, check_server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

ACCOUNT_KEY_FIELD, CA_BUNDLE_FIELD = "tls.key", "ca.crt"

_URL = re.compile(rf"https://{AUTHORITY}([/?][!-\"$-~]*)?")
_EMAIL = re.compile(r"[A-Za-z0-9.!$*+=_~'-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_VISIBLE = re.compile(r"[!-~]+")
_SOLVER_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_SELF_CHECK = re.compile(rf"Require|Advise|Wait={PATTERN}")
_SELECTED_NAME = re.compile(r"(\*\.)?[^\s*_/:@]+")
_SELECTED_ZONE = re.compile(r"[^.\s*_/:@][^\s*_/:@]*")
_PEM = b"-----BEGIN CERTIFICATE-----"

_Text = Annotated[str, Meta(max_length=253)]
_Server = Annotated[str, Meta(max_length=261)]


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

    nameserver: _Server
    tsig_key_name: Annotated[str, Meta(max_length=255)] | None = None
    tsig_secret: SecretKeyRef | None = msgspec.field(name="tsigSecretSecretRef", default=None)
    tsig_algorithm: TsigAlgorithm = TsigAlgorithm.HMACSHA256
    protocol: Protocol = Protocol.TCP


class SolverSelector(Struct, frozen=True, rename="camel"):
    """Which names a solver is for; empty: all."""

    match_labels: Annotated[dict[str, Annotated[str, Meta(max_length=63)]], Meta(max_length=16)] = {}
    dns_names: Annotated[tuple[_Text, ...], Meta(max_length=100)] = ()
    dns_zones: Annotated[tuple[_Text, ...], Meta(max_length=100)] = ()


class Dns01Spec(Struct, frozen=True, rename="camel", kw_only=True):
    """How DNS-01 is done."""

    rfc2136: Rfc2136Spec
    cname_strategy: CnameStrategy = CnameStrategy.NONE
    nameservers: Annotated[tuple[_Server, ...], Meta(max_length=10)] = ()
    self_check_text: Annotated[str, Meta(max_length=64)] = msgspec.field(name="selfCheck", default="Require")

    @property
    def self_check(self) -> SelfCheck:
        """`selfCheck` as a value."""
        mode, _, wait = self.self_check_text.partition("=")
        return SelfCheck(SelfCheckMode(mode), parse_duration(wait) if wait else None)


class SolverSpec(Struct, frozen=True, rename="camel", kw_only=True):
    """One way to prove names."""

    name: Annotated[str, Meta(max_length=63)] | None = None
    selector: SolverSelector = SolverSelector()
    dns01: Dns01Spec


class _Binding(Struct, frozen=True, rename="camel", kw_only=True):
    key_id: Annotated[str, Meta(max_length=1024)] = msgspec.field(name="keyID")
    key_secret_ref: SecretKeyRef


class _WireAcme(Struct, frozen=True, rename="camel", kw_only=True):
    server: Annotated[str, Meta(max_length=2048)]
    email: Annotated[str, Meta(max_length=254)] | None = None
    private_key_secret_ref: _SecretRef
    external_account_binding: _Binding | None = None
    terms_of_service_agreed: bool = False
    ca_bundle: Annotated[str, Meta(max_length=131072)] | None = None
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
        spec = _checked(decode(body.get("spec"), _WireSpec).acme)
    except ValueError as error:
        return Unreadable(
            ref=ref,
            meta=meta,
            conditions=status.conditions,
            status=issuer_status_to_dict(status),
            problem=str(error),
        )
    return Issuer(ref=ref, meta=meta, spec=spec, status=status)


def _checked(wire: _WireAcme) -> AcmeSpec:
    place = "spec.acme"
    url_advice = "write the URL of the CA's directory, https:// in front, without user or fragment"
    require(_URL.fullmatch(wire.server), f"{place}.server", url_advice, wire.server)
    fine = not wire.email or _EMAIL.fullmatch(wire.email)
    require(fine, f"{place}.email", "write one plain address such as certificates@example.com", wire.email)
    alone = wire.ca_bundle is None or wire.ca_bundle_secret_ref is None
    require(alone, place, "caBundle and caBundleSecretRef exclude each other; remove one")
    counts = Counter(solver.name for solver in wire.solvers if solver.name is not None)
    distinct = all(count == 1 for count in counts.values())
    require(distinct, f"{place}.solvers", "two solvers have the same name; give each its own")
    account, bundle = wire.private_key_secret_ref, wire.ca_bundle_secret_ref
    return AcmeSpec(
        server=wire.server,
        email=wire.email or None,
        private_key_secret=_secret_key(account, f"{place}.privateKeySecretRef", ACCOUNT_KEY_FIELD),
        external_account_binding=_binding(wire.external_account_binding),
        terms_of_service_agreed=wire.terms_of_service_agreed,
        ca_bundle=_bundle(wire.ca_bundle),
        ca_bundle_secret=_secret_key(bundle, f"{place}.caBundleSecretRef", CA_BUNDLE_FIELD)
        if bundle
        else None,
        solvers=tuple(_solver(solver, f"{place}.solvers[{at}]") for at, solver in enumerate(wire.solvers)),
    )


def _secret_key(ref: _SecretRef | SecretKeyRef, place: str, usual: str = "") -> SecretKeyRef:
    check_secret_name(ref.name, f"{place}.name")
    key = usual if ref.key is None else ref.key
    check_secret_key(key, f"{place}.key")
    return SecretKeyRef(ref.name, key)


def _binding(wire: _Binding | None) -> ExternalAccountBinding | None:
    if wire is None:
        return None
    place = "spec.acme.externalAccountBinding"
    require(
        _VISIBLE.fullmatch(wire.key_id),
        f"{place}.keyID",
        "write the key id that the CA gave you",
        wire.key_id,
    )
    return ExternalAccountBinding(
        key_id=wire.key_id, key_secret=_secret_key(wire.key_secret_ref, f"{place}.keySecretRef")
    )


def _bundle(text: str | None) -> bytes | None:
    if text is None:
        return None
    place, advice = "spec.acme.caBundle", "write base64 of PEM certificates, or use caBundleSecretRef"
    try:
        pem = base64.b64decode(text, validate=True)
        pem.decode()
    except (binascii.Error, ValueError):
        raise Broken(f"{place}: {advice}") from None
    require(_PEM in pem, place, advice)
    return pem


def _solver(solver: SolverSpec, place: str) -> SolverSpec:
    """The solver, its selector as names are ordered, since it is compared with those."""
    named = solver.name is None or _SOLVER_NAME.fullmatch(solver.name)
    require(
        named, f"{place}.name", "write a name of lower-case letters, digits and inner hyphens", solver.name
    )
    _check_dns01(solver.dns01, f"{place}.dns01")
    selector = msgspec.structs.replace(
        solver.selector,
        dns_names=_selected(
            solver.selector.dns_names, f"{place}.selector.dnsNames", _SELECTED_NAME, NAME_ADVICE
        ),
        dns_zones=_selected(
            solver.selector.dns_zones, f"{place}.selector.dnsZones", _SELECTED_ZONE, ZONE_ADVICE
        ),
    )
    return msgspec.structs.replace(solver, selector=selector)


NAME_ADVICE = "write a DNS name as in the Certificate's dnsNames, such as www.example.com or *.example.com"
ZONE_ADVICE = "write a zone such as example.com, without wildcard or leading dot"


def _selected(texts: tuple[str, ...], place: str, pattern: re.Pattern[str], advice: str) -> tuple[str, ...]:
    for at, text in enumerate(texts):
        require(pattern.fullmatch(text), f"{place}[{at}]", advice, text)
    return tuple(to_ascii(text, f"{place}[{at}]") for at, text in enumerate(texts))


def _check_dns01(dns01: Dns01Spec, place: str) -> None:
    rfc2136 = dns01.rfc2136
    check_server(rfc2136.nameserver, f"{place}.rfc2136.nameserver")
    together = (rfc2136.tsig_key_name is None) == (rfc2136.tsig_secret is None)
    require(
        together, f"{place}.rfc2136", "tsigKeyName and tsigSecretSecretRef belong together; set both or none"
    )
    if rfc2136.tsig_key_name is not None and rfc2136.tsig_secret is not None:
        advice = "write the name of the key as the server's configuration has it"
        visible = _VISIBLE.fullmatch(rfc2136.tsig_key_name)
        require(visible, f"{place}.rfc2136.tsigKeyName", advice, rfc2136.tsig_key_name)
        _secret_key(rfc2136.tsig_secret, f"{place}.rfc2136.tsigSecretSecretRef")
    for at, server in enumerate(dns01.nameservers):
        check_server(server, f"{place}.nameservers[{at}]")
    text = dns01.self_check_text
    known = text != "Wait=" and _SELF_CHECK.fullmatch(text)
    require(
        known, f"{place}.selfCheck", "write Require, Advise, or Wait= with a duration, as in Wait=30s", text
    )
