"""What a CA's sentence about a limit holds back. The sentences are Boulder's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from certwright.acme.limits import (
    Limit,
    Scope,
    limit_of_set,
    limits_for,
    stated_moment,
)
from certwright.acme.messages import Identifier, Problem
from certwright.acme.refusals import Refused, limits_of, setback_from_problem

NAMES = ("a.example.co.uk", "*.example.org", "example.org")
LINK = "see https://letsencrypt.org/docs/rate-limits/"
UNTIL = f"in the last 168h0m0s, retry after 2026-08-15 19:14:33 UTC: {LINK}"

TABLE = [
    (
        f"too many new orders (300) from this account {UNTIL}",
        [Limit(Scope.ACCOUNT)],
    ),
    (
        f'too many certificates (50) already issued for "example.co.uk" {UNTIL}',
        [Limit(Scope.REGISTERED_DOMAIN, "example.co.uk")],
    ),
    (
        f"too many certificates (5) already issued for this exact set of identifiers {UNTIL}",
        [limit_of_set(NAMES)],
    ),
    (
        f"too many certificates (5) already issued for this exact set of domains in the last 168 hours: {LINK}",
        [limit_of_set(NAMES)],
    ),
    (
        f'too many failed authorizations (5) for "Example.org" {UNTIL}',
        [Limit(Scope.NAME, "example.org")],
    ),
    # Nobody's limits are closed on the word of a CA that was not asked about the name.
    (
        f'too many certificates (50) already issued for "example.net" {UNTIL}',
        [Limit(Scope.ACCOUNT)],
    ),
    ("slow down", [Limit(Scope.ACCOUNT)]),
    ("", [Limit(Scope.ACCOUNT)]),
]


def refused(problem: Problem, status: int = 429, wait: float | None = 60.0) -> Refused:
    wish = None if wait is None else timedelta(seconds=wait)
    return setback_from_problem(problem, status=status, retry_after=wish)


@pytest.mark.parametrize(("detail", "limits"), TABLE, ids=[detail[:60] or "nothing" for detail, _ in TABLE])
def test_a_limit_is_found_in_the_words_of_the_ca(detail: str, limits: list[Limit]) -> None:
    assert list(limits_of(refused(Problem("rateLimited", detail)), NAMES)) == limits


def test_a_subproblem_names_what_is_limited() -> None:
    inner = Problem("rateLimited", "no more", identifier=Identifier("dns", "example.org"))
    problem = Problem("rateLimited", "some names", subproblems=(inner,))
    assert limits_of(refused(problem), NAMES) == (Limit(Scope.NAME, "example.org"),)


def test_new_accounts_are_counted_by_our_address() -> None:
    detail = f"too many new registrations (10) from this IP address {UNTIL}"
    assert limits_of(refused(Problem("rateLimited", detail)), ()) == (Limit(Scope.REGISTRATION),)


@pytest.mark.parametrize(
    ("detail", "limits"),
    [
        (
            "Your account is temporarily prevented from requesting certificates for *.example.org. To unpause …",
            [Limit(Scope.NAME, "*.example.org"), Limit(Scope.NAME, "example.org")],
        ),
        ("this name is paused, go to https://portal.example/unpause/x", [limit_of_set(NAMES)]),
    ],
)
def test_a_pause_holds_the_names_that_it_tells(detail: str, limits: list[Limit]) -> None:
    assert list(limits_of(refused(Problem("rateLimited", detail)), NAMES)) == limits


@pytest.mark.parametrize(
    ("problem", "status", "wait", "limits"),
    [
        (Problem("serverInternal", "busy"), 503, 5.0, [Limit(Scope.DIRECTORY)]),
        (Problem(), 503, 5.0, [Limit(Scope.DIRECTORY)]),
        (Problem(), 503, None, []),
        (Problem("serverInternal", "oops"), 500, 5.0, []),
        (Problem(), 429, None, [Limit(Scope.ACCOUNT)]),
        (Problem("badSignatureAlgorithm"), 400, None, [Limit(Scope.ACCOUNT)]),
        (Problem("userActionRequired", "read the terms"), 403, None, [Limit(Scope.ACCOUNT)]),
        (Problem("rejectedIdentifier", "no"), 400, None, []),
        (Problem("caa", "no"), 403, None, []),
    ],
)
def test_other_answers_hold_others_back_only_where_they_concern_them(
    problem: Problem, status: int, wait: float | None, limits: list[Limit]
) -> None:
    assert list(limits_of(refused(problem, status, wait), NAMES)) == limits


def test_a_problem_inside_an_authorization_holds_nobody_back() -> None:
    inside = setback_from_problem(Problem("rateLimited", "too many"), status=None)
    assert limits_of(inside, NAMES) == ()


def test_an_order_passes_every_limit_that_it_could_meet() -> None:
    way = set(limits_for(NAMES))
    for limit in (
        Limit(Scope.ACCOUNT),
        limit_of_set(NAMES[::-1]),
        Limit(Scope.NAME, "*.example.org"),
        Limit(Scope.NAME, "example.org"),
        Limit(Scope.REGISTERED_DOMAIN, "example.co.uk"),
        Limit(Scope.REGISTERED_DOMAIN, "example.org"),
    ):
        assert limit in way
    assert Limit(Scope.REGISTERED_DOMAIN, "example.com") not in way


def test_long_sets_of_names_are_told_apart_by_a_short_text() -> None:
    names = [f"host-{number}.example.org" for number in range(100)]
    subject = limit_of_set(names).subject
    assert len(subject) < 512
    assert subject != limit_of_set([*names[1:], "other.example.org"]).subject


@pytest.mark.parametrize(
    ("detail", "moment"),
    [
        ("retry after 2026-08-15 19:14:33 UTC: see", datetime(2026, 8, 15, 19, 14, 33, tzinfo=UTC)),
        ("retry after 2026-08-15T20:00:00Z", datetime(2026, 8, 15, 20, tzinfo=UTC)),
        ("retry after 2026-13-45 20:00:00 UTC", None),
        ("retry after a while", None),
    ],
)
def test_the_moment_in_the_sentence_is_read(detail: str, moment: datetime | None) -> None:
    assert stated_moment(Problem("rateLimited", detail)) == moment
