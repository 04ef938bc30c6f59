"""How soon a bug is tried again."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from certwright.engine.retries import REMEMBERED, Retries


class HighestThrow(Random):
    """Dice that spread nothing."""

    def random(self) -> float:
        return 0.0


def test_delays_double_from_one_second_to_five_minutes() -> None:
    retries: Retries[str] = Retries(HighestThrow())
    assert [retries.delay_seconds("a") for _ in range(11)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_each_key_has_a_count_of_its_own_and_success_ends_it() -> None:
    retries: Retries[str] = Retries(HighestThrow())
    assert [retries.delay_seconds(key) for key in "aab"] == [1, 2, 1]
    retries.forget("a")
    retries.forget("never failed")
    assert [retries.delay_seconds(key) for key in "ab"] == [1, 2]


@given(seed=st.integers(), failures=st.integers(1, 2000))
def test_a_delay_is_never_nothing_and_never_more_than_five_minutes(seed: int, failures: int) -> None:
    retries: Retries[str] = Retries(Random(seed))
    delays = [retries.delay_seconds("a") for _ in range(failures)]
    assert all(0.75 <= delay <= 300 for delay in delays)


def test_only_so_many_keys_are_remembered() -> None:
    retries: Retries[int] = Retries(Random(1))
    for key in range(REMEMBERED + 50):
        retries.delay_seconds(key)
    assert len(retries) == REMEMBERED
