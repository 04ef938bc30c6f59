"""Gates: one refusal holds all whom it concerns, and one of them tries for all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.acme.messages import Problem
from certwright.acme.refusals import Refused, setback_from_problem
from certwright.failures import TryLater
from certwright.reconcile.gates import IDLE, WIDE, Gates, Held, Traveller
from certwright.resources.conditions import Reason
from certwright.resources.ledger import MOST_HOLDS
from certwright.resources.names import Ref
from tests.reconcile.fakes import Clock, FakeLedgers

ISSUER = Ref("Issuer", "shop", "ca")
DIRECTORY, ACCOUNT = "https://ca.example/dir", "https://ca.example/account/1"
TOO_MANY = "too many new orders (300) from this account"


class Post:
    """Gates over fakes."""

    def __init__(self, ledgers: FakeLedgers | None = None, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.ledgers = ledgers or FakeLedgers()
        self.woken: list[Ref] = []
        self.gates = Gates(self.ledgers, self.clock, self.woken.append)
        self.gates.begin_term()

    def restarted(self) -> Post:
        return Post(self.ledgers, self.clock)

    def may_pass(self, who: Traveller) -> bool:
        try:
            self.gates.enter(who)
        except Held:
            return False
        return True


def traveller(number: int = 0, *names: str, account: str = ACCOUNT) -> Traveller:
    ref = Ref("Certificate", "shop", f"web-{number}")
    asked = names or (f"{number}.example.org",)
    return Traveller(ref, f"uid-{number}", ISSUER, DIRECTORY, account, asked)


def refusal(detail: str = TOO_MANY, status: int = 429, wait: float | None = 60.0) -> Refused:
    kind = "rateLimited" if status == 429 else "serverInternal"
    wish = None if wait is None else timedelta(seconds=wait)
    return setback_from_problem(Problem(kind, detail), status=status, retry_after=wish)


def closed(detail: str = TOO_MANY, status: int = 429, wait: float | None = 60.0) -> Post:
    post = Post()
    post.gates.enter(traveller(0))
    post.gates.refused(traveller(0), refusal(detail, status, wait))
    post.gates.leave("uid-0")
    return post


def test_a_limit_of_the_account_holds_its_other_orders_until_its_time() -> None:
    post = closed()
    assert not post.may_pass(traveller(1))
    post.clock.move(seconds=59)
    assert not post.may_pass(traveller(1))
    post.clock.move(seconds=3)
    assert post.may_pass(traveller(1))


@pytest.mark.parametrize(
    ("detail", "held", "free"),
    [
        (
            'too many certificates (50) already issued for "example.org"',
            traveller(1, "b.example.org"),
            traveller(2, "example.com"),
        ),
        ("already issued for this exact set of identifiers", traveller(1, "0.example.org"), traveller(2)),
        (
            'too many failed authorizations (5) for "0.example.org"',
            traveller(1, "x.example.com", "0.example.org"),
            traveller(2),
        ),
        (TOO_MANY, traveller(1), traveller(2, account="https://ca.example/account/2")),
    ],
)
def test_what_a_limit_does_not_concern_goes_on(detail: str, held: Traveller, free: Traveller) -> None:
    post = closed(detail)
    assert not post.may_pass(held)
    assert post.may_pass(free)


def test_a_busy_ca_holds_everything_that_is_asked_of_it() -> None:
    post = closed("busy", status=503)
    asking_only = Traveller(
        Ref("Certificate", "shop", "x"), "uid-x", ISSUER, DIRECTORY, "https://ca.example/account/2"
    )
    assert not post.may_pass(asking_only)
    elsewhere = Traveller(asking_only.ref, "uid-x", ISSUER, "https://other.example/dir")
    assert post.may_pass(elsewhere)


def test_refusals_in_a_row_wait_ever_longer_and_a_success_ends_the_row() -> None:
    """A CA of many servers, of which one is ill: what others answered in between shows that it is not away."""
    post, who, busy = Post(), traveller(0), refusal("busy", status=503, wait=1.0)
    waits = []
    for answered in (False, False, False, True, False):
        if answered:
            post.gates.passed(who.uid)
            post.gates.enter(who)
        waits.append(post.gates.refused(who, busy))
        post.gates.leave(who.uid)
        post.clock.move(seconds=30)
        post.gates.enter(who)
    assert waits == [timedelta(seconds=each) for each in (5, 10, 15, 5, 10)]


def test_a_success_of_who_passed_before_a_gate_closed_opens_nothing() -> None:
    post, early, late = closed("busy", status=503), traveller(0), traveller(1)
    post.clock.move(seconds=61)
    post.gates.enter(early)
    post.gates.passed(early.uid)
    post.gates.enter(early)
    post.gates.enter(late)
    post.gates.refused(late, refusal("busy", status=503, wait=90.0))
    post.gates.passed(early.uid)
    post.clock.move(seconds=91)
    assert post.may_pass(late)
    assert not post.may_pass(traveller(2)), "one at a time, as after each closing"


def test_a_limit_of_new_accounts_holds_only_who_needs_one() -> None:
    post = Post()
    newcomer = Traveller(ISSUER, "uid-issuer", ISSUER, DIRECTORY)
    post.gates.refused(newcomer, refusal("too many new registrations (10) from this IP address"))
    post.gates.enter(newcomer)
    with pytest.raises(Held, match="no new accounts"):
        post.gates.enter(newcomer, registers=True)


def test_ten_thousand_who_wait_send_one_request_at_each_opening() -> None:
    post = closed()
    crowd = [traveller(number) for number in range(1, 10_001)]
    requests = 0
    for _ in range(5):
        assert not any(post.may_pass(each) for each in crowd)
        post.clock.move(seconds=62)
        passed = [each for each in crowd if post.may_pass(each)]
        requests += len(passed)
        for each in passed:
            post.gates.refused(each, refusal())
            post.gates.leave(each.uid)
        assert not post.woken, "nobody is woken for a gate that closed again"
    assert requests == 5
    assert post.ledgers.writes == 6


def test_after_one_that_went_well_two_may_pass_then_four_and_then_all() -> None:
    post = closed()
    crowd = [traveller(number) for number in range(1, 101)]
    for each in crowd:
        post.may_pass(each)
    post.clock.move(seconds=62)
    sizes: list[int] = []
    passing = [each for each in crowd if post.may_pass(each)]
    while passing and len(sizes) < 6:
        sizes.append(len(passing))
        for each in passing:
            post.gates.passed(each.uid)
            crowd.remove(each)
        woken = {ref for ref in post.woken if ref != ISSUER}
        post.woken.clear()
        passing = [each for each in crowd if each.ref in woken and post.may_pass(each)]
    assert sizes[0] == 1
    assert sizes[1] == 2
    assert sum(sizes) == 100
    assert post.restarted().may_pass(traveller(7)), "the gate is gone from the ledger, too"


def test_a_refusal_in_the_middle_closes_the_gate_anew() -> None:
    post = closed()
    post.clock.move(seconds=62)
    assert post.may_pass(traveller(1))
    post.gates.passed("uid-1")
    assert post.may_pass(traveller(2))
    post.gates.refused(traveller(2), refusal(wait=300.0))
    assert not post.may_pass(traveller(3))
    post.clock.move(seconds=299)
    assert not post.may_pass(traveller(3))


def test_who_tried_without_learning_anything_makes_room_for_the_next() -> None:
    post = closed()
    post.may_pass(traveller(2))
    post.clock.move(seconds=62)
    assert post.may_pass(traveller(1))
    assert not post.may_pass(traveller(2))
    post.gates.leave("uid-1")
    assert traveller(2).ref in post.woken
    assert post.may_pass(traveller(2))


def test_a_closed_gate_survives_a_restart() -> None:
    post = closed(wait=3600.0)
    after = post.restarted()
    assert not after.may_pass(traveller(1))
    after.clock.move(seconds=3602)
    assert after.may_pass(traveller(1))


def test_a_ledger_that_cannot_be_written_or_read_loses_no_gate_of_this_process() -> None:
    post = Post()
    post.ledgers.fault = TryLater(Reason.API_SERVER_UNAVAILABLE.word, "no answer")
    post.gates.refused(traveller(0), refusal())
    assert not post.may_pass(traveller(1))
    post.ledgers.fault = None
    post.ledgers.bodies["x"] = {
        "metadata": {"name": "x", "resourceVersion": "1"},
        "data": {"ledger.json": "{"},
    }
    assert post.restarted().may_pass(traveller(1))


def test_answers_that_were_under_way_together_count_once_and_are_written_once() -> None:
    post = Post()
    crowd = [traveller(number) for number in range(16)]
    for each in crowd:
        post.gates.enter(each)
    for each in crowd:
        post.gates.refused(each, refusal())
    assert post.ledgers.writes == 1
    assert [hold.count for hold in post.gates.shown(ISSUER, DIRECTORY, ACCOUNT)] == [1]


def test_without_a_wish_of_the_ca_the_pauses_grow() -> None:
    post = Post()
    times = []
    for _ in range(4):
        held = post.gates.refused(traveller(0), refusal(wait=None))
        assert held is not None
        times.append(round(held.total_seconds() / 60))
        post.clock.move(seconds=held.total_seconds() + 1)
    assert times == [5, 15, 60, 60]


def test_the_moment_in_the_sentence_stands_in_for_a_missing_header() -> None:
    post = Post()
    until = (post.clock() + timedelta(hours=3)).strftime("%Y-%m-%d %H:%M:%S UTC")
    held = post.gates.refused(
        traveller(0), refusal(f"{TOO_MANY} in the last 3h, retry after {until}", wait=None)
    )
    assert held is not None
    assert abs(held - timedelta(hours=3)) < timedelta(seconds=3)


@pytest.mark.parametrize("wait", [0.0, 10 * 365 * 86400.0])
def test_absurd_wishes_are_bounded(wait: float) -> None:
    held = Post().gates.refused(traveller(0), refusal(wait=wait))
    assert held is not None
    assert timedelta(seconds=5) <= held <= timedelta(days=2, seconds=1)


def test_an_issuer_tells_what_holds_and_is_woken_when_that_changes() -> None:
    post = Post()
    assert post.gates.shown(ISSUER, DIRECTORY, ACCOUNT) == ()
    post.gates.refused(traveller(0), refusal())
    assert post.woken == [ISSUER]
    (hold,) = post.gates.shown(ISSUER, DIRECTORY, ACCOUNT)
    assert (hold.scope, hold.reason) == ("account", "RateLimited")
    assert TOO_MANY in hold.detail
    post.gates.forget(ISSUER)
    post.clock.move(seconds=62)
    post.gates.refused(traveller(0), refusal())
    assert post.woken == [ISSUER]


def test_a_gate_that_nobody_comes_to_is_forgotten() -> None:
    post = closed()
    post.gates.shown(ISSUER, DIRECTORY, ACCOUNT)
    again = post.gates.forget_idle(DIRECTORY, ACCOUNT)
    assert again is not None
    assert timedelta(0) < again - post.clock() <= timedelta(seconds=62) + IDLE
    post.clock.now = again + timedelta(seconds=1)
    assert post.gates.forget_idle(DIRECTORY, ACCOUNT) is None
    assert post.woken == [ISSUER]
    assert post.restarted().gates.shown(ISSUER, DIRECTORY, ACCOUNT) == ()


def test_the_sentence_of_who_waits_does_not_change_with_the_time() -> None:
    post = closed()
    told = set()
    for _ in range(3):
        with pytest.raises(Held) as caught:
            post.gates.enter(traveller(1))
        told.add(caught.value.message)
        post.clock.move(seconds=15)
    assert len(told) == 1
    assert "Issuer shop/ca" in told.pop()


def test_a_ca_cannot_make_us_remember_without_end() -> None:
    post = Post()
    for number in range(MOST_HOLDS + 50):
        who = traveller(number)
        post.gates.refused(
            who, refusal(f'too many failed authorizations (5) for "{who.names[0]}"', wait=60.0 + number)
        )
    (body,) = post.ledgers.bodies.values()
    assert len(body["data"]["ledger.json"]) < 512 * 1024
    assert not post.may_pass(traveller(MOST_HOLDS + 49)), "those that last longest are kept"
    assert post.may_pass(traveller(0))


steps = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from(["enter", "passed", "refused", "leave", "wait"])),
    max_size=60,
)


@given(steps)
def test_never_do_more_pass_a_gate_than_it_is_wide_and_never_before_its_time(
    told: list[tuple[int, str]],
) -> None:
    post = closed()
    until, width, inside = post.clock() + timedelta(seconds=60), 1, set[int]()
    for number, step in told:
        who = traveller(number)
        if step == "wait":
            post.clock.move(seconds=20)
        elif step == "enter":
            if post.may_pass(who):
                assert number in inside or width > WIDE or (post.clock() >= until and len(inside) < width)
                inside.add(number)
        elif number in inside:
            inside.discard(number)
            if step == "passed":
                width *= 2
                post.gates.passed(who.uid)
            elif step == "refused":
                post.gates.refused(who, refusal())
                if width > WIDE or post.clock() >= until:
                    until = post.clock() + timedelta(seconds=60)
                width = 1
            post.gates.leave(who.uid)
        if width > WIDE:
            inside.clear()


def test_somebody_who_acted_need_not_wait_for_the_time_of_what_waits_for_people() -> None:
    post = Post()
    terms = setback_from_problem(Problem("userActionRequired", "new terms"), status=403)
    post.gates.refused(traveller(0), terms)
    assert not post.may_pass(traveller(1))
    post.gates.relent(ACCOUNT)
    assert traveller(1).ref in post.woken
    assert post.may_pass(traveller(1))
    assert not post.may_pass(traveller(2)), "one tries for all"


def test_a_limit_does_not_end_because_somebody_changed_an_issuer() -> None:
    post = closed()
    post.gates.relent(ACCOUNT)
    assert not post.may_pass(traveller(1))


def test_a_ledger_that_somebody_edited_holds_no_longer_than_any_other() -> None:
    post = closed(wait=3600.0)
    (name, body), *_ = post.ledgers.bodies.items()
    edited = body["data"]["ledger.json"].replace("2026-", "9026-")
    post.ledgers.bodies[name] = {**body, "data": {"ledger.json": edited}}
    after = post.restarted()
    assert not after.may_pass(traveller(1))
    after.clock.move(seconds=2 * 86400 + 1)
    assert after.may_pass(traveller(1))
