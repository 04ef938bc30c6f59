"""What is told of single Certificates and issuers when somebody scrapes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.metrics.catalog import MOST_OBJECTS
from certwright.metrics.registry import Metrics
from certwright.resources.certificate import Certificate
from tests.metrics.examples import NOW, certificate, condition, failing, issuer, limit, watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certwright.resources.issuer import Issuer
    from certwright.resources.metadata import Unreadable

Samples = dict[tuple[str, ...], float]
END = 1801267200.0  # 2027-01-30


def samples(
    name: str,
    certificates: Sequence[Certificate | Unreadable] = (),
    issuers: Sequence[Issuer | Unreadable] = (),
) -> Samples:
    """Values of one series, by the values of its labels."""
    registry = watched(Metrics(), certificates, issuers).registry
    return {
        tuple(sample.labels.values()): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == f"certwright_{name}"
    }


def test_a_certificate_tells_when_it_began_ends_and_is_renewed() -> None:
    web = ("shop", "web", "Issuer", "ca")
    assert samples("certificate_ready", [certificate()]) == {web: 1}
    assert samples("certificate_not_after_timestamp_seconds", [certificate()]) == {web: END}
    assert samples("certificate_not_before_timestamp_seconds", [certificate()]) == {web: END - 90 * 86400}
    assert samples("certificate_renewal_timestamp_seconds", [certificate()]) == {web: END - 30 * 86400}


def test_a_new_one_has_no_moments_yet_and_is_not_ready() -> None:
    new = certificate("new", conditions=[], notBefore=None, notAfter=None, renewalTime=None)
    assert samples("certificate_ready", [new]) == {("shop", "new", "Issuer", "ca"): 0}
    assert samples("certificate_not_after_timestamp_seconds", [new]) == {}
    assert samples("certificate_renewal_timestamp_seconds", [new]) == {}
    assert samples("soonest_expiry_timestamp_seconds", [new]) == {}
    assert samples("certificates_not_ready", [new]) == {("other",): 1}


def test_one_whose_spec_cannot_be_read_expires_like_any_other() -> None:
    broken = certificate("broken", "False", "InvalidSpec", spec={"dnsNames": []})
    assert not isinstance(broken, Certificate)
    assert samples("certificate_ready", [broken]) == {("shop", "broken", "", ""): 0}
    assert samples("certificate_not_after_timestamp_seconds", [broken]) == {("shop", "broken", "", ""): END}
    assert samples("certificates_not_ready", [broken]) == {("InvalidSpec",): 1}


def test_failures_are_told_by_their_reason_and_only_where_there_are_any() -> None:
    told = samples("certificate_failed_attempts", [certificate(), failing()])
    assert told == {("shop", "failing", "Issuer", "ca", "ValidationFailed"): 2}


def test_until_when_an_attempt_is_held_back_is_told_and_only_where_it_is() -> None:
    told = samples("certificate_next_attempt_timestamp_seconds", [certificate(), failing()])
    assert told == {("shop", "failing", "Issuer", "ca"): (NOW + timedelta(hours=1)).timestamp()}


def test_a_reason_that_is_none_of_ours_makes_no_series() -> None:
    odd = [certificate(f"odd-{number}", "False", f"Odd{number}") for number in range(5)]
    assert samples("certificates_not_ready", odd) == {("other",): 5}
    told = samples("certificate_failed_attempts", [failing("odd", "Odd")])
    assert told == {("shop", "odd", "Issuer", "ca", "other"): 2}


def test_certificates_are_counted_by_ready_and_reason() -> None:
    many = [certificate(), certificate("b", "False", "RateLimited"), certificate("c", "False", "RateLimited")]
    assert samples("certificates", many) == {("true",): 1, ("false",): 2}
    assert samples("certificates_not_ready", many) == {("RateLimited",): 2}
    assert samples("certificates") == {("true",): 0, ("false",): 0}


def test_the_soonest_end_is_that_of_all() -> None:
    sooner = certificate("sooner", notAfter="2026-12-01T00:00:00Z")
    assert samples("soonest_expiry_timestamp_seconds", [certificate(), sooner]) == {(): END - 60 * 86400}


def test_of_more_than_can_be_shown_those_that_end_soonest_are_and_all_are_counted() -> None:
    new = certificate("new", "False", "Issuing", notAfter=None)
    soon = certificate("soon", notAfter="2026-12-01T00:00:00Z")
    many = [*[certificate()] * MOST_OBJECTS, soon, new]
    shown = samples("certificate_ready", many)
    assert {name for _, name, _, _ in shown} == {"web", "soon", "new"}
    registry = watched(Metrics(), many).registry
    (family,) = (each for each in registry.collect() if each.name == "certwright_certificate_ready")
    assert len(family.samples) == MOST_OBJECTS
    assert samples("certificates", many) == {("true",): MOST_OBJECTS + 1, ("false",): 1}


def test_issuers_tell_whether_their_account_works() -> None:
    broken = issuer("broken", "False", server="ftp://ca.example")
    told = samples(
        "issuer_ready",
        issuers=[issuer(), issuer("away", "False"), broken, issuer("all", kind="ClusterIssuer")],
    )
    assert told == {
        ("Issuer", "shop", "ca"): 1,
        ("Issuer", "shop", "away"): 0,
        ("Issuer", "shop", "broken"): 0,
        ("ClusterIssuer", "", "all"): 1,
    }


def test_limits_are_counted_once_however_many_issuers_show_them_and_while_they_last() -> None:
    shown = [
        limit("account"),
        limit("directory"),
        limit("name", subject="a.example"),
        limit("name", subject="b.example"),
        limit("name", "2026-11-24T11:30:00Z", "over.example"),
        limit("of another version"),
    ]
    other = issuer(
        "other", limits=[limit("account"), limit("directory")], account="https://ca.example/account/2"
    )
    told = samples("limits", issuers=[issuer(limits=shown), issuer("twin", limits=shown), other])
    assert told == {
        ("directory",): 1,
        ("registration",): 0,
        ("account",): 2,
        ("registered domain",): 0,
        ("name set",): 0,
        ("name",): 2,
    }


def test_what_stands_in_a_status_that_is_none_of_ours_breaks_no_scrape() -> None:
    odd = certificate(
        "odd", conditions=[condition("True", "Issued"), {"type": "Ready"}, 7], notAfter="soon", failure=[]
    )
    assert samples("certificate_ready", [odd]) == {("shop", "odd", "Issuer", "ca"): 1}
    assert samples("certificate_not_after_timestamp_seconds", [odd]) == {}
