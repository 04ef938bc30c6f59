"""Good certificates that were lost: what counts as a loss, and how the next orders wait."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.reconcile import actions as do
from certwright.reconcile.decide import decide
from certwright.reconcile.losses import WEEK, is_lost, losses_known
from certwright.reconcile.verdict import Turn, verdict
from certwright.resources.certificate_status import MOST_LOSSES, read_status, status_to_dict
from certwright.resources.condition import write_moment
from tests.reconcile.situations import NOW, READY, certificate, leaf, seen, target

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
READY_TRUE = {
    "type": "Ready",
    "status": "True",
    "reason": "Issued",
    "message": "",
    "lastTransitionTime": "2026-11-20T00:00:00Z",
}
GOOD: dict[str, Any] = {
    "conditions": [READY_TRUE],
    "serialNumber": "1234",
    "notAfter": "2027-02-12T12:00:00Z",
    "renewalTime": "2027-01-13T12:00:00Z",
}
HELD = certificate(GOOD)
OTHER = leaf(serial_number="99")
OLD_AND_DUE = leaf(serial_number="99", not_before=NOW - 61 * DAY, not_after=NOW + 29 * DAY)


def before(*ages: timedelta) -> list[str]:
    return [write_moment(NOW - age) for age in ages]


def told(*ages: timedelta) -> dict[str, Any]:
    """A status without a certificate, after these losses."""
    return {"losses": before(*ages)}


LOSSES = [
    pytest.param({"target": None}, id="the Secret was deleted"),
    pytest.param({"target": target(leaf=None)}, id="tls.crt was damaged"),
    pytest.param({"target": target(key=None, has_key=False)}, id="tls.key was emptied"),
    pytest.param({"target": target(leaf=leaf(public_key_sha256="00"))}, id="tls.key was swapped"),
    pytest.param(
        {"target": target(leaf=leaf(serial_number="99", dns_names=frozenset({"a.test"})))},
        id="a certificate for other names was put there",
    ),
    pytest.param({"target": target(leaf=OLD_AND_DUE)}, id="an older one that is due was put there"),
    pytest.param(
        {"target": target(leaf=OTHER, vouched=False, chain_flaw="is self-signed")},
        id="a self-signed one was put there",
    ),
]


@pytest.mark.parametrize("changed", LOSSES)
def test_a_good_certificate_that_is_gone_is_a_loss_and_is_noted_before_the_next_order(changed: Any) -> None:
    situation = seen(certificate=HELD, **changed)
    assert decide(situation, NOW) == do.NoteLoss()
    noted = verdict(situation, Turn(), NOW)
    assert noted.losses == (NOW,)
    after = seen(certificate=certificate(status_to_dict(noted)), **changed)
    assert isinstance(decide(after, NOW), do.PlaceOrder)


NO_LOSSES = [
    pytest.param({"certificate": HELD}, id="all is well"),
    pytest.param({"target": None}, id="there never was one"),
    pytest.param(
        {"certificate": HELD, "target": target(leaf=OTHER)}, id="another good one came in its place"
    ),
    pytest.param(
        {"certificate": certificate(GOOD | {"serialNumber": ""}), "target": None}, id="none is known"
    ),
    pytest.param(
        {"certificate": certificate(GOOD | {"observedGeneration": 1}, generation=2), "target": None},
        id="the spec was changed",
    ),
    pytest.param(
        {"certificate": certificate(GOOD | {"renewalTime": write_moment(NOW)}), "target": None},
        id="it was due anyway",
    ),
    pytest.param(
        {
            "certificate": HELD,
            "issuer": READY.__class__(
                ref=READY.ref,
                spec=READY.spec,
                directory_url="https://new.example/dir",
                account_url=READY.account_url,
                offers_renewal_info=True,
            ),
        },
        id="the issuer moved to another CA",
    ),
    pytest.param({"certificate": HELD, "target": target(type="Opaque", leaf=None)}, id="somebody else's now"),
    pytest.param(
        {"certificate": HELD, "target": None, "older": "first"}, id="another Certificate goes first"
    ),
]


@pytest.mark.parametrize("changed", NO_LOSSES)
def test_everything_else_is_none(changed: Any) -> None:
    assert not is_lost(seen(**changed), NOW)
    assert verdict(seen(**changed), Turn(), NOW).losses == ()


WAITS = [
    pytest.param((), None, id="none"),
    pytest.param((HOUR,), None, id="one"),
    pytest.param((HOUR, timedelta(0)), None, id="two"),
    pytest.param((DAY, HOUR, timedelta(0)), HOUR, id="three"),
    pytest.param((2 * DAY, DAY, HOUR, timedelta(0)), 6 * HOUR, id="four"),
    pytest.param((3 * DAY, 2 * DAY, DAY, HOUR, timedelta(0)), 24 * HOUR, id="five"),
    pytest.param((4 * DAY, 3 * DAY, 2 * DAY, DAY, HOUR, timedelta(0)), 24 * HOUR, id="six"),
    pytest.param((8 * DAY, 7 * DAY, HOUR, timedelta(0)), None, id="two within a week"),
]


@pytest.mark.parametrize(("ages", "wait"), WAITS)
def test_from_the_third_loss_of_a_week_on_the_next_order_waits(
    ages: tuple[timedelta, ...], wait: timedelta | None
) -> None:
    situation = seen(target=None, certificate=certificate(told(*ages)))
    action = decide(situation, NOW)
    if wait is None:
        assert isinstance(action, do.PlaceOrder)
        return
    assert isinstance(action, do.Halt)
    assert action.setback.reason == "SecretVanishing"
    assert f"lost {len(ages)} times within seven days" in action.setback.message
    assert write_moment(NOW + wait) in action.setback.message
    assert action.setback.look_again_in == wait  # type: ignore[attr-defined]
    assert isinstance(decide(situation, NOW + wait), do.PlaceOrder)


THRICE = told(3 * HOUR, 2 * HOUR, timedelta(0))


def test_what_was_lost_three_times_is_told_by_condition_and_not_as_a_failure() -> None:
    situation = seen(target=None, certificate=certificate(THRICE))
    action = decide(situation, NOW)
    assert isinstance(action, do.Halt)
    status = verdict(situation, Turn(setback=action.setback), NOW)
    said = {each.type: (each.status, each.reason) for each in status.conditions}
    assert said["Ready"] == ("False", "SecretVanishing")
    assert "Stalled" not in said
    assert status.failure is None
    assert status.losses == tuple(datetime.fromisoformat(each) for each in THRICE["losses"])


def test_our_own_certificate_that_has_grown_old_never_waits() -> None:
    due = leaf(not_before=NOW - 61 * DAY, not_after=NOW + 29 * DAY)
    assert isinstance(
        decide(seen(target=target(leaf=due), certificate=certificate(THRICE)), NOW), do.PlaceOrder
    )
    theirs = target(leaf=due, crt_manager="argocd-controller")
    assert isinstance(decide(seen(target=theirs, certificate=certificate(THRICE)), NOW), do.Halt)


def test_a_changed_spec_does_not_wait_and_starts_the_count_anew() -> None:
    edited = certificate(THRICE | {"observedGeneration": 1}, generation=2)
    assert isinstance(decide(seen(target=None, certificate=edited), NOW), do.PlaceOrder)
    assert losses_known(seen(target=None, certificate=edited), NOW) == ()


def test_losses_are_forgotten_after_a_week() -> None:
    situation = seen(certificate=certificate(told(8 * DAY, 6 * DAY)))
    assert losses_known(situation, NOW) == (NOW - 6 * DAY,)


def test_losses_stand_in_the_status_as_times() -> None:
    status = read_status({"losses": ["2026-11-24T12:00:00Z", 7, "nonsense", "2026-11-23T12:00:00Z"]})
    assert status.losses == (NOW - DAY, NOW)
    assert status_to_dict(status)["losses"] == ["2026-11-23T12:00:00Z", "2026-11-24T12:00:00Z"]
    assert "losses" not in status_to_dict(read_status({}))
    assert read_status({"losses": "x"}).losses == ()


@given(st.lists(st.timedeltas(timedelta(0), WEEK), max_size=20))
def test_a_status_never_outgrows_its_schema(ages: list[timedelta]) -> None:
    status = {"losses": sorted(before(*ages))} | GOOD
    known = losses_known(seen(target=None, certificate=certificate(status)), NOW)
    assert len(known) <= MOST_LOSSES
    assert known[-1] == NOW
    assert list(known) == sorted(known)
