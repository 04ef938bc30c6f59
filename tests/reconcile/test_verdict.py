"""What the status says: the table of phases, and what must never be said."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.failures import NeedsPerson, NotYet, TryLater
from certwright.reconcile.problems import NOT_READY, first_problem
from certwright.reconcile.verdict import PATIENCE, Turn, verdict
from certwright.resources.certificate_status import CertificateStatus, read_status, status_to_dict
from certwright.resources.conditions import MESSAGE_LIMIT, Reason
from tests.kit.kstatus import kstatus, looked_at
from tests.reconcile.situations import (
    LEAF,
    NOW,
    READY,
    TARGET,
    UNREADY,
    attempt,
    certificate,
    leaf,
    seen,
    target,
)

if TYPE_CHECKING:
    from certwright.reconcile.observed import Observed

MINUTE = timedelta(minutes=1)
FAILED = {
    "failure": {"reason": "ValidationFailed", "detail": "no", "at": "2026-11-24T11:55:00Z", "count": 2},
    "nextAttemptTime": "2026-11-24T12:55:00Z",
}
VALIDATION_FAILED = TryLater("ValidationFailed", "the CA saw another TXT record")
FAILED_TURN = Turn(setback=VALIDATION_FAILED, failed=True, retry_at=NOW + 5 * MINUTE)
WAIT = NotYet("AwaitingPropagation", "TXT record is not visible on ns1")
DUE = target(leaf=leaf(not_before=NOW - timedelta(days=61), not_after=NOW + timedelta(days=29)))
OVERDUE = target(leaf=leaf(not_before=NOW - timedelta(days=88), not_after=NOW + timedelta(days=2)))
EXPIRED = target(leaf=leaf(not_after=NOW - timedelta(seconds=1)))

#: Phase, what is observed, how the turn ended, the conditions as `type: (status, reason)`, and kstatus.
PHASES = [
    pytest.param(
        seen(target=None, attempt=attempt()),
        Turn(),
        {
            "Ready": ("False", "Issuing"),
            "Issuing": ("True", "DoesNotExist"),
            "Reconciling": ("True", "Progressing"),
        },
        "InProgress",
        id="first issue running",
    ),
    pytest.param(
        seen(target=None),
        FAILED_TURN,
        {
            "Ready": ("False", "ValidationFailed"),
            "Issuing": ("False", "DoesNotExist"),
            "Reconciling": ("True", "ProgressingWithRetry"),
        },
        "InProgress",
        id="transient failure, will retry",
    ),
    pytest.param(
        seen(target=target(controller="Deployment/x", leaf=None)),
        Turn(setback=NeedsPerson("SecretConflict", "Secret web-tls is not overwritten")),
        {
            "Ready": ("False", "SecretConflict"),
            "Issuing": ("False", "SecretConflict"),
            "Stalled": ("True", "SecretConflict"),
        },
        "Failed",
        id="terminal: only a person can help",
    ),
    pytest.param(
        seen(target=None),
        Turn(
            setback=NeedsPerson("Rejected", "the CA will not issue this"),
            failed=True,
            retry_at=NOW + timedelta(hours=6),
        ),
        {
            "Ready": ("False", "Rejected"),
            "Issuing": ("False", "DoesNotExist"),
            "Stalled": ("True", "Rejected"),
        },
        "Failed",
        id="terminal: refused by the CA",
    ),
    pytest.param(
        seen(target=None, issuer=UNREADY),
        Turn(setback=NotYet("IssuerNotFound", "Issuer shop/ca does not exist")),
        {
            "Ready": ("False", "IssuerNotFound"),
            "Issuing": ("False", "DoesNotExist"),
            "Reconciling": ("True", "Progressing"),
        },
        "InProgress",
        id="an issuer that comes later is waited for, never stalled",
    ),
    pytest.param(
        seen(target=None),
        Turn(setback=NotYet("CredentialUnlabelled", "run: kubectl label")),
        {
            "Ready": ("False", "CredentialUnlabelled"),
            "Issuing": ("False", "DoesNotExist"),
            "Reconciling": ("True", "Progressing"),
        },
        "InProgress",
        id="a credential that comes later is waited for, never stalled",
    ),
    pytest.param(
        seen(target=None, attempt=attempt()),
        Turn(setback=WAIT, waiting_since=NOW - PATIENCE),
        {
            "Ready": ("False", "AwaitingPropagation"),
            "Issuing": ("True", "DoesNotExist"),
            "Reconciling": ("True", "Progressing"),
        },
        "InProgress",
        id="a wait that lasts is named",
    ),
    pytest.param(
        seen(target=None, attempt=attempt()),
        Turn(setback=WAIT, waiting_since=NOW - timedelta(seconds=19)),
        {
            "Ready": ("False", "Issuing"),
            "Issuing": ("True", "DoesNotExist"),
            "Reconciling": ("True", "Progressing"),
        },
        "InProgress",
        id="a wait that is over soon is not",
    ),
    pytest.param(seen(), Turn(stored=True), {"Ready": ("True", "Issued")}, "Current", id="issued"),
    pytest.param(
        seen(target=DUE, attempt=attempt()),
        Turn(),
        {"Ready": ("True", "Issued"), "Issuing": ("True", "Renewing")},
        "Current",
        id="renewing, the old certificate valid, the spec unchanged",
    ),
    pytest.param(
        seen(target=DUE, attempt=attempt()),
        Turn(setback=WAIT, waiting_since=NOW - MINUTE),
        {"Ready": ("True", "Issued"), "Issuing": ("True", "Renewing")},
        "Current",
        id="a renewal that waits for DNS is not failing",
    ),
    pytest.param(
        seen(
            certificate=certificate(generation=2, dnsNames=["new.example.org"]),
            attempt=attempt(names=("new.example.org",)),
        ),
        Turn(),
        {
            "Ready": ("False", "Issuing"),
            "Issuing": ("True", "RequestChanged"),
            "Reconciling": ("True", "Progressing"),
        },
        "InProgress",
        id="spec changed",
    ),
    pytest.param(
        seen(target=DUE),
        FAILED_TURN,
        {"Ready": ("True", "Issued"), "RenewalFailing": ("True", "ValidationFailed")},
        "Current",
        id="renewal failing, the old certificate valid",
    ),
    pytest.param(
        seen(target=DUE, attempt=attempt(), certificate=certificate(FAILED)),
        Turn(setback=WAIT, waiting_since=NOW - MINUTE),
        {
            "Ready": ("True", "Issued"),
            "Issuing": ("True", "Renewing"),
            "RenewalFailing": ("True", "ValidationFailed"),
        },
        "Current",
        id="the next attempt waits: the last failure stays told",
    ),
    pytest.param(
        seen(target=DUE, issuer=UNREADY),
        Turn(setback=NotYet("IssuerNotFound", "Issuer shop/ca does not exist")),
        {"Ready": ("True", "Issued"), "RenewalFailing": ("True", "IssuerNotFound")},
        "Current",
        id="renewal without an issuer, the old certificate valid",
    ),
    pytest.param(
        seen(target=DUE),
        Turn(setback=NeedsPerson("NoMatchingSolver", "no solver may prove www.example.org")),
        {"Ready": ("True", "Issued"), "RenewalFailing": ("True", "NoMatchingSolver")},
        "Current",
        id="renewal needs a person, the old certificate valid",
    ),
    pytest.param(
        seen(target=OVERDUE, attempt=attempt()),
        Turn(),
        {
            "Ready": ("True", "Issued"),
            "Issuing": ("True", "Renewing"),
            "RenewalOverdue": ("True", "Renewing"),
        },
        "Current",
        id="past renewal and two thirds of the slack",
    ),
    pytest.param(
        seen(target=EXPIRED, attempt=attempt()),
        Turn(),
        {
            "Ready": ("False", "Expired"),
            "Issuing": ("True", "Expired"),
            "Reconciling": ("True", "Progressing"),
        },
        "InProgress",
        id="expired",
    ),
    pytest.param(
        seen(certificate=certificate(suspend=True)),
        Turn(),
        {"Ready": ("True", "Issued"), "Suspended": ("True", "Suspended")},
        "Current",
        id="suspended with a valid certificate",
    ),
    pytest.param(
        seen(certificate=certificate(suspend=True), target=None),
        Turn(),
        {"Ready": ("False", "DoesNotExist"), "Suspended": ("True", "Suspended")},
        "InProgress",
        id="suspended without a certificate: nothing claims to be under way",
    ),
]


@pytest.mark.parametrize(("situation", "turn", "conditions", "seen_by_flux"), PHASES)
def test_each_phase_has_its_conditions(
    situation: Observed, turn: Turn, conditions: dict[str, tuple[str, str]], seen_by_flux: str
) -> None:
    status = verdict(situation, turn, NOW)
    assert {each.type: (each.status, each.reason) for each in status.conditions} == conditions
    assert status.observed_generation == situation.certificate.meta.generation
    assert kstatus(looked_at(situation.certificate.meta.generation, status_to_dict(status))) == seen_by_flux


def test_an_object_that_nobody_has_looked_at_is_in_progress() -> None:
    """The CRD's default; without it kstatus takes an object without conditions for Current."""
    assert (
        kstatus(looked_at(1, {"observedGeneration": CertificateStatus().observed_generation})) == "InProgress"
    )
    assert kstatus(looked_at(1, {})) == "Current"


