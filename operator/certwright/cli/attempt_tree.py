"""How far an attempt is, as its own journal and the conditions of its Certificate tell. Pure.

Only a wait for the CA that has lasted for a minute is in the journal (`reconcile/waits.py`); what comes before it is
known to the operator's process alone, and shown where the reason of a condition tells it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.cli.spans import away
from certwright.cli.tree import Node
from certwright.resources.attempt import Stage
from certwright.resources.condition import write_moment
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from certwright.resources.attempt import Attempt, Wait

#: By the reason of a condition: what is said of the order, of its challenges, and of which type those are ("" for all).
_BY_REASON = {
    Reason.AWAITING_SOLVER.word: ("its proofs are being put up", "", ""),
    Reason.AWAITING_PROPAGATION.word: (
        "the CA is told once all proofs can be seen",
        "put up, not seen everywhere yet",
        "dns-01",
    ),
    Reason.AWAITING_REACHABILITY.word: (
        "the CA is told once all proofs can be seen",
        "put up, not reachable yet",
        "http-01",
    ),
    Reason.AWAITING_VALIDATION.word: ("the CA is checking the names", "up, and the CA is told of it", ""),
    Reason.AWAITING_ISSUANCE.word: ("all names are proven, and the CA is signing", "proven", ""),
}
_NO_WAIT = "no wait for the CA of more than a minute so far"


def attempt_tree(attempt: Attempt, reasons: Collection[str], now: datetime) -> Node:
    """The attempt with its order, and the challenges of that.

    Args:
        reasons: of the Certificate's conditions.
    """
    title = f"Attempt {attempt.number} since {_at(attempt.started_at, now)}"
    if not attempt.order_url:
        return Node(title, (Node("Order: not placed yet"),))
    order, challenge, of_type = _how_far(attempt, reasons, now)
    challenges = tuple(
        Node(
            f"{proof.name}: {proof.type}{f', {challenge}' if challenge and of_type in ('', proof.type) else ''}"
        )
        for proof in attempt.proofs
    )
    return Node(title, (Node(f"Order {attempt.order_url}: placed; {order}", challenges),))


def _how_far(attempt: Attempt, reasons: Collection[str], now: datetime) -> tuple[str, str, str]:
    if attempt.wait is not None:
        return _waiting(attempt.wait, now, to_prove=bool(attempt.proofs))
    known = next((said for reason, said in _BY_REASON.items() if reason in reasons), None)
    if known is not None:
        return known
    return (_NO_WAIT if attempt.proofs else f"no name has to be proven anew; {_NO_WAIT}"), "", ""


def _waiting(wait: Wait, now: datetime, *, to_prove: bool) -> tuple[str, str, str]:
    until = f"it is waited for until {_at(wait.until, now)}"
    since = _at(wait.since, now)
    if wait.stage is Stage.SIGNING:
        return f"all names are proven, and the CA has been signing since {since}; {until}", "proven", ""
    if wait.stage is Stage.VALIDATION and to_prove:
        told = "up, and the CA is told of it"
        return f"the CA was told of the proofs at {since}; {until}", told, ""
    return (
        f"all names are proven, and the CA has not said since {since} that it is ready; {until}",
        "proven",
        "",
    )


def _at(moment: datetime, now: datetime) -> str:
    return f"{write_moment(moment)} ({away(moment, now)})"
