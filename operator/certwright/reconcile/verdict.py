"""What the status says after a turn: facts and outcome in, the whole status out. Pure.

The table of phases and conditions follows kstatus (sigs.k8s.io/cli-utils, pkg/kstatus): `Reconciling` and
`Stalled` exist only when True and never together, and a renewal of a still valid certificate never makes
anything unhealthy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.failures import NeedsPerson, NotYet, Setback
from certwright.reconcile.losses import losses_known
from certwright.reconcile.ownership import foreign_owner
from certwright.reconcile.problems import (
    NEEDS_ORDER,
    NOT_READY,
    first_problem,
    held_until,
    moment,
    renews_at_of,
)
from certwright.reconcile.renewal import overdue_time
from certwright.reconcile.renewal_request import handled_value
from certwright.reconcile.stamps import is_contested, proven_by
from certwright.resources.certificate_status import (
    AttemptStatus,
    CertificateStatus,
    FailureStatus,
    IssuerStatusRef,
    RenewalInfoStatus,
)
from certwright.resources.condition import Condition
from certwright.resources.conditions import TOLD_AT_ONCE, Reason, sentence

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.reconcile.observed import Observed
    from certwright.reconcile.problems import Problem

#: A wait that is over sooner is not worth a write.
PATIENCE = timedelta(seconds=20)
#: Shares of a message, so that a list of a hundred names or a CA's essay does not push out what happens next.
NEED_LIMIT, DETAIL_LIMIT = 300, 550


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What happened in one turn, as far as the status cares.

    Attributes:
        setback: how it ended early, or None.
        failed: whether the setback counts as a failure of an attempt.
        retry_at: when the next attempt is due after a failure.
        waiting_since: since when the attempt has been waiting for the same thing.
        stored: whether a new certificate was written.
    """

    setback: Setback | None = None
    failed: bool = False
    retry_at: datetime | None = None
    waiting_since: datetime | None = None
    stored: bool = False


def verdict(seen: Observed, turn: Turn, now: datetime) -> CertificateStatus:
    """The whole status of a Certificate as it stands after this turn."""
    old = seen.certificate.status
    generation = seen.certificate.meta.generation
    status = CertificateStatus(
        observed_generation=generation,
        revision=old.revision + 1 if turn.stored or _is_news(seen) else old.revision,
        solver=proven_by(seen),
        attempt=_attempt(seen),
        failure=_failure(seen, turn, now),
        next_attempt_time=_next_attempt_time(seen, turn, now),
        losses=losses_known(seen, now),
        last_handled_renew=handled_value(seen),
        conditions=(),
    )
    status = _with_leaf(status, seen)
    conditions = _conditions(seen, status, turn, now)
    return replace(status, conditions=_settled(conditions, old.conditions, generation, now))


def _is_news(seen: Observed) -> bool:
    """Whether the Secret holds a certificate of ours that the status does not know of.

    Its writer died, or never heard that the write succeeded. One that is older than what the status knows came back
    from a backup.
    """
    target, status = seen.target, seen.certificate.status
    if target is None or target.leaf is None or not target.attempt_id or foreign_owner(seen):
        return False
    older = status.not_before is not None and target.leaf.not_before < status.not_before
    return target.leaf.serial_number != status.serial_number and not older


def _attempt(seen: Observed) -> AttemptStatus | None:
    if seen.attempt is None:
        return None
    return AttemptStatus(
        number=seen.attempt.number, started_at=seen.attempt.started_at, reason=seen.attempt.reason
    )


def _failure(seen: Observed, turn: Turn, now: datetime) -> FailureStatus | None:
    old = seen.certificate.status.failure
    if turn.stored or first_problem_gone(seen, turn, now):
        return None
    if not turn.failed or turn.setback is None:
        return old
    return FailureStatus(
        reason=turn.setback.reason,
        identifier=turn.setback.identifier,
        type=turn.setback.problem_type,
        detail=sentence(turn.setback.message),
        at=now.replace(microsecond=0),
        count=(old.count if old else 0) + 1,
    )


def first_problem_gone(seen: Observed, turn: Turn, now: datetime) -> bool:
    """Whether all is well, so that an old failure is history."""
    idle = seen.attempt is None and turn.setback is None
    return idle and first_problem(NEEDS_ORDER, seen, now) is None


def _next_attempt_time(seen: Observed, turn: Turn, now: datetime) -> datetime | None:
    """A new failure sets it; otherwise a hold stays until it is over, lifted, or of no interest any more."""
    if turn.failed:
        return _whole_seconds(turn.retry_at)
    until = held_until(seen)
    return until if until is not None and now < until and not turn.stored else None


