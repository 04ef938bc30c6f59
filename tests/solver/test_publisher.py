"""The publisher against a cluster in memory: what is written when, and when a row counts as served."""

from __future__ import annotations

import itertools
import logging
import sys
import threading
import time
from datetime import timedelta
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

import pytest

from certwright.failures import NeedsPerson, NotYet, TryLater
from certwright.resources.conditions import Reason
from certwright.resources.names import ApiNames
from certwright.solver.tables import Row, decode_rows, table_name
from tests.solver.table_world import Killed, Pod, World, row, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.solver.publisher import TokenTables

DOWN = TryLater(Reason.API_SERVER_UNAVAILABLE.word, "the API server was not reached")
FORBIDDEN = NeedsPerson(Reason.FORBIDDEN.word, "configmaps is forbidden")


@pytest.fixture
def world() -> World:
    return World()


def raiser(*errors: BaseException | None) -> Any:
    """Raises these in turn, then nothing more."""
    left = list(errors)

    def act(*_: object) -> None:
        if left and (error := left.pop(0)):
            raise error

    return act


def write_times(world: World, index: int = 0) -> list[float]:
    return [at - 100 for at, name in world.writes if name == table_name(index)]


# What is written, and when


def test_a_row_is_written_at_once_served_and_its_owner_woken_once(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    assert not publisher.served(row(1))
    world.run(publisher, 0)
    assert world.holds(row(1))
    assert publisher.served(row(1))
    assert publisher.waiting_for(row(1)) == ""
    assert world.points == ["before:write-table", "after:write-table"]
    world.run(publisher, 60)
    assert world.woken == ["a"]


def test_the_first_write_goes_at_once_and_the_next_a_second_after_its_start(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 0.25)
    publisher.publish("b", rows(2), world.wake("b"))
    publisher.publish("c", rows(3), world.wake("c"))
    world.run(publisher, 5)
    assert write_times(world) == [0, 1]
    assert world.holds(*rows(1, 2, 3))
    assert world.woken == ["a", "b", "c"]


def test_a_slow_write_is_counted_from_its_start(world: World) -> None:
    publisher = world.leader()

    def slow(_: object) -> None:
        world.now += 0.75

    world.on_write = slow
    publisher.publish("a", rows(1), world.wake("a"))
    assert publisher.step(100.0) == 0
    publisher.publish("b", rows(2), world.wake("b"))
    world.run(publisher, 5)
    assert write_times(world) == [0, 1]


def test_a_thousand_rows_in_bursts_are_a_write_a_second_and_table(world: World) -> None:
    """40 bursts of 25 in ten seconds; the numbers are what the issue of writes is about, so they are printed."""
    publisher = world.leader()
    numbers = itertools.count()
    for _ in range(40):
        for number in itertools.islice(numbers, 25):
            publisher.publish(f"owner-{number}", rows(number), world.wake(f"owner-{number}"))
        world.run(publisher, 0.25)
    world.run(publisher, 3)
    assert world.holds(*rows(*range(1000)))
    assert sorted(world.woken) == sorted(f"owner-{number}" for number in range(1000))
    for index in (0, 1):
        times = write_times(world, index)
        assert all(later - earlier >= 1 for earlier, later in itertools.pairwise(times))
    print(f"1000 rows: {len(world.writes)} writes, {len(world.asks)} questions, {len(world.lists)} lists")
    assert len(world.writes) <= 13
    assert len(world.objects) == 2


def test_1200_rows_stand_in_three_tables(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(*range(1200)), world.wake("a"))
    world.run(publisher, 0)
    assert [len(decode_rows(world.objects[table_name(index)])) for index in range(3)] == [500, 500, 200]
    assert len(world.writes) == 3
    assert publisher.served(row(1199))


def test_removals_alone_wait_five_seconds_and_go_in_one_write(world: World) -> None:
    publisher = world.leader()
    for number in range(5):
        publisher.publish(f"{number}", rows(number), world.wake(""))
    world.run(publisher, 10)
    for number in range(4):
        publisher.withdraw(f"{number}")
        world.run(publisher, 1)
    world.run(publisher, 30)
    assert write_times(world) == [0, 15]
    assert world.holds(row(4))


def test_removals_ride_with_an_addition(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 10)
    publisher.withdraw("a")
    world.run(publisher, 2)
    publisher.publish("b", rows(2), world.wake("b"))
    world.run(publisher, 30)
    assert write_times(world) == [0, 12]
    assert world.holds(row(2))


def test_a_row_taken_back_before_it_was_removed_costs_nothing_and_is_served_at_once(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 10)
    publisher.withdraw("a")
    world.run(publisher, 1)
    publisher.publish("b", rows(1), world.wake("b"))
    assert publisher.served(row(1))
    world.run(publisher, 30)
    assert len(world.writes) == 1
    assert world.woken == ["a"], "b was told when it asked"


def test_a_row_stays_while_one_of_two_owners_wants_it(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1, 2), world.wake("a"))
    publisher.publish("b", rows(2), world.wake("b"))
    world.run(publisher, 10)
    publisher.withdraw("a")
    world.run(publisher, 10)
    assert world.holds(row(2))
    publisher.withdraw("b")
    world.run(publisher, 10)
    assert world.holds()


