"""Taking the lead: what is learnt before work begins, and what stops when it is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certwright.failures import TryLater
from certwright.reconcile.leading import DRAIN, Leading
from tests.reconcile.world import CA, Disk, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.resources.attempt import Attempt


@dataclass
class Term:
    """Somebody who works in terms."""

    done: list[str]
    name: str

    def begin(self) -> None:
        self.done.append(f"begin {self.name}")

    def settle(self) -> None:
        self.done.append(f"settle {self.name}")

    def end(self) -> None:
        self.done.append(f"end {self.name}")


@dataclass
class Office:
    """A process that may lead, and a record of what it did in which order."""

    world: World
    done: list[str] = field(default_factory=list)
    busy: list[int] = field(default_factory=list)
    trouble: list[TryLater] = field(default_factory=list)
    leads: bool = True
    loses_at: str = ""
    now: float = 0.0

    def __post_init__(self) -> None:
        self.leading = Leading(
            cache=self.world.cache,
            memory=self.world.memory,
            tables=Term(self.done, "tables"),
            keeper=Term(self.done, "keeper"),
            busy=lambda: self.busy.pop(0) if self.busy else 0,
            pause=self._does("pause"),
            resume=self._does("resume"),
            learn=self.learn,
            republish=self.republish,
            wake=lambda ref: self.done.append(f"wake {ref}"),
            wait=self.wait,
            seconds=lambda: self.now,
        )

    def _does(self, name: str) -> Callable[[], None]:
        return lambda: self.done.append(name)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.leads = self.leads and self.loses_at != "waiting"

    def learn(self) -> None:
        self.done.append("learn")
        if self.trouble:
            raise self.trouble.pop()
        self.world.see_all()

    def republish(self, attempt: Attempt) -> None:
        self.done.append(f"republish for {attempt.certificate}")


def office_with_attempt() -> Office:
    """Standby beside a process that has an order under way."""
    disk = Disk()
    disk.dns.blind = ("ns2",)
    World(disk).ready().turn()
    return Office(World(disk))


def test_attempts_are_learnt_and_their_proofs_published_before_any_work_begins() -> None:
    office = office_with_attempt()
    office.leading.begin(lambda: office.leads)
    assert office.done == [
        "begin tables",
        "learn",
        "republish for Certificate shop/web",
        "settle tables",
        "begin keeper",
        f"wake {CA}",
        "resume",
    ]


def test_turns_of_an_earlier_term_are_waited_for_but_not_for_ever() -> None:
    office = office_with_attempt()
    office.busy = [1, 1, 1]
    office.leading.begin(lambda: office.leads)
    assert 0 < office.now < 1
    office.busy = [1] * 10_000
    office.leading.begin(lambda: office.leads)
    assert DRAIN <= office.now < DRAIN + 2
    assert office.done.count("resume") == 2


def test_a_cluster_that_cannot_be_read_is_tried_again_before_work_begins() -> None:
    office = office_with_attempt()
    office.trouble = [TryLater("APIServerUnavailable", "gone")] * 3
    office.leading.begin(lambda: office.leads)
    assert office.done.count("learn") == 4
    assert office.done[-1] == "resume"


def test_a_lead_that_is_lost_meanwhile_begins_no_work() -> None:
    office = office_with_attempt()
    office.trouble = [TryLater("APIServerUnavailable", "gone")]
    office.loses_at = "waiting"
    office.leading.begin(lambda: office.leads)
    assert "resume" not in office.done
    assert "settle tables" not in office.done, "nothing may be shrunk that was not read"


def test_a_lost_lead_stops_work_and_tables() -> None:
    office = office_with_attempt()
    office.leading.end()
    assert office.done == ["pause", "end tables", "end keeper"]
