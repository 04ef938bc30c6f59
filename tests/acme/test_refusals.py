"""What helps against each refusal."""

from __future__ import annotations

from datetime import timedelta

import pytest

from certwright.acme.messages import Identifier, Problem
from certwright.acme.refusals import (
    REMEDIES,
    ProblemKind,
    Refused,
    remedy_for,
    setback_from_problem,
)
from certwright.failures import NeedsPerson, NotYet, Schedule, Setback, TryLater

#: Every type of RFC 8555 §6.7.
RFC_8555 = [
    "accountDoesNotExist",
    "alreadyRevoked",
    "badCSR",
    "badNonce",
    "badPublicKey",
    "badRevocationReason",
    "badSignatureAlgorithm",
    "caa",
    "compound",
    "connection",
    "dns",
    "externalAccountRequired",
    "incorrectResponse",
    "invalidContact",
    "malformed",
    "orderNotReady",
    "rateLimited",
    "rejectedIdentifier",
    "serverInternal",
    "tls",
    "unauthorized",
    "unsupportedContact",
    "unsupportedIdentifier",
    "userActionRequired",
]


def test_every_kind_has_a_remedy() -> None:
    assert set(REMEDIES) == set(ProblemKind) - {ProblemKind.UNKNOWN}
    assert {ProblemKind(word) for word in RFC_8555} <= set(REMEDIES)
    assert ProblemKind("brandNew") is ProblemKind.UNKNOWN


@pytest.mark.parametrize("kind", ProblemKind)
@pytest.mark.parametrize("status", [None, 400, 403, 429, 500, 503])
def test_every_refusal_becomes_a_setback_that_callers_can_branch_on(
    kind: ProblemKind, status: int | None
) -> None:
    problem = Problem(type=kind.value, detail="because")
    refused = setback_from_problem(problem, status=status)
    assert isinstance(refused, Refused)
    assert isinstance(refused, NotYet | TryLater | NeedsPerson)
    assert (refused.kind, refused.status, refused.problem) == (kind, status, problem)
    assert refused.problem_type == kind.value
    assert "because" in refused.message


TABLE = [
    ("rateLimited", 429, TryLater, "RateLimited", Schedule.THROTTLE),
    ("caa", None, TryLater, "CAAForbids", Schedule.SLOW),
    ("alreadyReplaced", 409, TryLater, "OrderFailed", Schedule.TRANSIENT),
    ("dns", None, TryLater, "ValidationFailed", Schedule.VALIDATION),
    ("unauthorized", None, TryLater, "ValidationFailed", Schedule.VALIDATION),
    ("unauthorized", 403, TryLater, "AccountRefused", Schedule.SLOW),
    ("accountDoesNotExist", 400, TryLater, "AccountRefused", Schedule.THROTTLE),
    ("orderNotReady", 403, NotYet, "AwaitingValidation", None),
    ("rejectedIdentifier", 400, NeedsPerson, "Rejected", None),
    ("externalAccountRequired", 403, NeedsPerson, "ExternalAccountRequired", None),
    ("serverInternal", 500, TryLater, "CAError", Schedule.TRANSIENT),
    ("serverInternal", 503, TryLater, "CAError", Schedule.THROTTLE),
    ("malformed", 400, TryLater, "CAError", Schedule.SLOW),
    ("badNonce", 400, TryLater, "CAError", Schedule.THROTTLE),
    ("", 503, TryLater, "CAError", Schedule.THROTTLE),
    ("", 502, TryLater, "CAError", Schedule.TRANSIENT),
    ("", 408, TryLater, "CAError", Schedule.TRANSIENT),
    ("", 429, TryLater, "RateLimited", Schedule.THROTTLE),
    ("", 404, TryLater, "CAError", Schedule.RARE),
    ("brandNew", 403, TryLater, "CAError", Schedule.RARE),
    ("brandNew", 500, TryLater, "CAError", Schedule.TRANSIENT),
    ("brandNew", None, TryLater, "ValidationFailed", Schedule.VALIDATION),
    ("http://elsewhere.example/dns", None, TryLater, "ValidationFailed", Schedule.VALIDATION),
]


@pytest.mark.parametrize(("kind", "status", "by", "reason", "schedule"), TABLE)
def test_what_helps(
    kind: str, status: int | None, by: type[Setback], reason: str, schedule: Schedule | None
) -> None:
    refused = setback_from_problem(Problem(type=kind), status=status, retry_after=timedelta(minutes=1))
    assert isinstance(refused, by)
    assert refused.reason == reason
    if isinstance(refused, TryLater):
        assert (refused.schedule, refused.retry_after) == (schedule, timedelta(minutes=1))
    if isinstance(refused, NotYet):
        assert refused.look_again_in == timedelta(minutes=1)