def test_the_same_rows_again_are_no_news(world: World) -> None:
    publisher = world.leader()
    for _ in range(20):
        publisher.publish("a", rows(1, 2), world.wake("a"))
        world.run(publisher, 0.5)
    assert len(world.writes) == 1
    assert world.woken == ["a"]


def test_the_last_to_publish_is_the_one_who_is_woken(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("first"))
    publisher.publish("a", rows(1), world.wake("second"))
    world.run(publisher, 1)
    assert world.woken == ["second"]


def test_other_rows_of_an_owner_replace_its_former_ones(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1, 2), world.wake("a"))
    world.run(publisher, 5)
    publisher.publish("a", rows(2, 3), world.wake("a"))
    assert not publisher.served(row(3))
    world.run(publisher, 5)
    assert world.holds(*rows(2, 3))
    assert world.woken == ["a", "a"]


def test_who_is_idle_asks_for_nothing(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 5)
    before = (len(world.writes), len(world.reads), len(world.lists), len(world.asks))
    assert publisher.step(world.now) == inf
    world.run(publisher, 3600)
    assert (len(world.writes), len(world.reads), len(world.lists), len(world.asks)) == before
    assert before == (1, 1, 1, 2)


def test_rows_that_were_wanted_before_and_after_a_change_go_with_their_owner(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1, 2), world.wake("a"))
    publisher.publish("a", rows(1, 2, 3), world.wake("a"))
    world.run(publisher, 5)
    publisher.withdraw("a")
    world.run(publisher, 10)
    assert world.holds()
    assert publisher.figures().rows == 0


# One host and token, two key authorizations: whoever runs a CA of their own can make it give them a token in use.

ONE, TWO = row(1, "one"), row(1, "two")


