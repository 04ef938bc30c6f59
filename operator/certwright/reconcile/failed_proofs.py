"""A proof that the CA looked at and did not accept, as the setback that says what helps. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.acme.messages import AuthorizationStatus, ChallengeStatus
from certwright.acme.refusals import ProblemKind, setback_from_problem
from certwright.failures import Schedule, TryLater

if TYPE_CHECKING:
    from certwright.acme.messages import Authorization, Challenge, Problem

#: What a CA may say in the place of a verdict on a proof: it did not look, or its own servers failed.
NO_VERDICT = frozenset({ProblemKind.RATE_LIMITED, ProblemKind.SERVER_INTERNAL})


def failed_proof(name: str, problem: Problem) -> TryLater:
    """What the CA says about one name; the CA counts these, so it is tried again slowly."""
    setback = setback_from_problem(problem, identifier=name)
    said = setback.message
    if setback.kind is ProblemKind.REJECTED_IDENTIFIER:
        # Of a name that it would not sign, a CA says so to the order. step-ca says it of a proof that does not fit.
        said = f"the CA looked for the proof and did not accept it: {problem.detail or problem.type}"
    return TryLater(
        setback.reason,
        f"{name}: {said}",
        schedule=setback.schedule if isinstance(setback, TryLater) else Schedule.VALIDATION,
        identifier=name,
        problem_type=setback.problem_type,
    )


def may_be_answered_again(challenge: Challenge) -> bool:
    """Whether the CA looked, did not find the proof, and leaves it to us to ask for another look (RFC 8555 §8.2).

    A CA that looks again by itself says `processing`, and one that has not looked yet has no error to tell.
    """
    return challenge.status is ChallengeStatus.PENDING and challenge.error is not None


def verdict_of(found: Authorization) -> str | None:
    """What a CA said when it did not accept a proof for good; None where it did, has yet to say, or could not look."""
    bad = next((each for each in found.challenges if each.status is ChallengeStatus.INVALID), None)
    if bad is None and found.status is not AuthorizationStatus.INVALID:
        return None
    error = bad.error if bad else None
    if error is None:
        return found.status.value
    return None if ProblemKind(error.type) in NO_VERDICT else error.detail or error.type
