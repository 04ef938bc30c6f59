"""How long a CA's directory is believed (RFC 8555 §7.1.1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from certwright.failures import TryLater
from certwright.reconcile.accounts import DIRECTORY_DOUBT, DIRECTORY_LIFE, Authority
from tests.kit.fake_ca import FakeCa
from tests.kit.fake_ca_faults import page
from tests.kit.faults import acme
from tests.reconcile.fakes import Clock

SECOND = timedelta(seconds=1)


def authority() -> tuple[Authority, FakeCa, Clock]:
    clock = Clock()
    ca = FakeCa(clock)
    return Authority(ca.directory_url, ca, clock, clock.seconds), ca, clock


def test_a_directory_is_asked_for_once_in_twelve_hours() -> None:
    at, ca, clock = authority()
    first = at.directory()
    clock.now += DIRECTORY_LIFE - SECOND
    assert at.directory() is first
    assert ca.count("directory") == 1
    clock.now += SECOND
    ca.profiles = {"short": timedelta(days=6)}
    assert at.directory().profiles == {"short": "a profile"}
    assert ca.count("directory") == 2


ADVICE = "; write the URL of the CA's ACME directory into spec.acme.server"


@pytest.mark.parametrize(
    ("status", "advice"), [(404, ADVICE), (200, ADVICE), (403, ADVICE), (429, ""), (503, "")]
)
def test_where_no_directory_is_the_field_with_its_address_is_named(status: int, advice: str) -> None:
    at, ca, _ = authority()
    ca.rule(acme("directory"), page(status))
    with pytest.raises(TryLater) as told:
        at.directory()
    assert told.value.message.partition(";")[1:] == advice.partition(";")[1:]


def test_a_directory_that_lacks_something_is_asked_for_anew_once_in_a_while() -> None:
    at, ca, clock = authority()
    at.directory()
    clock.now += DIRECTORY_DOUBT
    ca.profiles = {"short": timedelta(days=6)}
    for _ in range(3):
        at.doubt_directory()
    assert ca.count("directory") == 2
    assert at.profiles == {"short": "a profile"}


def test_a_directory_that_cannot_be_read_anew_stands_where_it_is_doubted_and_is_missed_where_it_is_old() -> (
    None
):
    at, ca, clock = authority()
    first = at.directory()
    clock.now += DIRECTORY_DOUBT
    ca.rule(acme("directory"), page(502))
    at.doubt_directory()
    assert at.directory() is first
    clock.now += DIRECTORY_LIFE
    with pytest.raises(TryLater):
        at.directory()
