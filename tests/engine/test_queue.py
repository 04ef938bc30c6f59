"""The queue as a table of small stories; test_queue_rules.py tries all the others."""

from __future__ import annotations

import threading

import pytest

from certwright.engine.lanes import Lanes
from certwright.engine.queue import KeyedQueue, Priority, QueueStats
from tests.engine.hand_clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def queue(clock: HandClock) -> KeyedQueue[str]:
    return make_queue(clock, workers=8)


def make_queue(clock: HandClock, workers: int) -> KeyedQueue[str]:
    """A queue of keys written `namespace/issuer/name`."""
    return KeyedQueue(clock, lanes_of, workers)


def lanes_of(key: str) -> Lanes:
    namespace, issuer, _ = key.split("/")
    return Lanes(issuer, namespace)


def take_all(queue: KeyedQueue[str]) -> list[str]:
    """All keys that can be taken now, each given back before the next is taken."""
    taken = []
    while (key := queue.take(0)) is not None:
        taken.append(key)
        queue.done(key)
    return taken


def hold_all(queue: KeyedQueue[str]) -> list[str]:
    """All keys that can be taken now, all of them kept."""
    return list(iter(lambda: queue.take(0) or "", ""))


def test_many_wishes_for_a_key_are_one_look(queue: KeyedQueue[str]) -> None:
    for _ in range(3):
        queue.add("ns/ca/a")
    assert take_all(queue) == ["ns/ca/a"]


def test_a_key_in_hands_is_not_handed_out_again_but_looked_at_once_more_afterwards(
    queue: KeyedQueue[str],
) -> None:
    queue.add("ns/ca/a")
    assert queue.take(0) == "ns/ca/a"
    queue.add("ns/ca/a")
    queue.add("ns/ca/a")
    assert queue.take(0) is None
    queue.done("ns/ca/a")
    assert take_all(queue) == ["ns/ca/a"]


def test_the_earliest_of_several_due_times_counts(queue: KeyedQueue[str], clock: HandClock) -> None:
    for seconds in (50, 20, 90):
        queue.add_at("ns/ca/a", clock() + seconds)
    clock.now += 19.9
    assert queue.take(0) is None
    clock.now += 0.1
    assert take_all(queue) == ["ns/ca/a"]
    clock.now += 1000
    assert queue.take(0) is None


def test_what_becomes_due_while_in_hands_is_looked_at_afterwards(
    queue: KeyedQueue[str], clock: HandClock
) -> None:
    queue.add("ns/ca/a")
    queue.take(0)
    queue.add_at("ns/ca/a", clock() + 5)
    clock.now += 5
    assert queue.take(0) is None
    queue.done("ns/ca/a")
    assert take_all(queue) == ["ns/ca/a"]


def test_a_look_that_begins_voids_the_due_time_that_was_noted_before(
    queue: KeyedQueue[str], clock: HandClock
) -> None:
    queue.add_at("ns/ca/a", clock() + 5)
    queue.add("ns/ca/a")
    assert take_all(queue) == ["ns/ca/a"]
    assert queue.stats().due_later == 0


def test_due_keys_come_in_the_order_of_their_times(queue: KeyedQueue[str], clock: HandClock) -> None:
    for name, seconds in (("c", 3), ("a", 1), ("b", 2)):
        queue.add_at(f"ns/ca/{name}", clock() + seconds)
    clock.now += 10
    assert take_all(queue) == ["ns/ca/a", "ns/ca/b", "ns/ca/c"]


def test_urgent_keys_go_first_and_a_waiting_key_can_become_urgent(queue: KeyedQueue[str]) -> None:
    for name in ("a", "b", "c"):
        queue.add(f"ns/ca/{name}")
    queue.add("ns/ca/urgent", Priority.URGENT)
    queue.add("ns/ca/c", Priority.URGENT)
    queue.add("ns/ca/c")
    assert take_all(queue) == ["ns/ca/urgent", "ns/ca/c", "ns/ca/a", "ns/ca/b"]


