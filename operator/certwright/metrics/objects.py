"""Gauges of Certificates and issuers, read at scrape time from their statuses.

One pass over the statuses that the watches have shown; nothing is asked of anybody. Every replica serves them, so that
an expiry is told while nobody leads.
"""

from __future__ import annotations

from collections import Counter
from heapq import nsmallest
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.registry import Collector

from certwright.metrics.aliases import of_objects
from certwright.metrics.catalog import (
    CERTIFICATE_FAILED_ATTEMPTS,
    CERTIFICATE_NEXT_ATTEMPT,
    CERTIFICATE_NOT_AFTER,
    CERTIFICATE_NOT_BEFORE,
    CERTIFICATE_READY,
    CERTIFICATE_RENEWAL,
    CERTIFICATES,
    CERTIFICATES_NOT_READY,
    ISSUER_READY,
    LIMITS,
    MOST_OBJECTS,
    OF_CERTIFICATE,
    OTHER,
    SCOPES,
    SOONEST_EXPIRY,
)
from certwright.metrics.families import family, gauge
from certwright.resources.certificate import Certificate
from certwright.resources.certificate_status import CertificateStatus, read_status
from certwright.resources.conditions import Reason
from certwright.resources.issuer import Issuer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from datetime import datetime

    from prometheus_client import Metric

    from certwright.metrics.catalog import Series
    from certwright.resources.condition import Condition
    from certwright.resources.metadata import Unreadable

_WORDS = frozenset(reason.word for reason in Reason)
#: Scopes whose limits concern all accounts of a directory.
_OF_DIRECTORY = frozenset(SCOPES[:2])


class Row(NamedTuple):
    """One Certificate. The labels are shared by all its samples."""

    labels: dict[str, str]
    status: CertificateStatus
    ready: Condition | None

    @property
    def is_ready(self) -> bool:
        """Whether it says of itself that it is."""
        return self.ready is not None and self.ready.status == "True"

    @property
    def end(self) -> float:
        """What ends first is shown first; what never began comes before all."""
        return self.status.not_after.timestamp() if self.status.not_after else 0.0


class Objects(Collector):
    """What is told of single objects, and the sums."""

    def __init__(
        self,
        certificates: Callable[[], Collection[Certificate | Unreadable]],
        issuers: Callable[[], Collection[Issuer | Unreadable]],
        clock: Callable[[], datetime],
        *,
        aliases: bool = False,
    ) -> None:
        self._aliases = aliases
        self._certificates = certificates
        self._issuers = issuers
        self._clock = clock

    def describe(self) -> Iterator[Metric]:
        """Nothing is known before the first scrape (prometheus_client would collect otherwise)."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Read the statuses."""
        rows = [_row(each) for each in self._certificates()]
        yield from _sums(rows)
        if len(rows) > MOST_OBJECTS:
            rows = nsmallest(MOST_OBJECTS, rows, key=lambda row: row.end)
        yield family(CERTIFICATE_READY, ((row.labels, float(row.is_ready)) for row in rows))
        yield _moments(CERTIFICATE_NOT_AFTER, ((row.labels, row.status.not_after) for row in rows))
        yield _moments(CERTIFICATE_NOT_BEFORE, ((row.labels, row.status.not_before) for row in rows))
        yield _moments(CERTIFICATE_RENEWAL, ((row.labels, row.status.renewal_time) for row in rows))
        yield family(
            CERTIFICATE_FAILED_ATTEMPTS,
            (
                (row.labels | {"reason": _known(row.status.failure.reason)}, row.status.failure.count)
                for row in rows
                if row.status.failure
            ),
        )
        yield _moments(CERTIFICATE_NEXT_ATTEMPT, ((row.labels, row.status.next_attempt_time) for row in rows))
        issuers = self._issuers()
        accounts = _accounts(issuers)
        yield family(ISSUER_READY, ((labels, float(value == "True")) for labels, value in accounts))
        now = self._clock()
        yield _limits(issuers, now)
        if self._aliases:
            yield from of_objects(rows, accounts, now)


def _row(known: Certificate | Unreadable) -> Row:
    """A Certificate whose spec cannot be read expires like any other."""
    if isinstance(known, Certificate):
        status, issuer = known.status, (known.spec.issuer_ref.kind, known.spec.issuer_ref.name)
    else:
        status, issuer = read_status(known.status), ("", "")
    labels = dict(zip(OF_CERTIFICATE, (known.ref.namespace, known.ref.name, *issuer), strict=True))
    return Row(labels, status, _ready(status.conditions))


def _ready(conditions: Iterable[Condition]) -> Condition | None:
    return next((each for each in conditions if each.type == "Ready"), None)


def _known(reason: str) -> str:
    """A reason of ours; a status may hold what somebody else, or another version, wrote."""
    return reason if reason in _WORDS else OTHER


def _sums(rows: list[Row]) -> Iterator[Metric]:
    waiting = [row for row in rows if not row.is_ready]
    counts = gauge(CERTIFICATES)
    counts.add_metric(["true"], len(rows) - len(waiting))
    counts.add_metric(["false"], len(waiting))
    yield counts
    why = Counter(_known(row.ready.reason if row.ready else "") for row in waiting)
    reasons = gauge(CERTIFICATES_NOT_READY)
    for reason, count in why.items():
        reasons.add_metric([reason], count)
    yield reasons
    if ends := [row.end for row in rows if row.status.not_after]:
        yield gauge(SOONEST_EXPIRY, min(ends))


def _accounts(issuers: Collection[Issuer | Unreadable]) -> list[tuple[dict[str, str], str]]:
    """Labels, and the value of the condition Ready; of too many those that are not ready."""
    shown: list[tuple[dict[str, str], str]] = []
    for each in issuers:
        conditions = each.status.conditions if isinstance(each, Issuer) else each.conditions
        ready = _ready(conditions)
        labels = {"kind": each.ref.kind, "namespace": each.ref.namespace, "name": each.ref.name}
        shown.append((labels, ready.status if ready else "Unknown"))
    if len(shown) > MOST_OBJECTS:
        shown = nsmallest(MOST_OBJECTS, shown, key=lambda pair: pair[1] == "True")
    return shown


def _limits(issuers: Collection[Issuer | Unreadable], now: datetime) -> Metric:
    """Each once, although several issuers may share an account or a directory."""
    held = set()
    for each in issuers:
        if not isinstance(each, Issuer) or not each.status.limits:
            continue
        account = each.status.acme.account_url if each.status.acme else ""
        for hold in each.status.limits:
            if hold.scope in SCOPES and hold.until > now:
                holder = each.spec.server if hold.scope in _OF_DIRECTORY else account
                held.add((hold.scope, holder, hold.subject))
    counts = Counter(scope for scope, _, _ in held)
    limits = gauge(LIMITS)
    for scope in SCOPES:
        limits.add_metric([scope], counts[scope])
    return limits


def _moments(series: Series, pairs: Iterable[tuple[dict[str, str], datetime | None]]) -> Metric:
    return family(series, ((labels, moment.timestamp()) for labels, moment in pairs if moment))
