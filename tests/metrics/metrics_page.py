"""Makes operator/METRICS.md from the catalog and from the alerts that the chart brings.

`python -m tests.metrics.metrics_page` writes it; a test compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from certwright.metrics.catalog import MOST_HOSTS, MOST_OBJECTS, OPERATOR, RESPONDER

if TYPE_CHECKING:
    from certwright.metrics.catalog import Series

PAGE = Path(__file__).parents[2] / "operator" / "METRICS.md"

HEAD = f"""<!-- Made by `make format` from certwright/metrics/catalog.py; a test compares. -->
# Metrics

Every replica of the operator serves `/metrics` on port 9402, every solver pod on port 8090, in Prometheus' text format
over plain HTTP. The chart's value `prometheus.podmonitor.enabled` has the Prometheus Operator scrape both.

- All replicas tell the same of Certificates, issuers and limits, so that an expiry is seen while nobody leads:
  aggregate with `max by (namespace, name)`. Requests and actions are those of the replica that did them: sum them.
- Labels are bounded. What grows is one line for each Certificate in four or five series, and one for each issuer, up
  to {MOST_OBJECTS:,} of each; of more Certificates those are shown that end soonest. CAs beyond the first {MOST_HOSTS}
  share the host `other`.
- Certificates have a label `namespace` of their own. Scrapers put theirs in its place unless they are told
  `honorLabels: true`, as the chart's PodMonitor is. A ClusterIssuer has none, so that it gets the operator's.
- A scrape reads what the operator knows anyway: it costs no request, and time in proportion to the Certificates.

## Of the operator
"""
TABLE = """
| name | type | labels | meaning | unit |
|---|---|---|---|---|"""


def page() -> str:
    """The whole page."""
    parts = [HEAD.rstrip("\n"), TABLE, *map(_row, OPERATOR)]
    parts += ["\n## Of the solver pods", TABLE, *map(_row, RESPONDER), ""]
    return "\n".join(parts)


def _row(series: Series) -> str:
    labels = ", ".join(f"`{label}`" for label in series.labels)
    return f"| `{series.name}` | {series.kind.value} | {labels} | {series.meaning} | {series.unit} |"


if __name__ == "__main__":
    PAGE.write_text(page())
