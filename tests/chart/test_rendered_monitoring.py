"""What helm makes of the values for monitoring."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.chart.rendering import Body, Chart, container, of_kind, the
from tests.chart.value_sets import MONITORED
from tests.kit.helm import CHART, HelmFailed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.servers

KINDS = ("PodMonitor", "PrometheusRule")
PODS = {"certwright": "http-metrics", "certwright-responder": "health"}


@pytest.fixture
def chart(tmp_path: Path) -> Chart:
    return Chart(tmp_path)


def rules(bodies: list[Body]) -> list[dict[str, Any]]:
    """All alerts of the one PrometheusRule."""
    (found,) = of_kind(bodies, "PrometheusRule")
    return [rule for group in found["spec"]["groups"] for rule in group["rules"]]


def source() -> list[dict[str, Any]]:
    groups = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_as_it_comes_nothing_needs_the_prometheus_operator(chart: Chart) -> None:
    bodies = chart.bodies()
    assert not of_kind(bodies, *KINDS, "ConfigMap")


@pytest.mark.parametrize("values", MONITORED.values(), ids=MONITORED)
def test_helm_finds_nothing_to_complain_of(chart: Chart, values: Body) -> None:
    told = chart.helm("lint", "--strict", CHART, f"--values={chart.values_file(values)}")
    assert "0 chart(s) failed" in told
    assert chart.text(values) == chart.text(values)


@pytest.mark.parametrize("asked", [False, True])
def test_cert_managers_names_of_metrics_are_served_where_that_is_asked(chart: Chart, asked: bool) -> None:  # noqa: FBT001
    flags = container(chart.bodies({"prometheus": {"certManagerNames": asked}}))["args"]
    assert ("--cert-manager-metrics" in flags) is asked


def test_both_kinds_of_pods_are_scraped_at_a_port_that_they_have(chart: Chart) -> None:
    bodies = chart.bodies(MONITORED["all of it"])
    assert {body["metadata"]["name"] for body in of_kind(bodies, "PodMonitor")} == set(PODS)
    for name, port in PODS.items():
        monitor = the(bodies, "PodMonitor", name)["spec"]
        (endpoint,) = monitor["podMetricsEndpoints"]
        assert endpoint == {
            "port": port,
            "path": "/metrics",
            "interval": "60s",
            "scrapeTimeout": "30s",
            "honorLabels": True,
        }
        assert port in {each["name"] for each in container(bodies, name)["ports"]}
        labels = the(bodies, "Deployment", name)["spec"]["template"]["metadata"]["labels"]
        assert monitor["selector"]["matchLabels"].items() <= labels.items()
        assert monitor["namespaceSelector"] == {"matchNames": ["certwright"]}


def test_the_rules_are_those_of_the_file(chart: Chart) -> None:
    assert rules(chart.bodies(MONITORED["all of it"])) == source()


def test_runbooks_and_labels_of_alerts_are_as_the_values_say(chart: Chart) -> None:
    found = rules(chart.bodies(MONITORED["elsewhere"]))
    for rule, was in zip(found, source(), strict=True):
        address = rule["annotations"].pop("runbook_url")
        assert address == f"https://git.example.com/certwright/operator/METRICS.md#{rule['alert'].lower()}"
        assert rule["labels"] == was["labels"] | {"team": "platform"}
        assert rule["annotations"] == was["annotations"]
        assert rule["expr"] == was["expr"]


def test_objects_stand_where_the_values_say_with_their_labels_and_find_the_pods_still(chart: Chart) -> None:
    bodies = chart.bodies(MONITORED["elsewhere"])
    for body in (*of_kind(bodies, *KINDS), the(bodies, "ConfigMap", "certwright-dashboard")):
        assert body["metadata"]["namespace"] == "monitoring"
        assert body["metadata"]["labels"]["app.kubernetes.io/name"] == "certwright"
    for monitor in of_kind(bodies, "PodMonitor"):
        assert monitor["metadata"]["labels"]["release"] == "prometheus"
        assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["certwright"]}
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        assert (endpoint["interval"], endpoint["proxyUrl"]) == ("15s", "http://proxy:3128")
    dashboard = the(bodies, "ConfigMap", "certwright-dashboard")
    assert dashboard["metadata"]["annotations"] == {"grafana_folder": "TLS"}


def test_the_dashboard_is_the_file(chart: Chart) -> None:
    body = the(chart.bodies(MONITORED["all of it"]), "ConfigMap", "certwright-dashboard")
    assert body["metadata"]["labels"]["grafana_dashboard"] == "1"
    shown = json.loads(body["data"]["certwright.json"])
    assert shown == json.loads((CHART / "files" / "dashboard.json").read_text())


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"prometheus": {"servicemonitor": {"enabled": True}}}, "'servicemonitor' not allowed"),
        ({"prometheus": {"podmonitor": {"interval": "often"}}}, "podmonitor/interval"),
        ({"prometheus": {"podmonitor": {"namespace": "Monitoring"}}}, "podmonitor/namespace"),
        (
            {"prometheus": {"rules": {"runbookUrl": "https://git.example.com/METRICS.md#top"}}},
            "rules/runbookUrl",
        ),
        ({"grafana": {"dashboard": {"labels": {"grafana_dashboard": 1}}}}, "labels/grafana_dashboard"),
        (
            {"prometheus": {"rules": {"enabled": True, "labels": {"app.kubernetes.io/name": "x"}}}},
            "app.kubernetes.io/name is the chart's own",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(chart: Chart, values: Body, told: str) -> None:
    with pytest.raises(HelmFailed) as refused:
        chart.text(values)
    assert told in str(refused.value)


def test_what_the_readme_says_turns_it_on(chart: Chart) -> None:
    text = (CHART.parents[1] / "README.md").read_text().replace("\\\n", " ")
    (line,) = (each for each in text.splitlines() if each.startswith("helm upgrade") and "podmonitor" in each)
    words = shlex.split(line)
    values = [flag for at, word in enumerate(words) if word == "--set" for flag in (word, words[at + 1])]
    bodies = [*yaml.safe_load_all(chart.helm.template(*values))]
    assert len(of_kind(bodies, *KINDS)) == 3
    assert {body["metadata"]["labels"]["release"] for body in of_kind(bodies, *KINDS)} == {
        "kube-prometheus-stack"
    }
    assert the(bodies, "ConfigMap", "certwright-dashboard")
