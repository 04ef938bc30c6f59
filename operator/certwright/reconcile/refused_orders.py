"""What is told when a CA refuses what an order asked beyond its names: its profile, or its end."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from certwright.acme.refusals import ProblemKind
from certwright.failures import NeedsPerson
from certwright.reconcile.profiles import refused_profile
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from certwright.acme.refusals import Refused
    from certwright.failures import Setback
    from certwright.reconcile.accounts import Account
    from certwright.resources.attempt import Attempt

_SWITCH_OFF = (
    "the order asked for an end of the certificate, because the issuer has spec.acme.enableDurationFeature; "
    "if the CA takes no such wish, set it to false"
)
#: What CAs call an order with an end that they do not like: Boulder says "malformed" to any.
_ABOUT_END = frozenset({ProblemKind.MALFORMED, ProblemKind.UNKNOWN})


def order_refused(
    refused: Refused, attempt: Attempt, account: Account, *, asked_for_end: bool = False
) -> Setback:
    """The setback to raise for a refusal of the order, at its begin or when it is finalized.

    Args:
        asked_for_end: whether the order asked for a certificate that ends at some time.
    """
    if refused.kind is ProblemKind.INVALID_PROFILE:
        if attempt.wish.profile:
            account.authority.doubt_directory(contradicted=True)
        return refused_profile(attempt.wish.profile, refused, account.authority.profiles)
    if asked_for_end and refused.kind in _ABOUT_END and _is_final(refused.status):
        return NeedsPerson(
            Reason.REJECTED.word,
            f"{refused.message}; {_SWITCH_OFF}",
            identifier=refused.identifier,
            problem_type=refused.problem_type,
        )
    return refused


def _is_final(status: int | None) -> bool:
    """Whether the same order would be refused again."""
    passing = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
    return status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in passing
