"""Makes operator/METRICS.md from the catalog and from the alerts that the chart brings.

`python -m tests.metrics.metrics_page` writes it; a test compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from certwright.metrics.catalog import ALIASES, MOST_HOSTS, MOST_OBJECTS, OPERATOR, RESPONDER, Kind

if TYPE_CHECKING:
    from certwright.metrics.catalog import Series

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "operator" / "METRICS.md"
RULES = ROOT / "charts" / "certwright" / "files" / "alerts.yaml"

HEAD = f"""<!-- Made by `make format` from metrics/catalog.py and the chart's files/alerts.yaml; a test compares. -->
# Metrics

Every replica of the operator serves `/metrics` on port 9402, every solver pod on port 8090, in Prometheus' text format
over plain HTTP. The chart's value `prometheus.podmonitor.enabled` has the Prometheus Operator scrape both.

- All replicas tell the same of Certificates, issuers and limits, so that an expiry is seen while nobody leads:
  aggregate with `max by (namespace, name)`. Requests and actions are those of the replica that did them: sum them.
- Labels are bounded. What grows is one line for each Certificate in four to six series, and one for each issuer, up
  to {MOST_OBJECTS:,} of each; of more Certificates those are shown that end soonest. CAs beyond the first {MOST_HOSTS}
  share the host `other`.
- Certificates have a label `namespace` of their own. Scrapers put theirs in its place unless they are told
  `honorLabels: true`, as the chart's PodMonitor is. A ClusterIssuer has none, so that it gets the operator's.
- A scrape reads what the operator knows anyway: it costs no request, and time in proportion to the Certificates.

## Of the operator
"""
ALIASES_HEAD = """
## Under cert-manager's names

Dashboards and alerts that were written for cert-manager go on with these. They are off until asked for, by the chart's
value `prometheus.certManagerNames` or by `certwright run --cert-manager-metrics`; every replica of the operator then
serves them beside its own. `issuer_group` is `certwright.dev`. Only what we have is there: not
`certmanager_controller_sync_call_count`, not `certmanager_certificate_challenge_status`."""
ALERTS = """
## Alerts

They stand in [files/alerts.yaml](../charts/certwright/files/alerts.yaml), which is a file of Prometheus' own rules; the
chart's value `prometheus.rules.enabled` makes a PrometheusRule of it. Where `prometheus.rules.runbookUrl` says where
this page can be read, each alert's `runbook_url` leads to its heading here. What reasons mean is in
[REASONS.md](REASONS.md)."""
TABLE = """
| name | type | labels | meaning | unit |
|---|---|---|---|---|"""


def page() -> str:
    """The whole page."""
    parts = [HEAD.rstrip("\n"), TABLE, *map(_row, OPERATOR)]
    parts += ["\n## Of the solver pods", TABLE, *map(_row, RESPONDER)]
    parts += [ALIASES_HEAD, TABLE, *map(_row, ALIASES), ALERTS]
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    parts += [_alert(rule) for group in groups for rule in group["rules"]]
    return "\n".join([*parts, ""])


def _alert(rule: dict[str, Any]) -> str:
    about = f"Severity `{rule['labels']['severity']}`, once this has been so for {rule['for']}:"
    return f"\n### {rule['alert']}\n\n{about}\n\n```\n{rule['expr']}\n```\n\n{rule['annotations']['description']}"


def _row(series: Series) -> str:
    labels = ", ".join(f"`{label}`" for label in series.labels)
    return f"| `{series.name}` | {_kind(series)} | {labels} | {series.meaning} | {series.unit} |"


def _kind(series: Series) -> str:
    return "untyped" if series.kind is Kind.UNTYPED else series.kind.value


if __name__ == "__main__":
    PAGE.write_text(page())
