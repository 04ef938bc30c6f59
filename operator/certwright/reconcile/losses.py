"""Good certificates that were lost with their Secret: counted, and not made up for without end. Pure.

A CA allows few certificates a week for the same names (Let's Encrypt: 5), and whoever deletes a Secret in a loop
would spend them within minutes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.reconcile.problems import NEEDS_ORDER, first_problem, moment
from certwright.resources.certificate_status import MOST_LOSSES
from certwright.resources.conditions import Reason
from certwright.resources.names import FIELD_MANAGER

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.reconcile.observed import Observed
    from certwright.reconcile.problems import Problem

#: Losses within this time count together.
WEEK = timedelta(days=7)
#: So many are made up for at once.
FREE = 2
#: How long the next order waits after one more, and after one more; the last entry repeats.
PAUSES = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))


def is_lost(seen: Observed, now: datetime) -> bool:
    """Whether the good certificate that the status tells of is not there any more, so that another is needed.

    One that was due anyway, or that another spec asks for, is no loss; nor is one that stands there unchanged and
    is wrong because the issuer changed.
    """
    status = seen.certificate.status
    was_ready = any(each.type == "Ready" and each.status == "True" for each in status.conditions)
    if not was_ready or not status.serial_number or _is_new_question(seen):
        return False
    if status.renewal_time is not None and now >= status.renewal_time:
        return False
    problem = first_problem(NEEDS_ORDER, seen, now)
    no_loss = (Reason.SECRET_CONFLICT, Reason.RENEWAL_REQUESTED)
    return problem is not None and problem.reason not in no_loss and not _is_intact(seen)


def _is_intact(seen: Observed) -> bool:
    target = seen.target
    if target is None or target.leaf is None or target.key is None:
        return False
    same = target.leaf.serial_number == seen.certificate.status.serial_number
    return same and target.key.public_key_sha256 == target.leaf.public_key_sha256


def _is_new_question(seen: Observed) -> bool:
    """Whether the spec was changed since the status was written: for other names nothing was lost yet."""
    return seen.certificate.status.observed_generation != seen.certificate.meta.generation


def losses_known(seen: Observed, now: datetime) -> tuple[datetime, ...]:
    """What the status shall say of losses after this look."""
    before = () if _is_new_question(seen) else _recent(seen, now)
    lost = (now.replace(microsecond=0),) if is_lost(seen, now) else ()
    return (*before, *lost)[-MOST_LOSSES:]


def _recent(seen: Observed, now: datetime) -> tuple[datetime, ...]:
    return tuple(each for each in seen.certificate.status.losses if now - each < WEEK)


def ordered_again_at(seen: Observed, problem: Problem, now: datetime) -> datetime | None:
    """When a certificate in place of a lost one may be ordered; None if nothing holds it back."""
    losses = _recent(seen, now)
    too_many = len(losses) - FREE
    if too_many <= 0 or _is_new_question(seen) or _is_own_renewal(seen, problem):
        return None
    until = losses[-1] + PAUSES[min(too_many, len(PAUSES)) - 1]
    return until if now < until else None


def _is_own_renewal(seen: Observed, problem: Problem) -> bool:
    """Whether what we wrote has grown old by itself: that was not somebody else's doing."""
    ours = seen.target is not None and seen.target.crt_manager == FIELD_MANAGER
    return ours and problem.reason in (Reason.RENEWING, Reason.EXPIRED)


def vanishing_message(seen: Observed, until: datetime, now: datetime) -> str:
    """What happened, why nothing is ordered now, and what helps."""
    count = len(_recent(seen, now))
    return (
        f"a good certificate was lost {count} times within seven days because Secret "
        f"{seen.certificate.spec.secret_name} was deleted or damaged, and a CA gives out only a few a week for the "
        f"same names; the next is ordered at {moment(until)}. Find out who does it: a script, a clean-up of the "
        "namespace, or a GitOps tool that owns the Secret"
    )
