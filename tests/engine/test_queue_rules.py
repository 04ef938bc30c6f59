"""What the queue must never do, tried with stories that nobody thought of, against a model of wishes."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from certwright.engine.lanes import Lanes
from certwright.engine.queue import KeyedQueue, Priority
from tests.engine.hand_clock import HandClock

#: (namespace, issuer, name): few lanes, so that they fill up.
Key = tuple[str, str, int]
keys = st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 3))


def lanes_of(key: Key) -> Lanes:
    return Lanes(issuer=key[1], namespace=key[0])


class QueueRules(RuleBasedStateMachine):
    """Model: for each key the earliest moment at which a look was wished for since its last one began."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = HandClock()
        self.owed: dict[Key, float] = {}
        self.held: list[Key] = []

    @initialize(workers=st.integers(1, 9))
    def open(self, workers: int) -> None:
        self.workers = workers
        self.limit = max(1, workers * 3 // 4)
        self.queue: KeyedQueue[Key] = KeyedQueue(self.clock, lanes_of, workers)

    @rule(key=keys, priority=st.sampled_from(Priority))
    def add(self, key: Key, priority: Priority) -> None:
        self.queue.add(key, priority)
        self.owe(key, self.clock())

    @rule(key=keys, seconds=st.integers(-5, 30))
    def add_at(self, key: Key, seconds: int) -> None:
        self.queue.add_at(key, self.clock() + seconds)
        self.owe(key, self.clock() + seconds)

    def owe(self, key: Key, due: float) -> None:
        self.owed[key] = min(due, self.owed.get(key, due))

    @precondition(lambda self: len(self.held) < self.workers)
    @rule()
    def take(self) -> None:
        key = self.queue.take(0)
        if key is None:
            assert not any(self.may_run(waiting) for waiting in self.ready()), "a key waits though it may run"
            return
        assert key not in self.held, "two workers on one key"
        assert self.owed.pop(key) <= self.clock(), "too early"
        self.held.append(key)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.held))
        self.queue.done(key)
        self.held.remove(key)

    @rule(seconds=st.integers(1, 20))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    def ready(self) -> list[Key]:
        return [key for key, due in self.owed.items() if due <= self.clock() and key not in self.held]

    def may_run(self, key: Key) -> bool:
        issuers, namespaces = self.loads()
        return issuers[lanes_of(key).issuer] < self.limit and namespaces[lanes_of(key).namespace] < self.limit

    def loads(self) -> tuple[Counter[str], Counter[str]]:
        held = [lanes_of(key) for key in self.held]
        return Counter(lanes.issuer for lanes in held), Counter(lanes.namespace for lanes in held)

    @invariant()
    def no_lane_has_more_than_its_share(self) -> None:
        assert all(load <= self.limit for loads in self.loads() for load in loads.values())

    @invariant()
    def the_statistics_tell_the_truth(self) -> None:
        stats = self.queue.stats()
        assert (stats.depth, stats.processing) == (len(self.ready()), len(self.held))

    @invariant()
    def nobody_sleeps_past_the_next_due_time(self) -> None:
        later = [due for due in self.owed.values() if due > self.clock()]
        due = self.queue._due.first()
        assert not later or (due is not None and due <= min(later))

    def teardown(self) -> None:
        """Nothing is lost: in the end every wish is granted, and nothing else happens."""
        if not hasattr(self, "queue"):
            return
        for key in self.held:
            self.queue.done(key)
        self.clock.now += 1000
        looked_at = set()
        while (taken := self.queue.take(0)) is not None:
            looked_at.add(taken)
            self.queue.done(taken)
        assert looked_at == set(self.owed)


TestQueueRules = QueueRules.TestCase
TestQueueRules.settings = settings(deadline=None, max_examples=150, stateful_step_count=40)