def _with_leaf(status: CertificateStatus, seen: Observed) -> CertificateStatus:
    leaf = seen.target.leaf if seen.target else None
    if leaf is None or seen.target is None or foreign_owner(seen):
        return status
    window = seen.window
    return replace(
        status,
        not_before=leaf.not_before,
        not_after=leaf.not_after,
        renewal_time=None if seen.certificate.spec.suspend else _whole_seconds(renews_at_of(seen)),
        serial_number=leaf.serial_number,
        fingerprint_sha256=leaf.fingerprint_sha256,
        issuer=IssuerStatusRef(
            kind=seen.target.issuer_kind,
            name=seen.target.issuer_name,
            common_name=leaf.issuer_common_name or "",
        ),
        renewal_info=RenewalInfoStatus(
            start=window.start, end=window.end, explanation_url=window.explanation_url
        )
        if window
        else None,
    )


def _whole_seconds(when: datetime | None) -> datetime | None:
    return when.replace(microsecond=0) if when else None


@dataclass(frozen=True, slots=True)
class _Said:
    """A condition without its memory."""

    type: str
    value: bool
    reason: str
    message: str


def _conditions(seen: Observed, status: CertificateStatus, turn: Turn, now: datetime) -> list[_Said]:
    problem = first_problem(NOT_READY, seen, now)
    trouble = _trouble(seen, status, turn, now)
    said = _unusable(seen, problem, trouble) if problem else _usable(seen, status, trouble, now)
    if seen.certificate.spec.suspend:
        ready, *_ = (each for each in said if each.type == "Ready")
        said = [replace(ready, message=f"{ready.message} {SUSPENDED}")]
        said.append(_Said("Suspended", value=True, reason=Reason.SUSPENDED.word, message=SUSPENDED))
    return said


CONTESTED = (
    "Somebody takes the operator's label or annotations off the Secret again and again; they are put back every ten "
    "minutes. `kubectl get secret --show-managed-fields` tells who writes to it."
)
SUSPENDED = "Nothing is done while spec.suspend is true; an existing certificate is not renewed."


def _trouble(
    seen: Observed, status: CertificateStatus, turn: Turn, now: datetime
) -> tuple[str, str, type[Setback]] | None:
    """What stands in the way and is worth telling: reason, message, kind."""
    setback = turn.setback
    if isinstance(setback, NotYet):
        told = setback.reason in TOLD_AT_ONCE or (
            turn.waiting_since is not None and now - turn.waiting_since >= PATIENCE
        )
        if told:
            return setback.reason, setback.message, NotYet
    elif setback is not None and not turn.failed:
        return setback.reason, setback.message, type(setback)
    needs_person = isinstance(setback, NeedsPerson) or (setback is None and _still_stalled(seen, status))
    return _last_failure(status, NeedsPerson if needs_person else Setback)


def _still_stalled(seen: Observed, status: CertificateStatus) -> bool:
    """Whether a failure that only a person can mend is held, so that nothing moves until then."""
    if status.failure is None or status.next_attempt_time is None:
        return False
    said = (status.failure.reason, "Stalled")
    return any((each.reason, each.type) == said for each in seen.certificate.status.conditions)


def _last_failure(status: CertificateStatus, kind: type[Setback]) -> tuple[str, str, type[Setback]] | None:
    if (failure := status.failure) is None:
        return None
    detail = sentence(failure.detail, DETAIL_LIMIT).removesuffix(".")
    return failure.reason, f"{detail}. {_what_next(status)}", kind


def _what_next(status: CertificateStatus) -> str:
    count = status.failure.count if status.failure else 0
    if status.next_attempt_time:
        when = moment(status.next_attempt_time)
        if status.failure and status.failure.reason == Reason.CA_UNREACHABLE.word:
            when += " or as soon as the CA answers"
        return f"Next attempt at {when}, attempt {count + 1}."
    if status.attempt:
        return f"Attempt {status.attempt.number} is under way."
    return "The next attempt is due now."


def _together(need: str, text: str) -> str:
    """What is wrong and why it lasts; said once where both are the same."""
    told = _begun(text)
    both = told if told.lower().startswith(need.lower()) else f"{need}. {told}"
    return sentence(both if both.endswith((".", "!", "?")) else f"{both}.")


def _begun(text: str) -> str:
    """A sentence begins with a capital, but a host name stays as it is."""
    return text if "." in text.partition(" ")[0] else text[:1].upper() + text[1:]


