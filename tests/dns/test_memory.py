"""What was looked up is believed for a while, and only so much of it."""

from __future__ import annotations

from datetime import timedelta

from certwright.dns.memory import ShortMemory
from tests.engine.hand_clock import HandClock


def test_a_note_is_believed_until_its_time_is_up_however_often_it_is_read() -> None:
    clock = HandClock()
    memory: ShortMemory[str, str] = ShortMemory(clock, timedelta(seconds=60))
    memory.note("name", "zone")
    for seconds in (0, 30, 29.9):
        clock.now += seconds
        assert memory.recall("name") == "zone"
    clock.now += 0.1
    assert memory.recall("name") is None
    assert len(memory) == 0


def test_the_oldest_notes_make_room_for_new_ones() -> None:
    memory: ShortMemory[int, str] = ShortMemory(HandClock(), timedelta(seconds=60), size=2)
    for number in (1, 2, 1, 3):
        memory.note(number, "zone")
    assert [memory.recall(number) for number in (1, 2, 3)] == ["zone", None, "zone"]


def test_a_note_can_be_taken_back() -> None:
    memory: ShortMemory[str, str] = ShortMemory(HandClock(), timedelta(seconds=60))
    memory.note("name", "zone")
    memory.forget("name")
    memory.forget("never noted")
    assert memory.recall("name") is None
