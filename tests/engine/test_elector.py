"""One candidate, step by step, with clocks that stand still: when it takes the lead, when it lets go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certwright.engine.elector import LEASE, RENEW_DEADLINE, RETRY, Elector
from certwright.engine.lease import LeaseRecord
from certwright.failures import NeedsPerson, TryLater
from tests.engine.hand_clock import HandClock
from tests.engine.memory_lease import Fault, MemoryLeases, Store

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
OUTAGE = TryLater("APIServerUnavailable", "PUT was not answered")


class Candidate:
    """An elector with its own way to the shared store; all of them see the same seconds pass."""

    def __init__(
        self, store: Store, clock: HandClock, name: str = "a", *, skew: timedelta = timedelta(), **more: Any
    ) -> None:
        self.clock = clock
        self.leases = MemoryLeases(store, clock)
        self.process = f"process-of-{name}"
        began = clock()
        arguments: dict[str, Any] = {
            "identity": name,
            "process": self.process,
            "seconds": clock,
            "clock": lambda: NOON + skew + timedelta(seconds=clock() - began),
            "dice": lambda: 0.0,
            "on_lead": lambda _term: None,
            "on_loss": lambda _term: None,
        }
        self.elector = Elector(self.leases, **(arguments | more))

    @property
    def term(self) -> int:
        assert self.elector.valid() == (self.elector.term > 0)
        return self.elector.term

    def step(self, *faults: Fault) -> float:
        """One try that meets these faults; what it asked is in `leases.asked`."""
        self.leases.asked.clear()
        self.leases.faults = list(faults)
        return self.elector.step()

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    def give_back(self, *faults: Fault) -> None:
        """Stop, as the elector's thread does it."""
        self.leases.asked.clear()
        self.leases.faults = list(faults)
        self.elector.stop()
        self.elector._run()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def leader(store: Store, clock: HandClock) -> Candidate:
    """Has just taken a Lease that nobody had."""
    leader = Candidate(store, clock)
    leader.step()
    assert leader.term == 1
    return leader


@pytest.fixture
def standby(leader: Candidate, store: Store, clock: HandClock) -> Candidate:
    """Has just seen that the other leads."""
    standby = Candidate(store, clock, "b")
    standby.step()
    assert (standby.term, standby.elector.holder) == (0, "a")
    assert leader.term == 1
    return standby


def held(store: Store) -> LeaseRecord:
    assert store.record
    return store.record


# Taking the lead


def test_whoever_finds_no_lease_makes_one_and_leads(store: Store, clock: HandClock) -> None:
    candidate = Candidate(store, clock)
    assert candidate.term == 0
    assert candidate.step() == RETRY
    assert candidate.leases.asked == ["read", "write"]
    assert candidate.term == 1
    assert store.record == LeaseRecord(
        holder="a",
        process="process-of-a",
        duration=10,
        transitions=0,
        acquired=NOON,
        renewed=NOON,
        version="1",
    )


def test_of_two_that_find_no_lease_one_leads(store: Store, clock: HandClock) -> None:
    first, second = Candidate(store, clock), Candidate(store, clock, "b")
    late = second.elector._election.attempt()
    assert next(late) is None
    wish = late.send(store.record)
    first.step()
    assert wish
    with pytest.raises(StopIteration):
        late.send(store.write(wish))
    assert (first.term, second.term) == (1, 0)


NEVER_HELD = [
    pytest.param(LeaseRecord(), id="empty, as an applied manifest makes it"),
    pytest.param(LeaseRecord(holder="", duration=1, transitions=4, renewed=NOON), id="given back"),
]


@pytest.mark.parametrize("record", NEVER_HELD)
def test_a_lease_that_nobody_has_is_taken_at_the_first_try(
    store: Store, clock: HandClock, record: LeaseRecord
) -> None:
    store.put(record)
    candidate = Candidate(store, clock)
    candidate.step()
    assert candidate.term == 1
    assert held(store).transitions == record.transitions + 1


@pytest.mark.parametrize("skew", [timedelta(days=-400), timedelta(), timedelta(days=400)])
def test_times_that_others_wrote_mean_nothing(store: Store, clock: HandClock, skew: timedelta) -> None:
    leader, standby = Candidate(store, clock, skew=skew), Candidate(store, clock, "b")
    leader.step()
    standby.step()
    standby.wait(LEASE - 0.1)
    standby.step()
    assert standby.term == 0
    standby.wait(0.1)
    standby.step()
    assert standby.term == 1