def _unusable(
    seen: Observed, problem: Problem, trouble: tuple[str, str, type[Setback]] | None
) -> list[_Said]:
    short = sentence(problem.message, NEED_LIMIT)
    need = _begun(short)
    if seen.certificate.spec.suspend:
        return [_Said("Ready", value=False, reason=problem.reason.word, message=f"{need}.")]
    if trouble is None:
        message = f"Issuing a certificate: {short}."
        reason = problem.reason.word if problem.reason is Reason.EXPIRED else Reason.ISSUING.word
        return [
            _Said("Ready", value=False, reason=reason, message=message),
            _Said("Issuing", value=True, reason=problem.reason.word, message=message),
            _Said("Reconciling", value=True, reason=Reason.PROGRESSING.word, message=message),
        ]
    reason, text, kind = trouble
    message = _together(need, text)
    working = seen.attempt is not None
    said = [
        _Said("Ready", value=False, reason=reason, message=message),
        _Said("Issuing", value=working, reason=problem.reason.word, message=message),
    ]
    if issubclass(kind, NeedsPerson):
        return [*said, _Said("Stalled", value=True, reason=reason, message=message)]
    progress = Reason.PROGRESSING if kind is NotYet else Reason.PROGRESSING_WITH_RETRY
    return [*said, _Said("Reconciling", value=True, reason=progress.word, message=message)]


def _usable(
    seen: Observed,
    status: CertificateStatus,
    trouble: tuple[str, str, type[Setback]] | None,
    now: datetime,
) -> list[_Said]:
    leaf = seen.target.leaf if seen.target else None
    renews_at = renews_at_of(seen)
    until = moment(leaf.not_after) if leaf else "an unknown time"
    message = f"The certificate is valid until {until}."
    if seen.window and seen.window.explanation_url:
        message = f"{message} The CA says when it is to be renewed, and why, at {seen.window.explanation_url}"
    if other := _other_chain(seen):
        message = f"{message} {other}"
    if is_contested(seen, now):
        message = f"{message} {CONTESTED}"
    said = [_Said("Ready", value=True, reason=Reason.ISSUED.word, message=message)]
    patient = trouble is not None and issubclass(trouble[2], NotYet) and trouble[0] not in TOLD_AT_ONCE
    if seen.attempt is not None:
        requested = seen.attempt.reason == Reason.RENEWAL_REQUESTED.word
        renewing = Reason.RENEWAL_REQUESTED if requested else Reason.RENEWING
        why = f"Renewal was asked for by annotation {seen.names.renew}. " if requested else ""
        message = f"{why}A new certificate is being ordered; the present one stays in use."
        if patient and trouble:
            message = f"{message} At present: {trouble[1]}."
        said.append(_Said("Issuing", value=True, reason=renewing.word, message=message))
    if patient:
        # A slow world is no failure: only what failed before keeps the alarm on.
        trouble = _last_failure(status, Setback)
    if trouble is not None:
        reason, text, _kind = trouble
        said.append(_Said("RenewalFailing", value=True, reason=reason, message=sentence(text)))
    if leaf and renews_at and now >= overdue_time(leaf, renews_at):
        message = f"Renewal has been due since {moment(renews_at)}; the certificate expires at {until}."
        said.append(_Said("RenewalOverdue", value=True, reason=Reason.RENEWING.word, message=message))
    return said


def _other_chain(seen: Observed) -> str:
    """What is told of a chain that leads elsewhere than was preferred: the CA offered none that does."""
    preferred, target = seen.wish.preferred_chain if seen.wish else "", seen.target
    if not preferred or target is None or target.leads_to in ("", preferred) or not seen.asked_wish:
        return ""
    there = ascii(target.leads_to)[1:-1]
    return (
        f"Its chain leads to {there}, because the CA offered none to {preferred} (preferredChain); the event Issued "
        "names those that it did."
    )


def _settled(
    said: list[_Said], old: tuple[Condition, ...], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Conditions with their memory: `lastTransitionTime` moves only on a flip (Kubernetes API conventions)."""
    before = {condition.type: condition for condition in old}
    settled = []
    for each in said:
        value = "True" if each.value else "False"
        known = before.get(each.type)
        since = known.last_transition_time if known and known.status == value else None
        settled.append(
            Condition(
                type=each.type,
                status=value,
                reason=each.reason,
                message=sentence(each.message),
                last_transition_time=since or now.replace(microsecond=0),
                observed_generation=generation,
            )
        )
    return tuple(settled)
