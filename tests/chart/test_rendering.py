"""What helm makes of the chart, without a cluster."""

from __future__ import annotations

import shlex
import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.chart.rendering import Body, Chart, container, containers, of_kind, the
from tests.chart.value_sets import DIGEST, VALUE_SETS
from tests.kit import release_files
from tests.kit.helm import CHART, HelmFailed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.servers

ROOT = CHART.parents[1]

ROLES = ("Role", "ClusterRole")
SETS = pytest.mark.parametrize("values", VALUE_SETS.values(), ids=VALUE_SETS)


@pytest.fixture
def chart(tmp_path: Path) -> Chart:
    return Chart(tmp_path)


@SETS
def test_helm_finds_nothing_to_complain_of(chart: Chart, values: Body) -> None:
    told = chart.helm("lint", "--strict", CHART, f"--values={chart.values_file(values)}")
    assert "0 chart(s) failed" in told
    assert "WARNING" not in told


@SETS
def test_the_same_values_give_the_same_bytes(chart: Chart, values: Body) -> None:
    assert chart.text(values) == chart.text(values)


@SETS
def test_no_permission_has_a_wildcard(chart: Chart, values: Body) -> None:
    for role in of_kind(chart.bodies(values), *ROLES):
        for rule in role["rules"]:
            assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
            assert rule["resources"]


@SETS
def test_every_container_is_probed_limited_and_locked_in(chart: Chart, values: Body) -> None:
    found = list(containers(chart.bodies(values)))
    assert [each["name"] for _, each in found] == ["operator", "responder"]
    for pod, each in found:
        ports = {port["name"] for port in each["ports"]}
        for probe, path in {"liveness": "/healthz", "readiness": "/readyz", "startup": "/healthz"}.items():
            asked = each[f"{probe}Probe"]["httpGet"]
            assert asked["path"] == path
            assert asked["port"] in ports
        assert {"cpu", "memory"} == each["resources"]["limits"].keys() == each["resources"]["requests"].keys()
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        }
        assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        assert pod["enableServiceLinks"] is False


@pytest.mark.parametrize("keep", [True, False])
def test_the_crds_are_those_at_the_top_of_the_repository(chart: Chart, keep: bool) -> None:  # noqa: FBT001
    found = of_kind(chart.bodies({"crds": {"keep": keep}}), "CustomResourceDefinition")
    for crd in found:
        kept = crd["metadata"].pop("annotations", {}).get("helm.sh/resource-policy")
        assert kept == ("keep" if keep else None)
    files = sorted(release_files.CRDS.glob("*.yaml"))
    assert found == [yaml.safe_load(file.read_text()) for file in files]


def test_the_crds_can_be_left_to_somebody_else(chart: Chart) -> None:
    assert not of_kind(chart.bodies({"crds": {"enabled": False}}), "CustomResourceDefinition")


def shipped() -> list[Body]:
    """The manifests under which the cluster tests run the programs."""
    files = (CHART / "files" / name for name in ("rbac.yaml", "responder-rbac.yaml"))
    return [body for file in files for body in yaml.safe_load_all(file.read_text())]


def key(body: Body) -> tuple[str, str]:
    return body["kind"], body["metadata"]["name"]


def test_the_permissions_are_those_that_the_cluster_tests_run_under(chart: Chart) -> None:
    values = {"global": {"rbac": {"aggregateClusterRoles": False}}}
    rendered = of_kind(chart.bodies(values), *ROLES, "RoleBinding", "ClusterRoleBinding")
    for body in rendered:
        del body["metadata"]["labels"]
    assert sorted(rendered, key=key) == sorted(shipped(), key=key)


def test_another_release_binds_its_own_names(chart: Chart) -> None:
    values = {"fullnameOverride": "other", "global": {"rbac": {"aggregateClusterRoles": False}}}
    bodies = [
        *yaml.safe_load_all(chart.helm.template(f"--values={chart.values_file(values)}", namespace="tls"))
    ]
    for binding in of_kind(bodies, "RoleBinding", "ClusterRoleBinding"):
        name = binding["metadata"]["name"]
        assert name == binding["roleRef"]["name"]
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": name, "namespace": "tls"}]
        assert the(bodies, "ServiceAccount", name)
    flags = container(bodies, "other")["args"]
    assert "--responder-service=other-responder" in flags
    assert the(bodies, "Service", "other-responder")


