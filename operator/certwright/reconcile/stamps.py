"""Our label and annotations on a target Secret: how they shall be, what differs, and when they are put back. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.reconcile.observed import ReadyIssuer, Restamped
from certwright.reconcile.renewal_request import taken_over_value
from certwright.resources.names import FIELD_MANAGER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certwright.reconcile.observed import Observed
    from certwright.reconcile.target import Target

#: So often in a row they are put back at once; then somebody else is at it, and it is done only every so often.
AT_ONCE_IN_A_ROW, PAUSE = 3, timedelta(minutes=10)
#: A longer time of peace ends a row.
PEACE = 2 * PAUSE


def wanted_stamps(seen: Observed) -> dict[str, str]:
    """Our annotations as they shall stand beside the certificate that is there; it must be as asked."""
    target, certificate, names = seen.target, seen.certificate, seen.names
    if target is None or target.leaf is None:
        raise AssertionError("stamps are for a certificate that is there")
    spec = certificate.spec
    ordered = bool(target.attempt_id) and (bool(target.directory) or target.crt_manager == FIELD_MANAGER)
    directory = target.directory
    if not directory and ordered and isinstance(seen.issuer, ReadyIssuer):
        # The record of our own order was lost. Of a certificate that somebody else put there it is not known.
        directory = seen.issuer.directory_url
    known = {
        names.directory: directory,
        names.attempt_id: target.attempt_id if ordered else "",
        names.proven_by: proven_by(seen) if ordered else "",
        names.wish_hash: _wish_hash(seen, target) if ordered else "",
        names.last_handled_renew: taken_over_value(seen),
    }
    return {
        names.certificate_name: certificate.meta.name,
        names.certificate_uid: certificate.meta.uid,
        names.issuer_name: spec.issuer_ref.name,
        names.issuer_kind: spec.issuer_ref.kind,
        names.serial_number: target.leaf.serial_number,
        names.alt_names: ",".join(sorted(spec.dns_names)),
    } | {name: text for name, text in known.items() if text}


def _wish_hash(seen: Observed, target: Target) -> str:
    """As it was noted, be it by another version; where somebody edited it, what is wanted now is as good."""
    if seen.asked_wish is not None:
        return seen.asked_wish
    return seen.wish.hash if seen.wish else target.stamps.get(seen.names.wish_hash, "")


def proven_by(seen: Observed) -> str:
    """Which solvers proved the names of the certificate in the Secret, "" where nobody knows.

    It is written beside the certificate, where no crash can come between; once the status tells of the same
    certificate, the status is right, and a Secret that says otherwise was edited.
    """
    target, status = seen.target, seen.certificate.status
    if target is None or target.leaf is None or not target.attempt_id:
        return status.solver
    noted = target.stamps.get(seen.names.proven_by, "")
    if status.solver and status.serial_number == target.leaf.serial_number:
        return status.solver
    return noted or status.solver


def differs(seen: Observed, stamps: Mapping[str, str]) -> bool:
    """Whether label or annotations of the Secret are others than they shall be."""
    target = seen.target
    if target is None:
        return False
    wrong = any(target.stamps.get(name) != text for name, text in stamps.items())
    return wrong or target.label != seen.names.target


def next_in_row(known: Restamped | None, now: datetime) -> Restamped:
    """They were put back once more."""
    in_row = known is not None and now - known.last_at < PEACE
    return Restamped(known.count + 1 if in_row and known else 1, now)


def paused_until(seen: Observed, now: datetime) -> datetime | None:
    """Until when they are not put back again, because somebody else takes them away each time."""
    if not is_contested(seen, now) or seen.restamped is None:
        return None
    until = seen.restamped.last_at + PAUSE
    return until if now < until else None


def is_contested(seen: Observed, now: datetime) -> bool:
    """Whether somebody else has taken them away again and again until lately."""
    row = seen.restamped
    return row is not None and row.count >= AT_ONCE_IN_A_ROW and now < row.last_at + PEACE
