"""The operator's mind, as a table of sentences."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.acme.messages import Identifier, OrderStatus, Problem
from certwright.failures import NeedsPerson, NotYet, TryLater
from certwright.reconcile import actions as do
from certwright.reconcile.decide import decide
from certwright.reconcile.observed import RenewalAdvice, Restamped, Window
from certwright.resources.attempt import Stage, Wait
from tests.reconcile.situations import (
    DIRECTORY,
    KEY,
    NAMES,
    NOW,
    READY,
    TARGET,
    UNREADY,
    attempt,
    certificate,
    issuer,
    leaf,
    progress,
    seen,
    target,
    unstamped,
)

if TYPE_CHECKING:
    from certwright.reconcile.observed import Observed

FAILED = {
    "failure": {"reason": "ValidationFailed", "detail": "no", "at": "2026-11-24T11:55:00Z", "count": 1},
    "nextAttemptTime": "2026-11-24T12:05:00Z",
}
ADVICE = RenewalAdvice(serial_number="1234", window=None, ask_again_at=NOW + timedelta(hours=6))
OVER = Window(NOW - timedelta(hours=2), NOW - timedelta(hours=1))
STORED = target(
    leaf=leaf(public_key_sha256="bb" * 32),
    key=KEY.__class__("ECDSA", 256, "PKCS8", "bb" * 32),
    attempt_id="uid-attempt",
)

ORDERS = [
    pytest.param(seen(target=None), "DoesNotExist", id="an absent Secret is made"),
    pytest.param(
        seen(target=target(has_certificate=False, leaf=None)), "MissingData", id="an empty Secret is filled"
    ),
    pytest.param(seen(target=target(leaf=None)), "InvalidCertificate", id="garbage in tls.crt is replaced"),
    pytest.param(seen(target=target(key=None)), "InvalidKeyPair", id="garbage in tls.key is replaced"),
    pytest.param(
        seen(target=target(leaf=leaf(public_key_sha256="cc" * 32))),
        "InvalidKeyPair",
        id="a key that is not the certificate's is replaced",
    ),
    pytest.param(
        seen(certificate=certificate(privateKey={"algorithm": "RSA"})),
        "SecretMismatch",
        id="another key algorithm is made",
    ),
    pytest.param(
        seen(certificate=certificate(privateKey={"algorithm": "ECDSA", "size": 384})),
        "SecretMismatch",
        id="another key size is made",
    ),
    pytest.param(
        seen(certificate=certificate(dnsNames=["www.example.org", "new.example.org"])),
        "RequestChanged",
        id="an added name is ordered",
    ),
    pytest.param(
        seen(target=target(leaf=leaf(dns_names=frozenset({"www.example.org", "old.example.org"})))),
        "RequestChanged",
        id="a name that is not asked any more is left out",
    ),
    pytest.param(seen(target=target(issuer_name="other")), "IncorrectIssuer", id="another issuer is asked"),
    pytest.param(
        seen(target=target(directory="https://staging.example/dir")),
        "IncorrectIssuer",
        id="a certificate of another directory is replaced",
    ),
    pytest.param(
        seen(target=target(leaf=leaf(not_after=NOW - timedelta(seconds=1)))),
        "Expired",
        id="an expired certificate is replaced",
    ),
    pytest.param(
        seen(
            target=target(leaf=leaf(not_after=NOW + timedelta(days=29), not_before=NOW - timedelta(days=61)))
        ),
        "Renewing",
        id="29 days before the end a certificate of 90 days is renewed",
    ),
    pytest.param(
        seen(advice=RenewalAdvice(serial_number="1234", window=OVER, ask_again_at=NOW)),
        "Renewing",
        id="a window that is over makes it due now",
    ),
    pytest.param(
        seen(target=None, certificate=certificate(FAILED | {"observedGeneration": 1}, generation=2)),
        "DoesNotExist",
        id="a changed spec does not wait for the last failure",
    ),
    pytest.param(
        seen(target=None, certificate=certificate(FAILED), hold_lifted=True),
        "DoesNotExist",
        id="a mended credential does not wait for the last failure",
    ),
    pytest.param(
        seen(target=target(certificate_name="", crt_manager="kubectl", adopt=True, leaf=None)),
        "InvalidCertificate",
        id="a Secret that was handed over is written",
    ),
    pytest.param(
        seen(target=None, attempt=attempt(order_url="")),
        "DoesNotExist",
        id="an attempt without an order goes on with one",
    ),
]


@pytest.mark.parametrize(("situation", "reason"), ORDERS)
def test_an_order_is_placed(situation: Observed, reason: str) -> None:
    action = decide(situation, NOW)
    assert isinstance(action, do.PlaceOrder)
    assert action.problem.reason.word == reason


RESTS = [
    pytest.param(seen(), id="a certificate as asked and not due"),
    pytest.param(
        seen(certificate=certificate(privateKey={"rotationPolicy": "Never"}), target=target(key=KEY)),
        id="what the spec leaves open is never a mismatch",
    ),
    pytest.param(
        seen(target=None, certificate=certificate(suspend=True)), id="a suspended one, whatever is wrong"
    ),
    pytest.param(
        seen(target=None, certificate=certificate(FAILED)), id="a failed one before its next attempt"
    ),
    pytest.param(seen(issuer=UNREADY), id="one whose issuer went, as long as nothing is due"),
    pytest.param(
        seen(target=target(certificate_name="other", label="", attempt_id="x"), issuer=UNREADY),
        id="a free Secret that fits, before its issuer's CA is known",
    ),
    pytest.param(
        seen(target=target(label=""), restamped=Restamped(3, NOW - timedelta(minutes=9))),
        id="a label that somebody takes away again and again, for ten minutes",
    ),
    pytest.param(
        seen(restamped=Restamped(5, NOW - timedelta(minutes=19))), id="a label that has stood for a while"
    ),
]


@pytest.mark.parametrize("situation", RESTS)
def test_nothing_is_done_for(situation: Observed) -> None:
    action = decide(situation, NOW)
    assert isinstance(action, do.Rest)
    assert action.until is None or action.until > NOW


RESTAMPS = [
    pytest.param({"label": ""}, id="the label was taken away"),
    pytest.param({"label": "foo"}, id="the label was edited"),
    pytest.param({"certificate_name": ""}, id="the owner's name was taken away"),
    pytest.param({"certificate_name": "nobody"}, id="the owner's name was edited to nobody's"),
    pytest.param({"stamps": unstamped("certificate_uid")}, id="the owner's UID was taken away"),
    pytest.param({"stamps": unstamped(certificate_uid="uid-0")}, id="the Certificate was made again"),
    pytest.param({"stamps": unstamped("alt_names")}, id="the names were taken away"),
    pytest.param({"stamps": unstamped(serial_number="5")}, id="the serial number was edited"),
    pytest.param({"issuer_name": "", "issuer_kind": ""}, id="the issuer was taken away"),
    pytest.param({"directory": "", "attempt_id": "uid-attempt"}, id="the directory was taken away"),
]


@pytest.mark.parametrize("facts", RESTAMPS)
def test_our_label_and_annotations_are_put_back_without_an_order(facts: dict[str, object]) -> None:
    action = decide(seen(target=target(**facts)), NOW)
    whole = dict(TARGET.stamps) | ({NAMES.attempt_id: "uid-attempt"} if "attempt_id" in facts else {})
    if facts == {"certificate_name": "nobody"}:
        assert action == do.Adopt(whole)
    else:
        assert action == do.Restamp(whole)


def test_they_are_put_back_ten_minutes_after_the_last_time_when_somebody_takes_them_away() -> None:
    contested = seen(target=target(label=""), restamped=Restamped(3, NOW))
    assert decide(contested, NOW) == do.Rest(NOW + timedelta(minutes=10))
    assert isinstance(decide(contested, NOW + timedelta(minutes=10)), do.Restamp)
    assert decide(seen(restamped=Restamped(3, NOW)), NOW) == do.Rest(NOW + timedelta(minutes=20))


FREE = {"label": "", "certificate_name": "gone", "attempt_id": "uid-x"}
GIVEN = {
    "label": "",
    "stamps": {},
    "certificate_name": "",
    "issuer_name": "",
    "issuer_kind": "",
    "directory": "",
    "crt_manager": "kubectl-create",
    "vouched": False,
    "adopt": True,
}
ADOPTS = [
    pytest.param(FREE, id="one whose Certificate is gone"),
    pytest.param(FREE | {"issuer_name": "old"}, id="one from another issuer that asks the same CA"),
    pytest.param(GIVEN, id="one that was handed over"),
    pytest.param(GIVEN | {"controller": "Vault/x"}, id="one that a controller's owner handed over"),
    pytest.param(GIVEN | {"directory": DIRECTORY, "vouched": True}, id="one with the record of the same CA"),
]


@pytest.mark.parametrize("facts", ADOPTS)
def test_a_secret_that_fits_is_adopted_without_an_order(facts: dict[str, object]) -> None:
    action = decide(seen(target=target(**facts)), NOW)
    assert isinstance(action, do.Adopt)
    assert action.stamps[NAMES.certificate_name] == "web"
    assert action.stamps[NAMES.certificate_uid] == "uid-1"
    assert action.stamps[NAMES.serial_number] == "1234"
    assert action.stamps[NAMES.issuer_name] == "ca"
    assert action.stamps.get(NAMES.directory, "") == facts.get("directory", DIRECTORY)


REFUSED = [
    pytest.param({"leaf": leaf(dns_names=frozenset({"a.test"}))}, "RequestChanged", id="other names"),
    pytest.param({"leaf": leaf(public_key_sha256="00")}, "InvalidKeyPair", id="another key"),
    pytest.param(
        {"leaf": leaf(not_before=NOW - timedelta(days=61), not_after=NOW + timedelta(days=29))},
        "Renewing",
        id="due",
    ),
    pytest.param({"leaf": leaf(not_after=NOW)}, "Expired", id="expired"),
    pytest.param({"chain_flaw": "is self-signed, and not by a CA"}, "IncorrectIssuer", id="self-signed"),
    pytest.param(
        {"leaf": leaf(issuer_common_name="(STAGING) Wannabe Watercress R11")},
        "IncorrectIssuer",
        id="from a staging CA",
    ),
    pytest.param({"directory": "https://other.example/dir"}, "IncorrectIssuer", id="from another directory"),
]


@pytest.mark.parametrize(("facts", "reason"), REFUSED)
def test_a_secret_that_was_handed_over_and_does_not_fit_is_written_over(
    facts: dict[str, object], reason: str
) -> None:
    action = decide(seen(target=target(**(GIVEN | facts))), NOW)
    assert isinstance(action, do.PlaceOrder)
    assert action.problem.reason.word == reason


def test_nothing_is_put_back_for_a_suspended_certificate() -> None:
    assert decide(seen(certificate=certificate(suspend=True), target=target(label="")), NOW) == do.Rest(None)


def test_the_older_of_two_certificates_orders_and_the_newer_does_not() -> None:
    assert isinstance(decide(seen(target=None), NOW), do.PlaceOrder)
    newer = decide(seen(target=None, older="first"), NOW)
    assert isinstance(newer, do.Halt)
    assert newer.setback.reason == "SecretConflict"
    assert "Certificate first" in newer.setback.message


def test_an_order_that_was_begun_before_the_older_one_was_seen_is_dropped() -> None:
    under_way = progress(OrderStatus.READY)
    assert decide(seen(target=None, older="first", attempt=attempt(), progress=under_way), NOW) == (
        do.DropOrder(None)
    )


def test_an_attempt_whose_secret_was_deleted_is_a_failure_once() -> None:
    told = {"attempt": {"number": 2, "startedAt": "2026-11-24T11:55:00Z", "reason": "DoesNotExist"}}
    action = decide(seen(target=None, certificate=certificate(told), attempt_lost=True), NOW)
    assert isinstance(action, do.NoteFailure)
    assert action.why.reason == "AttemptLost"
    assert "attempt 2" in action.why.message
    edited = certificate(told | {"observedGeneration": 1}, generation=2)
    assert isinstance(decide(seen(target=None, certificate=edited, attempt_lost=True), NOW), do.PlaceOrder)


HALTS = [
    pytest.param(
        seen(target=None, issuer=UNREADY), NotYet, "IssuerNotFound", id="an unknown issuer is waited for"
    ),
    pytest.param(
        seen(target=None, issuer=replace(UNREADY, reason="ClusterIssuersOff")),
        NeedsPerson,
        "ClusterIssuersOff",
        id="an issuer that may not be read needs a person",
    ),
    pytest.param(
        seen(target=target(controller="Deployment/x", leaf=None)),
        NeedsPerson,
        "SecretConflict",
        id="a controlled Secret is not overwritten",
    ),
    pytest.param(
        seen(target=target(certificate_name="other", leaf=None), owner_lives=True),
        NeedsPerson,
        "SecretConflict",
        id="another Certificate's Secret is not overwritten",
    ),
    pytest.param(
        seen(target=target(certificate_name="", crt_manager="kubectl", leaf=None)),
        NeedsPerson,
        "SecretConflict",
        id="somebody's own certificate is not overwritten",
    ),
    pytest.param(
        seen(target=target(type="Opaque", leaf=None, adopt=True)),
        NeedsPerson,
        "SecretConflict",
        id="a type cannot be changed, even when handed over",
    ),
    pytest.param(
        seen(target=target(label="credential", leaf=None)),
        NeedsPerson,
        "SecretConflict",
        id="an issuer's credential is never a target",
    ),
    pytest.param(
        seen(
            target=None,
            certificate=certificate(dnsNames=["other.test"]),
            issuer=READY.__class__(
                ref=READY.ref,
                spec=issuer(
                    solvers=[
                        {
                            "selector": {"dnsZones": ["example.org"]},
                            "dns01": {"rfc2136": {"nameserver": "192.0.2.53:53"}},
                        }
                    ]
                ).spec,
                directory_url=READY.directory_url,
                account_url=READY.account_url,
                offers_renewal_info=True,
            ),
        ),
        NeedsPerson,
        "NoMatchingSolver",
        id="a name that no solver may prove",
    ),
]


@pytest.mark.parametrize(("situation", "kind", "reason"), HALTS)
def test_something_else_must_change_first(situation: Observed, kind: type, reason: str) -> None:
    action = decide(situation, NOW)
    assert isinstance(action, do.Halt)
    assert isinstance(action.setback, kind)
    assert action.setback.reason == reason


GOES_ON = [
    (OrderStatus.PENDING, False, do.SolveChallenges()),
    (OrderStatus.PENDING, True, do.AwaitCA()),
    (OrderStatus.READY, True, do.FinalizeOrder()),
    (OrderStatus.READY, False, do.FinalizeOrder()),
    (OrderStatus.PROCESSING, True, do.AwaitCA()),
    (OrderStatus.VALID, True, do.StoreCertificate()),
]


@pytest.mark.parametrize(("status", "answered", "action"), GOES_ON)
def test_the_state_of_the_order_says_what_is_next(
    status: OrderStatus, *, answered: bool, action: do.Action
) -> None:
    situation = seen(target=None, attempt=attempt(), progress=progress(status, answered=answered))
    assert decide(situation, NOW) == action


def waiting(stage: Stage, **left: float) -> Wait:
    """A wait that has so much time left."""
    return Wait(stage, NOW - timedelta(minutes=5), NOW + timedelta(**left))


FINALIZED = {"finalize_at": NOW + timedelta(seconds=1)}
WAITS = [
    pytest.param(
        OrderStatus.PENDING, waiting(Stage.VALIDATION, minutes=1), {}, do.AwaitCA, id="proofs are checked"
    ),
    pytest.param(
        OrderStatus.PENDING,
        waiting(Stage.VALIDATION),
        {},
        do.ReviewAuthorizations,
        id="proofs are checked for long",
    ),
    pytest.param(OrderStatus.PENDING, waiting(Stage.READINESS, minutes=1), {}, do.AwaitCA, id="a late order"),
    pytest.param(OrderStatus.PENDING, waiting(Stage.READINESS), {}, do.DropOrder, id="an order too late"),
    pytest.param(
        OrderStatus.READY, waiting(Stage.READINESS, minutes=1), {}, do.FinalizeOrder, id="late, then ready"
    ),
    pytest.param(
        OrderStatus.READY, waiting(Stage.SIGNING, minutes=1), {}, do.FinalizeOrder, id="the answer was lost"
    ),
    pytest.param(
        OrderStatus.READY, waiting(Stage.SIGNING, minutes=1), FINALIZED, do.AwaitCA, id="ready after its CSR"
    ),
    pytest.param(
        OrderStatus.READY,
        waiting(Stage.SIGNING, minutes=1),
        {"finalize_at": NOW},
        do.FinalizeOrder,
        id="ready long after its CSR",
    ),
    pytest.param(
        OrderStatus.READY, waiting(Stage.SIGNING), {"finalize_at": NOW}, do.DropOrder, id="ready for a day"
    ),
    pytest.param(OrderStatus.PROCESSING, waiting(Stage.SIGNING, minutes=1), {}, do.AwaitCA, id="signing"),
    pytest.param(OrderStatus.PROCESSING, waiting(Stage.SIGNING), {}, do.DropOrder, id="signing for a day"),
    pytest.param(
        OrderStatus.VALID, waiting(Stage.SIGNING), {}, do.StoreCertificate, id="signed at the last moment"
    ),
]


@pytest.mark.parametrize(("status", "wait", "facts", "action"), WAITS)
def test_a_ca_is_waited_for_but_not_without_end(
    status: OrderStatus, wait: Wait, facts: dict[str, Any], action: type
) -> None:
    told = replace(progress(status, answered=True), wait=wait, **facts)
    assert isinstance(decide(seen(target=None, attempt=attempt(), progress=told), NOW), action)


def test_a_wait_that_another_process_noted_goes_on_before_the_ca_is_asked() -> None:
    told = replace(progress(OrderStatus.PROCESSING), order=None, wait=waiting(Stage.SIGNING, minutes=1))
    assert decide(seen(target=None, attempt=attempt(), progress=told), NOW) == do.AwaitCA()


def test_an_order_for_other_names_is_dropped_in_any_state() -> None:
    for status in OrderStatus:
        told = progress(status, answered=True)
        assert told.order is not None
        other = replace(told.order, identifiers=(Identifier("dns", "www.example.com"),))
        action = decide(seen(target=None, attempt=attempt(), progress=replace(told, order=other)), NOW)
        assert isinstance(action, do.DropOrder)
        assert action.why is not None
        assert "without www.example.org and with www.example.com" in action.why.message


def test_an_invalid_order_is_dropped_and_counts_as_a_failed_validation() -> None:
    broken = progress(OrderStatus.INVALID, error=Problem("unauthorized", "wrong TXT"))
    action = decide(seen(target=None, attempt=attempt(), progress=broken), NOW)
    assert isinstance(action, do.DropOrder)
    assert isinstance(action.why, TryLater)
    assert "wrong TXT" in action.why.message


DROPS = [
    pytest.param({"certificate": certificate(dnsNames=["new.example.org"])}, id="other names"),
    pytest.param({"certificate": certificate(privateKey={"size": 384})}, id="another key"),
    pytest.param({"certificate": certificate(suspend=True)}, id="suspended"),
    pytest.param({"attempt": attempt(account_url="https://ca.example/account/2")}, id="another account"),
    pytest.param({"attempt": attempt(certificate_uid="uid-0")}, id="an earlier object of this name"),
]


@pytest.mark.parametrize("changed", DROPS)
def test_an_order_that_the_spec_has_left_behind_is_dropped(changed: dict[str, object]) -> None:
    situation = seen(target=None, attempt=attempt(), progress=progress(OrderStatus.VALID))
    situation = situation.__class__(**{f: getattr(situation, f) for f in situation.__slots__} | changed)
    assert decide(situation, NOW) == do.DropOrder(None)


def test_an_attempt_whose_certificate_is_stored_is_closed_and_nothing_else() -> None:
    situation = seen(target=STORED, attempt=attempt(), progress=progress(OrderStatus.VALID))
    assert decide(situation, NOW) == do.CloseAttempt()


def test_a_certificate_with_the_kept_key_of_an_earlier_order_does_not_close_the_attempt() -> None:
    """With rotationPolicy Never old and new certificate have one key: only the attempt's own counts."""
    before = target(leaf=STORED.leaf, key=STORED.key, attempt_id="uid-earlier")
    situation = seen(target=before, attempt=attempt(), progress=progress(OrderStatus.VALID))
    assert decide(situation, NOW) == do.StoreCertificate()


