"""Makes operator/REFUSALS.md: what the operator does about each refusal of a CA, as a day of it shows.

Nothing in its table is written by hand: each row is a Certificate at a CA that gives one answer for a whole day.
`python -m tests.reconcile.refusals_page` writes it; a test compares.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from certwright.acme.messages import Problem
from certwright.acme.refusals import ProblemKind, limits_of, setback_from_problem
from certwright.resources.names import Ref
from tests.kit.fake_ca_faults import page as html
from tests.kit.fake_ca_faults import problem
from tests.kit.fake_ca_policy import problem_document
from tests.kit.faults import Reset, acme
from tests.reconcile.days import Days
from tests.reconcile.world import CA, WEB, World, certificate_spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kit.fake_ca_faults import CaFault

PAGE = Path(__file__).parents[2] / "operator" / "REFUSALS.md"
#: HTTP status that goes with a type, where it is not 403.
STATUS = {
    "badNonce": 400,
    "alreadyReplaced": 409,
    "conflict": 409,
    "malformed": 400,
    "badCSR": 400,
    "rateLimited": 429,
    "serverInternal": 500,
    "accountDoesNotExist": 400,
}
#: Types that stand in an authorization, and mean there that a proof was not found.
OF_PROOFS = (
    "caa",
    "connection",
    "dns",
    "dnssec",
    "incorrectResponse",
    "tls",
    "unauthorized",
    "rejectedIdentifier",
)
UNTIL = "retry after 2026-11-24 15:00:00 UTC"
#: What Boulder says of its limits, and the wish of its Retry-After in seconds; "" for none.
LIMITS = (
    ("too many new orders (300) from this account in the last 3h0m0s", "2160"),
    ('too many certificates (50) already issued for "example.org" in the last 168h0m0s', "12000"),
    (
        "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s",
        "90000",
    ),
    ('too many failed authorizations (5) for "www.example.org" in the last 1h0m0s', "720"),
    (f"too many new orders (300) from this account in the last 3h0m0s, {UNTIL}", ""),
    ("", ""),
)
SILENCE = "no answer, or none that can be read"
PAUSE = "Your account is temporarily prevented from requesting certificates for www.example.org. Visit: https://ca.example/unpause"


@dataclass(frozen=True)
class Case:
    """One answer that a CA gives for a whole day, and whose it is."""

    says: str
    to: str
    strike: Callable[[World], object]
    known: Problem
    status: int | None
    tried: str = "new-order"

    @property
    def problem_known(self) -> bool:
        """Whether there was an answer at all."""
        return self.says != SILENCE


@dataclass(frozen=True)
class Day:
    """What came of it.

    Attributes:
        reason: of the condition Ready, as `message` is; `kind` is what it waits for.
        tries: minutes from the first try to each of the next.
        hour, day: how many requests the CA got in that time for this Certificate, nonces not counted.
    """

    case: Case
    reason: str
    message: str
    kind: str
    tries: tuple[int, ...]
    hour: int
    day: int


HEAD = """<!-- Made by `make format` from days that tests live through; a test compares. -->
# What happens when a CA refuses

Each row is a Certificate that is ordered at a CA which gives the same answer for a whole day. *Waits for*: `time`, it
is tried again by itself; `a person`, who must change something (it is still tried now and then, in case nobody says
so); `the CA`, nothing failed. *Also held*: what else sends nothing meanwhile, whoever owns it; when the time is over
one of them tries for all. *Tried again*: how long after the first try. The last columns count the requests that the CA
gets in the first hour and in the first day, nonces not counted.

An existing certificate stays in use through all of this, and a renewal begins early enough for most of it. A changed
spec is tried at once, unless the CA asked for the wait; what waits for a person is tried once its issuer is changed.
What a reason means, and what helps, is in [REASONS.md](REASONS.md).

| the CA says | to | reason | waits for | also held | tried again after | requests in 1 h | in 24 h |
|---|---|---|---|---|---|---|---|"""
SENTENCES = """
## What the condition Ready says after two minutes

The CA's own words are "no" and "not found" here. The day begins at noon.

| the CA says | to | message |
|---|---|---|"""
SHARED = """
## Certificates with a name in common

A failed validation is counted for the name at the account, whichever Certificate it was for, and also where that is
deleted and made again. After three within an hour the name rests for an hour; after a day of nothing but failures it is
tried once a day. A success ends that, and where somebody changes the issuer or a credential of its solvers the name is
tried once more at once. What the CA could not look at, and what our own look did not find, is not counted.

Of ten Certificates with one name that the CA cannot validate, the CA looks at the name so often:

| first hour | first day | second day | third day | fourth day |
|---|---|---|---|---|
| {} |

