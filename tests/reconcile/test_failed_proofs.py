"""What counts as a failed validation: the CA looked, and did not accept the proof."""

from __future__ import annotations

import pytest

from certwright.acme.messages import (
    Authorization,
    AuthorizationStatus,
    Challenge,
    ChallengeStatus,
    Identifier,
    Problem,
)
from certwright.reconcile.failed_proofs import verdict_of

NO_RECORD = Problem("dns", "no record")
VALID, INVALID, PENDING = (AuthorizationStatus(each) for each in ("valid", "invalid", "pending"))


def found(status: AuthorizationStatus, challenge: str, error: Problem | None = None) -> Authorization:
    challenges = (
        Challenge("http-01", "https://ca.example/challenge/1"),
        Challenge("dns-01", "https://ca.example/challenge/2", ChallengeStatus(challenge), "token", error),
    )
    return Authorization(
        "https://ca.example/authorization/1",
        Identifier("dns", "www.example.org"),
        status,
        challenges=challenges,
    )


CASES = {
    "a proof that was accepted is none": (found(VALID, "valid"), None),
    "one that is being looked at is none yet": (found(PENDING, "processing"), None),
    "one that was not found is one": (found(INVALID, "invalid", NO_RECORD), "no record"),
    "whatever the type, as the CA counts it": (found(INVALID, "invalid", Problem("brandNew")), "brandNew"),
    "and without any reason": (found(INVALID, "invalid"), "invalid"),
    "and where the challenge itself does not say so": (found(INVALID, "pending"), "invalid"),
    "step-ca leaves the authorization pending": (found(PENDING, "invalid", NO_RECORD), "no record"),
    "a look that may be repeated is counted when it is told, not here": (
        found(PENDING, "pending", NO_RECORD),
        None,
    ),
    "a CA whose own servers failed did not look": (
        found(INVALID, "invalid", Problem("serverInternal")),
        None,
    ),
    "nor did one that had too much to do": (found(INVALID, "invalid", Problem("rateLimited")), None),
    "a name that was given up is no failure": (found(AuthorizationStatus.DEACTIVATED, "pending"), None),
    "nor is one whose time ran out": (found(AuthorizationStatus.EXPIRED, "pending"), None),
}


@pytest.mark.parametrize("sentence", CASES)
def test_what_counts_as_failed(sentence: str) -> None:
    authorization, said = CASES[sentence]
    assert verdict_of(authorization) == said