def test_a_failure_says_when_the_next_attempt_is_and_which() -> None:
    failed_before = certificate(FAILED)
    status = verdict(seen(target=None, certificate=failed_before), FAILED_TURN, NOW)
    assert "Next attempt at 2026-11-24T12:05:00Z, attempt 4." in _message(status, "Ready")
    assert status.failure is not None
    assert (status.failure.count, status.failure.at) == (3, NOW)
    assert status.next_attempt_time == NOW + 5 * MINUTE


def test_a_ca_that_talks_for_a_thousand_characters_does_not_hide_what_happens_next() -> None:
    many = [f"name-number-{number}.of.a.very.long.list.example.org" for number in range(100)]
    essay = replace(FAILED_TURN, setback=TryLater("ValidationFailed", "x" * 1000))
    status = verdict(seen(certificate=certificate(dnsNames=many)), essay, NOW)
    message = _message(status, "Ready")
    assert message.startswith("The certificate does not cover")
    assert "Next attempt at 2026-11-24T12:05:00Z" in message
    assert len(message) <= MESSAGE_LIMIT


def test_success_forgets_the_failure_and_counts_a_revision() -> None:
    old = certificate(FAILED | {"revision": 4})
    status = verdict(seen(certificate=old, attempt=attempt()), Turn(stored=True), NOW)
    assert (status.failure, status.next_attempt_time, status.revision) == (None, None, 5)


