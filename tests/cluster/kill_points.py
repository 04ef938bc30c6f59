"""Where the operator can be killed: read from its own code, and what is known of the points that are found there."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

OPERATOR = Path(__file__).parents[2] / "operator" / "certwright"
#: Made of other code's points, so no points of its own.
_MACHINERY = OPERATOR / "engine" / "checkpoints.py"

#: Way of proving: what a Certificate with two names passes on it.
DNS, HTTP = "dns-01", "http-01"


class Call(NamedTuple):
    """An external call that is made for one Certificate.

    Attributes:
        name: as its points have it.
        times: how often it is made.
        apart: whether something else is done in between; else the moment before a further call is the one after the
            call that went before.
    """

    name: str
    times: int = 1
    apart: bool = False

    def points(self) -> Iterator[str]:
        """As CERTWRIGHT_KILL_AT takes them: the point, and which passing of it."""
        for time in range(1, self.times + 1):
            if time == 1 or self.apart:
                yield f"before:{self.name}:{time}"
            yield f"after:{self.name}:{time}"


_BEGIN = (Call("create-attempt"), Call("new-order"), Call("note-order"))
_ISSUE = (Call("answer-challenge", 2), Call("finalize"), Call("download"), Call("store-secret"))
_END = (Call("delete-attempt"), Call("renewal-info"))
CALLS = {
    DNS: (*_BEGIN, Call("publish", 2), *_ISSUE, Call("take-down", 2), *_END),
    # The table is written for the token and once more without; Service, EndpointSlice and Ingress are applied;
    # Ingress and, when nobody has needed it for a while, Service are deleted.
    HTTP: (
        *_BEGIN,
        Call("write-table", 2, apart=True),
        Call("apply-route", 3),
        *_ISSUE,
        Call("delete-route", 2, apart=True),
        *_END,
    ),
}
#: Not on the way of a certificate: an issuer's account, its key where the CA wants another kind, its contact, and label
#: and annotations that somebody took away.
ACCOUNT = (Call("create-account-key"), Call("new-account"))
ANOTHER_KEY = (Call("replace-account-key"),)
CONTACT = (Call("update-contact"),)
STAMP = (Call("stamp-secret"),)
#: What an Ingress asks for: killed at in `tests/shim/test_loop.py` and `tests/cluster/test_ingress_annotations.py`.
SHIM = (Call("apply-certificate"), Call("delete-certificate"))
#: Passed only where a CA keeps us waiting for more than a minute: killed at in `tests/reconcile/test_orders.py`.
WAIT = (Call("note-wait"),)
#: An order that was placed and not written down is lost; nothing else ever is.
LOSE_AN_ORDER = frozenset({"after:new-order", "before:note-order"})


def matrix() -> list[tuple[str, str]]:
    """Every way with every point on it, in the order in which they are passed."""
    return [(way, point) for way, calls in CALLS.items() for call in calls for point in call.points()]


def known_points() -> set[str]:
    """All that are tested, without passings."""
    ways = (call for calls in CALLS.values() for call in calls)
    tested = [*ways, *ACCOUNT, *ANOTHER_KEY, *CONTACT, *STAMP, *SHIM, *WAIT]
    return {point.rpartition(":")[0] for call in tested for point in call.points()}


def points_in_code() -> set[str]:
    """What the operator's code passes, "" for one whose name is not written where it is passed."""
    return {
        _name(node)
        for path in OPERATOR.rglob("*.py")
        if path != _MACHINERY
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _called(node).endswith("checkpoint")
    }


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _name(node: ast.Call) -> str:
    match node.args:
        case [ast.Constant(value=str(name))]:
            return name
        case _:
            return ""


#: Where there is no attempt yet, or no more.
_WITHOUT_ATTEMPT = frozenset(
    {"before:create-attempt:1", "after:delete-attempt:1", "before:renewal-info:1", "after:renewal-info:1"}
)
#: Rows and Services go in their own time, while and after the attempt does.
_BESIDE_ATTEMPT = ("write-table:2", "delete-route:2")


def attempt_is_there(point: str) -> bool | None:
    """Whether the attempt stands when the operator dies at a point of `matrix`; None where both may be."""
    return None if point.endswith(_BESIDE_ATTEMPT) else point not in _WITHOUT_ATTEMPT
