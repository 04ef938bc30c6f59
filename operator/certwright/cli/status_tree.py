"""All that is known of a Certificate as one tree. Pure: objects in, lines out.

What is wrong is said by the messages of conditions alone, and how to mend it by the table of reasons.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certwright.cli.attempt_tree import attempt_tree
from certwright.cli.certificate_row import is_staging, read_row
from certwright.cli.spans import away
from certwright.cli.tree import Node
from certwright.resources.certificate_status import read_status
from certwright.resources.condition import read_conditions, read_moment, write_moment
from certwright.resources.conditions import Reason
from certwright.settings import DEFAULT_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certwright.pki.leaf import LeafFacts
    from certwright.resources.attempt import Attempt
    from certwright.resources.certificate_status import CertificateStatus
    from certwright.resources.condition import Condition

#: Of events the newest are shown.
MOST_EVENTS = 8
#: Order of conditions.
_FIRST = ("Ready", "Stalled", "RenewalFailing", "RenewalOverdue", "Suspended")
#: In messages, for people to run.
_COMMAND = re.compile(r"`(kubectl [^`]+)`")


@dataclass(frozen=True, slots=True)
class Absent:
    """What stands in the place of a part that could not be read."""

    why: str


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """The target Secret without its key: what is in tls.crt, and whether a key is there."""

    leaf: LeafFacts | None
    has_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What was read; `attempt` is None where none is under way, and the operator is in `operator_namespace`."""

    certificate: Mapping[str, Any]
    issuer: Mapping[str, Any] | Absent
    secret: SecretFacts | Absent
    attempt: Attempt | Absent | None
    events: Sequence[Mapping[str, Any]] | Absent
    operator_namespace: str = DEFAULT_NAMESPACE


def status_tree(parts: Parts, now: datetime) -> Node:
    """Certificate, what comes next, issuer, Secret, attempt, events."""
    row = read_row(parts.certificate, {}, now)
    status = read_status(parts.certificate.get("status"))
    ready = {"True": "ready", "False": "not ready"}.get(row.ready, "not looked at by the operator yet")
    children = (
        Node(f"Names: {', '.join(row.dns_names)}"),
        *_unseen(parts, status),
        *_conditions(status.conditions, now, told_below=_trouble_of(parts.issuer)),
        *_next(status, now),
        _issuer(f"{row.issuer_kind} {row.issuer_name}", parts.issuer, now),
        _secret(row.secret_name, parts.secret, status, now),
        *_attempt(parts.attempt, status, now),
        _events(parts.events, now),
    )
    return Node(f"Certificate {row.namespace}/{row.name}: {ready}", children)


def _unseen(parts: Parts, status: CertificateStatus) -> list[Node]:
    """That what stands in the spec has not been acted on; of a moment ago that is no wonder."""
    if status.observed_generation == (parts.certificate.get("metadata") or {}).get("generation"):
        return []
    what = "Its spec was changed, and the operator has" if status.conditions else "The operator has"
    look = Node("To do: If this lasts for a minute, see whether the operator runs, and what it logs.")
    pods = Node(f"$ kubectl get pods --namespace {parts.operator_namespace}")
    return [Node(f"{what} not looked at it yet", (look, pods))]


def _at(moment: datetime, now: datetime) -> str:
    return f"{write_moment(moment)} ({away(moment, now)})"


def _trouble_of(issuer: Mapping[str, Any] | Absent) -> str:
    """What is wrong with the issuer, by the conditions that are shown with it; "" if nothing."""
    conditions = [] if isinstance(issuer, Absent) else _conditions_of(issuer)
    return next((each.message for each in conditions if (each.type, each.status) == ("Ready", "False")), "")


def _conditions(conditions: Sequence[Condition], now: datetime, *, told_below: str = "") -> list[Node]:
    """Each message once, with the commands in it and the fix of its reason.

    Args:
        told_below: what is wrong with the issuer: said once, where it is shown, and there what to do about it.
    """
    found, told = [], set()
    ranked = sorted(
        conditions, key=lambda each: _FIRST.index(each.type) if each.type in _FIRST else len(_FIRST)
    )
    for each in ranked:
        if each.message in told:
            continue
        told.add(each.message)
        value = "" if each.status == "True" else f"={each.status}"
        text = f"{each.type}{value}, {each.reason}, since {_at(each.last_transition_time, now)}"
        fix = () if told_below and each.reason == Reason.ISSUER_NOT_READY.word else _fix(each.reason)
        message = each.message.replace(told_below, "see below.") if told_below else each.message
        commands = (Node(f"$ {command}") for command in _COMMAND.findall(message))
        found.append(Node(text, (Node(message), *fix, *commands)))
    return found


