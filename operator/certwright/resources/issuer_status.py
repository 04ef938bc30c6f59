"""The status of an issuer as a value: read leniently, written whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from certwright.resources.condition import Condition, condition_to_dict, read_conditions
from certwright.resources.dns_names import LONGEST_NAME
from certwright.resources.ledger import Hold

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Longest URL, and most entries of a list or map, that the CRD takes in a status.
LONGEST_URL, MOST_ENTRIES = 2048, 100


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
    """All that a status holds.

    Attributes:
        limits: what the CA asked to hold back, and names that failed too often, and until when.
    """

    observed_generation: int = -1
    conditions: tuple[Condition, ...] = ()
    acme: AcmeStatus | None = None
    limits: tuple[Hold, ...] = ()


def read_issuer_status(value: object) -> IssuerStatus:
    """A status of ours; whatever somebody else put there is passed over."""
    status = value if isinstance(value, dict) else {}
    generation = status.get("observedGeneration")
    return IssuerStatus(
        observed_generation=generation if isinstance(generation, int) else -1,
        conditions=read_conditions(status.get("conditions")),
        acme=_read_acme(status.get("acme")),
        limits=_read_limits(status.get("limits")),
    )


def _read_limits(value: object) -> tuple[Hold, ...]:
    try:
        return msgspec.convert(value or (), tuple[Hold, ...])
    except msgspec.ValidationError:
        return ()


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
            "accountURL": _url(acme.account_url),
            "caaIdentities": [name for name in acme.caa_identities if len(name) <= LONGEST_NAME][
                :MOST_ENTRIES
            ],
            "termsOfService": _url(acme.terms_of_service),
            "profiles": dict(
                [(name, text[:LONGEST_URL]) for name, text in acme.profiles.items()][:MOST_ENTRIES]
            ),
            "lastRegisteredEmail": acme.last_registered_email,
            "keyThumbprint": acme.key_thumbprint,
        }
        written["acme"] = {key: value for key, value in fields.items() if value} | {
            "renewalInfo": acme.renewal_info,
            "externalAccountRequired": acme.external_account_required,
        }
    if status.limits:
        written["limits"] = [msgspec.to_builtins(hold) for hold in status.limits]
    return written


def _url(text: str) -> str:
    """A URL that the CA gave, unless it is longer than a status may hold."""
    return text if len(text) <= LONGEST_URL else ""