def test_of_two_values_for_one_token_the_first_counts_until_it_is_withdrawn(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", [ONE], world.wake("a"))
    world.run(publisher, 5)
    publisher.publish("b", [TWO], world.wake("b"))
    publisher.publish("a", [ONE], world.wake("a"))
    world.run(publisher, 60)
    assert publisher.served(ONE)
    assert not publisher.served(TWO)
    assert "already answered with another key authorization" in publisher.waiting_for(TWO)
    assert publisher.waiting_for(ONE) == ""
    assert world.holds(ONE)
    assert len(world.asks) == 2, "nobody is asked about what is not going to be served"
    publisher.withdraw("a")
    world.run(publisher, 5)
    assert world.holds(TWO)
    assert world.woken == ["a", "b"]
    assert publisher.waiting_for(TWO) == ""


def test_the_first_stays_the_first_when_it_wants_more(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", [ONE], world.wake("a"))
    publisher.publish("b", [TWO], world.wake("b"))
    publisher.publish("a", [ONE, row(2)], world.wake("a"))
    world.run(publisher, 5)
    assert world.holds(ONE, row(2))
    assert publisher.served(ONE)


def test_a_first_that_changes_its_mind_is_the_last(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", [ONE], world.wake("a"))
    publisher.publish("b", [TWO], world.wake("b"))
    publisher.publish("a", [row(1, "three")], world.wake("a"))
    world.run(publisher, 5)
    assert world.holds(TWO)


def test_the_first_value_lives_while_anybody_wants_it(world: World) -> None:
    publisher = world.leader()
    for owner, wanted in {"a": ONE, "b": TWO, "c": ONE}.items():
        publisher.publish(owner, [wanted], world.wake(owner))
    world.run(publisher, 5)
    publisher.withdraw("a")
    world.run(publisher, 30)
    assert world.holds(ONE)
    assert world.woken == ["a", "c"]


def test_what_stands_but_is_to_be_changed_is_not_served(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", [ONE], world.wake("a"))
    publisher.publish("b", [TWO], world.wake("b"))
    world.run(publisher, 5)
    publisher.withdraw("a")
    publisher.publish("a", [ONE], world.wake("again"))
    assert not publisher.served(ONE), "it stands until the table is written"
    publisher.withdraw("b")
    world.run(publisher, 30)
    assert world.woken == ["a", "again"]
    assert publisher.figures().oldest_unserved_seconds == 0
    assert len(world.writes) == 1


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize("listed", ["before they speak", "between", "after settling"])
def test_a_new_leader_goes_on_with_what_stands_in_whatever_order_owners_speak(
    world: World, order: str, listed: str
) -> None:
    old = world.leader()
    old.publish("a", [ONE], world.wake("a"))
    old.publish("b", [TWO], world.wake("b"))
    world.run(old, 5)
    new = world.publisher()
    new.begin()
    if listed == "before they speak":
        world.run(new, 5)
    for owner in order:
        new.publish(owner, [{"a": ONE, "b": TWO}[owner]], world.wake(f"new {owner}"))
        if listed == "between":
            world.run(new, 5)
    new.settle()
    world.run(new, 30)
    assert len(world.writes) == 1, "the table was never written with anything else"
    assert new.served(ONE)
    assert not new.served(TWO)
    new.withdraw("a")
    world.run(new, 5)
    assert world.holds(TWO)
    assert world.woken == ["a", "new a", "new b"]


def test_before_it_settles_a_new_leader_changes_nothing_that_stands(world: World) -> None:
    world.edit(0, "h1.test t1 one\n")
    publisher = world.publisher()
    publisher.begin()
    publisher.publish("b", [TWO, row(2)], world.wake("b"))
    world.run(publisher, 60)
    assert world.holds(ONE, row(2))
    assert world.woken == []
    publisher.settle()
    world.run(publisher, 5)
    assert world.holds(TWO, row(2))
    assert world.woken == ["b"]


# What it costs


def calls(work: Callable[[], object]) -> int:
    """How many functions, also built-in ones, are called."""
    made = itertools.count()
    before = sys.getprofile()

    def note(_: object, event: str, __: object) -> None:
        if event in ("call", "c_call"):
            next(made)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return next(made)


def costs(served_rows: int) -> dict[str, int]:
    """Calls of each kind of work while one owner waits and that many rows are served."""
    world = World()
    publisher = world.leader()
    for number in range(served_rows):
        publisher.publish(f"{number}", rows(number), world.wake(""))
    world.run(publisher, 5)
    assert len(world.woken) == served_rows
    world.pods["10.0.0.8"].follows = False
    last, wanted = row(served_rows - 1), row(served_rows)
    found = {"publish": calls(partial(publisher.publish, "waits", [wanted], world.wake("waits")))}
    world.run(publisher, 3)
    found["served"] = calls(partial(publisher.served, last))
    found["waiting_for"] = calls(partial(publisher.waiting_for, wanted))
    found["nothing due"] = calls(partial(publisher.step, world.now))
    asked = len(world.asks)
    world.now += 5
    found["ask"] = calls(partial(publisher.step, world.now))
    assert len(world.asks) > asked
    world.pods["10.0.0.8"].follows = True
    world.now += 5
    found["wake"] = calls(partial(publisher.step, world.now))
    assert world.woken[served_rows:] == ["waits"]
    publisher.withdraw("waits")
    world.run(publisher, 0)
    found["nothing left"] = calls(partial(publisher.step, world.now))
    return found


def test_a_step_costs_no_more_for_all_the_rows_that_are_served() -> None:
    few, many = costs(20), costs(3_000)
    print(f"calls with 20 rows: {few}, with 3000: {many}")
    assert {kind: count for kind, count in many.items() if count > few[kind] + 500} == {}


def test_a_solver_pod_that_serves_less_than_before_is_noticed_by_all_whom_it_concerns(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 5)
    world.pods["10.0.0.9"] = Pod(follows=False)
    publisher.publish("b", rows(2), world.wake("b"))
    world.run(publisher, 5)
    assert not publisher.served(row(1))
    assert publisher.figures().oldest_unserved_seconds == pytest.approx(5, abs=1)
    del world.pods["10.0.0.9"]
    world.run(publisher, 5)
    assert sorted(world.woken) == ["a", "a", "b"]


# Leaders come and go


def test_nothing_is_done_before_this_process_leads(world: World) -> None:
    publisher = world.publisher()
    publisher.publish("a", rows(1), world.wake("a"))
    assert publisher.step(world.now) == inf
    assert publisher.waiting_for(row(1)) == "another replica of the operator is the leader"
    publisher.settle()
    publisher.begin()
    world.edit(0, "h2.test t2 v2\n")
    world.run(publisher, 60)
    assert world.writes == [], "neither the early row nor the early settle counts"


def test_a_new_leader_adds_but_removes_nothing_before_it_settles(world: World) -> None:
    old = world.leader()
    old.publish("a", rows(*range(600)), world.wake(""))
    world.run(old, 5)
    new = world.publisher()
    new.begin()
    new.publish("b", rows(1000), world.wake("b"))
    new.publish("c", rows(1, 2), world.wake("c"))
    new.publish("d", rows(3), world.wake("d"))
    new.withdraw("d")
    world.run(new, 3600)
    assert world.holds(*rows(*range(600), 1000))
    new.settle()
    world.run(new, 10)
    assert world.holds(*rows(1, 2, 1000))


def test_a_new_leader_finds_what_was_written_and_only_asks_whether_it_is_served(world: World) -> None:
    """The process dies between the write and the answer of the solver pods."""
    old = world.leader()
    world.on_point = raiser(None, Killed())
    old.publish("a", rows(1, 2), world.wake("old"))
    with pytest.raises(Killed):
        world.run(old, 1)
    new = world.publisher()
    new.begin()
    new.publish("a", rows(1, 2), world.wake("new"))
    new.settle()
    world.run(new, 10)
    assert len(world.writes) == 1
    assert world.holds(*rows(1, 2))
    assert new.served(row(1))
    assert world.woken == ["new"]


def test_a_process_killed_before_the_write_leaves_all_to_the_next(world: World) -> None:
    old = world.leader()
    world.on_point = raiser(Killed())
    old.publish("a", rows(1), world.wake("old"))
    with pytest.raises(Killed):
        world.run(old, 1)
    assert world.writes == []
    new = world.leader()
    new.publish("a", rows(1), world.wake("new"))
    world.run(new, 0)
    assert world.woken == ["new"]


def test_who_does_not_lead_any_more_writes_nothing(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 0.25)
    publisher.publish("b", rows(2), world.wake("b"))
    publisher.end()
    assert publisher.step(world.now) == inf
    assert not publisher.served(row(1))
    assert world.holds(row(1))
    publisher.begin()
    publisher.settle()
    world.run(publisher, 10)
    assert world.holds(), "what was published in the last term is forgotten"


def in_another_term(publisher: TokenTables, *errors: BaseException) -> Any:
    """The lead is lost and taken again while a request is under way, which then ends like this."""
    end = raiser(*errors)
    first = iter([True])

    def act(*_: object) -> None:
        if next(first, False):
            publisher.end()
            publisher.begin()
            publisher.publish("b", rows(2), lambda: None)
            end()

    return act


def test_an_answer_to_a_former_term_teaches_nothing(world: World) -> None:
    publisher = world.publisher()
    publisher.begin()
    world.on_read = in_another_term(publisher)
    publisher.step(world.now)
    assert world.writes == []
    publisher.step(world.now)
    assert [name for _, name in world.reads] == ["*", "*"], "each term lists for itself"


def test_solver_pods_heard_in_a_former_term_are_asked_again(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    publisher.step(world.now)
    world.on_list = in_another_term(publisher)
    publisher.step(world.now)
    publisher.step(world.now)
    assert len(world.reads) == 2
    assert publisher.waiting_for(row(1)) == "the solver pods are about to be asked"


def test_trouble_of_a_former_term_is_no_trouble_of_this(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = world.leader()
    world.on_write = in_another_term(publisher, DOWN)
    publisher.publish("a", rows(1), world.wake("a"))
    publisher.step(world.now)
    assert publisher.figures().trouble == ""
    assert not caplog.records
    world.run(publisher, 2)
    assert publisher.served(row(2))


def test_a_new_term_does_not_write_a_table_sooner(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 0.25)
    publisher.end()
    publisher.begin()
    publisher.publish("b", rows(2), world.wake("b"))
    world.run(publisher, 5)
    assert write_times(world) == [0, 1]


def test_a_checkpoint_that_raises_holds_the_write_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = world.leader()
    world.on_point = raiser(NotYet(Reason.NOT_LEADING.word, "the lease is over"))
    publisher.publish("a", rows(1), world.wake("a"))
    publisher.step(world.now)
    assert world.writes == []
    assert not caplog.records, "a change of leaders is no trouble"
    world.run(publisher, 2)
    assert world.woken == ["a"]


# Others write, too


def test_a_webhook_that_adds_to_a_table_is_not_fought_before_settling(world: World) -> None:
    publisher = world.publisher()
    publisher.begin()
    world.on_write = lambda body: body["data"].update(rows=body["data"]["rows"] + "h9.test t9 v9\n")
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 10)
    assert world.woken == ["a"]
    assert len(world.writes) == 1


def test_a_conflict_is_merged_with_what_the_other_wrote(world: World) -> None:
    publisher = world.publisher()
    publisher.begin()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 5)
    world.edit(0, "h1.test t1 t1.thumb\nh9.test t9 v9\n")
    publisher.publish("b", rows(2), world.wake("b"))
    world.run(publisher, 5)
    assert ("h9.test", "t9") in dict(world.held())
    assert world.woken == ["a", "b"]
    publisher.settle()
    world.run(publisher, 10)
    assert world.holds(*rows(1, 2))


def test_after_settling_a_conflict_drops_what_is_nobodys(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 5)
    world.edit(0, "h9.test t9 v9\n")
    publisher.publish("b", rows(2), world.wake("b"))
    world.run(publisher, 5)
    assert world.holds(*rows(1, 2))


@pytest.mark.parametrize("labelled", [True, False])
def test_a_table_that_appeared_meanwhile_is_taken_over(world: World, labelled: bool) -> None:  # noqa: FBT001
    publisher = world.leader()
    world.edit(0, "h9.test t9 v9\n", label=labelled)
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 5)
    assert world.holds(row(1))
    assert world.woken == ["a"]
    assert write_times(world) == [0, 1]


def test_configmaps_of_others_with_our_label_are_left_alone(world: World) -> None:
    publisher = world.leader()
    world.edit(0, "h9.test t9 v9\n")
    world.objects["somebody's"] = world.objects.pop(table_name(0))
    publisher.begin()
    publisher.settle()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 20)
    assert {name for _, name in world.writes} == {table_name(0)}
    assert decode_rows(world.objects["somebody's"])


def test_a_table_whose_rows_solver_pods_do_not_show_is_looked_at_again(world: World) -> None:
    """Somebody deleted it between our write and the solver pods' look."""
    publisher = world.leader()
    world.after_write = lambda _: world.objects.clear()
    publisher.publish("a", rows(1), world.wake("a"))
    publisher.step(world.now)
    world.after_write = lambda _: None
    world.run(publisher, 5)
    assert "does not serve the new token table yet" in publisher.waiting_for(row(1))
    world.run(publisher, 20)
    assert world.holds(row(1))
    assert world.woken == ["a"]


def test_a_table_that_lost_its_label_gets_it_back(world: World) -> None:
    publisher = world.leader()
    world.after_write = lambda _: world.objects[table_name(0)]["metadata"].update(labels={"team": "web"})
    publisher.publish("a", rows(1), world.wake("a"))
    publisher.step(world.now)
    world.after_write = lambda _: None
    world.run(publisher, 30)
    assert world.woken == ["a"]
    assert world.objects[table_name(0)]["metadata"]["labels"]["team"] == "web"


def test_a_later_version_than_ours_is_read_and_mended(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 5)
    world.edit(0, "")
    assert publisher.served(row(1)), "nobody has looked yet"
    world.run(publisher, 5)
    assert world.holds(row(1))
    assert world.woken == ["a", "a"]


def test_a_table_that_another_made_after_our_list_is_found_through_the_solver_pods(world: World) -> None:
    """A former leader's last write, held up on its way."""
    publisher = world.leader()
    world.edit(3, "h9.test t9 v9\n")
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 10)
    assert world.holds(row(1))


def test_a_solver_pod_that_tells_nonsense_does_not_make_us_read_for_ever(world: World) -> None:
    publisher = world.leader()
    world.pods["10.0.0.7"] = Pod(follows=False, seen={table_name(0): "99999999", "x": "9" * 5000, "y": "-1"})
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 1)
    assert world.woken == ["a"]
    for _ in range(10):
        publisher.served(row(1))
        world.run(publisher, 3)
    assert len(world.reads) == 2