@pytest.mark.parametrize(
    ("values", "kind", "name"),
    [
        ({}, "ClusterRole", "certwright"),
        ({"fullnameOverride": "other"}, "ClusterRole", "other"),
        ({"watchNamespaces": ["team-a"]}, "Role", "certwright-watched"),
        ({"watchNamespaces": ["team-a"], "fullnameOverride": "other"}, "Role", "other-watched"),
    ],
)
def test_the_role_that_owns_routes_is_there_and_may_read_itself_and_no_other(
    chart: Chart, values: Body, kind: str, name: str
) -> None:
    bodies = chart.bodies(values)
    operator = values.get("fullnameOverride", "certwright")
    assert f"--owner-role={name}" in container(bodies, operator)["args"]
    reads = [
        (role["kind"], role["metadata"]["name"], rule)
        for role in of_kind(bodies, *ROLES)
        for rule in role["rules"]
        if "rbac.authorization.k8s.io" in rule["apiGroups"]
    ]
    itself = {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": [f"{kind.lower()}s"],
        "resourceNames": [name],
        "verbs": ["get"],
    }
    assert reads == [(kind, name, itself)]


def test_where_somebody_else_makes_the_roles_routes_have_no_owner_or_the_one_that_is_named(
    chart: Chart,
) -> None:
    roles = {"global": {"rbac": {"create": False}}}
    assert "owner-role" not in str(container(chart.bodies(roles))["args"])
    named = roles | {"extraArgs": ["--owner-role=ours"]}
    assert "--owner-role=ours" in container(chart.bodies(named))["args"]


def test_a_chart_that_lost_its_crds_says_so(chart: Chart, tmp_path: Path) -> None:
    copied = tmp_path / "certwright"
    shutil.copytree(CHART, copied, symlinks=True)
    (copied / "files" / "crds").unlink()
    with pytest.raises(HelmFailed, match="files/crds is empty"):
        chart.helm.template(chart=copied)
    assert "kind: Deployment" in chart.helm.template("--set=crds.enabled=false", chart=copied)


def test_in_some_namespaces_there_are_roles_only_and_they_grant_no_more(chart: Chart) -> None:
    bodies = chart.bodies({"watchNamespaces": ["team-a", "team-b"]})
    assert not of_kind(bodies, "ClusterRole", "ClusterRoleBinding")
    (everywhere,) = (body for body in shipped() if body["kind"] == "ClusterRole")
    watched = [role for role in of_kind(bodies, "Role") if role["metadata"]["name"] == "certwright-watched"]
    assert [role["metadata"]["namespace"] for role in watched] == ["team-a", "team-b"]
    for role in watched:
        assert len(role["rules"]) == len(everywhere["rules"])
        for narrow, wide in zip(role["rules"], everywhere["rules"], strict=True):
            if "clusterroles" in wide["resources"]:
                assert narrow == wide | {"resources": ["roles"], "resourceNames": ["certwright-watched"]}
                continue
            cluster_wide = {"clusterissuers", "clusterissuers/status"}
            assert narrow == wide | {
                "resources": [each for each in wide["resources"] if each not in cluster_wide]
            }
    own = next(
        rule
        for rule in the(bodies, "Role")["rules"]
        if "create" in rule["verbs"] and "secrets" in rule["resources"]
    )
    # Attempts; the Role's own rule lets them be written over and deleted.
    assert own["verbs"] == ["get", "list", "create"]
    for binding in of_kind(bodies, "RoleBinding"):
        assert binding["subjects"][0]["namespace"] == "certwright"
        assert binding["roleRef"]["kind"] == "Role"
    flags = container(bodies)["args"]
    assert [flag for flag in flags if flag.startswith("--watch")] == [
        "--watch-namespace=team-a",
        "--watch-namespace=team-b",
    ]


def test_users_roles_grow_from_reading_to_certificates_to_issuers(chart: Chart) -> None:
    into = {
        role["metadata"]["name"]: {
            label.removeprefix("rbac.authorization.k8s.io/aggregate-to-")
            for label in role["metadata"]["labels"]
            if "aggregate-to-" in label
        }
        for role in of_kind(chart.bodies(), "ClusterRole")
    }
    assert into == {
        "certwright": set(),
        "certwright-viewer": {"view", "edit", "admin", "cluster-reader"},
        "certwright-requester": {"edit", "admin"},
        "certwright-issuer-admin": {"admin"},
    }
    for role in of_kind(chart.bodies(), "ClusterRole"):
        if "aggregate" in str(role["metadata"]["labels"]):
            writes = [rule for rule in role["rules"] if "create" in rule["verbs"]]
            assert not any("clusterissuers" in rule["resources"] for rule in writes)


