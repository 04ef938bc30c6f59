"""What a process remembers between turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from certwright.acme.messages import Order, OrderStatus
from certwright.reconcile.memory import Memory
from certwright.reconcile.observed import RenewalAdvice
from tests.reconcile.situations import ATTEMPT, NOW, attempt

if TYPE_CHECKING:
    from certwright.resources.attempt import Attempt

ADVICE = RenewalAdvice(serial_number="1234", window=None, ask_again_at=NOW)


def test_an_attempt_is_found_by_uid_and_by_name() -> None:
    memory = Memory()
    memory.put_attempt(ATTEMPT)
    assert memory.attempt("uid-1") == ATTEMPT
    assert memory.attempts_of(ATTEMPT.certificate) == [ATTEMPT]


def test_the_attempts_of_two_objects_of_one_name_are_kept_apart() -> None:
    memory = Memory()
    second = attempt(certificate_uid="uid-2", uid="uid-attempt-2")
    memory.put_attempt(ATTEMPT)
    memory.put_attempt(second)
    assert {each.certificate_uid for each in memory.attempts_of(ATTEMPT.certificate)} == {"uid-1", "uid-2"}
    memory.drop_attempt("uid-1")
    assert memory.attempts_of(ATTEMPT.certificate) == [second]


def test_progress_stays_with_its_attempt_and_goes_with_it() -> None:
    memory = Memory()
    memory.put_attempt(ATTEMPT)
    memory.progress("uid-1").answered = True
    memory.put_attempt(attempt(resource_version="10", order_url="https://ca.example/order/2"))
    assert memory.progress("uid-1").answered
    memory.put_attempt(attempt(uid="uid-attempt-2"))
    assert not memory.progress("uid-1").answered
    memory.progress("uid-1").answered = True
    memory.drop_attempt("uid-1")
    assert memory.attempt("uid-1") is None
    assert not memory.progress("uid-1").answered


UNNOTED = attempt(order_url="")
PLACED = Order("https://ca.example/order/7", OrderStatus.PENDING, (), (), "https://ca.example/finalize/7")
AFTER_ANOTHER_LEADER: dict[str, tuple[Attempt, Order | None]] = {
    "the attempt is as it was": (UNNOTED, PLACED),
    "another one noted an order of its own": (ATTEMPT, None),
    "another one began another attempt": (attempt(order_url="", uid="uid-attempt-2"), None),
}


@pytest.mark.parametrize("name", AFTER_ANOTHER_LEADER)
def test_an_order_that_is_not_noted_yet_outlasts_a_lost_lead(name: str) -> None:
    found, expected = AFTER_ANOTHER_LEADER[name]
    memory = Memory()
    memory.put_attempt(UNNOTED)
    memory.progress("uid-1").placed = PLACED
    memory.begin_term(NOW)
    memory.begin_term(NOW)
    memory.put_attempt(found)
    assert memory.progress("uid-1").placed == expected


def test_an_order_of_an_attempt_that_is_over_is_forgotten() -> None:
    memory = Memory()
    memory.put_attempt(UNNOTED)
    memory.progress("uid-1").placed = PLACED
    memory.begin_term(NOW)
    memory.drop_attempt("uid-1")
    memory.put_attempt(UNNOTED)
    assert memory.progress("uid-1").placed is None


def test_dropping_what_is_not_there_is_nothing() -> None:
    memory = Memory()
    memory.drop_attempt("uid-1")
    memory.forget("uid-1")
    assert memory.attempts_of(ATTEMPT.certificate) == []


def test_a_hold_is_lifted_until_the_next_attempt_was_made() -> None:
    memory = Memory()
    memory.lift_hold("uid-1")
    assert memory.is_lifted("uid-1")
    assert not memory.is_lifted("uid-2")
    memory.hold("uid-1", 1, ADVICE.ask_again_at)
    assert not memory.is_lifted("uid-1")
    assert memory.hold_of("uid-1", 1) == ADVICE.ask_again_at
    assert memory.hold_of("uid-1", 2) is None, "a changed spec is a new question"
    memory.lift_hold("uid-1")
    assert memory.hold_of("uid-1", 1) is None


def test_a_deleted_certificate_keeps_only_what_must_be_cleared_up() -> None:
    memory = Memory()
    memory.put_attempt(ATTEMPT)
    memory.put_advice("uid-1", ADVICE)
    memory.lift_hold("uid-1")
    memory.forget_advice("uid-1")
    assert memory.advice("uid-1") is None
    assert not memory.is_lifted("uid-1")
    assert memory.attempt("uid-1") == ATTEMPT
    memory.forget("uid-1")
    assert memory.attempt("uid-1") is None


def test_names_that_another_attempt_of_the_account_asks_for_are_known_until_it_is_over() -> None:
    memory, name = Memory(), ATTEMPT.names[0]
    memory.put_attempt(ATTEMPT)
    memory.put_attempt(ATTEMPT)
    assert not memory.is_asked_by_others(ATTEMPT, name)
    other = attempt(certificate_uid="uid-2", uid="uid-attempt-2")
    elsewhere = attempt(
        certificate_uid="uid-3", uid="uid-attempt-3", account_url="https://ca.example/account/9"
    )
    memory.put_attempt(other)
    memory.put_attempt(elsewhere)
    assert memory.is_asked_by_others(ATTEMPT, name)
    assert memory.is_asked_by_others(other, name)
    assert not memory.is_asked_by_others(elsewhere, name)
    memory.put_attempt(attempt(certificate_uid="uid-2", uid="uid-attempt-4", names=("other.example.org",)))
    assert not memory.is_asked_by_others(ATTEMPT, name), "what the next attempt asks for counts"
    memory.put_attempt(other)
    memory.drop_attempt("uid-2")
    assert not memory.is_asked_by_others(ATTEMPT, name)
    memory.put_attempt(other)
    memory.begin_term(NOW)
    assert not memory.is_asked_by_others(ATTEMPT, name)