# When the API server does not do as we want


def test_a_write_whose_answer_was_lost_is_read_and_not_done_twice(world: World) -> None:
    publisher = world.leader()
    world.after_write = raiser(DOWN)
    publisher.publish("a", rows(*range(600)), world.wake("a"))
    world.run(publisher, 10)
    assert world.holds(*rows(*range(600)))
    assert sorted(write_times(world)) == [0]
    assert world.woken == ["a"]


def test_failures_are_logged_once_a_kind_and_tried_again_with_growing_pauses(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = world.leader()
    world.on_write = raiser(*[DOWN] * 6, *[FORBIDDEN] * 3, None)
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 120)
    gaps = [later - earlier for earlier, later in itertools.pairwise(write_times(world))]
    assert gaps == [1, 2, 4, 8, 10, 10, 10, 10, 10]
    assert [record.__dict__["why"] for record in caplog.records] == [
        "the token tables cannot be written: the API server was not reached",
        "the token tables cannot be written: configmaps is forbidden",
    ]
    assert world.woken == ["a"]
    assert publisher.figures().trouble == ""


def test_what_a_person_must_mend_is_told_to_who_waits(world: World) -> None:
    publisher = world.publisher()
    world.on_read = raiser(FORBIDDEN)
    publisher.begin()
    publisher.publish("a", rows(1), world.wake("a"))
    publisher.step(world.now)
    assert publisher.waiting_for(row(1)) == "the token tables cannot be read: configmaps is forbidden"
    world.on_write = raiser(*[FORBIDDEN] * 50)
    world.run(publisher, 5)
    assert publisher.waiting_for(row(1)) == "the token tables cannot be written: configmaps is forbidden"
    assert publisher.figures().trouble == "the token tables cannot be written: configmaps is forbidden"
    assert len(world.reads) == 2, "a refusal has changed nothing"
    publisher.withdraw("a")
    publisher.settle()
    world.run(publisher, 20)
    assert publisher.figures().trouble == "", "there is nothing left that could not be written"