def test_a_budget_is_made_only_where_there_is_something_to_keep(chart: Chart) -> None:
    kind = "PodDisruptionBudget"
    assert not of_kind(chart.bodies(VALUE_SETS["one replica"]), kind)
    several = chart.bodies(VALUE_SETS["three replicas and budgets"])
    assert the(several, kind)["spec"]["minAvailable"] == 2
    assert the(several, kind, "certwright-responder")["spec"]["maxUnavailable"] == "34%"
    assert the(chart.bodies({"podDisruptionBudget": {"enabled": True}}), kind)["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize(
    ("values", "operator", "responder"),
    [
        ({}, "certwright:0.1.0", "certwright:0.1.0"),
        (
            VALUE_SETS["a closed network"],
            f"registry.example.com:5000/mirror/certwright:0.1.0@{DIGEST}",
            f"registry.example.com:5000/mirror/certwright:0.1.0@{DIGEST}",
        ),
        (
            {
                "image": {"registry": "r.example.com/x/", "digest": DIGEST},
                "responder": {"image": {"tag": "next"}},
            },
            f"r.example.com/x/certwright:0.1.0@{DIGEST}",
            "r.example.com/x/certwright:next",
        ),
    ],
)
def test_images_come_from_where_the_values_say(
    chart: Chart, values: Body, operator: str, responder: str
) -> None:
    bodies = chart.bodies(values)
    assert container(bodies)["image"] == operator
    assert container(bodies, "certwright-responder")["image"] == responder


def test_in_a_closed_network_both_pods_have_the_secrets_for_pulling(chart: Chart) -> None:
    for pod, _ in containers(chart.bodies(VALUE_SETS["a closed network"])):
        assert pod["imagePullSecrets"] == [{"name": "everywhere"}, {"name": "here"}]


def test_the_operator_is_named_by_its_pod_and_has_time_to_end(chart: Chart) -> None:
    bodies = chart.bodies()
    names = {each["name"]: each["valueFrom"]["fieldRef"]["fieldPath"] for each in container(bodies)["env"]}
    assert names == {"CERTWRIGHT_NAMESPACE": "metadata.namespace", "CERTWRIGHT_INSTANCE": "metadata.name"}
    times = [pod["terminationGracePeriodSeconds"] for pod, _ in containers(bodies)]
    assert times == [45, 30]


def test_the_proxy_is_for_the_operator_alone(chart: Chart) -> None:
    bodies = chart.bodies(VALUE_SETS["a proxy"])
    said = {each["name"]: each.get("value") for each in container(bodies)["env"]}
    assert said["HTTPS_PROXY"] == said["HTTP_PROXY"] == "http://proxy.example.com:3128"
    assert said["NO_PROXY"] == ".example.com,192.0.2.0/24"
    assert "PROXY" not in str(container(bodies, "certwright-responder")["env"])


