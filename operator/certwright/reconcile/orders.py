"""What a CA says of an order, judged: whether it is ours, whether anything can still come of it. Pure."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from certwright.acme.messages import AuthorizationStatus, Order, OrderStatus, Problem
from certwright.acme.refusals import ProblemKind
from certwright.failures import Schedule, TryLater
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.acme.refusals import Refused
    from certwright.resources.attempt import Attempt

#: An order that is lost younger than this was lost by the CA; an older one may have expired while we were away.
YOUNG = timedelta(hours=1)
#: After so long an order that became invalid without a reason has expired, where the CA tells no end of it.
OLD = timedelta(days=7)
#: A CA that says for so long that an order is none of ours will not change its mind.
DISOWNED = timedelta(days=1)
#: States of an authorization out of which it never comes (RFC 8555 §7.1.6).
OVER = frozenset(
    {
        AuthorizationStatus.INVALID,
        AuthorizationStatus.DEACTIVATED,
        AuthorizationStatus.EXPIRED,
        AuthorizationStatus.REVOKED,
    }
)
_FORGOTTEN = "orderNotFound"
_NAMES_SHOWN = 5


def is_forgotten(refused: Refused, age: timedelta) -> bool:
    """Whether a refusal says that the CA does not know an order or authorization of ours any more.

    Args:
        age: of the attempt.
    """
    if refused.status is None:
        return False
    if refused.kind is ProblemKind.UNAUTHORIZED:
        return age >= DISOWNED
    gone = refused.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
    return gone or (
        refused.kind is ProblemKind.MALFORMED and refused.status < HTTPStatus.INTERNAL_SERVER_ERROR
    )


def forgotten(url: str) -> Order:
    """An order that the CA does not know any more (it expired, or the CA was reset): nothing will come of it."""
    detail = "the CA does not know the order any more"
    return Order.lost(url, Problem(type=_FORGOTTEN, detail=detail, status=HTTPStatus.NOT_FOUND))


def is_known(order: Order | None) -> bool:
    """Whether the CA still has something of this order."""
    return order is not None and not (order.error and order.error.type == _FORGOTTEN)


def ran_out(order: Order, attempt: Attempt, now: datetime) -> bool:
    """Whether an order came to nothing because its time was over, which is nobody's failure."""
    age = now - attempt.started_at
    if not is_known(order):
        return age >= YOUNG
    over = now >= order.expires if order.expires else age >= OLD
    return order.status is OrderStatus.INVALID and order.error is None and over and age >= YOUNG


def order_failed(order: Order) -> TryLater:
    """The order became invalid, in the CA's words."""
    detail = order.error.detail if order.error and order.error.detail else "the CA gave no reason"
    return TryLater(
        Reason.ORDER_FAILED.word,
        f"the order became invalid: {detail}",
        schedule=Schedule.VALIDATION,
        problem_type=order.error.type if order.error else "",
    )


def foreign_names(order: Order, names: tuple[str, ...]) -> TryLater | None:
    """Why an order is not for what was asked; case and order of its names do not matter.

    One that tells no names at all passes: the certificate is verified in any case.
    """
    asked = frozenset(name.lower() for name in names)
    told = frozenset(
        each.value if each.type == "dns" else f"{each.type} {each.value}" for each in order.identifiers
    )
    if not told or told == asked:
        return None
    parts = []
    if missing := asked - told:
        parts.append(f"without {_listed(missing)}")
    if unasked := told - asked:
        parts.append(f"with {_listed(unasked)}, which nobody asked for")
    message = f"the CA answered with an order {' and '.join(parts)}; it is not used"
    return TryLater(Reason.CA_ERROR.word, message, schedule=Schedule.SLOW)


def _listed(names: frozenset[str]) -> str:
    shown = sorted(names)[:_NAMES_SHOWN]
    return ", ".join(shown) + (f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else "")