def test_the_api_servers_wish_is_respected(world: World) -> None:
    publisher = world.leader()
    wish = timedelta(seconds=7)
    world.on_write = raiser(TryLater(Reason.API_SERVER_UNAVAILABLE.word, "too many", retry_after=wish))
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 20)
    assert write_times(world) == [0, 7]


def test_solver_pods_that_cannot_be_listed_hold_rows_but_no_writes(world: World) -> None:
    publisher = world.leader()
    world.on_list = raiser(*[FORBIDDEN] * 3)
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 1)
    assert publisher.waiting_for(row(1)) == "the solver pods cannot be listed: configmaps is forbidden"
    publisher.publish("b", rows(2), world.wake("b"))
    world.run(publisher, 0.5)
    assert world.holds(*rows(1, 2))
    world.run(publisher, 20)
    assert world.woken == ["a", "b"]


def test_a_fault_of_ours_is_logged_with_its_traceback_and_survived(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = world.leader()
    world.on_write = raiser(ZeroDivisionError(), ZeroDivisionError())
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 20)
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert world.woken == ["a"]


def test_a_wake_that_fails_keeps_nobody_else_asleep(world: World, caplog: pytest.LogCaptureFixture) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), raiser(ZeroDivisionError()))
    publisher.publish("b", rows(2), world.wake("b"))
    world.run(publisher, 5)
    assert world.woken == ["b"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_who_is_woken_may_publish_and_withdraw(world: World) -> None:
    """Wakes are called outside locks."""
    publisher = world.leader()

    def go_on() -> None:
        assert publisher.served(row(1))
        publisher.withdraw("a")
        publisher.publish("b", rows(2), world.wake("b"))

    publisher.publish("a", rows(1), go_on)
    world.run(publisher, 10)
    assert world.woken == ["b"]
    assert world.holds(row(2))


# What solver pods tell


def test_a_row_waits_for_every_ready_solver_pod(world: World) -> None:
    publisher = world.leader()
    world.pods["10.0.0.8"].follows = False
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 30)
    assert publisher.waiting_for(row(1)) == "solver pod 10.0.0.8 does not serve the new token table yet"
    assert not publisher.served(row(1))
    world.pods["10.0.0.8"].follows = True
    world.run(publisher, 3)
    assert world.woken == ["a"]