def test_other_ports_are_the_same_everywhere(chart: Chart) -> None:
    values = VALUE_SETS["other ports and names"] | {"networkPolicy": {"enabled": True}}
    bodies = chart.bodies(values)
    service = the(bodies, "Service", "tls-keeper-responder")
    named = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    assert named == {"http": 18089, "health": 18090}
    flags = container(bodies, "tls-keeper-responder")["args"]
    assert {"--port=18089", "--health-port=18090", "--drain=20s"} <= set(flags)
    opened = {
        port["port"]
        for policy in of_kind(bodies, "NetworkPolicy")
        for rule in policy["spec"]["ingress"]
        for port in rule["ports"]
    }
    assert opened == {19402, 18089, 18090}
    assert not of_kind(chart.bodies(), "NetworkPolicy")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"replicas": 2}, "'replicas' not allowed"),
        ({"image": {"name": "x"}}, "'name' not allowed"),
        ({"image": {"digest": "latest"}}, "image/digest"),
        ({"image": {"registry": "https://registry.example.com"}}, "image/registry"),
        ({"replicaCount": "two"}, "replicaCount"),
        ({"logLevel": "verbose"}, "logLevel"),
        ({"ports": {"health": 80}}, "ports/health"),
        ({"watchNamespaces": ["*"]}, "watchNamespaces/0"),
        ({"podDisruptionBudget": {"minAvailable": 1, "maxUnavailable": 1}}, "podDisruptionBudget"),
        ({"service": {"ipFamilies": ["ipv4"]}}, "ipFamilies/0"),
        ({"resources": {"limits": None}}, "limits"),
        ({"responder": {"drainSeconds": 30}}, "must be more than responder.drainSeconds"),
        ({"serviceAccount": {"create": False}}, "say in serviceAccount.name"),
        ({"ports": {"health": 8089}}, "ports.challenges and ports.health must be two"),
        ({"fullnameOverride": "tls.keeper"}, "fullnameOverride"),
        ({"fullnameOverride": "1st"}, "fullnameOverride"),
        ({"fullnameOverride": "a" * 51}, "fullnameOverride"),
        ({"nameOverride": "tls.keeper"}, "nameOverride"),
        ({"enabled": False}, "enabled"),
        (
            {"global": {"commonLabels": {"app.kubernetes.io/name": "x"}}},
            "app.kubernetes.io/name is the chart's own",
        ),
        ({"podLabels": {"app.kubernetes.io/managed-by": "x"}}, "take it out of commonLabels, podLabels"),
        ({"responder": {"podLabels": {"app.kubernetes.io/instance": "x"}}}, "instance is the chart's own"),
        ({"serviceAccount": {"labels": {"certwright.dev/solver": "x"}}}, "of its own making"),
        (
            {"global": {"commonLabels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}}},
            "would give users the operator's own permissions",
        ),
        (
            {"https_proxy": "http://a:1", "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://b:1"}]},
            "the value https_proxy and HTTPS_PROXY in extraEnv say the same thing",
        ),
        (
            {"no_proxy": "a", "extraEnv": [{"name": "no_proxy", "value": "b"}]},
            "the value no_proxy and no_proxy in extraEnv say the same thing",
        ),
        (
            {"extraEnv": [{"name": "CERTWRIGHT_NAMESPACE", "value": "x"}]},
            "NAMESPACE in extraEnv is there already",
        ),
        (
            {"responder": {"extraEnv": [{"name": "A"}, {"name": "A"}]}},
            "A in responder.extraEnv is there already",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(chart: Chart, values: Body, told: str) -> None:
    with pytest.raises(HelmFailed) as refused:
        chart.text(values)
    assert told in str(refused.value)


def test_labels_of_users_win_over_what_only_describes_and_the_nearest_wins(chart: Chart) -> None:
    bodies = chart.bodies(VALUE_SETS["labels that the chart has as well"])

    def labels(kind: str, name: str = "certwright") -> list[str]:
        metadata = the(bodies, kind, name)
        metadata = metadata["spec"]["template"]["metadata"] if kind == "Deployment" else metadata["metadata"]
        about = ("team", "app.kubernetes.io/part-of", "app.kubernetes.io/version")
        return [metadata["labels"][label] for label in about]

    assert labels("Deployment") == ["certificates", "platform", "ours"]
    assert labels("Deployment", "certwright-responder") == ["platform", "answers", "0.1.0"]
    assert labels("ServiceAccount") == ["accounts", "platform", "0.1.0"]
    assert labels("ClusterRole") == ["platform", "platform", "0.1.0"]


def test_both_spellings_of_a_proxy_may_stand_in_the_environment(chart: Chart) -> None:
    both = [{"name": name, "value": "http://proxy:1"} for name in ("HTTPS_PROXY", "https_proxy")]
    assert container(chart.bodies({"extraEnv": both}))["env"][-2:] == both


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("prod", "prod-certwright"),
        ("certwright-of-all", "certwright-of-all"),
        (f"r{'x' * 48}-y", f"r{'x' * 48}"),
        ("1st", None),
        ("team.a", None),
    ],
)
def test_objects_are_named_after_the_release_where_a_service_may_be(
    chart: Chart, release: str, name: str | None
) -> None:
    if name is None:
        with pytest.raises(HelmFailed, match="choose another name with fullnameOverride"):
            chart.helm("template", release, CHART)
        chart.helm("template", release, CHART, "--set=fullnameOverride=tls")
        return
    rendered = [*yaml.safe_load_all(chart.helm("template", release, CHART))]
    assert the(rendered, "Service", f"{name}-responder")