def test_a_failure_of_the_past_is_forgotten_when_all_is_well_again() -> None:
    assert verdict(seen(certificate=certificate(FAILED)), Turn(), NOW).failure is None
    assert verdict(seen(certificate=certificate(FAILED), target=None), Turn(), NOW).failure is not None


def test_the_status_shows_the_certificate_in_the_secret() -> None:
    target = replace(TARGET, attempt_id="uid", stamps={"certwright.dev/proven-by": "dns"})
    advised = replace(seen(), advice=None, target=target)
    status = verdict(advised, Turn(), NOW)
    assert (status.not_before, status.not_after) == (LEAF.not_before, LEAF.not_after)
    assert (status.serial_number, status.fingerprint_sha256) == ("1234", "ff" * 32)
    assert status.issuer is not None
    assert (status.issuer.kind, status.issuer.name, status.issuer.common_name) == ("Issuer", "ca", "Test CA")
    assert status.renewal_time is not None
    assert LEAF.not_before < status.renewal_time < LEAF.not_after
    assert status.solver == "dns"


def test_a_secret_that_is_gone_takes_its_facts_out_of_the_status() -> None:
    status = status_to_dict(verdict(seen(target=None), Turn(), NOW))
    assert not {"notBefore", "notAfter", "renewalTime", "serialNumber", "issuer"} & set(status)


# What must never happen

names = st.sampled_from([["www.example.org"], ["new.example.org"], [f"n{i}.example.org" for i in range(100)]])
certificates = st.builds(
    certificate,
    st.sampled_from([None, FAILED, FAILED | {"observedGeneration": 0}]),
    dnsNames=names,
    suspend=st.sampled_from([False, False, False, True]),
)
targets = st.sampled_from(
    [None, TARGET, DUE, OVERDUE, EXPIRED, target(key=None), target(controller="X/y", leaf=None)]
)
situations = st.builds(
    seen,
    certificate=certificates,
    issuer=st.sampled_from([READY, UNREADY]),
    target=targets,
    attempt=st.sampled_from([None, attempt(), attempt(order_url="")]),
)
words = st.sampled_from([reason.word for reason in Reason])
messages = st.text(min_size=1, max_size=30) | st.just("long " * 600)
waits = st.builds(NotYet, words, messages)
repeated = st.builds(Turn, setback=st.none() | waits | st.builds(NeedsPerson, words, messages)) | st.builds(
    Turn, setback=waits, waiting_since=st.sampled_from([None, NOW, NOW - 10 * MINUTE])
)
failures = st.builds(
    Turn,
    setback=st.builds(NeedsPerson, words, messages) | st.builds(TryLater, words, messages),
    failed=st.just(True),
    retry_at=st.just(NOW + MINUTE + timedelta(microseconds=5)),
)
turns = repeated | failures | st.just(Turn(stored=True))