def _fix(reason: str) -> tuple[Node, ...]:
    known = {each.word: each.fix for each in Reason}
    fix = known.get(reason, "")
    return (Node(f"To do: {fix}"),) if fix and fix not in ("Nothing to do.", "Wait.") else ()


def _next(status: CertificateStatus, now: datetime) -> list[Node]:
    if status.next_attempt_time:
        return [Node(f"Next: another attempt at {_at(status.next_attempt_time, now)}")]
    if status.renewal_time and status.attempt is None:
        return [Node(f"Next: renewal at {_at(status.renewal_time, now)}")]
    return []


def _issuer(title: str, issuer: Mapping[str, Any] | Absent, now: datetime) -> Node:
    if isinstance(issuer, Absent):
        return Node(f"{title}: {issuer.why}")
    server = str(((issuer.get("spec") or {}).get("acme") or {}).get("server") or "")
    mark = " (staging)" if is_staging(server, "") else ""
    if not (conditions := _conditions_of(issuer)):
        return Node(f"{title}: {server}{mark}", (Node("Not looked at by the operator yet"),))
    return Node(f"{title}: {server}{mark}", tuple(_conditions(conditions, now)))


def _conditions_of(issuer: Mapping[str, Any]) -> list[Condition]:
    """But that its spec was accepted, which says nothing."""
    found = read_conditions((issuer.get("status") or {}).get("conditions"))
    return [each for each in found if (each.type, each.status) != ("Accepted", "True")]


def _secret(name: str, secret: SecretFacts | Absent, status: CertificateStatus, now: datetime) -> Node:
    if isinstance(secret, Absent):
        ends = f"expires {_at(status.not_after, now)}" if status.not_after else ""
        return Node(f"Secret {name}: {secret.why}", (Node(f"By the status: {ends}"),) if ends else ())
    key = Node("tls.key: present" if secret.has_key else "tls.key: missing")
    leaf = secret.leaf
    if leaf is None:
        return Node(f"Secret {name}", (Node("tls.crt: missing, or no certificate"), key))
    ca = leaf.issuer_common_name or ""
    facts = (
        Node(f"Names: {', '.join(sorted(leaf.dns_names))}"),
        Node(f"Signed by: {ca}{' (staging)' if is_staging('', ca) else ''}"),
        Node(f"Valid from {_at(leaf.not_before, now)} until {_at(leaf.not_after, now)}"),
        Node(f"Serial number: {leaf.serial_number}"),
        key,
    )
    return Node(f"Secret {name}", facts)


def _attempt(attempt: Attempt | Absent | None, status: CertificateStatus, now: datetime) -> list[Node]:
    if attempt is None:
        return []
    if isinstance(attempt, Absent):
        told = status.attempt
        title = f"Attempt {told.number} since {_at(told.started_at, now)}" if told else "Attempt"
        return [Node(title, (Node(f"Order and challenges: {attempt.why}"),))]
    return [attempt_tree(attempt, {each.reason for each in status.conditions}, now)]


def _events(events: Sequence[Mapping[str, Any]] | Absent, now: datetime) -> Node:
    if isinstance(events, Absent):
        return Node(f"Events: {events.why}")
    timed = [(when, each) for each in events if (when := _when(each))]
    newest = sorted(timed, key=lambda pair: pair[0])[-MOST_EVENTS:]
    lines = tuple(
        Node(f"{away(when, now)}, {each.get('type')}, {each.get('reason')}: {each.get('message')}")
        for when, each in newest
    )
    return Node("Events" if lines else "Events: none", lines)


def _when(event: Mapping[str, Any]) -> datetime | None:
    """Events have either of these times, by the API that wrote them."""
    return read_moment(event.get("lastTimestamp")) or read_moment(event.get("eventTime"))
