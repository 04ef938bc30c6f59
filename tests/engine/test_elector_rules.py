"""Two never lead at once: stories that nobody thought of, of delays, losses, crashes and clocks.

Each candidate has clocks of its own, a wall clock that is wrong and may stand still, and a monotonic one that runs
somewhat fast or slow. A request is sent, is stored and is answered at three moments, each as late as the story
likes; it may be stored when its sender has given it up or is dead. No candidate keeps to its pauses.

Leading only ever ends by the passing of time. So looking after each event sees everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from certwright.engine.election import Election
from tests.engine.memory_lease import Store

if TYPE_CHECKING:
    from certwright.engine.election import Asking
    from certwright.engine.lease import LeaseRecord

LEASE, RENEW_DEADLINE, RETRY = 10.0, 6.0, 1.5
#: Monotonic clocks may differ by this factor: a little less than LEASE / RENEW_DEADLINE.
RATES = st.sampled_from([0.8, 0.9, 1.0, 1.0, 1.1, 1.3])
SKEWS = st.sampled_from([-1e7, -100.0, 0.0, 0.0, 7.5, 1e7])
#: Spans that matter to the rules, and whatever lies between.
SPANS = st.one_of(st.sampled_from([0.1, 1.4, 3.0, 4.5, 6.0, 7.6, 10.0, 13.0]), st.floats(0.01, 15))
INDEXES = st.integers(0, 3)


@dataclass
class Clocks:
    """Of one machine. Pods that follow each other on it see the same ones."""

    rate: float
    skew: float
    wall_stands: bool


@dataclass(eq=False)
class Pod:
    """One process, and where its request is, if it has one."""

    election: Election
    identity: str
    clocks: Clocks
    asking: Asking | None = None
    ask: LeaseRecord | None = None
    stored: bool = False
    answer: LeaseRecord | None = None
    leaving: bool = False
    due: float = 0.0
    terms: list[int] = field(default_factory=lambda: [0])


def one_of(pods: list[Pod], index: int) -> Pod:
    return pods[index % len(pods)]


class Replicas(RuleBasedStateMachine):
    """A handful of candidates, one Lease, and the time that passes."""

    renew_deadline = RENEW_DEADLINE

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.store = Store()
        self.pods: list[Pod] = []
        self.given_up: list[LeaseRecord] = []  # writes that nobody waits for any more, still on their way
        self.processes = 0
        self.deleted = False
        self.reborn = False

    @initialize(
        machines=st.lists(st.builds(Clocks, RATES, SKEWS, st.booleans()), min_size=2, max_size=4),
    )
    def begin(self, machines: list[Clocks]) -> None:
        self.pods = [self.pod(f"pod-{number}", clocks) for number, clocks in enumerate(machines)]

    def pod(self, identity: str, clocks: Clocks) -> Pod:
        self.processes += 1

        def wall() -> datetime:
            passed = 0.0 if clocks.wall_stands else self.now
            return datetime(2027, 1, 1, tzinfo=UTC) + timedelta(seconds=clocks.skew + passed)

        election = Election(
            identity=identity,
            process=f"process-{self.processes}",
            restarts=True,
            seconds=lambda: 5000.0 + self.now * clocks.rate,
            clock=wall,
            dice=Random(self.processes).random,
            lease=LEASE,
            renew_deadline=self.renew_deadline,
            retry=RETRY,
        )
        return Pod(election, identity, clocks, due=self.now)

    @property
    def idle(self) -> list[Pod]:
        """The leader first, for that is where it gets interesting."""
        return sorted((pod for pod in self.pods if not pod.asking), key=lambda pod: not pod.election.term)

    @property
    def sending(self) -> list[Pod]:
        return [pod for pod in self.pods if pod.asking and not pod.stored]

    @property
    def hearing(self) -> list[Pod]:
        return [pod for pod in self.pods if pod.asking and pod.stored]

    @property
    def busy(self) -> list[Pod]:
        return [pod for pod in self.pods if pod.asking]

    @property
    def may_delete(self) -> bool:
        """Whether a deletion does no harm: all know the Lease, and nothing that would make it is on its way."""
        writes = [pod.ask for pod in self.busy if pod.ask] + self.given_up
        quiet = all(pod.election.holder for pod in self.pods) and all(ask.version for ask in writes)
        return quiet and not self.reborn and not self.deleted

    # What happens to a request

    @precondition(lambda self: self.idle)
    @rule(index=INDEXES)
    def send(self, index: int) -> None:
        self.start(one_of(self.idle, index))

    @precondition(lambda self: self.sending)
    @rule(index=INDEXES)
    def store_it(self, index: int) -> None:
        self.arrive(one_of(self.sending, index))

    @precondition(lambda self: self.hearing)
    @rule(index=INDEXES)
    def hear(self, index: int) -> None:
        self.deliver(one_of(self.hearing, index))

    @precondition(lambda self: self.busy)
    @rule(index=INDEXES, on_its_way=st.booleans())
    def fail(self, index: int, *, on_its_way: bool) -> None:
        self.abandon(one_of(self.busy, index), on_its_way=on_its_way)

    @precondition(lambda self: self.given_up)
    @rule(index=INDEXES)
    def arrive_after_all(self, index: int) -> None:
        self.store.write(self.given_up.pop(index % len(self.given_up)))

    @precondition(lambda self: self.idle)
    @rule(index=INDEXES)
    def try_at_once(self, index: int) -> None:
        """A whole try on a quick network: else few stories get anywhere."""
        self.whole_try(one_of(self.idle, index))

    @precondition(lambda self: self.idle)
    @rule(index=INDEXES, there=SPANS, back=SPANS)
    def try_slowly(self, index: int, there: float, back: float) -> None:
        """A try that takes its time while the others go on as usual."""
        pod = one_of(self.idle, index)
        self.start(pod)
        while pod.asking:
            self.run_for(there)
            self.arrive(pod)
            self.run_for(back)
            self.deliver(pod)
            self.at_most_one_leads()

    # What happens to processes, to the Lease, and time

    @rule(seconds=SPANS)
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(seconds=st.sampled_from([5.0, 20.0]))
    def go_on_as_usual(self, seconds: float) -> None:
        self.run_for(seconds)

    @precondition(lambda self: not self.deleted)
    @rule(index=INDEXES, on_its_way=st.booleans())
    def kill_and_restart(self, index: int, *, on_its_way: bool) -> None:
        self.reborn = True
        pod = one_of(self.pods, index)
        self.abandon(pod, on_its_way=on_its_way)
        self.replace_pod(pod, pod.identity)

    @precondition(lambda self: self.idle and not self.deleted)
    @rule(index=INDEXES)
    def leave(self, index: int) -> None:
        pod = one_of(self.idle, index)
        pod.election.resign()
        pod.leaving = self.reborn = True

    @precondition(lambda self: self.may_delete)
    @rule()
    def delete_the_lease(self) -> None:
        """By hand. A process that starts just then would take a new one at once: no restarts in such a story."""
        self.deleted = True
        self.store.record = None

    @precondition(lambda self: self.store.record)
    @rule()
    def label_the_lease(self) -> None:
        assert self.store.record
        self.store.put(self.store.record)

    @precondition(lambda self: self.store.record)
    @rule()
    def empty_the_holder(self) -> None:
        """As a person does who wants another to lead."""
        assert self.store.record
        self.store.put(replace(self.store.record, holder=""))

    # How a request goes on

    def start(self, pod: Pod) -> None:
        pod.asking = pod.election.release() if pod.leaving else pod.election.attempt()
        self.next_ask(pod, None, first=True)

    def next_ask(self, pod: Pod, answer: LeaseRecord | None, *, first: bool = False) -> None:
        assert pod.asking
        pod.stored, pod.answer = False, None
        try:
            pod.ask = next(pod.asking) if first else pod.asking.send(answer)
        except StopIteration:
            pod.asking = None
            pod.due = self.now + pod.election.pause() / pod.clocks.rate
            if pod.leaving:
                # A successor under another name starts on the same machine.
                self.replace_pod(pod, f"{pod.identity}x")

    def replace_pod(self, pod: Pod, identity: str) -> None:
        number = next(number for number, each in enumerate(self.pods) if each is pod)
        self.pods[number] = self.pod(identity, pod.clocks)

    def arrive(self, pod: Pod) -> None:
        pod.stored = True
        pod.answer = self.store.write(pod.ask) if pod.ask else self.store.record

    def deliver(self, pod: Pod) -> None:
        self.next_ask(pod, pod.answer)

    def abandon(self, pod: Pod, *, on_its_way: bool) -> None:
        if pod.asking is None:
            return
        if on_its_way and not pod.stored and pod.ask:
            self.given_up.append(pod.ask)
        pod.asking.close()
        pod.asking = None
        pod.due = self.now + pod.election.pause() / pod.clocks.rate

    def whole_try(self, pod: Pod) -> None:
        self.start(pod)
        while pod.asking is not None:
            self.arrive(pod)
            self.deliver(pod)
            self.at_most_one_leads()

    def run_for(self, seconds: float) -> None:
        """Whoever does not wait for an answer is answered at once and keeps to the pauses."""
        end = self.now + seconds
        while (pod := min(self.idle, key=lambda each: each.due, default=None)) and pod.due <= end:
            self.now = max(self.now, pod.due)
            self.whole_try(pod)
        self.now = end

    # What must never be

    @invariant()
    def at_most_one_leads(self) -> None:
        leaders = [pod for pod in self.pods if pod.election.term]
        assert len(leaders) <= 1, f"{[pod.identity for pod in leaders]} lead at once"

    @invariant()
    def terms_only_grow(self) -> None:
        for pod in self.pods:
            term = pod.election.term
            assert term in (0, pod.terms[-1]) or term > max(pod.terms)
            pod.terms.append(term or pod.terms[-1])

    @invariant()
    def who_was_told_to_leave_never_leads(self) -> None:
        assert not [pod for pod in self.pods if pod.leaving and pod.election.term]

    def teardown(self) -> None:
        """Whatever happened: soon after all is well again, one leads, and stays."""
        if not self.pods or self.renew_deadline != RENEW_DEADLINE:
            return
        while self.busy:
            for pod in self.sending:
                self.arrive(pod)
            self.deliver(self.hearing[0])
        self.run_for(30)
        (leader,) = [pod for pod in self.pods if pod.election.term]
        term = leader.election.term
        self.run_for(60)
        assert leader.election.term == term


TestReplicas = Replicas.TestCase
TestReplicas.settings = settings(deadline=None, max_examples=250, stateful_step_count=50)


class Careless(Replicas):
    """They trust themselves for longer than others wait."""

    renew_deadline = 13.0


def test_the_rules_would_see_it_if_leaders_trusted_themselves_for_longer_than_others_wait() -> None:
    quick = settings(
        deadline=None,
        max_examples=2000,
        stateful_step_count=50,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises(AssertionError, match="lead at once"):
        run_state_machine_as_test(Careless, settings=quick)
