"""Names at an account: who may have the CA look, what is counted, and what outlives the process."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certwright.failures import NotYet
from certwright.reconcile.gates import Gates, Traveller
from certwright.reconcile.validations import NET, SEAT_LIFE, CameOf
from certwright.resources.attempt import Attempt, Proof
from certwright.resources.ledger import MOST_FAILING
from certwright.resources.names import Ref
from tests.reconcile.fakes import Clock, FakeLedgers
from tests.reconcile.situations import ATTEMPT

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

ISSUER = Ref("Issuer", "shop", "ca")
DIRECTORY, ACCOUNT = "https://ca.example/dir", "https://ca.example/account/1"
NAME = "www.example.org"
HOUR = timedelta(hours=1)


def proof(name: str) -> Proof:
    """Of a name, wildcards with their "*."."""
    return Proof(
        identifier=name.removeprefix("*."),
        wildcard=name.startswith("*."),
        authorization_url=f"https://ca.example/authorization/{name}",
        challenge_url=f"https://ca.example/challenge/{name}",
        solver=0,
        value="x",
    )


def attempt(number: int, *names: str, account: str = ACCOUNT) -> Attempt:
    asked = names or (NAME,)
    return replace(
        ATTEMPT,
        certificate=Ref("Certificate", "shop", f"web-{number}"),
        certificate_uid=f"uid-{number}",
        account_url=account,
        names=asked,
        proofs=tuple(map(proof, asked)),
    )


def certificate(number: int, *names: str, account: str = ACCOUNT) -> Traveller:
    ref = Ref("Certificate", "shop", f"web-{number}")
    return Traveller(ref, f"uid-{number}", ISSUER, DIRECTORY, account, names or (NAME,))


class Desk:
    """The counts of one process over a ledger that outlives it."""

    def __init__(self, ledgers: FakeLedgers | None = None, clock: Clock | None = None) -> None:
        self.clock, self.ledgers = clock or Clock(), ledgers or FakeLedgers()
        self.woken: list[Ref] = []
        self.gates = Gates(self.ledgers, self.clock, self.woken.append)
        self.gates.begin_term()
        self.counts = self.gates.validations

    def restarted(self, *under_way: Attempt) -> Desk:
        heir = Desk(self.ledgers, self.clock)
        for each in under_way:
            heir.counts.inherit(each)
        return heir

    def may_order(self, who: Traveller) -> bool:
        try:
            self.gates.enter(who)
        except NotYet:
            return False
        return True

    def may_tell(self, who: Attempt) -> bool:
        try:
            self.counts.tell(who, who.names)
        except NotYet:
            return False
        return True

    def fail(self, who: Attempt) -> None:
        self.counts.settle(who, CameOf(dict.fromkeys(who.names, "saw another TXT record")))
        self.counts.release(who.certificate_uid)

    def failed_thrice(self) -> Desk:
        for number in range(3):
            assert self.may_tell(attempt(number))
            self.fail(attempt(number))
        return self


def test_three_may_have_the_ca_look_at_a_name_and_the_fourth_goes_on_when_one_is_done() -> None:
    desk = Desk()
    assert [desk.may_tell(attempt(number)) for number in range(4)] == [True, True, True, False]
    assert desk.may_tell(attempt(0)), "whoever tells again is the same"
    assert desk.may_tell(attempt(5, "other.example.org"))
    assert desk.may_tell(attempt(6, account="https://ca.example/account/2"))
    desk.counts.proven(attempt(0))
    assert attempt(3).certificate in desk.woken
    assert desk.may_tell(attempt(3))
    assert desk.ledgers.writes == 0, "a success without a count to clear is not written"


def test_names_of_one_order_are_told_together_or_not_at_all() -> None:
    desk = Desk()
    for number in range(3):
        desk.may_tell(attempt(number, "a.example.org"))
    assert not desk.may_tell(attempt(4, "b.example.org", "a.example.org"))
    assert all(desk.may_tell(attempt(number, "b.example.org")) for number in (5, 6, 7))


def test_after_three_failures_nobody_orders_for_an_hour_and_everybody_hears_why() -> None:
    desk = Desk().failed_thrice()
    with pytest.raises(NotYet, match="failed 3 validations within an hour") as held:
        desk.gates.enter(certificate(9, "fine.example.org", NAME))
    assert (held.value.reason, held.value.identifier) == ("NameHeldBack", NAME)
    assert held.value.look_again_in == HOUR
    assert desk.may_order(certificate(9, "fine.example.org"))
    assert desk.may_order(certificate(9, account="https://ca.example/account/2"))
    desk.clock.move(hours=1)
    assert [desk.may_order(certificate(number)) for number in range(4)] == [True, True, True, False]


def test_a_failure_costs_one_write_and_whoever_comes_later_knows_of_it() -> None:
    desk = Desk().failed_thrice()
    assert desk.ledgers.writes == 3
    assert not desk.restarted().may_order(certificate(9))


def test_a_success_ends_the_rest_and_wakes_all_who_wait_for_it() -> None:
    desk = Desk()
    assert desk.may_tell(attempt(5, NAME))
    desk.fail(attempt(5))
    assert desk.may_tell(attempt(6))
    for number in (7, 8):
        desk.counts.settle(attempt(number), CameOf({}, unheard=[NAME]))
    waiting = [certificate(number) for number in range(10, 20)]
    assert not any(map(desk.may_order, waiting))
    desk.counts.proven(attempt(6))
    assert set(desk.woken) >= {each.ref for each in waiting}
    assert desk.may_order(waiting[0])
    assert desk.restarted().may_order(waiting[0])


def test_what_an_earlier_process_had_looked_at_keeps_its_place_until_it_is_looked_at() -> None:
    desk = Desk()
    before = [attempt(number) for number in range(3)]
    assert all(map(desk.may_tell, before))
    heir = desk.restarted(*before)
    assert not heir.may_tell(attempt(4))
    assert heir.may_tell(before[0])
    heir.counts.looked_at(before[1])
    assert not heir.may_tell(attempt(4)), "the CA may be at it just now"
    heir.clock.now += NET
    heir.counts.looked_at(before[1])
    assert heir.may_tell(attempt(4))


def test_an_attempt_without_an_order_has_told_nobody() -> None:
    desk = Desk().restarted(*(replace(attempt(number), order_url="") for number in range(3)))
    assert desk.may_tell(attempt(4))


def test_a_place_that_nobody_gives_back_is_free_when_its_failure_would_not_count_any_more() -> None:
    desk = Desk()
    assert all(desk.may_tell(attempt(number)) for number in range(3))
    desk.clock.now += SEAT_LIFE - timedelta(seconds=1)
    assert not desk.may_tell(attempt(4))
    desk.clock.move(seconds=1)
    assert desk.may_tell(attempt(4))


def test_an_order_that_was_not_placed_makes_room_for_another() -> None:
    desk = Desk()
    desk.fail(attempt(0))
    assert [desk.may_order(certificate(number)) for number in (1, 2, 3)] == [True, True, False]
    desk.counts.release("uid-1")
    assert certificate(3).ref in desk.woken
    assert desk.may_order(certificate(3))


def test_a_changed_issuer_has_each_name_tried_once_more() -> None:
    desk = Desk().failed_thrice()
    assert not desk.may_order(certificate(4))
    desk.gates.relent(ACCOUNT)
    assert desk.woken == [certificate(4).ref]
    assert desk.may_order(certificate(4))
    assert not desk.may_order(certificate(5))
    desk.fail(attempt(4))
    desk.gates.relent(ACCOUNT)
    assert not desk.may_order(certificate(5)), "CAs allow five an hour"


def test_a_credential_that_was_changed_before_the_last_failure_changes_nothing() -> None:
    desk = Desk().failed_thrice()
    desk.counts.pardon(ACCOUNT, desk.clock() - timedelta(seconds=1))
    assert not desk.may_order(certificate(4))
    desk.counts.pardon(ACCOUNT, desk.clock())
    assert desk.may_order(certificate(4))


def test_an_issuer_tells_which_names_rest_and_until_when_and_then_no_more() -> None:
    desk = Desk()
    assert desk.gates.shown(ISSUER, DIRECTORY, ACCOUNT) == ()
    desk.failed_thrice()
    assert desk.woken == [ISSUER] * 3
    (shown,) = desk.gates.shown(ISSUER, DIRECTORY, ACCOUNT)
    assert (shown.scope, shown.subject, shown.reason, shown.count) == ("name", NAME, "NameHeldBack", 3)
    assert shown.until == desk.clock() + HOUR
    assert shown.detail == "saw another TXT record"
    assert desk.gates.forget_idle(DIRECTORY, ACCOUNT) == shown.until
    desk.clock.now = shown.until
    assert desk.gates.shown(ISSUER, DIRECTORY, ACCOUNT) == ()
    assert desk.gates.forget_idle(DIRECTORY, ACCOUNT) is None


def test_names_that_fail_without_end_do_not_grow_a_ledger_without_end() -> None:
    desk = Desk()
    for number in range(MOST_FAILING + 50):
        desk.counts.settle(
            attempt(0), CameOf({f"{number}.{'long-label.' * 20}example.org": "\N{SNOWMAN}" * 500})
        )
        desk.clock.move(seconds=1)
    (body,) = desk.ledgers.bodies.values()
    assert len(body["data"]["ledger.json"].encode()) < 300 * 1024
    names = [row.name for row in desk.counts.rows(ACCOUNT)]
    assert len(names) == MOST_FAILING
    assert names[-1].startswith(f"{MOST_FAILING + 49}.")
    assert names[0].startswith("50."), "the oldest went"


def test_what_failed_long_ago_is_forgotten() -> None:
    desk = Desk()
    desk.fail(attempt(0))
    desk.clock.move(days=2)
    assert desk.gates.forget_idle(DIRECTORY, ACCOUNT) is None
    assert desk.counts.rows(ACCOUNT) == ()


def test_a_gate_and_a_count_of_one_account_stand_in_one_ledger() -> None:
    desk = Desk().failed_thrice()
    assert len(desk.ledgers.bodies) == 1
    (ledger,) = desk.ledgers.read_all()
    assert [row.name for row in ledger.failing] == [NAME]
    assert ledger.holds == ()


def test_a_row_that_somebody_edited_to_nonsense_is_passed_over() -> None:
    desk = Desk().failed_thrice()
    (name, body), *_ = desk.ledgers.bodies.items()
    edited = body["data"]["ledger.json"].replace('Z"', '"')
    desk.ledgers.bodies[name] = {**body, "data": {"ledger.json": edited}}
    assert desk.restarted().may_order(certificate(9))


NAMES = (("a",), ("b",), ("a", "b"), ("a",), ("b", "a"), ("a", "*.a"), ("*.a",), ("a",))


class World:
    """Certificates with names in common at a CA that remembers each failure until the name succeeds.

    It looks as soon as it is told, whenever we hear of that. A validation whose end nobody hears of is taken for
    failed, as the CA may have it.
    """

    def __init__(self) -> None:
        self.desk = Desk()
        self.ordered: dict[int, Attempt] = {}
        self.asked: dict[int, datetime] = {}
        self.failures: defaultdict[str, list[datetime]] = defaultdict(list)

    def go(self, number: int) -> None:
        """It goes on: orders, then has the CA look."""
        who = attempt(number, *NAMES[number])
        if number not in self.ordered:
            if self.desk.may_order(certificate(number, *NAMES[number])):
                self.ordered[number] = who
        elif number not in self.asked and self.desk.may_tell(who):
            self.asked[number] = self.desk.clock()

    def hurry(self, number: int) -> None:
        """It comes as far as it may, and fails."""
        self.go(number)
        self.go(number)
        self.fail(number)

    def look(self, number: int) -> None:
        """After a restart."""
        if number in self.ordered and number not in self.asked:
            self.desk.counts.looked_at(self.ordered[number])

    def restart(self, _number: int) -> None:
        self.desk = self.desk.restarted(*self.ordered.values())

    def act(self, _number: int) -> None:
        """Somebody changes the issuer."""
        self.desk.gates.relent(ACCOUNT)

    def fail(self, number: int) -> None:
        if number in self.asked:
            self._note_failures(number)
            self._end(number, CameOf(dict.fromkeys(NAMES[number], "no")))

    def lose(self, number: int) -> None:
        """It is deleted while the CA looks."""
        if number in self.asked:
            self._note_failures(number)
            self._end(number, CameOf({}, unheard=NAMES[number]))

    def succeed(self, number: int) -> None:
        if number in self.asked:
            for name in NAMES[number]:
                self.failures.pop(name, None)
            self._end(number, CameOf({}, proven=NAMES[number]))

    def drop(self, number: int) -> None:
        """It is deleted before the CA was told."""
        if number in self.ordered and number not in self.asked:
            self._end(number, CameOf({}))

    def _note_failures(self, number: int) -> None:
        for name in NAMES[number]:
            self.failures[name].append(self.asked[number])

    def _end(self, number: int, came: CameOf) -> None:
        who = self.ordered.pop(number)
        self.asked.pop(number, None)
        self.desk.counts.settle(who, came)
        self.desk.counts.release(who.certificate_uid)

    def most_within_an_hour(self) -> int:
        return max(
            (
                sum(begin <= each < begin + HOUR for each in times)
                for times in self.failures.values()
                for begin in times
            ),
            default=0,
        )


#: What these Certificates do one after the other, and how many seconds pass then.
Day: TypeAlias = "tuple[Callable[[World, int], None], tuple[list[int], int]]"
STEPS = (World.go, World.hurry, World.fail, World.lose, World.succeed, World.drop, World.look, World.restart)
EVERYBODY = list(range(len(NAMES)))
moves = st.tuples(
    st.permutations(EVERYBODY) | st.lists(st.sampled_from(EVERYBODY), max_size=6),
    st.sampled_from([0, 1, 60, 900, 1800, 3599, 3600, 40000]),
)


def lived(days: list[Day]) -> int:
    """The most failures of a name within an hour of these days."""
    world = World()
    for step, (numbers, seconds) in days:
        for number in numbers:
            step(world, number)
        world.desk.clock.move(seconds=seconds)
    return world.most_within_an_hour()


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), moves), max_size=60))
def test_whatever_happens_no_hour_sees_more_than_three_failures_of_a_name(days: list[Day]) -> None:
    assert lived(days) <= 3


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from((*STEPS, World.act)), moves), max_size=60))
def test_whatever_people_change_no_hour_sees_more_than_four(days: list[Day]) -> None:
    assert lived(days) <= 4


def test_the_bounds_are_met_so_that_a_rule_that_lets_one_more_through_would_be_seen() -> None:
    go, fail, act = World.go, World.fail, World.act
    tries: list[Day] = [(go, (EVERYBODY, 0)), (go, (EVERYBODY, 1)), (fail, (EVERYBODY, 60))]
    restart: Day = (World.restart, ([0], 0))
    assert lived(tries * 3) == 3
    assert lived([*tries, restart] * 3) == 3
    assert lived([tries[0], *tries, restart] * 3) == 3
    assert lived([*tries * 2, (act, ([0], 0)), *tries * 2, (act, ([0], 0)), *tries]) == 4
