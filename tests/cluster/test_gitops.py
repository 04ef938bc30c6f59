"""Live objects under the eyes of GitOps tools: health, actions, and nothing written that would make them drift."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.gitops.argocd import Customizations
from tests.kit.kstatus import kstatus
from tests.kit.nameserver import new_tsig_secret
from tests.kit.operator_process import USER
from tests.kit.pages import ROOT
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench
    from tests.kit.operator_process import Operator

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

Body = dict[str, Any]

CONFIG_MAP = ROOT / "crds" / "argocd" / "argocd-cm.yaml"
OVERLAY = ROOT / "crds" / "kustomize" / "staging"
ARGO = Customizations(yaml.safe_load(CONFIG_MAP.read_text())["data"])
#: By which Argo CD and Flux know what they have applied, and prune what they no longer find in Git.
TRACKED = {
    "labels": {
        "app.kubernetes.io/instance": "shop",
        "kustomize.toolkit.fluxcd.io/name": "shop",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    },
    "annotations": {"argocd.argoproj.io/tracking-id": "shop:certwright.dev/Certificate:shop/web"},
}


def created(tenant: Tenant, body: Body) -> Body:
    """The object as the API server answers to whoever creates it."""
    made: Body = json.loads(
        tenant.plane.kubectl("create", "--output=json", "--filename=-", input=json.dumps(body))
    )
    return made


def issued(tenant: Tenant, *names: str) -> None:
    """A Certificate and its Issuer, ready, and no work left to do."""
    tenant.apply(tenant.certificate("web", *names))
    tenant.await_ready("web")
    eventually(lambda: not tenant.attempts(), "the attempt to be gone")


# Health


def test_a_new_object_is_in_progress_before_anybody_has_looked(tenant: Tenant) -> None:
    for body in (tenant.certificate("new", suspend=True), tenant.issuer("new")):
        made = created(tenant, body)
        assert kstatus(made) == "InProgress"
        assert ARGO.health(made).status == "Progressing"


def test_an_issuer_is_current_when_its_account_works_and_failed_when_it_needs_a_person(
    tenant: Tenant,
) -> None:
    tenant.await_ready("ca", kind="issuer")
    found = tenant.get("issuer", "ca")
    assert (kstatus(found), ARGO.health(found).status) == ("Current", "Healthy")
    tenant.apply(tenant.issuer("careful", termsOfServiceAgreed=False))
    tenant.await_condition("careful", "Stalled", lambda found: found.get("status") == "True", kind="issuer")
    found = tenant.get("issuer", "careful")
    assert (kstatus(found), ARGO.health(found).status) == ("Failed", "Degraded")


def test_a_renewal_that_fails_leaves_the_object_current(tenant: Tenant, bench: Bench) -> None:
    # Pebble takes a valid authorization again for one name of a hundred, though it is told never to.
    issued(tenant, *(f"{part}.{tenant.namespace}.example.test" for part in ("one", "two", "three")))
    before = tenant.now()
    tenant.apply(tenant.dns_key(stringData={"secret": new_tsig_secret()}))
    bench.pebble.call_for_renewal(tenant.secret("web-tls")["tls.crt"].decode())
    tenant.await_condition("web", "RenewalFailing", lambda found: found.get("status") == "True")
    versions = tenant.history("web", before)
    assert versions
    assert {kstatus(each) for each in versions} == {"Current"}
    assert {ARGO.health(each).status for each in versions} == {"Healthy"}
    assert "Its renewal fails: " in ARGO.health(versions[-1]).message


def test_what_is_being_deleted_is_terminating_and_its_secret_stays(tenant: Tenant) -> None:
    issued(tenant)
    before = tenant.get("secret", "web-tls")
    tenant.patch("certificate", "web", {"metadata": {"finalizers": ["example.test/keep"]}})
    tenant.kubectl("delete", "certificates.certwright.dev", "web", "--wait=false")
    assert kstatus(tenant.get("certificate", "web")) == "Terminating"
    tenant.patch("certificate", "web", {"metadata": {"finalizers": None}})
    eventually(lambda: not tenant.exists("certificate", "web"), "the end")
    assert tenant.get("secret", "web-tls") == before


# Argo CD


def test_the_customizations_leave_all_other_keys_of_argocd_cm_alone(tenant: Tenant) -> None:
    plane = tenant.plane
    plane.kubectl("create", "namespace", "argocd")
    url = "https://argocd.example.test"
    plane.kubectl("create", "configmap", "argocd-cm", f"--from-literal=url={url}", "--namespace=argocd")
    for _ in range(2):
        plane.kubectl("apply", "--server-side", "--field-manager=certwright-health", "--filename", CONFIG_MAP)
    found = plane.kubectl_json("get", "configmap", "argocd-cm", "--namespace=argocd")
    assert found["data"].pop("url") == url
    assert found["data"] == yaml.safe_load(CONFIG_MAP.read_text())["data"]
    assert found["metadata"]["labels"]["app.kubernetes.io/part-of"] == "argocd"


def test_the_menu_suspends_and_resumes_a_certificate(tenant: Tenant) -> None:
    issued(tenant)
    spec = tenant.get("certificate", "web")["spec"]
    tenant.patch("certificate", "web", ARGO.patch("suspend", tenant.get("certificate", "web")))
    tenant.await_condition("web", "Suspended", lambda found: found.get("status") == "True")
    found = tenant.get("certificate", "web")
    assert (kstatus(found), ARGO.health(found).status) == ("Current", "Suspended")
    tenant.patch("certificate", "web", ARGO.patch("resume", found))
    tenant.await_condition("web", "Suspended", lambda found: found == {})
    found = tenant.get("certificate", "web")
    assert (kstatus(found), ARGO.health(found).status) == ("Current", "Healthy")
    assert found["spec"] == spec


def test_a_secret_carries_nothing_by_which_it_would_be_pruned(tenant: Tenant) -> None:
    body = tenant.certificate("web")
    tenant.apply(body | {"metadata": body["metadata"] | TRACKED})
    tenant.await_ready("web")
    for secret in ("web-tls", "ca-account"):
        metadata = tenant.get("secret", secret)["metadata"]
        for part, tracking in TRACKED.items():
            assert not set(tracking) & set(metadata.get(part, {})), secret
        assert "ownerReferences" not in metadata


# kustomize


def test_what_kustomize_builds_is_taken_as_it_is(tenant: Tenant) -> None:
    built = tenant.plane.kubectl("kustomize", OVERLAY)
    tenant.plane.kubectl("create", "namespace", "staging", check=False)
    strictly = ("--dry-run=server", "--validate=strict", "--warnings-as-errors")
    said = tenant.plane.kubectl("apply", *strictly, "--filename=-", input=built).splitlines()
    assert len(said) == 3
    assert all(each.endswith("(server dry run)") for each in said)


def test_a_namespace_that_kustomize_writes_into_a_cluster_issuer_does_no_harm(tenant: Tenant) -> None:
    """It takes every kind that it does not know for one with a namespace."""
    body = tenant.issuer("spaced", kind="ClusterIssuer")
    body["metadata"]["namespace"] = tenant.namespace
    for way in (("create",), ("apply", "--server-side")):
        said = tenant.plane.kubectl(
            *way, "--dry-run=server", "--output=json", "--filename=-", input=json.dumps(body)
        )
        assert "namespace" not in json.loads(said)["metadata"]


# Nothing drifts


def everything(tenant: Tenant) -> dict[str, str]:
    """Each object as the API server has it, with resourceVersion and managedFields."""
    namespace = tenant.namespace
    ours = f"/apis/certwright.dev/v1/namespaces/{namespace}"
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    paths = (
        f"{ours}/certificates/web",
        f"{ours}/issuers/ca",
        f"{secrets}/web-tls",
        f"{secrets}/ca-account",
        f"{secrets}/dns-key",
    )
    return {path: tenant.plane.kubectl("get", "--raw", path) for path in paths}


def look_again(tenant: Tenant, operator: Operator, canary: str) -> None:
    """Start the operator anew, which looks at everything; a Certificate that comes then is done last."""
    operator.stop()
    operator.begin()
    tenant.apply(tenant.certificate(canary))
    tenant.await_ready(canary)


def test_looking_again_leaves_everything_byte_for_byte_as_it_was(tenant: Tenant, mortal: Operator) -> None:
    issued(tenant)
    before = everything(tenant)
    mark = tenant.plane.audit().mark()
    for canary in ("canary", "another"):
        look_again(tenant, mortal, canary)
        assert everything(tenant) == before
    reads = {"get", "list", "watch"}
    touched = {
        (each.resource, each.name)
        for each in tenant.plane.audit().requests(USER, mark)
        if each.verb not in reads and each.namespace == tenant.namespace
    }
    assert {("certificates", "canary"), ("secrets", "canary-tls")} <= touched
    known = {("certificates", "web"), ("issuers", "ca")}
    known |= {("secrets", name) for name in ("web-tls", "ca-account", "dns-key")}
    assert not known & touched


SERVER_SIDE = ("--server-side", "--field-manager=kustomize-controller")


@pytest.mark.parametrize("way", [(), SERVER_SIDE], ids=["client-side", "server-side"])
def test_applying_the_same_manifests_again_changes_nothing(tenant: Tenant, way: tuple[str, ...]) -> None:
    """Without a conflict: what the operator writes, nobody else has in Git."""
    manifests = [tenant.certificate("web", duration="90d"), tenant.issuer("mine")]
    manifests[0]["spec"]["issuerRef"]["name"] = "mine"
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    tenant.plane.kubectl("apply", *way, "--filename=-", input=listed)
    tenant.await_ready("web")
    eventually(lambda: not tenant.attempts(), "the attempt to be gone")
    kinds = ("certificate", "web"), ("issuer", "mine"), ("secret", "web-tls")
    before = [tenant.get(*each) for each in kinds]
    tenant.plane.kubectl("apply", *way, "--filename=-", input=listed)
    assert tenant.plane.kubectl("diff", *way, "--filename=-", input=listed) == ""
    assert [tenant.get(*each) for each in kinds] == before


def test_an_edit_in_git_meets_no_conflict(tenant: Tenant) -> None:
    for names in (("a.example.test",), ("a.example.test", "b.example.test")):
        body = json.dumps(tenant.certificate("web", *(f"{tenant.namespace}.{name}" for name in names)))
        tenant.plane.kubectl("apply", *SERVER_SIDE, "--filename=-", input=body)
        eventually(
            lambda: kstatus(tenant.get("certificate", "web")) == "Current", "the certificate", timeout=60
        )
    assert len(tenant.get("certificate", "web")["spec"]["dnsNames"]) == 2
