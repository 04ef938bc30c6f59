"""Every series, in one table: what is not here is not served. METRICS.md is made from it.

Labels are bounded. Series of single objects grow with the Certificates and issuers of the cluster, up to
`MOST_OBJECTS` of each; no other label takes what tenants write or CAs answer beyond a fixed list of values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

#: Distinct CAs that are told apart; tenants choose them in Issuers, so the rest share one label.
MOST_HOSTS = 20
#: Objects of a kind with series of their own. Of more Certificates those are shown that end soonest.
MOST_OBJECTS = 20_000
#: Stands for all values beyond the list.
OTHER = "other"

#: What limits are counted by: the values of `acme.limits.Scope`.
SCOPES = ("directory", "registration", "account", "registered domain", "name set", "name")
#: Labels of everything that is told of one Certificate, as cert-manager has them.
OF_CERTIFICATE = ("namespace", "name", "issuer_kind", "issuer_name")
OF_ISSUER = ("kind", "namespace", "name")
#: How the names of an order were proven.
CHALLENGES = ("dns-01", "http-01", "mixed", "none")


class Kind(Enum):
    """Of a series, as Prometheus has them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"
    UNTYPED = "unknown"
    """A counter whose name does not end as the format wants it of counters."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of the table.

    Attributes:
        name: as it is queried; a histogram's has `_bucket`, `_count` or `_sum` behind it, a summary's the last two.
        unit: of the value, in words.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    unit: str


def _counter(name: str, labels: tuple[str, ...], meaning: str, unit: str) -> Series:
    return Series(name, Kind.COUNTER, labels, meaning, unit)


def _gauge(name: str, labels: tuple[str, ...], meaning: str, unit: str) -> Series:
    return Series(name, Kind.GAUGE, labels, meaning, unit)


# One Certificate, one issuer
CERTIFICATE_READY = _gauge(
    "certwright_certificate_ready",
    OF_CERTIFICATE,
    "Whether the Secret holds what the spec asks (condition Ready).",
    "0 or 1",
)
CERTIFICATE_NOT_BEFORE = _gauge(
    "certwright_certificate_not_before_timestamp_seconds",
    OF_CERTIFICATE,
    "When the certificate in the Secret began.",
    "Unix seconds",
)
CERTIFICATE_NOT_AFTER = _gauge(
    "certwright_certificate_not_after_timestamp_seconds",
    OF_CERTIFICATE,
    "When the certificate in the Secret expires; absent while there is none.",
    "Unix seconds",
)
CERTIFICATE_RENEWAL = _gauge(
    "certwright_certificate_renewal_timestamp_seconds",
    OF_CERTIFICATE,
    "When the renewal is due; absent while there is no certificate, or while spec.suspend is true.",
    "Unix seconds",
)
CERTIFICATE_FAILED_ATTEMPTS = _gauge(
    "certwright_certificate_failed_attempts",
    (*OF_CERTIFICATE, "reason"),
    "Failures since the last success, by the reason of the last one; absent where nothing failed.",
    "attempts",
)
CERTIFICATE_NEXT_ATTEMPT = _gauge(
    "certwright_certificate_next_attempt_timestamp_seconds",
    OF_CERTIFICATE,
    "Until when a failed attempt is not repeated (status.nextAttemptTime); absent where nothing is held back.",
    "Unix seconds",
)
ISSUER_READY = _gauge(
    "certwright_issuer_ready",
    OF_ISSUER,
    "Whether the ACME account works (condition Ready), of Issuers and ClusterIssuers.",
    "0 or 1",
)

# All Certificates
CERTIFICATES = _gauge("certwright_certificates", ("ready",), "Certificates by Ready.", "Certificates")
CERTIFICATES_NOT_READY = _gauge(
    "certwright_certificates_not_ready",
    ("reason",),
    "Certificates that are not Ready, by the reason of that condition.",
    "Certificates",
)
SOONEST_EXPIRY = _gauge(
    "certwright_soonest_expiry_timestamp_seconds",
    (),
    "The earliest end of all certificates; absent while there are none.",
    "Unix seconds",
)

# The CA
REQUESTS = Series(
    "certwright_acme_request_duration_seconds",
    Kind.HISTOGRAM,
    ("host", "method", "status"),
    "Requests to ACME servers; status 0 stands for no answer.",
    "seconds",
)
LIMITS = _gauge(
    "certwright_limits",
    ("scope",),
    "What is held back now because a CA asked for it or a name fails, as the statuses of issuers show it.",
    "limits",
)

# Attempts
ATTEMPTS = _counter(
    "certwright_attempts_total",
    ("result", "reason"),
    "Attempts at certificates by result, `issued` or `failed`, and by the reason why they failed.",
    "attempts",
)
ISSUANCE = Series(
    "certwright_issuance_duration_seconds",
    Kind.HISTOGRAM,
    ("challenge",),
    "From the order to the certificate in its Secret, waits and restarts between them included, by the type of the "
    "challenges: `mixed` where there were several, `none` where the CA knew the names for proven.",
    "seconds",
)

# The operator
ACTIONS = _counter(
    "certwright_actions_total",
    ("action", "reason"),
    "Actions of Certificate turns by kind, and by the reason they ended early, if they did.",
    "actions",
)
CRASHES = _counter(
    "certwright_turn_crashes_total", (), "Turns that ended in an unexpected exception.", "turns"
)
QUEUE_DEPTH = _gauge(
    "certwright_queue_depth",
    ("state",),
    "Objects by state: `waiting` for a worker, `due_later`, `processing`.",
    "objects",
)
QUEUE_OLDEST = _gauge(
    "certwright_queue_oldest_seconds",
    (),
    "How long the object that waits longest for a worker has waited; on a standby it only grows.",
    "seconds",
)
RELIST_AGE = _gauge(
    "certwright_relist_age_seconds",
    (),
    "How long ago what the watches showed was last compared with the whole cluster, which is done every ten minutes; "
    "before the first time, how long this process has run.",
    "seconds",
)
LEADER = _gauge("certwright_leader", (), "1 on the replica that leads.", "0 or 1")
LEASE_TRANSITIONS = _gauge(
    "certwright_lease_transitions", (), "How often the Lease changed hands, as last seen.", "changes"
)
TOKEN_ROWS = _gauge("certwright_token_rows", (), "Proofs that solver pods are to answer.", "proofs")
TOKEN_UNSERVED = _gauge(
    "certwright_token_unserved_seconds",
    (),
    "How long the proof that waits longest for the solver pods has waited.",
    "seconds",
)
BUILD = _gauge("certwright_build_info", ("version",), "1, with the version of the operator.", "1")

# Solver pods
RESPONDER_REQUESTS = _counter(
    "certwright_responder_requests_total", ("status",), "Requests for challenges by status.", "requests"
)
RESPONDER_ROWS = _gauge("certwright_responder_rows", (), "Rows of all token tables.", "proofs")
RESPONDER_CONNECTIONS = _gauge("certwright_responder_connections", (), "Open connections.", "connections")
RESPONDER_RESTARTS = _counter(
    "certwright_responder_watch_restarts_total",
    (),
    "How often the watch of the token tables began again.",
    "restarts",
)
RESPONDER_DROPPED = _counter(
    "certwright_responder_dropped_connections_total",
    (),
    "Connections closed to make room for new ones.",
    "connections",
)

# cert-manager's names of the same
ALIAS_OF_CERTIFICATE = (*OF_CERTIFICATE, "issuer_group")
ALIAS_READY = _gauge(
    "certmanager_certificate_ready_status",
    (*ALIAS_OF_CERTIFICATE, "condition"),
    "1 for the value of the condition Ready, `True`, `False` or `Unknown`, and 0 for the others.",
    "0 or 1",
)
ALIAS_EXPIRATION = _gauge(
    "certmanager_certificate_expiration_timestamp_seconds",
    ALIAS_OF_CERTIFICATE,
    "When the certificate in the Secret expires; absent while there is none.",
    "Unix seconds",
)
ALIAS_NOT_AFTER = _gauge(
    "certmanager_certificate_not_after_timestamp_seconds",
    ALIAS_OF_CERTIFICATE,
    "The same under a newer name.",
    "Unix seconds",
)
ALIAS_NOT_BEFORE = _gauge(
    "certmanager_certificate_not_before_timestamp_seconds",
    ALIAS_OF_CERTIFICATE,
    "When the certificate in the Secret began.",
    "Unix seconds",
)
ALIAS_RENEWAL = _gauge(
    "certmanager_certificate_renewal_timestamp_seconds",
    ALIAS_OF_CERTIFICATE,
    "When the renewal is due; absent where it is not known.",
    "Unix seconds",
)
ALIAS_ISSUER = _gauge(
    "certmanager_issuer_ready_status",
    ("namespace", "name", "condition"),
    "Of Issuers, as of Certificates.",
    "0 or 1",
)
ALIAS_CLUSTER_ISSUER = _gauge(
    "certmanager_clusterissuer_ready_status",
    ("name", "condition"),
    "Of ClusterIssuers, as of Certificates.",
    "0 or 1",
)
ALIAS_REQUESTS = Series(
    "certmanager_http_acme_client_request_count",
    Kind.UNTYPED,
    ("scheme", "host", "method", "status"),
    "Requests to ACME servers; status 0 stands for no answer. It has no label `action`.",
    "requests",
)
ALIAS_REQUEST_SECONDS = Series(
    "certmanager_http_acme_client_request_duration_seconds",
    Kind.SUMMARY,
    ("scheme", "host", "method", "status"),
    "How long they took, without quantiles and the label `action`.",
    "seconds",
)
ALIAS_CLOCK = _gauge("certmanager_clock_time_seconds_gauge", (), "The operator's clock.", "Unix seconds")

#: Served by every replica of the operator.
OPERATOR = (
    CERTIFICATE_READY,
    CERTIFICATE_NOT_AFTER,
    CERTIFICATE_NOT_BEFORE,
    CERTIFICATE_RENEWAL,
    CERTIFICATE_FAILED_ATTEMPTS,
    CERTIFICATE_NEXT_ATTEMPT,
    CERTIFICATES,
    CERTIFICATES_NOT_READY,
    SOONEST_EXPIRY,
    ISSUER_READY,
    REQUESTS,
    LIMITS,
    ATTEMPTS,
    ISSUANCE,
    ACTIONS,
    CRASHES,
    QUEUE_DEPTH,
    QUEUE_OLDEST,
    RELIST_AGE,
    LEADER,
    LEASE_TRANSITIONS,
    TOKEN_ROWS,
    TOKEN_UNSERVED,
    BUILD,
)
#: Served as well where that is asked for.
ALIASES = (
    ALIAS_READY,
    ALIAS_EXPIRATION,
    ALIAS_NOT_AFTER,
    ALIAS_NOT_BEFORE,
    ALIAS_RENEWAL,
    ALIAS_ISSUER,
    ALIAS_CLUSTER_ISSUER,
    ALIAS_REQUESTS,
    ALIAS_REQUEST_SECONDS,
    ALIAS_CLOCK,
)
#: Served by every solver pod.
RESPONDER = (
    RESPONDER_REQUESTS,
    RESPONDER_ROWS,
    RESPONDER_CONNECTIONS,
    RESPONDER_RESTARTS,
    RESPONDER_DROPPED,
)
