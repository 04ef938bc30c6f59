"""What is counted, and that no series grows with the number of Certificates."""

from __future__ import annotations

import pytest
from prometheus_client import generate_latest

from certwright import __version__
from certwright.metrics.catalog import CHALLENGES, MOST_HOSTS, OTHER
from certwright.metrics.registry import Metrics
from tests.metrics.examples import NOW, QueueFigures, TokenFigures


def text(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def test_actions_are_counted_by_kind_and_reason() -> None:
    metrics = Metrics()
    metrics.count_action("PlaceOrder", "")
    metrics.count_action("PlaceOrder", "RateLimited")
    metrics.count_action("PlaceOrder", "RateLimited")
    said = text(metrics)
    assert 'certwright_actions_total{action="PlaceOrder",reason=""} 1.0' in said
    assert 'certwright_actions_total{action="PlaceOrder",reason="RateLimited"} 2.0' in said


def test_attempts_are_counted_by_how_they_ended() -> None:
    metrics = Metrics()
    metrics.count_attempt("")
    metrics.count_attempt("RateLimited")
    metrics.count_attempt("RateLimited")
    said = text(metrics)
    assert 'certwright_attempts_total{reason="",result="issued"} 1.0' in said
    assert 'certwright_attempts_total{reason="RateLimited",result="failed"} 2.0' in said


@pytest.mark.parametrize(
    ("challenges", "told"),
    [
        ({"dns-01"}, "dns-01"),
        ({"http-01"}, "http-01"),
        ({"dns-01", "http-01"}, "mixed"),
        (set[str](), "none"),
    ],
)
def test_an_issuance_is_measured_by_the_challenges_that_it_took(challenges: set[str], told: str) -> None:
    metrics = Metrics()
    metrics.observe_issuance(frozenset(challenges), 4.0)
    said = text(metrics)
    name = "certwright_issuance_duration_seconds"
    assert f'{name}_sum{{challenge="{told}"}} 4.0' in said
    assert f'{name}_bucket{{challenge="{told}",le="5.0"}} 1.0' in said
    assert f'{name}_bucket{{challenge="{told}",le="2.5"}} 0.0' in said


def test_a_clock_that_was_set_back_meanwhile_makes_no_negative_time() -> None:
    metrics = Metrics()
    metrics.observe_issuance(frozenset({"dns-01"}), -3.0)
    assert 'certwright_issuance_duration_seconds_sum{challenge="dns-01"} 0.0' in text(metrics)


def test_what_is_to_increase_is_there_from_the_beginning() -> None:
    """Prometheus sees no increase in a series that begins at 1."""
    said = text(Metrics())
    assert 'certwright_attempts_total{reason="",result="issued"} 0.0' in said
    for challenge in CHALLENGES:
        assert f'certwright_issuance_duration_seconds_count{{challenge="{challenge}"}} 0.0' in said


def test_requests_to_a_ca_are_measured_by_host_method_and_status() -> None:
    metrics = Metrics()
    metrics.observe_request("POST", "ca.example", 201, 0.2)
    metrics.observe_request("POST", "ca.example", 0, 30.0)
    said = text(metrics)
    name = "certwright_acme_request_duration_seconds"
    assert f'{name}_count{{host="ca.example",method="POST",status="201"}} 1.0' in said
    assert f'{name}_sum{{host="ca.example",method="POST",status="0"}} 30.0' in said


def test_the_hosts_and_answers_that_others_choose_make_no_more_series_than_agreed() -> None:
    metrics = Metrics()
    for number in range(3 * MOST_HOSTS):
        metrics.observe_request("GET", f"ca{number}.example", 200, 0.1)
    for status in range(700, 800):
        metrics.observe_request("GET", "ca0.example", status, 0.1)
    (family,) = (each for each in metrics.registry.collect() if "request" in each.name)
    counts = [sample for sample in family.samples if sample.name.endswith("_count")]
    hosts = {sample.labels["host"] for sample in counts}
    assert hosts == {f"ca{number}.example" for number in range(MOST_HOSTS)} | {OTHER}
    assert {sample.labels["status"] for sample in counts} == {"200", OTHER}
    assert sum(sample.value for sample in counts) == 3 * MOST_HOSTS + 100


def test_crashes_are_counted() -> None:
    metrics = Metrics()
    metrics.count_crash()
    assert "certwright_turn_crashes_total 1.0" in text(metrics)


def test_figures_are_read_when_scraped() -> None:
    metrics, figures = Metrics(), QueueFigures()
    leads = [(True, 7)]
    metrics.watch(
        queue=lambda: figures,
        leading=lambda: leads[0],
        tokens=TokenFigures,
        relist_age=lambda: 90.0,
        certificates=tuple,
        issuers=tuple,
        clock=lambda: NOW,
    )
    said = text(metrics)
    assert 'certwright_queue_depth{state="waiting"} 3.0' in said
    assert 'certwright_queue_depth{state="due_later"} 2.0' in said
    assert 'certwright_queue_depth{state="processing"} 1.0' in said
    assert "certwright_queue_oldest_seconds 1.5" in said
    assert "certwright_leader 1.0" in said
    assert "certwright_lease_transitions 7.0" in said
    assert "certwright_relist_age_seconds 90.0" in said
    assert "certwright_token_rows 4.0" in said
    assert "certwright_token_unserved_seconds 0.5" in said
    assert f'certwright_build_info{{version="{__version__}"}} 1.0' in said
    figures.depth, leads[0] = 0, (False, 8)
    said = text(metrics)
    assert "certwright_leader 0.0" in said
    assert 'certwright_queue_depth{state="waiting"} 0.0' in said


def test_two_operators_in_one_process_do_not_share_counters() -> None:
    one, other = Metrics(), Metrics()
    one.count_crash()
    assert "certwright_turn_crashes_total 0.0" in text(other)
