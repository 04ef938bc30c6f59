"""Statuses during a rolling update: two versions of the operator write them, one after the other.

Both write the whole status under one name (server-side apply), so what the last one says is all that stands there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from certwright.kube.api import KubeApi
from certwright.kube.connection import load_configuration
from certwright.kube.statuses import KubeObjects
from certwright.resources.names import FIELD_MANAGER, ApiNames, Ref
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench
    from tests.kit.operator_process import Operator

pytestmark = pytest.mark.cluster

#: What a version that knows little would say of a certificate that is in order.
KNOWN_TO_THE_OLDER = ("observedGeneration", "conditions", "notAfter", "serialNumber", "revision")
#: A condition that another controller keeps.
FOREIGN = {
    "type": "Audited",
    "status": "True",
    "reason": "Reviewed",
    "message": "by the people of security",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


def apply_status(bench: Bench, ref: Ref, status: dict[str, Any], manager: str = FIELD_MANAGER) -> None:
    """Write a whole status as a process of another version would."""
    configuration = load_configuration(str(bench.control_plane.kubeconfig()))
    api = KubeApi(configuration, pool_size=1, field_manager=manager)
    metadata = {"name": ref.name, "namespace": ref.namespace}
    body = {"apiVersion": ApiNames().api_version, "kind": ref.kind, "metadata": metadata, "status": status}
    api.apply(f"{KubeObjects(api, ApiNames()).path(ref)}/status", body, force=True)


def managers_of_status(certificate: dict[str, Any]) -> set[str]:
    return {
        each["manager"]
        for each in certificate["metadata"]["managedFields"]
        if each.get("subresource") == "status" and "f:notAfter" in each["fieldsV1"].get("f:status", {})
    }


def test_a_status_by_an_older_version_is_made_whole_without_an_order(
    tenant: Tenant, bench: Bench, mortal: Operator
) -> None:
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    eventually(lambda: not tenant.attempts(), "the attempt to be gone", 30)
    whole = tenant.get("certificate", "web")["status"]
    mortal.stop()
    mark, ref = bench.pebble.mark(), Ref("Certificate", tenant.namespace, "web")
    apply_status(bench, ref, {"conditions": [FOREIGN]}, manager="auditor")
    apply_status(bench, ref, {field: whole[field] for field in KNOWN_TO_THE_OLDER})
    older = tenant.get("certificate", "web")["status"]
    assert set(older) == set(KNOWN_TO_THE_OLDER), "nothing of the newer version's is left standing"
    mortal.begin()

    def now() -> dict[str, Any]:
        status: dict[str, Any] = tenant.get("certificate", "web")["status"]
        status["conditions"].remove(FOREIGN)
        return status

    # Which solver proved the names is known from the Secret.
    assert whole["solver"]
    eventually(
        lambda: now() == whole, "the status to be whole again", 30, explain=lambda: f"{now()}\nnot\n{whole}"
    )
    seen = tenant.plane.kubectl_json(
        "get", "certificates.certwright.dev", "web", "--namespace", tenant.namespace, "--show-managed-fields"
    )
    assert managers_of_status(seen) == {FIELD_MANAGER}, "two managers would keep each other's fields alive"
    assert bench.pebble.requests(mark).orders == ()
