"""One line of `certwright list`: what a Certificate says of itself, as far as a list shows it. Pure.

Rows are made from raw JSON, because a list may have ten thousand and the typed objects are five times as large.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from certwright.resources.condition import read_moment, write_moment
from certwright.resources.conditions import Reason
from certwright.resources.json_values import list_of, mapping_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: Reasons of a Certificate that is not Ready and has no trouble: its order goes its way.
UNDER_WAY = frozenset(
    reason.word
    for reason in (
        Reason.ISSUING,
        Reason.AWAITING_PROPAGATION,
        Reason.AWAITING_SOLVER,
        Reason.AWAITING_REACHABILITY,
        Reason.AWAITING_VALIDATION,
        Reason.AWAITING_ISSUANCE,
    )
)
#: Conditions that tell trouble while they are True.
TROUBLES = ("RenewalFailing", "RenewalOverdue", "Stalled")
#: A new Certificate that the operator has not looked at for so long is not being looked at.
UNSEEN = timedelta(minutes=1)
#: How test CAs call themselves: Let's Encrypt's was "Fake LE Intermediate X1", and is "(STAGING) …" now.
_STAGING = re.compile(r"staging|\bfake\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A Certificate in a list.

    Attributes:
        ready: `True`, `False`, or `Unknown` before the operator's first look.
        message: of the condition that `reason` is from.
        ca: common name of the CA certificate that signed.
    """

    namespace: str
    name: str
    ready: str
    reason: str
    message: str
    issuer_kind: str
    issuer_name: str
    ca: str
    staging: bool
    failing: bool
    secret_name: str
    dns_names: tuple[str, ...]
    not_after: datetime | None
    renewal_time: datetime | None
    next_attempt_time: datetime | None

    def to_dict(self) -> dict[str, Any]:
        """The documented fields of `--output json` and `yaml`; what is not known is null or empty."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "ready": self.ready,
            "reason": self.reason,
            "message": self.message,
            "failing": self.failing,
            "staging": self.staging,
            "issuer": {"kind": self.issuer_kind, "name": self.issuer_name, "commonName": self.ca},
            "secretName": self.secret_name,
            "dnsNames": list(self.dns_names),
            "notAfter": _written(self.not_after),
            "renewalTime": _written(self.renewal_time),
            "nextAttemptTime": _written(self.next_attempt_time),
        }


def _written(moment: datetime | None) -> str | None:
    return write_moment(moment) if moment else None


def is_staging(directory_url: str, common_name: str) -> bool:
    """Whether a CA says of itself that nobody trusts it: by its directory's host, or by its certificate's name."""
    try:
        host = urlsplit(directory_url).hostname or ""
    except ValueError:
        host = ""
    return bool(_STAGING.search(host) or _STAGING.search(common_name))


def read_row(body: Mapping[str, Any], directories: Mapping[tuple[str, str], str], now: datetime) -> Row:
    """A row from a Certificate as the API server sends it; never raises.

    Args:
        body: the object.
        directories: URL of the ACME directory by namespace ("" for ClusterIssuers) and name of the issuer.
    """
    metadata, spec, status = (mapping_of(body.get(key)) for key in ("metadata", "spec", "status"))
    said = {text_of(each.get("type")): each for each in map(mapping_of, list_of(status.get("conditions")))}
    issuer, namespace = mapping_of(spec.get("issuerRef")), text_of(metadata.get("namespace"))
    kind, issuer_name = text_of(issuer.get("kind")) or "Issuer", text_of(issuer.get("name"))
    ca, ends = (
        text_of(mapping_of(status.get("issuer")).get("commonName")),
        read_moment(status.get("notAfter")),
    )
    ready, reason, message, failing = _health(said, read_moment(metadata.get("creationTimestamp")), ends, now)
    directory = directories.get(("" if kind == "ClusterIssuer" else namespace, issuer_name), "")
    names = [text_of(each) for each in list_of(spec.get("dnsNames"))] or [text_of(spec.get("commonName"))]
    return Row(
        namespace=namespace,
        name=text_of(metadata.get("name")),
        ready=ready,
        reason=reason,
        message=message,
        issuer_kind=kind,
        issuer_name=issuer_name,
        ca=ca,
        staging=is_staging(directory, ca),
        failing=failing,
        secret_name=text_of(spec.get("secretName")),
        dns_names=tuple(names),
        not_after=ends,
        renewal_time=read_moment(status.get("renewalTime")),
        next_attempt_time=read_moment(status.get("nextAttemptTime")),
    )


def _health(
    said: Mapping[str, Mapping[str, Any]], created: datetime | None, ends: datetime | None, now: datetime
) -> tuple[str, str, str, bool]:
    """Ready, reason, message, and whether a person should look.

    A certificate that is over is not ready, whatever a stopped operator wrote before.
    """
    troubles = [said[each] for each in TROUBLES if text_of(said.get(each, {}).get("status")) == "True"]
    ready = said.get("Ready")
    if ready is None:
        return "Unknown", "", "", created is None or now - created > UNSEEN
    value, told = text_of(ready.get("status")), ready
    if value == "True" and troubles:
        told = troubles[0]
    reason, message = text_of(told.get("reason")), text_of(told.get("message"))
    if value == "True" and ends is not None and now >= ends:
        return "False", Reason.EXPIRED.word, message, True
    in_trouble = bool(troubles) or (value != "True" and reason not in UNDER_WAY)
    return value, reason, message, in_trouble


def is_well(row: Row) -> bool:
    """Whether the certificate can be used, and nothing is in the way of the next one."""
    return row.ready == "True" and not row.failing


def expires_within(row: Row, span: timedelta, now: datetime) -> bool:
    """Whether the certificate is over within the span, or already."""
    return row.not_after is not None and row.not_after - now <= span
