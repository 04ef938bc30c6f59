"""Nothing has an effect outside unless we lead, in the term in which the turn began."""

from __future__ import annotations

import threading

import pytest

from certwright.engine.fence import Fence, NotLeading
from certwright.failures import NotYet


class Leading:
    """An elector in a term that is set by hand."""

    def __init__(self, term: int) -> None:
        self.term = term


def refused(fence: Fence) -> bool:
    try:
        fence.check()
    except NotLeading:
        return True
    return False


# The terms while the turn begins and at each look, and at which looks it was refused.
TURNS = [
    pytest.param(1, [1, 1], [False, False], id="a turn within a term may act"),
    pytest.param(3, [3, 0, 0], [False, True, True], id="not after the lead was lost"),
    pytest.param(3, [3, 0, 4], [False, True, True], id="nor when we lead again"),
    pytest.param(3, [4], [True], id="a loss that nobody saw counts as well"),
    pytest.param(0, [0, 1], [True, True], id="a turn that began on a standby never may"),
]


@pytest.mark.parametrize(("began", "terms", "expected"), TURNS)
def test_a_turn_belongs_to_the_term_in_which_it_began(
    began: int, terms: list[int], expected: list[bool]
) -> None:
    elector = Leading(began)
    fence = Fence(elector)
    seen = []
    with fence.turn():
        for elector.term in terms:
            seen.append(refused(fence))
    assert seen == expected


@pytest.mark.parametrize(("term", "expected"), [(0, True), (1, False), (7, False)])
def test_a_thread_without_a_turn_may_act_while_we_lead(term: int, *, expected: bool) -> None:
    assert refused(Fence(Leading(term))) == expected


def test_the_next_turn_belongs_to_the_new_term() -> None:
    elector = Leading(1)
    fence = Fence(elector)
    with fence.turn():
        elector.term = 2
        assert refused(fence)
    assert not refused(fence), "between turns only the present counts"
    with fence.turn():
        assert not refused(fence)


def test_a_turn_that_raised_is_over() -> None:
    elector = Leading(1)
    fence = Fence(elector)
    with pytest.raises(ValueError, match="a bug"), fence.turn():
        raise ValueError("a bug")
    elector.term = 2
    assert not refused(fence)


@pytest.mark.parametrize(("began", "now"), [(1, 0), (1, 2)])
def test_a_refusal_says_that_nothing_is_wrong(began: int, now: int) -> None:
    elector = Leading(began)
    fence = Fence(elector)
    with fence.turn():
        elector.term = now
        with pytest.raises(NotYet) as caught:
            fence.check()
    assert caught.value.reason == "NotLeading"
    assert caught.value.message


def test_a_turn_within_a_turn_belongs_to_the_outer_one() -> None:
    elector = Leading(1)
    fence = Fence(elector)
    with fence.turn():
        elector.term = 2
        with fence.turn():
            assert refused(fence)
        assert refused(fence)


def test_turns_of_other_threads_are_their_own() -> None:
    elector = Leading(1)
    fence = Fence(elector)
    seen: list[bool] = []

    def other() -> None:
        with fence.turn():
            seen.append(refused(fence))

    with fence.turn():
        elector.term = 2
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert refused(fence)
    assert seen == [False]
