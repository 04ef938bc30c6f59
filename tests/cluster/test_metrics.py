"""What the running operator and the running solver pod serve is what METRICS.md tells of, and nothing else."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from certwright.metrics.catalog import ALIASES, OPERATOR, RESPONDER, Series
from certwright.resources.condition import read_moment
from tests.cluster.conftest import Tenant, next_namespace
from tests.kit.waiting import eventually
from tests.metrics.metrics_page import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from tests.kit.bench import Bench
    from tests.kit.front import Front
    from tests.kit.operator_process import Operator

pytestmark = pytest.mark.cluster

RENEW = "certwright.dev/renew"
PREFIXES = ("certwright_", "certmanager_")


@dataclass(frozen=True)
class Page:
    """A scrape."""

    families: list[Metric]

    @classmethod
    def of(cls, text: str) -> Page:
        """Read what was served."""
        return cls([*text_string_to_metric_families(text)])

    def shown(self) -> dict[str, tuple[str, frozenset[frozenset[str]]]]:
        """Type and sets of labels of each series that has samples, by its name in the catalog."""
        found = {}
        for family in self.families:
            samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            labels = frozenset(frozenset(sample.labels) - {"le"} for sample in samples)
            if samples:
                name = f"{family.name}_total" if family.type == "counter" else family.name
                found[name] = (family.type, labels)
        return found

    def value(self, metric: str, **labels: str) -> float:
        """The sum of all samples of this name with these labels among theirs; 0 where there are none."""
        return sum(
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == metric and labels.items() <= sample.labels.items()
        )


@pytest.fixture(scope="module")
def busy(bench: Bench, operator: Operator) -> Iterator[Tenant]:
    """A namespace in which all usual things have happened, to issuers of both kinds."""
    tenant = Tenant(bench, next_namespace())
    cluster = f"all-of-{tenant.namespace}"
    wrong = {"secret": base64.b64encode(b"no key of this name server's").decode()}
    locked = {"dns01": {"rfc2136": tenant.rfc2136(tsigSecretSecretRef={"name": "wrong", "key": "secret"})}}
    tenant.apply(
        tenant.dns_key(),
        tenant.dns_key("wrong", stringData=wrong),
        tenant.issuer(),
        tenant.issuer("web", solvers=[tenant.http01()]),
        tenant.issuer("locked", solvers=[locked]),
        tenant.issuer(cluster, "ClusterIssuer"),
        tenant.certificate("by-dns"),
        tenant.certificate("by-web", issuer="web"),
        tenant.certificate("failing", issuer="locked"),
        tenant.certificate("suspended", suspend=True),
    )
    tenant.await_ready("by-dns", "by-web")
    tenant.kubectl("annotate", "certificates.certwright.dev", "by-dns", f"{RENEW}=now")
    eventually(lambda: tenant.get("certificate", "by-dns")["status"].get("revision") == 2, "the renewal", 60)
    eventually(
        lambda: "nextAttemptTime" in tenant.get("certificate", "failing").get("status", {}), "a failure"
    )
    eventually(
        lambda: scrape(operator).value("certwright_actions_total", action="AskRenewalInfo"), "advice", 60
    )
    yield tenant
    tenant.plane.kubectl("delete", "clusterissuers.certwright.dev", cluster)
    tenant.kubectl("delete", "certificates.certwright.dev,issuers.certwright.dev", "--all")


def scrape(operator: Operator) -> Page:
    return Page.of(operator.page("/metrics"))


def assert_as_documented(page: Page, catalog: tuple[Series, ...]) -> None:
    shown = page.shown()
    assert {name for name in shown if name.startswith(PREFIXES)} == {series.name for series in catalog}
    for series in catalog:
        assert shown[series.name] == (series.kind.value, frozenset({frozenset(series.labels)})), series.name
        assert f"| `{series.name}` |" in PAGE.read_text()


def test_the_operator_serves_every_series_that_is_documented_with_its_labels_and_no_other(
    busy: Tenant,  # noqa: ARG001  it must have happened
    operator: Operator,
) -> None:
    assert_as_documented(scrape(operator), (*OPERATOR, *ALIASES))


def test_the_solver_pod_does_so_too(busy: Tenant, front: Front) -> None:  # noqa: ARG001  it must have happened
    assert_as_documented(Page.of(front.responder.page("/metrics")), RESPONDER)


def test_what_is_told_of_a_certificate_is_what_its_status_says(busy: Tenant, operator: Operator) -> None:
    page = scrape(operator)

    def told(what: str, name: str) -> float:
        return page.value(f"certwright_certificate_{what}", namespace=busy.namespace, name=name)

    def moment(name: str, field: str) -> float:
        found = read_moment(busy.get("certificate", name)["status"].get(field))
        return found.timestamp() if found else 0

    for name in ("by-dns", "by-web", "failing", "suspended"):
        assert told("ready", name) == (name in ("by-dns", "by-web"))
        for series, field in (
            ("not_after", "notAfter"),
            ("not_before", "notBefore"),
            ("renewal", "renewalTime"),
            ("next_attempt", "nextAttemptTime"),
        ):
            assert told(f"{series}_timestamp_seconds", name) == moment(name, field), (name, series)
    status: dict[str, Any] = busy.get("certificate", "failing")["status"]
    assert told("failed_attempts", "failing") == status["failure"]["count"]
    assert told("next_attempt_timestamp_seconds", "failing") > 0


def test_what_was_done_is_counted(busy: Tenant, operator: Operator) -> None:
    page = scrape(operator)
    reason = busy.get("certificate", "failing")["status"]["failure"]["reason"]
    assert page.value("certwright_attempts_total", result="failed", reason=reason) >= 1
    assert page.value("certwright_attempts_total", result="issued") >= 3
    assert page.value("certwright_issuance_duration_seconds_count", challenge="dns-01") >= 2
    assert page.value("certwright_issuance_duration_seconds_count", challenge="http-01") >= 1
    assert page.value("certwright_actions_total", action="PlaceOrder", reason="") >= 3
    assert page.value("certwright_acme_request_duration_seconds_count", method="POST") > 9
    assert page.value("certwright_leader") == 1
    assert page.value("certwright_relist_age_seconds") < 700
