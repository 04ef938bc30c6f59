"""Alerts and dashboard name only what is served, and can be read; neither helm nor a cluster is needed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from certwright.metrics.catalog import OPERATOR, RESPONDER, Kind
from tests.chart.promql import OF_TARGETS, NotPromql, read
from tests.kit.helm import CHART
from tests.metrics.metrics_page import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((CHART / "files" / "dashboard.json").read_text())
PARTS = ("_bucket", "_count", "_sum")


def labels_of_metrics() -> Iterator[tuple[str, frozenset[str]]]:
    """Every name that can be queried, and its labels."""
    for series in (*OPERATOR, *RESPONDER):
        labels = frozenset(series.labels)
        if series.kind is Kind.HISTOGRAM:
            yield from (
                (f"{series.name}{part}", labels | ({"le"} if part == "_bucket" else set())) for part in PARTS
            )
        else:
            yield series.name, labels


SERVED = dict(labels_of_metrics())
ALERTS = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


def expressions() -> Iterator[Any]:
    for rule in RULES:
        yield pytest.param(rule["expr"], id=rule["alert"])
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "5m")
            yield pytest.param(expression, id=f"{panel['title']} {target['refId']}")


@pytest.mark.parametrize("expression", [*expressions()])
def test_an_expression_can_be_read_and_names_only_metrics_and_labels_that_are_served(expression: str) -> None:
    found = read(expression)
    assert found.metrics
    assert found.metrics <= set(SERVED)
    for metric, labels in found.matched:
        assert labels <= SERVED[metric] | OF_TARGETS, metric
    there = frozenset[str]().union(*(SERVED[metric] for metric in found.metrics))
    assert found.grouped <= there | OF_TARGETS


@ALERTS
def test_an_alert_says_how_urgent_it_is_what_is_so_and_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description"}
    assert re.fullmatch(r"\d+[mh]", rule["for"])
    description = rule["annotations"]["description"]
    assert description.endswith(".")
    assert "{{" not in description, "it stands on the page, too"


@ALERTS
def test_the_labels_that_an_alert_speaks_of_are_those_that_it_has(rule: dict[str, Any]) -> None:
    told = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    assert told <= read(rule["expr"]).grouped


@ALERTS
def test_an_alert_has_a_heading_on_the_page_to_which_its_runbook_leads(rule: dict[str, Any]) -> None:
    assert f"\n### {rule['alert']}\n" in PAGE.read_text()


def test_the_alerts_are_those_that_people_wait_for() -> None:
    assert [rule["alert"].removeprefix("Certwright") for rule in RULES] == [
        "CertificateExpiresSoon",
        "CertificateAboutToExpire",
        "CertificateNotReady",
        "RenewalFailing",
        "IssuerNotReady",
        "CAUnreachable",
        "HittingRateLimits",
        "NoLeader",
        "QueueStuck",
        "WatchStale",
        "TurnCrashes",
    ]


def test_panels_have_numbers_and_places_of_their_own() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    for panel in panels:
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "sum by (a (b)",
        "sum(a, b)",
        "sum()",
        "increase(a)",
        "rate(a[5])",
        "rate(a[5m)",
        'a{b="c"',
        "a{b=c}",
        "a{b~'c'}",
        "a b",
        "a <",
        "a unless",
        "time(1)",
        "nonsense(a)",
        "a and on b",
        "(a",
        "a)",
    ],
)
def test_what_is_no_promql_is_refused(expression: str) -> None:
    with pytest.raises(NotPromql):
        read(expression)


def test_metrics_and_labels_are_found_wherever_they_stand() -> None:
    found = read(
        'topk(3, sum by (a, b) (rate(m{c=~"x|y", d!="1"}[5m]))) / 2 > 0 unless on (e) n == 1 or absent(o)'
    )
    assert found.matched == [("m", frozenset("cd")), ("n", frozenset()), ("o", frozenset())]
    assert found.grouped == {"a", "b", "e"}
