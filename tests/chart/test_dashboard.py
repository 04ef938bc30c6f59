"""What the dashboard's panels show of an operator that is at work: each of them something, and some of them this."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.chart.promql import parse
from tests.chart.promql_values import vector
from tests.chart.recording import Story, times
from tests.chart.test_monitoring import DASHBOARD, SERVED
from tests.kit.helm import CHART
from tests.metrics.examples import certificate, failing, issuer, limit, responder_registry

if TYPE_CHECKING:
    from tests.chart.promql_values import Vector

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
EXPRESSIONS = {
    (panel["title"], target["refId"]): target["expr"].replace("$__rate_interval", "5m")
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}


def busy() -> Story:
    """Ten minutes in which all kinds of things happen."""
    story = Story(set(SERVED))
    story.certificates = [
        certificate("overdue", **times(90 * DAY, 20 * DAY, -DAY)),
        certificate("tomorrow", **times(90 * DAY, 31 * DAY, 20 * HOUR)),
        certificate("later", **times(90 * DAY, 80 * DAY, 50 * DAY)),
        failing(),
        certificate("new", "False", "Issuing", notBefore=None, notAfter=None, renewalTime=None),
    ]
    story.issuers = [issuer("broken", "False", limits=[limit("account")])]

    def work() -> None:
        metrics = story.first.metrics
        metrics.observe_request("POST", "ca.example", 200, 0.2)
        metrics.count_action("PlaceOrder", "")
        metrics.count_attempt("")
        metrics.observe_issuance(frozenset({"dns-01"}), 20.0)
        moment = story.now.timestamp()
        solver = [
            (sample.name, frozenset({**sample.labels, "pod": "solver"}.items()), sample.value)
            for family in responder_registry().collect()
            for sample in family.samples
        ]
        story.recording.scrape(moment, "solver", solver)

    story.minutes(10, each=work)
    return story


@pytest.fixture(scope="module")
def story() -> Story:
    return busy()


def shown(story: Story, title: str, part: str = "A") -> Vector:
    now = (story.now - timedelta(minutes=1)).timestamp()
    return vector(parse(EXPRESSIONS[title, part]), story.recording, now)


@pytest.mark.parametrize(("title", "part"), EXPRESSIONS)
def test_a_panel_shows_something(story: Story, title: str, part: str) -> None:
    assert shown(story, title, part)


def test_renewals_are_due_or_to_come_within_a_day(story: Story) -> None:
    assert shown(story, "Renewals due or overdue") == {frozenset(): 1}
    assert shown(story, "Renewals in the next 24 hours") == {frozenset(): 1}


def test_certificates_are_counted_once_although_two_replicas_tell_of_them(story: Story) -> None:
    assert shown(story, "Certificates") == {frozenset(): 5}
    assert shown(story, "Not ready") == {frozenset(): 1}
    assert shown(story, "Replicas that lead") == {frozenset(): 1}


def test_issuances_that_took_twenty_seconds_took_between_ten_and_thirty(story: Story) -> None:
    dns = frozenset({("challenge", "dns-01")})
    assert (
        10
        < shown(story, "From order to Secret", "A")[dns]
        < shown(story, "From order to Secret", "B")[dns]
        < 30
    )


def test_the_file_is_written_as_it_is_edited() -> None:
    """So that a change of a panel is a change of its lines only."""
    text = (CHART / "files" / "dashboard.json").read_text()
    assert text == json.dumps(DASHBOARD, indent=1, ensure_ascii=False) + "\n"
