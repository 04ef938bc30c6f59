"""Least privilege, proven: what a whole run of the cluster tests used is what the manifests grant, no less, no more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.permissions.grants import Grant, granted, used

pytestmark = pytest.mark.afterwards

FILES = Path(__file__).parents[2] / "charts" / "certwright" / "files"
#: Where the run left its audit logs.
TRACES = "CERTWRIGHT_TEST_TRACES"
OPERATOR = "ClusterRole certwright"
#: What no test of ours can use, and why it is granted all the same.
UNEXERCISED = {
    Grant(OPERATOR, "endpointslices/restricted.discovery.k8s.io", "create"): "asked for by OpenShift only",
    Grant(OPERATOR, "routes/custom-host.route.openshift.io", "create"): "asked for by OpenShift only",
    Grant(OPERATOR, "routes/custom-host.route.openshift.io", "update"): "asked for by OpenShift only",
}


@pytest.fixture(scope="module")
def exercised() -> frozenset[Grant]:
    if TRACES not in os.environ:
        pytest.skip("`make test` runs this behind all others and says where their traces are")
    logs = list(Path(os.environ[TRACES]).rglob("audit.log"))
    assert logs, f"{TRACES} names a directory without audit logs"
    return frozenset(grant for log in logs for grant in used(log))


@pytest.fixture(scope="module")
def shipped() -> frozenset[Grant]:
    return frozenset(
        grant for name in ("rbac.yaml", "responder-rbac.yaml") for grant in granted(FILES / name)
    )


def test_every_permission_is_used_or_has_its_reason(
    shipped: frozenset[Grant], exercised: frozenset[Grant]
) -> None:
    assert sorted(map(str, shipped - exercised)) == sorted(map(str, UNEXERCISED))


def test_no_reason_stands_for_a_permission_that_is_used_or_gone(
    shipped: frozenset[Grant], exercised: frozenset[Grant]
) -> None:
    assert UNEXERCISED.keys() - shipped == set()
    assert UNEXERCISED.keys() & exercised == set()
