"""The chart in a real API server with both address families and the Pod Security Standard `restricted`."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.chart.rendering import Body, Chart, of_kind
from tests.chart.value_sets import VALUE_SETS
from tests.kit.control_plane import BOTH_FAMILIES, ControlPlane, KubectlFailed
from tests.kit.helm import CHART, NAMESPACE, RELEASE, Helm
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.cluster

NAMESPACES = (NAMESPACE, "team-a", "team-b")
OPERATOR = f"system:serviceaccount:{NAMESPACE}:certwright"
_LEVELS = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    directory = tmp_path_factory.mktemp("plane")
    with ControlPlane.start(directory, service_ranges=BOTH_FAMILIES) as running:
        namespaces = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": _LEVELS}}
            for name in NAMESPACES
        ]
        accounts = [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}}
            for name in ("the-operators", "the-responders")
        ]
        apply(running, [*namespaces, *accounts])
        yield running


@pytest.fixture
def chart(tmp_path: Path) -> Chart:
    return Chart(tmp_path)


@pytest.fixture
def helm(plane: ControlPlane, tmp_path: Path) -> Iterator[Helm]:
    """Helm on this cluster; what it installed is gone afterwards."""
    helm = Helm(tmp_path / "helm", plane.kubeconfig())
    yield helm
    helm("uninstall", RELEASE, f"--namespace={NAMESPACE}", "--ignore-not-found", "--wait")


def apply(plane: ControlPlane, bodies: list[Body], *flags: str) -> None:
    """Apply objects; a warning of the API server is an error."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
    plane.kubectl("apply", "--server-side", "--warnings-as-errors", *flags, "--filename=-", input=text)


def install(helm: Helm, chart: Chart, values: Body) -> None:
    helm("install", RELEASE, CHART, f"--namespace={NAMESPACE}", f"--values={chart.values_file(values)}")


@pytest.mark.parametrize("values", VALUE_SETS.values(), ids=VALUE_SETS)
def test_a_real_api_server_takes_it_and_warns_of_nothing(
    plane: ControlPlane, helm: Helm, chart: Chart, values: Body
) -> None:
    bodies = chart.bodies(values)
    apply(plane, bodies, "--dry-run=server")
    install(helm, chart, values)
    for deployment in of_kind(bodies, "Deployment"):
        # No controller makes pods here, so the test asks in its place: Pod Security judges pods, not Deployments.
        template = deployment["spec"]["template"]
        metadata = template["metadata"] | {"name": deployment["metadata"]["name"], "namespace": NAMESPACE}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        apply(plane, [pod], "--dry-run=server")


def test_a_pod_that_is_less_locked_in_would_be_refused(plane: ControlPlane, helm: Helm, chart: Chart) -> None:
    """So that the test above can fail."""
    values = {"containerSecurityContext": {"allowPrivilegeEscalation": True}}
    install(helm, chart, VALUE_SETS["as it comes"])
    with pytest.raises(KubectlFailed, match="would violate PodSecurity"):
        apply(plane, chart.bodies(values), "--dry-run=server", "--force-conflicts")


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("as it comes", ["IPv4", "IPv6"]),
        ("IPv4 only", ["IPv4"]),
        ("IPv6 only", ["IPv6"]),
        ("both families", ["IPv6", "IPv4"]),
    ],
)
def test_the_solver_pods_have_addresses_of_the_families_that_are_asked_for(
    plane: ControlPlane, helm: Helm, chart: Chart, name: str, families: list[str]
) -> None:
    install(helm, chart, VALUE_SETS[name])
    service = plane.kubectl_json("get", "service", "certwright-responder", "--namespace", NAMESPACE)
    assert service["spec"]["ipFamilies"] == families


def may(plane: ControlPlane, who: str, verb: str, what: str, namespace: str, *flags: str) -> bool:
    """Whether the authorizer lets a user do it."""
    asked = (verb, what, f"--as={who}", "--namespace", namespace, *flags)
    told = plane.kubectl("auth", "can-i", *asked, check=False)
    return told.splitlines()[-1].strip() == "yes"


