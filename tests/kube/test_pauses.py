"""What the API server asked for by Retry-After holds for whoever comes next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from certwright.failures import TryLater
from certwright.kube import pauses as module
from certwright.kube.pauses import LONGEST, Pauses

WRITE, READ = "PATCH /apis/things/web/status", "GET /apis/things/web"


class Hand:
    """A clock moved by hand."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def pauses(clock: Hand) -> Pauses:
    return Pauses(clock)


def test_a_path_is_left_alone_for_as_long_as_was_asked(pauses: Pauses, clock: Hand) -> None:
    pauses.note(WRITE, timedelta(seconds=5))
    clock.seconds += 2
    with pytest.raises(TryLater) as caught:
        pauses.check(WRITE)
    assert caught.value.retry_after == timedelta(seconds=3)
    assert "another 3 s" in caught.value.message
    clock.seconds += 3
    pauses.check(WRITE)


def test_another_verb_and_another_path_are_free(pauses: Pauses) -> None:
    pauses.note(WRITE, timedelta(seconds=5))
    pauses.check(READ)
    pauses.check(f"{WRITE}2")


def test_a_faulty_server_does_not_silence_us_for_long(pauses: Pauses, clock: Hand) -> None:
    pauses.note(WRITE, timedelta(days=400))
    clock.seconds += LONGEST.total_seconds()
    pauses.check(WRITE)


def test_a_flood_of_paths_is_not_remembered_for_ever(pauses: Pauses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    for number in range(3):
        pauses.note(f"GET /{number}", timedelta(seconds=5))
    pauses.check("GET /0")
    for number in (1, 2):
        with pytest.raises(TryLater):
            pauses.check(f"GET /{number}")