@pytest.mark.parametrize("address", ["10.0.0.9", "fd00::9"])
def test_a_solver_pod_that_does_not_answer_is_named(world: World, address: str) -> None:
    publisher = world.leader()
    world.pods[address] = Pod(answers=False)
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 5)
    assert publisher.waiting_for(row(1)) == f"solver pod {address} does not answer on port 8090"
    assert not publisher.served(row(1))
    assert world.woken == []
    del world.pods[address]
    world.run(publisher, 5)
    assert world.woken == ["a"], "it is not ready any more"


def test_without_a_ready_solver_pod_nothing_is_served(world: World) -> None:
    publisher = world.leader()
    pods, world.pods = world.pods, {}
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 60)
    assert publisher.waiting_for(row(1)) == "no solver pod is ready"
    world.pods = pods
    world.run(publisher, 2)
    assert world.woken == ["a"]


def test_solver_pods_are_asked_with_growing_pauses_and_listed_every_two_seconds(world: World) -> None:
    publisher = world.leader()
    world.pods = {"10.0.0.7": Pod(follows=False)}
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 9)
    assert [at - 100 for at, _, _ in world.asks] == [0, 0.25, 0.75, 1.75, 3.75, 5.75, 7.75]
    assert [at - 100 for at in world.lists] == [0, 3.75, 5.75, 7.75]


