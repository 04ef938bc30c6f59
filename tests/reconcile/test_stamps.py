"""How our label and annotations shall be, what differs, and what an apply of ours must carry."""

from __future__ import annotations

from datetime import timedelta

import pytest

from certwright.reconcile.observed import Restamped
from certwright.reconcile.stamps import differs, is_contested, next_in_row, wanted_stamps
from certwright.reconcile.verdict import Turn, verdict
from tests.reconcile.situations import DIRECTORY, NAMES, NOW, TARGET, UNREADY, certificate, seen, target

MINUTE = timedelta(minutes=1)


def test_what_an_order_wrote_is_as_it_shall_be() -> None:
    assert wanted_stamps(seen()) == TARGET.stamps
    assert not differs(seen(), wanted_stamps(seen()))


def test_names_are_written_sorted() -> None:
    several = certificate(dnsNames=["www.example.org", "a.example.org"])
    assert wanted_stamps(seen(certificate=several))[NAMES.alt_names] == "a.example.org,www.example.org"


@pytest.mark.parametrize(
    ("facts", "issuer", "directory"),
    [
        ({"directory": "", "attempt_id": "x"}, None, DIRECTORY),
        ({"directory": "", "attempt_id": ""}, None, ""),
        ({"directory": "", "attempt_id": "x"}, UNREADY, ""),
        ({"directory": "", "attempt_id": "x", "crt_manager": "kubectl"}, None, ""),
    ],
)
def test_a_directory_is_put_back_only_beside_what_came_from_an_order_of_ours(
    facts: dict[str, object], issuer: object, directory: str
) -> None:
    situation = seen(target=target(**facts), **({"issuer": issuer} if issuer else {}))
    assert wanted_stamps(situation).get(NAMES.directory, "") == directory


def test_a_row_ends_after_twenty_quiet_minutes() -> None:
    row = next_in_row(None, NOW)
    assert row == Restamped(1, NOW)
    assert next_in_row(row, NOW + 19 * MINUTE).count == 2
    assert next_in_row(row, NOW + 20 * MINUTE).count == 1


def test_a_secret_is_contested_from_the_third_time_on() -> None:
    for count, contested in ((1, False), (2, False), (3, True), (40, True)):
        assert is_contested(seen(restamped=Restamped(count, NOW)), NOW + 19 * MINUTE) == contested
        assert not is_contested(seen(restamped=Restamped(count, NOW)), NOW + 20 * MINUTE)


def test_a_contest_is_told_by_a_certificate_that_stays_ready() -> None:
    status = verdict(seen(restamped=Restamped(3, NOW)), Turn(), NOW)
    (ready,) = status.conditions
    assert (ready.type, ready.status, ready.reason) == ("Ready", "True", "Issued")
    assert "put back every ten minutes" in ready.message