def test_a_standby_tries_the_moment_the_lease_runs_out(standby: Candidate, store: Store) -> None:
    pauses = []
    while not standby.term:
        pauses.append(standby.step())
        standby.wait(pauses[-1])
    assert sum(pauses[:-1]) == pytest.approx(LEASE)
    assert max(pauses) == RETRY
    assert (held(store).holder, held(store).transitions) == ("b", 1)


def test_the_wait_begins_anew_with_each_sign_of_life(standby: Candidate, leader: Candidate) -> None:
    for _ in range(20):
        standby.wait(RETRY)
        leader.step()
        standby.step()
        assert (leader.term, standby.term) == (1, 0)


def test_the_wait_begins_when_the_answer_is_here(store: Store, clock: HandClock) -> None:
    leader, standby = Candidate(store, clock), Candidate(store, clock, "b")
    leader.step()
    standby.step(Fault(after=4))
    standby.wait(LEASE - 0.1)
    standby.step()
    assert standby.term == 0
    standby.wait(0.1)
    standby.step()
    assert standby.term == 1


def test_whoever_asked_for_a_longer_wait_is_given_it(standby: Candidate, store: Store) -> None:
    store.put(replace(held(store), duration=15))
    standby.step()
    standby.wait(15 - 0.1)
    standby.step()
    assert standby.term == 0
    standby.wait(0.1)
    standby.step()
    assert standby.term == 1


def test_a_holder_emptied_by_hand_may_not_know_so_the_lease_runs_out(
    standby: Candidate, leader: Candidate, store: Store
) -> None:
    store.put(replace(held(store), holder=""))
    standby.step()
    assert standby.term == 0
    leader.wait(RETRY)
    leader.step()
    assert leader.term == 0
    assert leader.leases.asked == ["write", "read"]
    standby.wait(LEASE)
    standby.step()
    assert standby.term == 1


# Keeping it


def test_a_renewal_is_one_write_and_keeps_the_term(leader: Candidate, store: Store) -> None:
    leader.wait(RETRY)
    assert leader.step() == RETRY
    assert leader.leases.asked == ["write"]
    assert leader.term == 1
    renewed = NOON + timedelta(seconds=RETRY)
    assert (held(store).acquired, held(store).renewed, held(store).transitions) == (NOON, renewed, 0)


def test_a_leader_trusts_itself_from_the_start_of_its_last_renewal(leader: Candidate) -> None:
    leader.wait(RETRY)
    leader.step(Fault(before=1, after=1))
    leader.wait(RENEW_DEADLINE - 2 - 0.1)
    assert leader.term == 1
    leader.wait(0.1)
    assert leader.term == 0


def test_the_read_before_a_write_does_not_shorten_the_time(store: Store, clock: HandClock) -> None:
    """Nobody can have seen the write before it was sent."""
    candidate = Candidate(store, clock)
    candidate.step(Fault(before=2.9), Fault(before=1))
    candidate.wait(RENEW_DEADLINE - 1 - 0.1)
    assert candidate.term == 1
    candidate.wait(0.1)
    assert candidate.term == 0


def test_slow_requests_are_followed_by_the_next_at_once(leader: Candidate) -> None:
    for _ in range(5):
        leader.wait(leader.step(Fault(before=2.9)))
        assert leader.term == 1


# A commit that nobody heard of, a request that never arrived, a connection that hung: the same to the leader.
FAILURES = [
    pytest.param(Fault(arrives=False, error=OUTAGE), id="refused"),
    pytest.param(Fault(before=3, arrives=False, error=OUTAGE), id="hung"),
    pytest.param(Fault(after=3, error=OUTAGE), id="stored, and the answer was lost"),
    pytest.param(Fault(arrives=False, error=ValueError("a bug")), id="a bug"),
    pytest.param(Fault(arrives=False, error=SystemExit("a library that exits")), id="even an exit"),
    pytest.param(
        Fault(arrives=False, error=NeedsPerson("Forbidden", "cannot update leases")), id="forbidden"
    ),
]


@pytest.mark.parametrize("failure", FAILURES)
def test_one_failed_renewal_costs_nothing(leader: Candidate, failure: Fault) -> None:
    leader.wait(RETRY)
    leader.wait(leader.step(failure))
    assert leader.term == 1
    assert leader.elector.trouble
    leader.step()
    assert leader.term == 1
    assert not leader.elector.trouble
    leader.wait(RENEW_DEADLINE - 0.1)
    assert leader.term == 1


