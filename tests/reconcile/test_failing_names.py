"""How often a name may fail, in sentences."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from certwright.reconcile.failing_names import (
    believed,
    failed,
    is_forgotten,
    is_held,
    room,
    unheard,
    why_held,
)
from certwright.resources.ledger import FailingName
from tests.reconcile.situations import NOW

NAME = "www.example.org"
ACCOUNT = "https://ca.example/account/1"


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def after(*failures: float, unheard_of: tuple[float, ...] = ()) -> FailingName | None:
    """The row after failures at these hours, and validations of which nothing was heard."""
    row: FailingName | None = None
    for hours in sorted((*failures, *unheard_of)):
        row = (
            unheard(row, NAME, at(hours))
            if hours in unheard_of
            else failed(row, NAME, at(hours), "no record")
        )
    return row


ROWS = {
    "a name that never failed may be tried three times at once": (after(), 0, False, 3),
    "after one failure two more": (after(0), 0.1, False, 2),
    "after two failures one more": (after(0, 0.1), 0.2, False, 1),
    "after three within an hour none": (after(0, 0.1, 0.2), 0.3, False, 0),
    "nor an hour after the first of them": (after(0, 0.1, 0.2), 1.1, False, 0),
    "but three more an hour after the last": (after(0, 0.1, 0.2), 1.2, False, 3),
    "failures an hour apart add up to nothing": (after(0, 1, 2), 3, False, 3),
    "somebody who acted gets one more try": (after(0, 0.1, 0.2), 0.3, True, 1),
    "and not another within the hour": (after(0, 0.1, 0.2, 0.3), 0.4, True, 0),
    "who acted after the fourth waits for an hour like all": (after(0, 0.1, 0.2, 0.3), 1.3, True, 3),
    "after a day of nothing but failures none": (after(0, 12, 24), 25, False, 0),
    "until a day after the last, then one": (after(0, 12, 24), 48, False, 1),
    "and so on": (after(0, 12, 24, 48), 71, False, 0),
    "somebody who acted need not wait for the day": (after(0, 12, 24), 25, True, 1),
    "a first failure that was long ago leaves one try": (after(0), 25, False, 1),
    "what nobody heard of fills the hour": (after(0, unheard_of=(0.1, 0.2)), 0.3, False, 0),
    "also without any failure": (after(unheard_of=(0, 0.1, 0.2)), 0.3, False, 0),
    "and makes no day": (after(unheard_of=(0, 12, 24)), 25, False, 3),
    "but keeps one closed": (after(0, 24, unheard_of=(48,)), 50, False, 0),
}


@pytest.mark.parametrize("sentence", ROWS)
def test_how_many_validations_may_be_under_way(sentence: str) -> None:
    row, hours, pardoned, free = ROWS[sentence]
    assert room(row, at(hours), pardoned=pardoned) == free


def test_a_name_is_forgotten_two_days_after_it_failed_last_and_one_that_is_tried_daily_never() -> None:
    once, daily = after(0), after(0, 24)
    assert once
    assert daily
    assert not is_forgotten(once, at(47))
    assert is_forgotten(once, at(48))
    assert not is_forgotten(daily, at(24 + 47)), "a try a day, a little late, finds it"


def test_what_somebody_edited_holds_no_longer_than_any_other() -> None:
    edited = FailingName(name=NAME, failed_at=(at(9000), at(0)), since=at(0), count=2, until=at(9000))
    row = believed(edited, at(1))
    assert row.failed_at == (at(0), at(1))
    assert is_held(row, at(24))
    assert not is_held(row, at(25))


SENTENCES = {
    "www.example.org failed 3 validations within an hour at account https://ca.example/account/1, counted over all "
    "Certificates; the next try is at 2026-11-24T13:12:00Z. The CA said last: no record. Mend it; a changed issuer or "
    "credential of its solvers has it tried once more at once": after(0, 0.1, 0.2),
    "www.example.org has failed every validation at account https://ca.example/account/1 since 2026-11-24T12:00:00Z, "
    "counted over all Certificates; it is tried once a day, the next try is at 2026-11-26T12:00:00Z. The CA said last: "
    "no record. Mend it; a changed issuer or credential of its solvers has it tried once more at once": after(
        0, 24
    ),
    "www.example.org was left without an answer in 3 validations within an hour at account "
    "https://ca.example/account/1, counted over all Certificates; the next try is at 2026-11-24T13:12:00Z. Mend it; a "
    "changed issuer or credential of its solvers has it tried once more at once": after(
        unheard_of=(0, 0.1, 0.2)
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_who_waits_says_why_until_when_and_what_helps(sentence: str) -> None:
    row = SENTENCES[sentence]
    assert row
    assert why_held(row, ACCOUNT, row.last) == sentence