Meanwhile those that wait say: {}
"""


def cases() -> list[Case]:
    """Every type in an answer and in an authorization, and what has no type."""
    found = [_answer(kind.value, "") for kind in ProblemKind if kind.value and kind.value != "orderNotReady"]
    found += [_limit(detail, wish) for detail, wish in LIMITS]
    found += [_answer("rateLimited", PAUSE), _answer("brandNew", ""), _not_ready()]
    found += [_in_authorization(kind) for kind in (*OF_PROOFS, "brandNew")]
    found += [
        _without_type(status, wish)
        for status, wish in ((404, ""), (500, ""), (502, ""), (503, ""), (503, "600"))
    ]
    return [*found, _silence()]


def _answer(kind: str, detail: str) -> Case:
    status = STATUS.get(kind, 403)
    says = f"`{kind}`" + (" (a pause)" if detail else "")
    return Case(says, "newOrder", _rule(problem(kind, status, detail or "no")), Problem(kind, detail), status)


def _limit(detail: str, wish: str) -> Case:
    short = detail.split(" in the last", maxsplit=1)[0] or "without words"
    wait = f"Retry-After {wish}" if wish else "the time in the sentence" if UNTIL in detail else "no time"
    headers = {"retry_after": wish} if wish else {}
    fault = problem("rateLimited", 429, detail, **headers)
    return Case(
        f"`rateLimited`: {short}; {wait}", "newOrder", _rule(fault), Problem("rateLimited", detail), 429
    )


def _not_ready() -> Case:
    fault = problem("orderNotReady", 403, "not yet")
    known = Problem("orderNotReady")
    return Case("`orderNotReady`", "finalize", _rule(fault, "finalize"), known, 403, tried="finalize")


def _in_authorization(kind: str) -> Case:
    def strike(world: World) -> None:
        world.disk.ca.judge = lambda _proof: problem_document(kind, "not found")

    return Case(f"`{kind}`", "an authorization", strike, Problem(kind), None)


def _without_type(status: int, wish: str) -> Case:
    answer = html(status)
    headers = {**answer.headers, "retry-after": wish} if wish else answer.headers
    fault = type(answer)(answer.status, answer.body, headers)
    says = f"HTTP {status} without a problem document" + (f", Retry-After {wish}" if wish else "")
    return Case(says, "newOrder", _rule(fault), Problem(), status)


def _silence() -> Case:
    return Case(SILENCE, "newOrder", _rule(Reset()), Problem(), None)


def _rule(fault: CaFault, kind: str = "new-order") -> Callable[[World], object]:
    return lambda world: world.disk.ca.rule(acme(kind), fault)


def lived(case: Case) -> Day:
    """A day of one Certificate at a CA that always answers so."""
    world = World().ready()
    case.strike(world)
    began, first = world.clock(), len(world.disk.ca.seen)
    days = Days(world, CA, WEB)
    days.pass_by(minutes=2)
    ready = world.condition("Ready")
    stalled = world.condition("Stalled")
    days.pass_by(minutes=58)
    hour = _requests(world, first)
    days.pass_by(hours=23)
    assert ready is not None
    kind = "a person" if stalled else "time" if world.web.status.failure else "the CA"
    asked = [each for each in world.disk.ca.seen[first:] if each.kind == case.tried]
    tries = dict.fromkeys(round((each.at - began) / timedelta(minutes=1)) for each in asked)
    tries.pop(0, None)
    return Day(case, ready[1], ready[2], kind, tuple(tries), hour, _requests(world, first))


def _requests(world: World, first: int) -> int:
    return sum(each.kind != "new-nonce" for each in world.disk.ca.seen[first:])


def lived_together() -> tuple[list[int], str]:
    """How often a CA is told to look at a name that ten Certificates share, and what those that wait say."""
    ten = [Ref("Certificate", "shop", f"web-{number}") for number in range(10)]
    world = World().ready()
    world.disk.ca.rejects.add("www.example.org")
    for ref in ten:
        names = [f"{ref.name}.example.org", "www.example.org"]
        world.disk.apply(ref, certificate_spec(secretName=ref.name, dnsNames=names))
    world.see_all()
    began, days = world.clock(), Days(world, CA, *ten)
    days.pass_by(minutes=2)
    told = next(
        each[2] for ref in ten if (each := world.condition("Ready", ref)) and each[1] == "NameHeldBack"
    )
    days.pass_by(days=4)
    proofs = world.disk.ca.authorizations.values()
    times = [each.began - began for each in proofs if each.name == "www.example.org" and each.began]
    hour, day = timedelta(hours=1), timedelta(days=1)
    counts = [sum(each < hour for each in times)]
    return [
        *counts,
        *(sum(number * day <= each < (number + 1) * day for each in times) for number in range(4)),
    ], told


def page() -> str:
    """The whole page."""
    days = [lived(case) for case in cases()]
    rows = [
        f"| {day.case.says} | {day.case.to} | `{day.reason}` | {day.kind} | {_held(day.case)} | {_tries(day)} "
        f"| {day.hour} | {day.day} |"
        for day in days
    ]
    sentences = [f"| {day.case.says} | {day.case.to} | {day.message} |" for day in days]
    counts, told = lived_together()
    shared = SHARED.format(" | ".join(map(str, counts)), told)
    return "\n".join([HEAD, *rows, SENTENCES, *sentences, shared])


def _held(case: Case) -> str:
    """Who waits besides the Certificate that was refused."""
    if not case.problem_known:
        return ""
    wish = timedelta(seconds=1) if "Retry-After" in case.says else None
    refused = setback_from_problem(case.known, status=case.status, retry_after=wish)
    return ", ".join(
        f"{limit.scope.value} {limit.subject}".strip() for limit in limits_of(refused, ("www.example.org",))
    )


def _tries(day: Day) -> str:
    """The first of the next tries, as people say it."""
    told = [_span(minutes) for minutes in day.tries[:5]]
    return ", ".join(told) + (", …" if len(day.tries) > len(told) else "") or "none within a day"


def _span(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{rest} min"] * (rest > 0 or not hours))


if __name__ == "__main__":
    logging.disable()
    PAGE.write_text(page())
