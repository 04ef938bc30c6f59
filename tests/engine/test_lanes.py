"""What it costs to find whose turn it is."""

from __future__ import annotations

from certwright.engine.due_times import SWEEP_ABOVE, DueTimes
from certwright.engine.lanes import Lanes, Waiting


def test_finding_the_next_key_looks_at_lanes_and_not_at_keys() -> None:
    waiting: Waiting[int] = Waiting()
    for number in range(10_000):
        waiting.put(number, Lanes("full" if number else "free", "ns"))
    looked_at: list[Lanes] = []

    def has_room(lanes: Lanes) -> bool:
        looked_at.append(lanes)
        return lanes.issuer == "free"

    assert waiting.next_in_turn(has_room) == 0
    assert waiting.next_in_turn(has_room) is None
    assert len(looked_at) <= 3


def test_due_times_that_were_overtaken_do_not_pile_up() -> None:
    due: DueTimes[str] = DueTimes()
    for seconds in range(10_000, 0, -1):
        due.add("a", seconds)
    assert len(due._heap) <= SWEEP_ABOVE + 3
    assert due.pop_due(1) == ["a"]
    assert due.first() is None
