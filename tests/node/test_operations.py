"""What is done to a cluster in its days: pods are killed, the node is drained, the chart upgraded and taken away."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit import earlier, pebble_log
from tests.kit.helm import CHART, NAMESPACE, RELEASE
from tests.kit.node_guests import NAMESPACE as OUTSIDE
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.kit.helm import Helm
    from tests.kit.image import Image, ImageStore
    from tests.kit.node import Node

pytestmark = [pytest.mark.node, pytest.mark.usefixtures("installed")]

OURS = "app.kubernetes.io/name=certwright"
DEPLOYMENTS = (RELEASE, f"{RELEASE}-responder")
CERTIFICATES = "certificates.certwright.dev"
#: Seconds: pods have to be made, and a replica that died without a word keeps the Lease for a while.
PATIENCE = 180
#: An image of ours.
EARLIER = "localhost/certwright:earlier"
#: Ordered before the upgrade.
TWENTY = [f"kept-{number}" for number in range(20)]


def certificate(host: str, namespace: str = "default", issuer: str = "web-ca") -> dict[str, Any]:
    name = host.partition(".")[0]
    spec = {"secretName": f"{name}-tls", "dnsNames": [host], "issuerRef": {"name": issuer}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "certwright.dev/v1", "kind": "Certificate", "metadata": metadata, "spec": spec}


def await_ready(node: Node, *names: str) -> None:
    wait = ("wait", "--for=condition=Ready", f"--timeout={PATIENCE}s", CERTIFICATES)
    said = node.kubectl(*wait, *names, check=False)
    assert said.count("condition met") == len(names), f"{said}\n{node.explain(NAMESPACE)}"


def issued(node: Node) -> dict[str, tuple[int, str]]:
    """Revision and serial number of every Certificate that has been issued."""
    listed = node.kubectl_json("get", CERTIFICATES)["items"]
    return {
        each["metadata"]["name"]: (each["status"]["revision"], each["status"]["serialNumber"])
        for each in listed
        if each["status"].get("serialNumber")
    }


def orders(node: Node) -> int:
    """How many the CA has made: a request that it refused for its nonce makes none."""
    log = node.kubectl("logs", f"--namespace={OUTSIDE}", "deployment/pebble")
    return len(pebble_log.read(log.splitlines()).orders)


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


@pytest.fixture
def chart_before(node: Node, image: Image, image_store: ImageStore, tmp_path: Path) -> Path:
    """The chart of the commit before; its image is on the node."""
    try:
        root = earlier.unpack(tmp_path / "earlier")
    except earlier.NothingEarlier as reason:
        pytest.skip(str(reason))
    if earlier.same_but_for_the_program(root):
        made = image_store.with_program(image, root / "operator" / "certwright", EARLIER)
    else:
        made = image_store.build(EARLIER, root)
    archive = image_store.archive(made, tmp_path / "earlier.tar")
    node.load_image(archive)
    archive.unlink()
    return root / "charts" / "certwright"


def stored(node: Node) -> dict[str, str]:
    """The version of every Certificate's Secret."""
    secrets = node.kubectl_json("get", "secrets", "--field-selector=type=kubernetes.io/tls")["items"]
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in secrets}


def await_lead(node: Node, image: str) -> None:
    """Wait until a replica that runs this image leads, and no other image is left."""

    def leads() -> bool:
        pods = node.pods(NAMESPACE, "app.kubernetes.io/component=operator")
        of_image = {pod["metadata"]["name"] for pod in pods if pod["spec"]["containers"][0]["image"] == image}
        lease = node.kubectl_json("get", "lease", RELEASE, f"--namespace={NAMESPACE}")
        return len(of_image) == len(pods) and lease["spec"]["holderIdentity"] in of_image

    eventually(leads, f"a replica of {image} to lead", PATIENCE, explain=lambda: node.explain(NAMESPACE))