@pytest.mark.parametrize("failure", FAILURES)
def test_a_leader_cut_off_stops_when_its_time_is_up_and_leads_anew_when_it_is_over(
    leader: Candidate, store: Store, failure: Fault
) -> None:
    renewed = leader.clock()
    while leader.clock() < renewed + 60:
        leader.wait(leader.step(*[failure._replace(arrives=False)] * 2))
        assert leader.term == (1 if leader.clock() < renewed + RENEW_DEADLINE else 0)
    leader.step()
    assert leader.term == 2
    assert held(store).transitions == 0, "nobody else had it in between"


def test_a_leader_looks_the_moment_its_time_is_up(leader: Candidate) -> None:
    leader.wait(5)
    assert leader.step(Fault(arrives=False, error=OUTAGE)) == pytest.approx(RENEW_DEADLINE - 5)


def test_an_answer_that_took_too_long_is_no_lead(store: Store, clock: HandClock) -> None:
    candidate = Candidate(store, clock)
    candidate.step(Fault(), Fault(after=RENEW_DEADLINE))
    assert (held(store).holder, candidate.term) == ("a", 0)
    candidate.step()
    assert candidate.term == 1


def test_a_renewal_that_ends_after_the_old_time_was_up_begins_a_new_term(leader: Candidate) -> None:
    leader.wait(RENEW_DEADLINE - 1)
    leader.step(Fault(before=2))
    assert leader.term == 2


def test_a_lease_won_without_hearing_of_it_is_known_as_ours_at_the_next_try(
    leader: Candidate, standby: Candidate, store: Store
) -> None:
    leader.wait(LEASE)
    standby.step(Fault(), Fault(error=OUTAGE))
    assert standby.term == 0
    standby.step()
    assert standby.term == 1
    assert held(store).transitions == 1, "counted once"


def test_a_lost_race_is_not_a_trouble(standby: Candidate, store: Store) -> None:
    standby.wait(LEASE)
    rival = standby.elector._election.attempt()
    assert next(rival) is None
    wish = rival.send(store.record)
    assert wish
    store.put(replace(held(store), holder="c", process="process-of-c"))
    with pytest.raises(StopIteration):
        rival.send(store.write(wish))
    standby.step()
    assert (standby.term, standby.elector.trouble, standby.elector.holder) == (0, "", "c")


# Being superseded


def test_a_stalled_leader_that_wakes_finds_its_successor(leader: Candidate, standby: Candidate) -> None:
    leader.wait(LEASE)
    standby.step()
    assert (leader.term, standby.term) == (0, 1)
    leader.step()
    assert leader.leases.asked == ["read"]
    assert (leader.term, leader.elector.holder, standby.term) == (0, "b", 1)


def test_a_running_process_steps_down_at_once_for_another_of_its_name(
    leader: Candidate, store: Store
) -> None:
    """Wrongly set up: two replicas of one name."""
    store.put(replace(held(store), process="process-of-another"))
    leader.wait(RETRY)
    leader.step()
    assert leader.term == 0
    leader.wait(RETRY)
    leader.step()
    assert leader.term == 0


def test_the_same_pod_started_again_takes_over_at_once(leader: Candidate, store: Store) -> None:
    again = Candidate(store, leader.clock, process="another", restarts=True)
    again.step()
    assert (again.term, held(store).process, held(store).transitions) == (1, "another", 1)


def test_taking_over_at_once_survives_failures(leader: Candidate, store: Store) -> None:
    again = Candidate(store, leader.clock, process="another", restarts=True)
    again.step(Fault(arrives=False, error=OUTAGE))
    again.step(Fault(), Fault(arrives=False, error=OUTAGE))
    assert again.term == 0
    again.step()
    assert again.term == 1


def test_a_name_that_is_not_passed_on_says_nothing(leader: Candidate, store: Store) -> None:
    namesake = Candidate(store, leader.clock, process="another")
    namesake.step()
    assert namesake.term == 0


def test_only_what_is_found_when_starting_is_from_a_former_life(leader: Candidate, store: Store) -> None:
    again = Candidate(store, leader.clock, "c", restarts=True)
    again.step()
    store.put(replace(held(store), holder="c", process="process-of-another"))
    again.step()
    assert again.term == 0


