"""What is done to a cluster in its days: pods are killed, the node is drained, the chart upgraded and taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.helm import CHART, NAMESPACE, RELEASE
from tests.kit.node_guests import NAMESPACE as OUTSIDE
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.kit.helm import Helm
    from tests.kit.node import Node

pytestmark = [pytest.mark.node, pytest.mark.usefixtures("installed")]

OURS = "app.kubernetes.io/name=certwright"
DEPLOYMENTS = (RELEASE, f"{RELEASE}-responder")
CERTIFICATES = "certificates.certwright.dev"
#: Seconds: pods have to be made, and a replica that died without a word keeps the Lease for a while.
PATIENCE = 180


def certificate(host: str, namespace: str = "default") -> dict[str, Any]:
    name = host.partition(".")[0]
    spec = {"secretName": f"{name}-tls", "dnsNames": [host], "issuerRef": {"name": "web-ca"}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "certwright.dev/v1", "kind": "Certificate", "metadata": metadata, "spec": spec}


def await_ready(node: Node, *names: str) -> None:
    wait = ("wait", "--for=condition=Ready", f"--timeout={PATIENCE}s", CERTIFICATES)
    said = node.kubectl(*wait, *names, check=False)
    assert said.count("condition met") == len(names), f"{said}\n{node.explain(NAMESPACE)}"


def issued(node: Node) -> dict[str, tuple[int, str]]:
    """Revision and serial number of every Certificate."""
    listed = node.kubectl_json("get", CERTIFICATES)["items"]
    return {
        each["metadata"]["name"]: (each["status"]["revision"], each["status"]["serialNumber"])
        for each in listed
    }


def orders(node: Node) -> int:
    """How many the CA was asked for."""
    return node.kubectl("logs", f"--namespace={OUTSIDE}", "deployment/pebble").count("/order-plz")


def await_pods(node: Node) -> None:
    for name in DEPLOYMENTS:
        node.await_deployment(NAMESPACE, name, PATIENCE)


@pytest.fixture(autouse=True)
def all_is_well(node: Node) -> None:
    await_pods(node)
    await_ready(node, "shop", "web", "wildcard")


def test_pods_that_are_killed_are_made_again_and_work_goes_on(node: Node) -> None:
    node.apply(certificate("killed.example.test"))
    node.kubectl("delete", "pods", f"--namespace={NAMESPACE}", "--all", "--force", "--grace-period=0")
    await_ready(node, "killed")
    await_pods(node)


def test_a_drained_node_that_comes_back_finds_what_waited(node: Node) -> None:
    (name,) = [each["metadata"]["name"] for each in node.kubectl_json("get", "nodes")["items"]]
    node.kubectl("drain", name, f"--pod-selector={OURS}", "--timeout=100s")
    node.apply(certificate("drained.example.test"))
    assert all(pod["status"]["phase"] == "Pending" for pod in node.pods(NAMESPACE, OURS))
    node.kubectl("uncordon", name)
    await_ready(node, "drained")


def test_a_namespace_that_is_deleted_in_the_middle_of_an_order_goes_and_leaves_nothing(node: Node) -> None:
    space = "brief"
    issuer = node.kubectl_json("get", "issuers.certwright.dev", "web-ca")
    # Nobody serves this class, so that the order waits for the name to be reachable.
    solver = {"name": "http", "http01": {"ingress": {"ingressClassName": "nobody"}}}
    node.kubectl("create", "namespace", space)
    node.apply(
        {
            "apiVersion": "certwright.dev/v1",
            "kind": "Issuer",
            "metadata": {"name": "web-ca", "namespace": space},
            "spec": {"acme": issuer["spec"]["acme"] | {"solvers": [solver]}},
        },
        certificate("brief.example.test", space),
    )
    eventually(
        lambda: node.kubectl_json("get", "ingresses", f"--namespace={space}")["items"], "the route", 60
    )
    node.kubectl("delete", "namespace", space, "--timeout=90s")
    attempts = ("get", "secrets", f"--namespace={NAMESPACE}", "--selector=certwright.dev/secret=attempt")
    eventually(lambda: not node.kubectl_json(*attempts)["items"], "the attempt to be gone", 90)
    tables = ("get", "configmaps", f"--namespace={NAMESPACE}", "--selector=certwright.dev/table=tokens")
    eventually(
        lambda: (
            not any((table.get("data") or {}).get("rows") for table in node.kubectl_json(*tables)["items"])
        ),
        "the token table to be empty",
        60,
    )


def test_an_upgrade_and_its_rollback_order_nothing(node: Node, helm: Helm) -> None:
    before, asked = issued(node), orders(node)
    namespace = f"--namespace={NAMESPACE}"
    helm("upgrade", RELEASE, CHART, namespace, "--reuse-values", "--set=logLevel=debug,logFormat=json")
    await_pods(node)
    helm("rollback", RELEASE, "1", namespace)
    await_pods(node)
    await_ready(node, *before)
    assert (issued(node), orders(node)) == (before, asked)


def test_what_was_issued_outlives_the_chart_and_is_taken_over_by_the_next(node: Node, helm: Helm) -> None:
    before, asked = issued(node), orders(node)
    values = node.directory / "values.yaml"
    values.write_text(helm("get", "values", RELEASE, f"--namespace={NAMESPACE}", "--output=yaml"))
    helm("uninstall", RELEASE, f"--namespace={NAMESPACE}", "--wait")
    assert issued(node) == before
    for name in before:
        assert node.kubectl("get", "secret", f"{name}-tls", "--output=name").strip()
    helm("install", RELEASE, CHART, f"--namespace={NAMESPACE}", f"--values={values}")
    await_pods(node)
    await_ready(node, *before)
    assert (issued(node), orders(node)) == (before, asked)