def test_an_upgrade_from_the_commit_before_and_its_rollback_order_nothing(
    node: Node, helm: Helm, loaded: Image, chart_before: Path, tell: Callable[[str], None]
) -> None:
    """One more is issued after each step: then the others were looked at by the replica that leads now."""
    namespace = f"--namespace={NAMESPACE}"
    values = node.directory / "values.yaml"
    values.write_text(helm("get", "values", RELEASE, namespace, "--output=yaml"))
    upgrade = ("upgrade", RELEASE, namespace, f"--values={values}")
    began = time.monotonic()
    helm(*upgrade, chart_before, f"--set=image.tag={EARLIER.rpartition(':')[2]}")
    await_pods(node)
    await_lead(node, EARLIER)
    for some in (TWENTY[first : first + 5] for first in range(0, len(TWENTY), 5)):
        node.apply(*(certificate(f"{name}.example.test", issuer="example-ca") for name in some))
        await_ready(node, *some)
    tell(f"{len(TWENTY)} Certificates by the commit before: {time.monotonic() - began:.1f} s")
    before, secrets, asked = issued(node), stored(node), orders(node)
    assert len(secrets) >= len(TWENTY)
    steps = {
        "upgraded": ((*upgrade, CHART), loaded.name),
        "rolled-back": (("rollback", RELEASE, namespace), EARLIER),
        "upgraded-again": ((*upgrade, CHART), loaded.name),
    }
    for more, (step, (command, image)) in enumerate(steps.items(), start=1):
        began = time.monotonic()
        helm(*command)
        await_pods(node)
        await_lead(node, image)
        node.apply(certificate(f"{step}.example.test", issuer="example-ca"))
        await_ready(node, *before, step)
        assert issued(node).items() >= before.items()
        assert stored(node).items() >= secrets.items()
        assert orders(node) == asked + more, f"{step}: something but the new one was ordered"
        tell(f"{step}: {time.monotonic() - began:.1f} s")


def uninstall(node: Node, helm: Helm) -> Path:
    """Take the release away; returns a file with the values that it had."""
    values = node.directory / "values.yaml"
    values.write_text(helm("get", "values", RELEASE, f"--namespace={NAMESPACE}", "--output=yaml"))
    helm("uninstall", RELEASE, f"--namespace={NAMESPACE}", "--wait")
    return values


def install_again(node: Node, helm: Helm, values: Path) -> None:
    helm("install", RELEASE, CHART, f"--namespace={NAMESPACE}", f"--values={values}")
    await_pods(node)


def test_what_was_issued_outlives_the_chart_and_is_taken_over_by_the_next(node: Node, helm: Helm) -> None:
    before, asked = issued(node), orders(node)
    values = uninstall(node, helm)
    assert issued(node) == before
    for name in before:
        assert node.kubectl("get", "secret", f"{name}-tls", "--output=name").strip()
    install_again(node, helm, values)
    await_ready(node, *before)
    assert (issued(node), orders(node)) == (before, asked)


def routes(node: Node) -> Counter[str]:
    """Kinds of what leads to the solver pods from all namespaces."""
    kinds = ("get", "ingresses,services,endpointslices", "--all-namespaces")
    found = node.kubectl_json(*kinds, "--selector=certwright.dev/solver")["items"]
    return Counter(each["kind"] for each in found)


#: In a cluster of IPv4 alone.
WHOLE_ROUTE = {"Ingress": 1, "Service": 1, "EndpointSlice": 1}


def test_routes_go_with_the_chart_in_the_middle_of_an_order_which_the_next_brings_to_its_end(
    node: Node, helm: Helm, tell: Callable[[str], None]
) -> None:
    issuer = node.kubectl_json("get", "issuers.certwright.dev", "web-ca")
    # Nobody serves this class yet, so that the order waits for the name to be reachable.
    solver = {"name": "http", "http01": {"ingress": {"ingressClassName": "later"}}}
    metadata = {"name": "later-ca", "namespace": "default"}
    acme = issuer["spec"]["acme"] | {"solvers": [solver]}
    acme["privateKeySecretRef"] = {"name": "later-ca-account"}
    later = certificate("later.example.test")
    later["spec"]["issuerRef"] = {"name": "later-ca"}
    body = {"apiVersion": "certwright.dev/v1", "kind": "Issuer", "metadata": metadata}
    node.apply(body | {"spec": {"acme": acme}}, later)
    eventually(lambda: routes(node) == WHOLE_ROUTE, "the route alone", 120, explain=lambda: str(routes(node)))
    before, asked = issued(node), orders(node)

    began = time.monotonic()
    values = uninstall(node, helm)
    gone = time.monotonic()
    eventually(lambda: not routes(node), "the routes to be gone", 30, explain=lambda: str(routes(node)))
    tell(
        f"routes were gone {time.monotonic() - gone:.1f} s after `helm uninstall --wait`, "
        f"which took {gone - began:.1f} s"
    )
    assert issued(node) == before
    node.kubectl("get", "crd", CERTIFICATES, "issuers.certwright.dev", "clusterissuers.certwright.dev")
    node.kubectl("get", "secret", "later-ca-account", *(f"{name}-tls" for name in before))

    install_again(node, helm, values)
    eventually(lambda: routes(node) == WHOLE_ROUTE, "the route again", 120, explain=lambda: str(routes(node)))
    node.apply(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": "later"},
            "spec": {"controller": "traefik.io/ingress-controller"},
        }
    )
    await_ready(node, "later")
    after = issued(node)
    del after["later"]
    assert (after, orders(node)) == (before, asked)