def test_in_some_namespaces_the_operator_may_do_its_work_there_and_nothing_elsewhere(
    plane: ControlPlane, helm: Helm, chart: Chart
) -> None:
    install(helm, chart, VALUE_SETS["some namespaces"])
    for namespace in ("team-a", "team-b", NAMESPACE):
        assert may(plane, OPERATOR, "list", "secrets", namespace)
    assert may(plane, OPERATOR, "delete", "secrets", NAMESPACE)
    assert not may(plane, OPERATOR, "delete", "secrets", "team-a")
    assert not may(plane, OPERATOR, "list", "secrets", "default")
    assert not may(plane, OPERATOR, "list", "clusterissuers.certwright.dev", NAMESPACE)
    assert not may(plane, OPERATOR, "list", "certificates.certwright.dev", "default")


def test_the_clusters_own_roles_take_up_ours(plane: ControlPlane, helm: Helm, chart: Chart) -> None:
    install(helm, chart, {})
    for role in ("view", "edit", "admin"):
        plane.kubectl(
            "create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}", "--namespace=team-a"
        )
    certificates, issuers, cluster = (
        f"{kind}.certwright.dev" for kind in ("certificates", "issuers", "clusterissuers")
    )
    eventually(lambda: may(plane, "admin", "create", issuers, "team-a"), "the roles to be aggregated", 30)
    assert may(plane, "view", "get", certificates, "team-a")
    assert not may(plane, "view", "create", certificates, "team-a")
    assert may(plane, "edit", "create", certificates, "team-a")
    assert not may(plane, "edit", "create", issuers, "team-a")
    assert not may(plane, "edit", "patch", certificates, "team-a", "--subresource=status")
    assert not may(plane, "admin", "create", cluster, "team-a")


def test_an_uninstalled_release_leaves_certificates_and_is_taken_up_again(
    plane: ControlPlane, helm: Helm, chart: Chart
) -> None:
    install(helm, chart, {})
    plane.kubectl(
        "wait", "--for=condition=Established", "--timeout=30s", "crd", "certificates.certwright.dev"
    )
    certificate = {
        "apiVersion": "certwright.dev/v1",
        "kind": "Certificate",
        "metadata": {"name": "web", "namespace": "team-a"},
        "spec": {"secretName": "web", "dnsNames": ["a.example.test"], "issuerRef": {"name": "ca"}},
    }
    apply(plane, [certificate])
    uid = plane.kubectl_json("get", "certificates.certwright.dev", "web", "--namespace=team-a")["metadata"][
        "uid"
    ]
    helm("uninstall", RELEASE, f"--namespace={NAMESPACE}", "--wait")
    assert "NotFound" in plane.kubectl(
        "get", "deployment", "certwright", f"--namespace={NAMESPACE}", check=False
    )
    install(helm, chart, {})
    helm("upgrade", RELEASE, CHART, f"--namespace={NAMESPACE}", "--set=replicaCount=3")
    helm("rollback", RELEASE, "1", f"--namespace={NAMESPACE}")
    assert (
        plane.kubectl_json("get", "deployment", "certwright", f"--namespace={NAMESPACE}")["spec"]["replicas"]
        == 2
    )
    kept = plane.kubectl_json("get", "certificates.certwright.dev", "web", "--namespace=team-a")
    assert kept["metadata"]["uid"] == uid


def an_older_chart(folder: Path) -> Path:
    """The chart as it might have been: its CRDs lack a category, its pods another image."""
    older = folder / "certwright"
    shutil.copytree(CHART, older)
    for crd in (older / "files" / "crds").glob("*.yaml"):
        text = crd.read_text()
        assert "categories: [certwright]" in text
        crd.write_text(text.replace("categories: [certwright]", "categories: []"))
    return older


def test_an_upgrade_and_its_rollback_write_the_crds_before_anything_that_runs(
    plane: ControlPlane, helm: Helm, tmp_path: Path
) -> None:
    namespace = f"--namespace={NAMESPACE}"
    helm("install", RELEASE, an_older_chart(tmp_path), namespace, "--set=image.tag=older")
    for command, categories in ((("upgrade", RELEASE, CHART), ["certwright"]), (("rollback", RELEASE), None)):
        mark = plane.audit().mark()
        helm(*command, namespace)
        written = [
            request.resource
            for request in plane.audit().requests(since=mark)
            if request.verb in ("patch", "update")
            and request.resource in ("customresourcedefinitions", "deployments")
            and not request.subresource
            and request.agent.startswith("Helm")
        ]
        assert written == ["customresourcedefinitions"] * 3 + ["deployments"] * 2
        crd = plane.kubectl_json("get", "crd", "certificates.certwright.dev")
        assert crd["spec"]["names"].get("categories") == categories