def test_advice_is_asked_for_when_it_is_due_and_not_before() -> None:
    assert decide(seen(advice=ADVICE), NOW) == do.Rest(ADVICE.ask_again_at)
    assert decide(seen(advice=ADVICE), ADVICE.ask_again_at) == do.AskRenewalInfo()


moments = st.timedeltas(timedelta(days=-200), timedelta(days=200)).map(lambda by: NOW + by)
situations = st.builds(
    seen,
    certificate=st.sampled_from([certificate(), certificate(FAILED), certificate(suspend=True)]),
    issuer=st.sampled_from([READY, UNREADY]),
    target=st.sampled_from([None, TARGET, STORED, target(key=None), target(controller="X/y", leaf=None)]),
    attempt=st.sampled_from([None, attempt(), attempt(order_url="")]),
    progress=st.none() | st.builds(progress, st.sampled_from(list(OrderStatus)), answered=st.booleans()),
    advice=st.sampled_from([None, ADVICE]),
)


@given(situation=situations, now=moments)
def test_never_rests_into_the_past(situation: Observed, now: object) -> None:
    """A rest that is already over would make the worker spin."""
    action = decide(situation, now)  # type: ignore[arg-type]
    assert not isinstance(action, do.Rest) or action.until is None or action.until > now  # type: ignore[operator]


@given(situation=situations, now=moments)
def test_nothing_is_begun_at_a_ca_for_a_suspended_certificate(situation: Observed, now: object) -> None:
    action = decide(situation, now)  # type: ignore[arg-type]
    if situation.certificate.spec.suspend:
        assert isinstance(action, do.Rest | do.DropOrder | do.CloseAttempt)


def test_deciding_needs_no_network_and_no_framework() -> None:
    """In a fresh interpreter, importing the mind brings in none of the libraries that reach the world."""
    script = (
        "import sys; before = set(sys.modules); import certwright.reconcile.decide; "
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}"
        " & {'kopf', 'requests', 'kubernetes', 'dns', 'aiohttp', 'urllib3'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