def test_a_write_makes_the_questions_quick_again(world: World) -> None:
    publisher = world.leader()
    world.pods = {"10.0.0.7": Pod(follows=False)}
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 8)
    publisher.publish("b", rows(2), world.wake("b"))
    world.run(publisher, 1)
    assert [at - 100 for at, _, _ in world.asks[-4:]] == [7.75, 8, 8.25, 8.75]


def test_a_row_waits_for_its_own_version_not_for_the_last(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    publisher.step(world.now)
    for pod in world.pods.values():
        pod.follows = False
        pod.seen = {table_name(0): world.objects[table_name(0)]["metadata"]["resourceVersion"]}
    publisher.publish("b", rows(2), world.wake("b"))
    world.run(publisher, 3)
    assert world.woken == ["a"]
    assert publisher.served(row(1))
    assert not publisher.served(row(2))


def test_versions_are_numbers(world: World) -> None:
    world.version = 9998
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 2)
    publisher.publish("b", rows(2), world.wake("b"))
    publisher.step(world.now)
    assert world.objects[table_name(0)]["metadata"]["resourceVersion"] == "10000"
    for pod in world.pods.values():
        pod.follows = False
        pod.seen = {table_name(0): "9999"}
    world.run(publisher, 3)
    assert world.woken == ["a"], 'as text, "9999" is more than "10000"'


