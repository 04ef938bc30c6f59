"""From nothing to certificates on a real cluster: chart, image, ingress controller, CA and name server."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from tests.kit.helm import NAMESPACE, RELEASE
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kit.node import Node

pytestmark = pytest.mark.node

#: Seconds from `helm install` to the last of the README's Certificates.
PATIENCE = 120
MIB = 2**20
#: By component, what its pod may use: the working set that the kernel counts for it.
LIMITS = {"operator": 90 * MIB, "responder": 64 * MIB}
CERTIFICATES = ("shop", "web", "wildcard")


def test_the_readme_s_certificates_are_ready_by_http_01_and_by_dns_01(
    node: Node, installed: float, tell: Callable[[str], None]
) -> None:
    seen: dict[str, float] = {}

    def all_ready() -> bool:
        for certificate in node.kubectl_json("get", "certificates.certwright.dev")["items"]:
            name = certificate["metadata"]["name"]
            if _ready(certificate):
                seen.setdefault(name, time.monotonic() - installed)
        return set(seen) == set(CERTIFICATES)

    left = PATIENCE - (time.monotonic() - installed)
    eventually(all_ready, "all Certificates to be Ready", left, explain=lambda: _explain(node))
    tell(
        "\n".join(
            f"{name}: Ready {seconds:.1f} s after `helm install` began" for name, seconds in seen.items()
        )
    )
    for name in CERTIFICATES:
        certificate = node.kubectl_json("get", "certificates.certwright.dev", name)
        leaf = x509.load_pem_x509_certificate(_secret(node, f"{name}-tls")["tls.crt"])
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert set(names.get_values_for_type(x509.DNSName)) == set(certificate["spec"]["dnsNames"])


@pytest.mark.usefixtures("installed")
def test_its_pods_run_where_restricted_pods_are_enforced(node: Node) -> None:
    for component in LIMITS:
        node.await_deployment(NAMESPACE, RELEASE if component == "operator" else f"{RELEASE}-{component}")
    pods = node.pods(NAMESPACE)
    assert pods
    for pod in pods:
        assert all(status["restartCount"] == 0 for status in pod["status"]["containerStatuses"])
    refused = node.kubectl("run", "loose", "--image=x", f"--namespace={NAMESPACE}", check=False)
    assert "violates PodSecurity" in refused, "the namespace enforces nothing"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("component", "limit"), LIMITS.items())
def test_idle_pods_are_small(node: Node, component: str, limit: int, tell: Callable[[str], None]) -> None:
    pods = node.pods(NAMESPACE, f"app.kubernetes.io/component={component}")
    assert pods
    used = {pod["metadata"]["name"]: node.cgroup_memory(pod) for pod in pods}
    for name, memory in used.items():
        tell(
            f"{name}: working set {memory.working_set / MIB:.1f} MiB, with files {memory.usage / MIB:.1f} MiB"
        )
    assert all(memory.working_set < limit for memory in used.values())


def _ready(certificate: dict[str, Any]) -> bool:
    conditions = certificate.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _secret(node: Node, name: str) -> dict[str, bytes]:
    data: dict[str, str] = node.kubectl_json("get", "secret", name)["data"]
    return {key: base64.b64decode(text) for key, text in data.items()}


def _explain(node: Node) -> str:
    kinds = "certificates.certwright.dev,issuers.certwright.dev,ingresses"
    return "\n".join(
        [
            node.kubectl("get", kinds, "--output=yaml", check=False),
            node.explain(NAMESPACE),
            node.explain("outside"),
        ]
    )
