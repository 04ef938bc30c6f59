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

from certwright.resources.decoding import Broken, decode, prepared, require
from certwright.resources.issuer_status import IssuerStatus, issuer_status_to_dict, read_issuer_status
from certwright.resources.metadata import Metadata, Unreadable, read_metadata
from certwright.resources.names import ApiNames, Ref
from certwright.resources.object_names import AUTHORITY, VISIBLE
from certwright.resources.secret_refs import SecretKeyRef, SecretRef, checked_key
from certwright.resources.solver_spec import SolverSpec, checked_solver
from certwright.resources.wish import (
    LONGEST_CHAIN_NAME,
    LONGEST_PROFILE,
    checked_chain_name,
    checked_profile,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT_KEY_FIELD, CA_BUNDLE_FIELD = "tls.key", "ca.crt"

_URL = re.compile(rf"https://{AUTHORITY}([/?][!-\"$-~]*)?")
_EMAIL = re.compile(r"[A-Za-z0-9.!$*+=_~'-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_PEM = b"-----BEGIN CERTIFICATE-----"


class MacAlgorithm(Enum):
    """RFC 7518 §3.2; of the MAC algorithms those that RFC 8555 §7.3.4 has in mind."""

    HS256 = "HS256"
    HS384 = "HS384"
    HS512 = "HS512"


class _Binding(Struct, frozen=True, rename="camel", kw_only=True):
    key_id: Annotated[str, Meta(max_length=1024)] = msgspec.field(name="keyID")
    key_secret_ref: SecretKeyRef
    key_algorithm: MacAlgorithm = MacAlgorithm.HS256


class _WireAcme(Struct, frozen=True, rename="camel", kw_only=True):
    server: Annotated[str, Meta(max_length=2048)]
    email: Annotated[str, Meta(max_length=254)] | None = None
    private_key_secret_ref: SecretRef
    external_account_binding: _Binding | None = None
    terms_of_service_agreed: bool = False
    profile: Annotated[str, Meta(max_length=LONGEST_PROFILE)] | None = None
    preferred_chain: Annotated[str, Meta(max_length=LONGEST_CHAIN_NAME)] | None = None
    enable_duration_feature: bool = False
    ca_bundle: Annotated[str, Meta(max_length=131072)] | None = None
    ca_bundle_secret_ref: SecretRef | None = None
    solvers: Annotated[tuple[SolverSpec, ...], Meta(max_length=100)] = ()


@prepared
class _WireSpec(Struct, frozen=True):
    acme: _WireAcme
    default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalAccountBinding:
    """What the CA gave a customer to bind the account to (RFC 8555 §7.3.4)."""

    key_id: str
    key_secret: SecretKeyRef
    algorithm: MacAlgorithm = MacAlgorithm.HS256


@dataclass(frozen=True, slots=True, kw_only=True)
class AcmeSpec:
    """An ACME account and how its names are proven.

    Attributes:
        server: the directory's URL, byte for byte as written.
        profile, preferred_chain: for Certificates that do not say so themselves; "" leaves it to the CA.
        enable_duration_feature: whether a Certificate's duration is asked of the CA (RFC 8555 §7.4, notAfter).
        ca_bundle: PEM, trusted in place of the system's roots.
    """

    server: str
    email: str | None
    private_key_secret: SecretKeyRef
    external_account_binding: ExternalAccountBinding | None
    terms_of_service_agreed: bool
    profile: str
    preferred_chain: str
    enable_duration_feature: bool
    ca_bundle: bytes | None
    ca_bundle_secret: SecretKeyRef | None
    solvers: tuple[SolverSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An Issuer or ClusterIssuer whose spec is understood.

    Attributes:
        is_default: whether it serves those who name no issuer; only a ClusterIssuer may.
    """

    ref: Ref
    meta: Metadata
    spec: AcmeSpec
    status: IssuerStatus
    is_default: bool = False


def read_issuer(body: Mapping[str, Any], names: ApiNames) -> Issuer | Unreadable:
    """An issuer as the API server sends it; never raises."""
    meta = read_metadata(body)
    kind = "ClusterIssuer" if not meta.namespace else "Issuer"
    ref = Ref(kind, meta.namespace, meta.name)
    status = read_issuer_status(body.get("status"))
    try:
        wire = decode(body.get("spec"), _WireSpec)
        spec = _checked(wire.acme, names.group)
    except ValueError as error:
        return Unreadable(
            ref=ref,
            meta=meta,
            conditions=status.conditions,
            status=issuer_status_to_dict(status),
            problem=str(error),
        )
    is_default = wire.default and kind == "ClusterIssuer"
    return Issuer(ref=ref, meta=meta, spec=spec, status=status, is_default=is_default)


def _checked(wire: _WireAcme, group: str) -> AcmeSpec:
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
        private_key_secret=checked_key(account, f"{place}.privateKeySecretRef", ACCOUNT_KEY_FIELD),
        external_account_binding=_binding(wire.external_account_binding),
        terms_of_service_agreed=wire.terms_of_service_agreed,
        profile=checked_profile(wire.profile, f"{place}.profile"),
        preferred_chain=checked_chain_name(wire.preferred_chain, f"{place}.preferredChain"),
        enable_duration_feature=wire.enable_duration_feature,
        ca_bundle=_bundle(wire.ca_bundle),
        ca_bundle_secret=checked_key(bundle, f"{place}.caBundleSecretRef", CA_BUNDLE_FIELD)
        if bundle
        else None,
        solvers=tuple(
            checked_solver(solver, f"{place}.solvers[{at}]", group) for at, solver in enumerate(wire.solvers)
        ),
    )


def _binding(wire: _Binding | None) -> ExternalAccountBinding | None:
    if wire is None:
        return None
    place = "spec.acme.externalAccountBinding"
    require(
        VISIBLE.fullmatch(wire.key_id),
        f"{place}.keyID",
        "write the key id that the CA gave you",
        wire.key_id,
    )
    return ExternalAccountBinding(
        key_id=wire.key_id,
        key_secret=checked_key(wire.key_secret_ref, f"{place}.keySecretRef"),
        algorithm=wire.key_algorithm,
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