def _types(status: CertificateStatus) -> set[str]:
    return {condition.type for condition in status.conditions}


def _message(status: CertificateStatus, kind: str) -> str:
    return next(each.message for each in status.conditions if each.type == kind)


def _stored(situation: Observed, status: CertificateStatus) -> Observed:
    """The same situation after the status went through the API server."""
    again: dict[str, Any] = status_to_dict(status)
    return replace(situation, certificate=replace(situation.certificate, status=read_status(again)))


@given(situations, turns)
def test_reconciling_and_stalled_are_abnormal_true_and_never_both(situation: Observed, turn: Turn) -> None:
    status = verdict(situation, turn, NOW)
    abnormal = {"Reconciling", "Stalled", "RenewalFailing", "RenewalOverdue", "Suspended"}
    assert not {"Reconciling", "Stalled"} <= _types(status)
    assert all(each.status == "True" for each in status.conditions if each.type in abnormal)
    assert "Ready" in _types(status)
    assert len(_types(status)) == len(status.conditions)


@given(situations, turns)
def test_a_renewal_of_a_still_valid_certificate_makes_nothing_unhealthy(
    situation: Observed, turn: Turn
) -> None:
    if first_problem(NOT_READY, situation, NOW) is not None:
        return
    status = verdict(situation, turn, NOW)
    assert next(each.status for each in status.conditions if each.type == "Ready") == "True"
    assert not {"Reconciling", "Stalled"} & _types(status)
    assert kstatus(looked_at(situation.certificate.meta.generation, status_to_dict(status))) == "Current"


@given(situations, turns)
def test_a_certificate_that_is_not_as_asked_is_never_current(situation: Observed, turn: Turn) -> None:
    if first_problem(NOT_READY, situation, NOW) is None:
        return
    status = status_to_dict(verdict(situation, turn, NOW))
    assert kstatus(looked_at(situation.certificate.meta.generation, status)) != "Current"


@given(situations, turns)
def test_messages_fit_into_a_condition_and_are_not_empty(situation: Observed, turn: Turn) -> None:
    status = verdict(situation, turn, NOW)
    assert all(0 < len(each.message) <= MESSAGE_LIMIT for each in status.conditions)


@given(situations, repeated)
def test_a_turn_that_teaches_nothing_new_writes_the_same_status(situation: Observed, turn: Turn) -> None:
    """Byte for byte, also after the API server stored it: otherwise idle operators would write for ever."""
    settled = verdict(_stored(situation, verdict(situation, turn, NOW)), turn, NOW)
    later = verdict(_stored(situation, settled), turn, NOW + timedelta(seconds=3))
    assert repr(status_to_dict(later)) == repr(status_to_dict(settled))


@given(situations, turns)
def test_looking_again_after_anything_settles_at_once(situation: Observed, turn: Turn) -> None:
    after = _stored(situation, verdict(situation, turn, NOW))
    once = verdict(after, Turn(), NOW)
    twice = verdict(_stored(situation, once), Turn(), NOW + timedelta(seconds=3))
    assert status_to_dict(twice) == status_to_dict(once)


@given(situations, turns, turns, st.sampled_from(list(targets.elements)))  # type: ignore[attr-defined]
def test_a_transition_time_moves_when_the_status_flips_and_only_then(
    situation: Observed, first: Turn, second: Turn, then: Any
) -> None:
    before = verdict(situation, first, NOW)
    changed = replace(_stored(situation, before), target=then)
    later: datetime = NOW + MINUTE
    known = {each.type: each for each in before.conditions}
    for each in verdict(changed, second, later).conditions:
        same = each.type in known and known[each.type].status == each.status
        assert each.last_transition_time == (known[each.type].last_transition_time if same else later)
