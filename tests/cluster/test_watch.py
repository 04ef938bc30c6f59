"""The watch layer is rebuilt when the API server goes away, and nothing is lost meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench
    from tests.kit.operator_process import Operator

pytestmark = pytest.mark.cluster


def test_a_restarted_api_server_is_followed(tenant: Tenant, bench: Bench, operator: Operator) -> None:
    tenant.apply(tenant.certificate("before"))
    tenant.await_ready("before")
    revision = tenant.get("certificate", "before")["status"]["revision"]
    bench.control_plane.stop_api_server()
    bench.control_plane.start_api_server()
    tenant.apply(tenant.certificate("after"))
    tenant.await_ready("after")
    assert tenant.get("certificate", "before")["status"]["revision"] == revision
    assert operator.process.running


def test_an_operator_that_is_asked_to_stop_does_so_in_time(mortal: Operator) -> None:
    """SIGTERM ends it with exit code 0, well within the 30 s that it may take."""
    assert mortal.stop() == 0
    assert "stopped clean=True" in mortal.log.read_text().splitlines()[-1]


def test_the_pages_answer(tenant: Tenant, operator: Operator) -> None:
    tenant.await_ready("ca", kind="issuer")
    assert operator.page("/healthz") == "ok\n"
    assert operator.page("/readyz") == "ok\n"