def test_whoever_asks_later_has_solver_pods_asked_again(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 10)
    world.pods["10.0.0.9"] = Pod(follows=False)
    assert publisher.served(row(1))
    world.run(publisher, 0)
    assert not publisher.served(row(1))
    assert publisher.waiting_for(row(1)) == "solver pod 10.0.0.9 does not serve the new token table yet"
    world.pods["10.0.0.9"].follows = True
    world.run(publisher, 5)
    assert publisher.served(row(1))
    assert world.woken == ["a", "a"]
    world.run(publisher, 0)
    asked = len(world.asks)
    world.run(publisher, 1)
    assert publisher.served(row(1))
    world.run(publisher, 1)
    assert len(world.asks) == asked, "the last time was less than two seconds ago"


@pytest.mark.parametrize(
    ("address", "asked"),
    [("127.0.0.1:9999", ("127.0.0.1", 9999)), ("[::1]:9998", ("::1", 9998)), ("node:80", ("node", 80))],
)
def test_fixed_addresses_are_asked_and_none_is_listed(
    world: World, address: str, asked: tuple[str, int]
) -> None:
    publisher = world.leader(address)
    world.pods = {asked[0]: Pod()}
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 5)
    assert world.lists == []
    assert [(host, port) for _, host, port in world.asks] == [asked]
    assert world.woken == ["a"]


def test_figures_tell_rows_tables_and_the_longest_wait(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 5)
    pods, world.pods = world.pods, {}
    publisher.publish("b", rows(*range(1, 601)), world.wake("b"))
    world.run(publisher, 7)
    figures = publisher.figures()
    assert (figures.rows, figures.tables, figures.oldest_unserved_seconds) == (600, 2, 7)
    world.pods = pods
    world.run(publisher, 5)
    assert publisher.figures().oldest_unserved_seconds == 0
    publisher.end()
    assert publisher.figures().rows == 0


# The thread


def test_the_thread_serves_what_many_threads_publish(world: World) -> None:
    publisher = threaded(world)
    done = threading.Barrier(9)
    everybody = threading.Event()
    left = set(range(400))
    lock = threading.Lock()

    def woken(number: int) -> None:
        with lock:
            left.discard(number)
        if not left:
            everybody.set()

    def work(share: int) -> None:
        for number in range(share, 400, 8):
            publisher.publish(f"{number}", rows(number), partial(woken, number))
            if publisher.served(row(number)):
                woken(number)
        done.wait(10)

    for share in range(8):
        threading.Thread(target=work, args=(share,), daemon=True).start()
    done.wait(10)
    assert everybody.wait(10)
    publisher.stop()
    publisher._thread.join(10)
    assert not publisher._thread.is_alive()
    assert world.holds(*rows(*range(400)))


class Moody(ApiNames):
    """Fails when it is asked for the second time, which is when a table's body is made."""

    asked = itertools.count(1)

    @property
    def table_label(self) -> str:
        if next(self.asked) == 2:
            raise ZeroDivisionError
        return super().table_label


def test_the_thread_survives_a_fault_between_two_requests(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.names = Moody()
    publisher = threaded(world)
    woken = threading.Event()
    publisher.publish("a", rows(1), woken.set)
    assert woken.wait(10)
    publisher.stop()
    assert "a step of the token tables failed, going on" in caplog.messages


def threaded(world: World) -> TokenTables:
    world.seconds = time.monotonic  # type: ignore[method-assign]
    publisher = world.publisher()
    publisher.start()
    publisher.begin()
    publisher.settle()
    return publisher


def test_a_row_is_its_value_too(world: World) -> None:
    publisher = world.leader()
    publisher.publish("a", rows(1), world.wake("a"))
    world.run(publisher, 1)
    assert not publisher.served(Row("h1.test", "t1", "another"))
