"""Our series under cert-manager's names: the same values, with its labels."""

from __future__ import annotations

from prometheus_client import generate_latest

from certwright.metrics.registry import Metrics
from tests.metrics.examples import NOW, certificate, failing, issuer, watched

OF_WEB = {
    "namespace": "shop",
    "name": "web",
    "issuer_kind": "Issuer",
    "issuer_name": "ca",
    "issuer_group": "certwright.dev",
}


def metrics() -> Metrics:
    made = Metrics(aliases=True)
    for status in (201, 201, 429):
        made.observe_request("POST", "ca.example", status, 0.25)
    objects = [certificate(), certificate("new", "False", "Issuing", notAfter=None), failing("unseen")]
    issuers = [issuer(), issuer("all", "False", kind="ClusterIssuer"), issuer("none", "Unknown")]
    return watched(made, objects, issuers)


def test_a_certificate_has_the_values_of_our_own_series() -> None:
    registry = metrics().registry
    for alias, ours in (
        ("expiration", "not_after"),
        ("not_after", "not_after"),
        ("not_before", "not_before"),
        ("renewal", "renewal"),
    ):
        told = registry.get_sample_value(f"certmanager_certificate_{alias}_timestamp_seconds", OF_WEB)
        labels = {name: value for name, value in OF_WEB.items() if name != "issuer_group"}
        assert told is not None
        assert told == registry.get_sample_value(f"certwright_certificate_{ours}_timestamp_seconds", labels)
    nowhere = registry.get_sample_value(
        "certmanager_certificate_expiration_timestamp_seconds", OF_WEB | {"name": "new"}
    )
    assert nowhere is None


def test_of_three_values_of_a_condition_one_is_so() -> None:
    registry = metrics().registry
    for name, labels, so in (
        ("certificate", OF_WEB, "True"),
        ("certificate", OF_WEB | {"name": "new"}, "False"),
        ("issuer", {"namespace": "shop", "name": "ca"}, "True"),
        ("issuer", {"namespace": "shop", "name": "none"}, "Unknown"),
        ("clusterissuer", {"name": "all"}, "False"),
    ):
        for value in ("True", "False", "Unknown"):
            told = registry.get_sample_value(
                f"certmanager_{name}_ready_status", labels | {"condition": value}
            )
            assert told == float(value == so), (name, labels, value)


def test_requests_are_counted_as_our_histogram_counts_them() -> None:
    registry = metrics().registry
    labels = {"scheme": "https", "host": "ca.example", "method": "POST", "status": "201"}
    name = "certmanager_http_acme_client_request"
    assert registry.get_sample_value(f"{name}_count", labels) == 2
    assert registry.get_sample_value(f"{name}_count", labels | {"status": "429"}) == 1
    assert registry.get_sample_value(f"{name}_duration_seconds_count", labels) == 2
    assert registry.get_sample_value(f"{name}_duration_seconds_sum", labels) == 0.5


def test_names_stand_in_a_scrape_as_cert_manager_writes_them() -> None:
    page = generate_latest(metrics().registry).decode()
    assert "\ncertmanager_http_acme_client_request_count{" in page
    assert "\n# TYPE certmanager_http_acme_client_request_count untyped\n" in page


def test_the_clock_is_the_operators() -> None:
    assert metrics().registry.get_sample_value("certmanager_clock_time_seconds_gauge") == NOW.timestamp()


def test_without_the_setting_there_are_none() -> None:
    assert (
        "certmanager_"
        not in generate_latest(watched(Metrics(), [certificate()], [issuer()]).registry).decode()
    )
