"""A proof that the CA looked at and did not accept, as the setback that says what helps. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.acme.messages import ChallengeStatus
from certwright.acme.refusals import ProblemKind, setback_from_problem
from certwright.failures import Schedule, TryLater

if TYPE_CHECKING:
    from certwright.acme.messages import Challenge, Problem


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