def test_namespaces_take_turns_and_within_one_its_issuers_do(queue: KeyedQueue[str]) -> None:
    for key in ("big/x/1", "big/x/2", "big/x/3", "big/y/1", "small/x/1", "small/x/2"):
        queue.add(key)
    assert take_all(queue) == ["big/x/1", "small/x/1", "big/y/1", "small/x/2", "big/x/2", "big/x/3"]


@pytest.mark.parametrize(
    ("workers", "held"),
    [
        pytest.param(1, 1, id="a lone worker serves everybody"),
        pytest.param(2, 1, id="of two workers one is left"),
        pytest.param(8, 6, id="of eight workers two are left"),
        pytest.param(32, 24, id="of thirty-two workers eight are left"),
    ],
)
@pytest.mark.parametrize("lane", ["same/i{0}/k{0}", "n{0}/same/k{0}"], ids=["namespace", "issuer"])
def test_one_lane_never_holds_more_than_three_quarters_of_the_workers(
    clock: HandClock, workers: int, held: int, lane: str
) -> None:
    queue = make_queue(clock, workers)
    for number in range(100):
        queue.add(lane.format(number))
    assert len(hold_all(queue)) == held
    queue.add("other/other/key")
    assert hold_all(queue) == ["other/other/key"]


def test_a_worker_that_ends_makes_room_in_its_lane(clock: HandClock) -> None:
    queue = make_queue(clock, workers=4)
    for number in range(5):
        queue.add(f"ns/ca/{number}")
    assert hold_all(queue) == ["ns/ca/0", "ns/ca/1", "ns/ca/2"]
    queue.done("ns/ca/1")
    assert hold_all(queue) == ["ns/ca/3"]


def test_a_key_that_moves_to_another_lane_waits_there(clock: HandClock) -> None:
    lanes = {"key": Lanes("slow", "ns")}
    queue: KeyedQueue[str] = KeyedQueue(clock, lambda key: lanes.get(key, Lanes("slow", "other")), workers=1)
    queue.add("first")
    assert queue.take(0) == "first"
    queue.add("key")
    assert queue.take(0) is None
    lanes["key"] = Lanes("quick", "ns")
    queue.add("key")
    assert queue.take(0) == "key"


def test_the_statistics_count_what_waits_what_is_due_later_and_what_is_held(
    queue: KeyedQueue[str], clock: HandClock
) -> None:
    queue.add("ns/ca/held")
    queue.take(0)
    queue.add("ns/ca/old")
    clock.now += 5
    queue.add("ns/ca/young")
    queue.add_at("ns/ca/later", clock() + 60)
    queue.add_at("ns/ca/past", clock() - 60)
    clock.now += 2
    assert queue.stats() == QueueStats(depth=3, due_later=1, processing=1, oldest_seconds=7)


def test_a_closed_queue_hands_out_nothing(queue: KeyedQueue[str]) -> None:
    queue.add("ns/ca/a")
    queue.close()
    assert queue.take() is None


def test_what_is_not_held_cannot_be_given_back(queue: KeyedQueue[str]) -> None:
    with pytest.raises(KeyError):
        queue.done("ns/ca/never-taken")


def test_a_paused_queue_hands_out_nothing_and_loses_nothing(queue: KeyedQueue[str], clock: HandClock) -> None:
    queue.add("ns/ca/in-hand")
    in_hand = queue.take(0)
    assert in_hand == "ns/ca/in-hand"
    queue.pause()
    queue.add("ns/ca/now")
    queue.add("ns/ca/in-hand")
    queue.add_at("ns/ca/later", clock.now + 5)
    queue.done(in_hand)
    clock.now += 10
    assert take_all(queue) == []
    queue.resume()
    assert sorted(take_all(queue)) == ["ns/ca/in-hand", "ns/ca/later", "ns/ca/now"]


def test_whoever_waits_at_a_paused_queue_goes_on_when_it_resumes(clock: HandClock) -> None:
    queue = make_queue(clock, workers=1)
    queue.pause()
    queue.add("ns/ca/a")
    taken: list[str | None] = []
    thread = threading.Thread(target=lambda: taken.append(queue.take()))
    thread.start()
    queue.resume()
    thread.join(10)
    assert taken == ["ns/ca/a"]