def test_a_pause_needs_a_person_although_its_type_is_a_rate_limit() -> None:
    detail = (
        "Your account is temporarily prevented from requesting certificates for a.example and possibly "
        "others. Please visit: https://portal.ca.example/sfe/v1/unpause?jwt=x"
    )
    refused = setback_from_problem(Problem("rateLimited", detail), status=429)
    assert isinstance(refused, NeedsPerson)
    assert refused.reason == "PausedByCA"
    assert "https://portal.ca.example/sfe/v1/unpause?jwt=x" in refused.message


def test_only_an_answer_about_the_account_asks_to_look_it_up_again() -> None:
    assert setback_from_problem(Problem("accountDoesNotExist"), status=400).is_about_account
    assert setback_from_problem(Problem("unauthorized"), status=403).is_about_account
    assert not setback_from_problem(Problem("unauthorized")).is_about_account
    assert not setback_from_problem(Problem("malformed"), status=400).is_about_account


def test_a_signature_that_is_not_taken_is_told_with_those_that_are() -> None:
    problem = Problem("badSignatureAlgorithm", "not this one", algorithms=("ES384", "RS256"))
    assert setback_from_problem(problem, status=400).message == (
        "the CA refused: not this one; it takes signatures by ES384, RS256"
    )


@pytest.mark.parametrize(
    ("detail", "instance", "terms", "told"),
    [
        (
            "no",
            None,
            "https://ca.example/terms-2",
            "no; the terms of service are at https://ca.example/terms-2",
        ),
        ("no", "https://ca.example/agree", None, "no; see https://ca.example/agree"),
        (
            "no",
            "https://ca.example/agree",
            "https://ca.example/terms-2",
            "no; see https://ca.example/agree; the terms of service are at https://ca.example/terms-2",
        ),
        ("no", "https://ca.example/x", "https://ca.example/x", "no; see https://ca.example/x"),
        ("read https://ca.example/x", "https://ca.example/x", None, "read https://ca.example/x"),
        ("no", None, None, "no"),
    ],
)
def test_changed_terms_are_told_with_their_addresses_each_once(
    detail: str, instance: str | None, terms: str | None, told: str
) -> None:
    """RFC 8555 §7.3.3."""
    links = {"terms-of-service": (terms,)} if terms else {}
    problem = Problem("userActionRequired", detail, instance=instance)
    assert setback_from_problem(problem, status=403, links=links).message == f"the CA refused: {told}"


@pytest.mark.parametrize(
    ("problem", "status", "told"),
    [
        (
            Problem("rateLimited", "slow down"),
            429,
            "the CA refused: slow down; see https://ca.example/limits",
        ),
        (
            Problem("rateLimited", "see https://ca.example/limits"),
            429,
            "the CA refused: see https://ca.example/limits",
        ),
        (
            Problem(),
            429,
            "the CA answered HTTP 429 (Too Many Requests) and gave no reason; see https://ca.example/limits",
        ),
        (Problem("malformed", "what?"), 400, "the CA refused: what?"),
    ],
)
def test_a_limit_is_told_with_the_address_of_its_rules(problem: Problem, status: int, told: str) -> None:
    """RFC 8555 §6.6."""
    links = {"help": ("https://ca.example/limits", "https://ca.example/more")}
    assert setback_from_problem(problem, status=status, links=links).message == told


def test_each_name_has_its_own_sentence() -> None:
    inner = tuple(
        Problem("rejectedIdentifier", f"{name} is on our list", identifier=Identifier("dns", name))
        for name in ("a.example", "b.example")
    )
    refused = setback_from_problem(Problem("compound", "2 names", subproblems=inner), status=400)
    assert isinstance(refused, NeedsPerson)
    assert refused.identifier == ""
    assert "a.example: a.example is on our list; b.example: b.example is on our list" in refused.message
    alone = setback_from_problem(Problem("compound", "1 name", subproblems=inner[:1]), status=400)
    assert alone.identifier == "a.example"


def test_a_thousand_names_still_make_one_sentence() -> None:
    inner = tuple(
        Problem("dns", "x" * 900, identifier=Identifier("dns", f"{n}.example")) for n in range(1000)
    )
    assert len(setback_from_problem(Problem("compound", subproblems=inner)).message) <= 1000


def test_a_refusal_without_a_type_tells_its_http_status() -> None:
    assert setback_from_problem(Problem()).message == "the CA answered no, and gave no reason"
    assert (
        setback_from_problem(Problem(), status=499).message == "the CA answered HTTP 499 and gave no reason"
    )
    assert setback_from_problem(Problem(), status=502).message == (
        "the CA answered HTTP 502 (Bad Gateway) and gave no reason"
    )


def test_a_compound_of_throttles_is_a_throttle() -> None:
    inner = (Problem("rateLimited"), Problem("rateLimited"))
    assert remedy_for(Problem("compound", subproblems=inner), 429).schedule is Schedule.THROTTLE