# A Lease that vanishes


def test_a_leader_whose_lease_was_deleted_makes_a_new_one(
    leader: Candidate, standby: Candidate, store: Store
) -> None:
    store.record = None
    standby.step()
    assert standby.term == 0, "the leader does not know yet"
    leader.wait(RETRY)
    leader.step()
    assert leader.leases.asked == ["write", "read", "write"]
    assert (leader.term, held(store).holder) == (1, "a")


def test_a_deleted_lease_without_a_leader_is_made_anew_when_it_would_have_run_out(
    standby: Candidate, store: Store
) -> None:
    store.record = None
    standby.step()
    standby.wait(LEASE - 0.1)
    standby.step()
    assert standby.term == 0
    standby.wait(0.1)
    standby.step()
    assert standby.term == 1


# Giving it back


def test_a_lease_given_back_is_taken_at_the_next_try(
    leader: Candidate, standby: Candidate, store: Store
) -> None:
    leader.give_back()
    assert leader.term == 0
    assert leader.leases.asked == ["write"]
    released = held(store)
    assert (released.holder, released.process, released.duration, released.transitions) == ("", "", 1, 0)
    standby.wait(RETRY)
    standby.step()
    assert (standby.term, held(store).holder, held(store).transitions) == (1, "b", 1)


GIVING_BACK = [
    pytest.param([Fault(arrives=False, error=OUTAGE)], ["write", "read", "write"], id="refused once"),
    pytest.param([Fault(error=OUTAGE)], ["write", "read"], id="stored, and the answer was lost"),
    pytest.param([Fault(arrives=False)], ["write", "read", "write"], id="a lost race"),
    pytest.param(
        [Fault(arrives=False, error=ValueError("a bug"))] * 2, ["write", "read", "read", "write"], id="twice"
    ),
]


@pytest.mark.parametrize(("faults", "asked"), GIVING_BACK)
def test_giving_back_is_tried_again(
    leader: Candidate, store: Store, faults: list[Fault], asked: list[str]
) -> None:
    leader.give_back(*faults)
    assert leader.leases.asked == asked
    assert held(store).given_back


def test_a_leader_cut_off_still_gives_back_what_has_its_name(leader: Candidate, store: Store) -> None:
    leader.wait(RENEW_DEADLINE)
    leader.step(Fault(arrives=False, error=OUTAGE))
    assert leader.term == 0
    leader.give_back()
    assert held(store).given_back


def test_what_another_has_taken_is_not_given_back(
    leader: Candidate, standby: Candidate, store: Store
) -> None:
    leader.wait(LEASE)
    standby.step()
    leader.give_back()
    assert held(store).holder == "b"


def test_a_standby_that_stops_asks_for_nothing(standby: Candidate) -> None:
    standby.give_back()
    assert standby.leases.asked == []


def test_a_try_under_way_while_stopping_takes_nothing(store: Store, clock: HandClock) -> None:
    candidate = Candidate(store, clock)
    attempt = candidate.elector._election.attempt()
    assert next(attempt) is None
    candidate.elector.stop()
    with pytest.raises(StopIteration):
        attempt.send(None)
    assert store.record is None


# What people see


def test_a_missing_permission_is_told_and_nobody_leads(store: Store, clock: HandClock) -> None:
    candidate = Candidate(store, clock)
    candidate.step(Fault(error=NeedsPerson("Forbidden", 'cannot get resource "leases"')))
    assert (candidate.term, candidate.elector.trouble) == (0, 'cannot get resource "leases"')


TIMES = [(10, 10, 1.5), (10, 12, 1.5), (10, 6, 6), (10, 6, 0)]


@pytest.mark.parametrize(("lease", "renew_deadline", "retry"), TIMES)
def test_times_that_leave_no_room_are_refused(
    store: Store, clock: HandClock, lease: float, renew_deadline: float, retry: float
) -> None:
    with pytest.raises(ValueError, match="must grow"):
        Candidate(store, clock, lease=lease, renew_deadline=renew_deadline, retry=retry)


def test_pauses_are_spread_so_that_candidates_do_not_march_in_step(store: Store, clock: HandClock) -> None:
    assert Candidate(store, clock, dice=lambda: 0.999).step() == pytest.approx(RETRY * 0.8, rel=0.01)