@pytest.mark.parametrize("wanted", [True, False])
def test_a_chart_of_charts_has_it_or_not_and_globals_of_its_own(
    chart: Chart,
    tmp_path: Path,
    wanted: bool,  # noqa: FBT001
) -> None:
    umbrella = tmp_path / "platform"
    shutil.copytree(CHART, umbrella / "charts" / "certwright")
    needs = {"name": "certwright", "version": "*", "condition": "certwright.enabled"}
    about = {"apiVersion": "v2", "name": "platform", "version": "1.0.0", "dependencies": [needs]}
    (umbrella / "Chart.yaml").write_text(yaml.safe_dump(about))
    values = {
        "certwright": {"enabled": wanted},
        "global": {"storageClass": "fast", "rbac": {"disableHTTPChallengesRole": True}},
    }
    (umbrella / "values.yaml").write_text(yaml.safe_dump(values))
    assert bool(chart.helm.template(chart=umbrella).strip()) == wanted


def test_the_notes_have_the_next_two_commands(chart: Chart) -> None:
    def notes(*flags: str) -> str:
        return chart.helm(
            "install", "certwright", CHART, "--namespace=tls", "--dry-run=client", *flags
        ).partition("NOTES:")[2]

    assert "kubectl rollout status --namespace tls deployment/certwright" in notes()
    assert "kubectl get certificates.certwright.dev --all-namespaces" in notes()
    assert "team-a. ClusterIssuers are off" in notes("--set=watchNamespaces={team-a}")


def shown(page: str, words: str) -> list[list[str]]:
    """The lines of a page that begin with these words, as a shell would split them."""
    lines = (ROOT / page).read_text().replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith(f"{words} ")]


@pytest.mark.parametrize("page", ["README.md", "charts/certwright/README.md"])
def test_what_the_pages_say_of_helm_takes_the_image_that_they_say_to_push(chart: Chart, page: str) -> None:
    ((*_, pushed),) = shown("README.md", "docker push")
    ((_, _, release, folder, *flags),) = shown(page, "helm install")
    rendered = [*yaml.safe_load_all(chart.helm("template", release, ROOT / folder, *flags))]
    assert {each["image"] for _, each in containers(rendered)} == {pushed}
    (made,) = shown("README.md", "make release")
    registry, tag = (word.partition("=")[2] for word in made[2:])
    assert f"{registry}/certwright:{tag}" == pushed


def test_a_packaged_chart_is_whole(chart: Chart, tmp_path: Path) -> None:
    """The CRDs are a link in the repository; a package has them as files."""
    chart.helm("package", CHART, f"--destination={tmp_path}")
    (package,) = tmp_path.glob("certwright-*.tgz")
    with tarfile.open(package) as archive:
        members = {member.name: member for member in archive.getmembers()}
    crds = {f"certwright/files/crds/{file.name}" for file in release_files.CRDS.glob("*.yaml")}
    assert {name for name in members if "/crds/" in name} == crds
    assert all(members[name].isfile() for name in crds)
    assert "certwright/README.head.md" not in members
    assert chart.helm.template(chart=package) == chart.helm.template()


def test_the_files_of_a_release_are_all_that_helm_would_install(tmp_path: Path, chart: Chart) -> None:
    crds, rest = release_files.write(tmp_path / "dist")
    plain = [*yaml.safe_load_all(crds.read_text()), *yaml.safe_load_all(rest.read_text())]
    assert {key(body) for body in plain} == {key(body) for body in chart.bodies()} | {
        ("Namespace", "certwright")
    }
    assert "Helm" not in rest.read_text()
    assert {each["image"] for _, each in containers(plain)} == {"certwright:0.1.0"}


def test_the_files_of_a_release_name_the_place_of_the_image(tmp_path: Path) -> None:
    _, rest = release_files.write(tmp_path, registry="registry.example.com:5000/tools", tag="1.2.3")
    images = {each["image"] for _, each in containers([*yaml.safe_load_all(rest.read_text())])}
    assert images == {"registry.example.com:5000/tools/certwright:1.2.3"}
    with pytest.raises(HelmFailed, match="image/registry"):
        release_files.write(tmp_path, registry="https://registry.example.com")
