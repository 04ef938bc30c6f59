"""The commands for users, as a plain viewer of one namespace runs them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
import yaml

from tests.cli.test_bundle import unpacked
from tests.cli.test_completion import installed
from tests.cluster.test_ingress_annotations import await_event, put
from tests.kit.binaries import locate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

ROLES = Path(__file__).parents[2] / "charts/certwright/templates/user-roles.yaml"


Command: TypeAlias = "Callable[..., subprocess.CompletedProcess[str]]"


def commands_of(tenant: Tenant, role: str, *more: str) -> Command:
    """Runs commands as somebody who has one of the chart's roles, and some of Kubernetes, in this namespace."""
    documents = ROLES.read_text(encoding="utf-8").split("\n---\n")
    text = next(each for each in documents if f"$name }}}}-{role}\n" in each)
    rules = yaml.safe_load(text.partition("\nrules:")[2].removesuffix("{{- end }}\n"))
    user, group = f"{role}-{tenant.namespace}", "rbac.authorization.k8s.io"
    cluster_role = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": f"certwright-{role}"},
        "rules": rules,
    }
    bindings = [
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"{role}-{name.replace(':', '-')}", "namespace": tenant.namespace},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
        }
        for name in (f"certwright-{role}", *more)
    ]
    tenant.apply(cluster_role, *bindings)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        place = (f"--kubeconfig={tenant.plane.kubeconfig(user)}", f"--namespace={tenant.namespace}")
        command = [sys.executable, "-m", "certwright", *arguments, *place]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.fixture
def viewer(tenant: Tenant) -> Command:
    """The chart's viewer role, and what `view` is made of."""
    return commands_of(tenant, "viewer", "system:aggregate-to-view")


@pytest.fixture
def requester(tenant: Tenant, viewer: Command) -> Command:  # noqa: ARG001  whose role is applied first
    """The chart's requester role beside the viewer's, as `edit` has both."""
    return commands_of(tenant, "requester", "certwright-viewer")


def test_a_viewer_sees_what_is_ready_what_fails_and_what_is_missing(tenant: Tenant, viewer: Command) -> None:
    tenant.apply(tenant.certificate("web"), tenant.certificate("api", issuer="nowhere"))
    waited = viewer("wait", "web", "--for", "ready", "--timeout", "2m")
    assert (waited.returncode, waited.stderr) == (0, "")
    tenant.await_condition("api", "Ready", lambda found: found.get("reason") == "IssuerNotFound")

    listed = viewer("list", "-o", "json")
    assert listed.returncode == 0, listed.stderr
    found = {
        each["name"]: (each["ready"], each["failing"]) for each in json.loads(listed.stdout)["certificates"]
    }
    assert found == {"web": ("True", False), "api": ("False", True)}
    failing, expiring = viewer("list", "--failing"), viewer("list", "--expiring", "1m")
    assert (failing.returncode, "web" in failing.stdout) == (2, False), failing.stderr
    assert expiring.returncode == 0, expiring.stdout + expiring.stderr
    refused = viewer("list", "-A")
    assert (
        refused.returncode,
        "No permission: certificates.certwright.dev is forbidden" in refused.stderr,
    ) == (1, True)

    good, bad = viewer("status", "web"), viewer("status", "api")
    assert (good.returncode, bad.returncode) == (0, 2), good.stderr + bad.stderr
    assert f"Certificate {tenant.namespace}/web: ready" in good.stdout
    assert "Secret web-tls: No permission: secrets" in good.stdout
    assert "Normal, Issued: " in good.stdout
    assert "Issuer nowhere: does not exist" in bad.stdout
    assert tenant.condition("certificate", "api", "Ready")["message"] in bad.stdout

    late, gone = viewer("wait", "api", "--timeout", "1s"), viewer("wait", "gone")
    assert (late.returncode, "IssuerNotFound: " in late.stderr) == (2, True)
    assert (gone.returncode, "it does not exist" in gone.stderr) == (1, True)
    assert viewer("status", "gone").returncode == 1
    assert viewer("wait", "web", "--for", "rain").returncode == 1


def test_a_viewers_support_archive_says_what_it_lacks_and_an_admins_has_no_secrets(
    tenant: Tenant, viewer: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    tenant.apply(tenant.certificate("web"), tenant.certificate("api", issuer="nowhere"))
    tenant.await_ready("web")
    tenant.await_condition("api", "Ready", lambda found: found.get("reason") == "IssuerNotFound")
    put(tenant, {"site-tls": ["site"]}, {"certwright.dev/isuer": "ca"})
    await_event(tenant, "BadConfig", "did you mean certwright.dev/issuer?")
    seen, whole = tmp_path / "viewer.tar.gz", tmp_path / "admin.tar.gz"
    done = viewer("bundle", "-o", str(seen))
    assert done.returncode == 0, done.stderr
    files = unpacked(seen.read_bytes())
    place = f"namespaces/{tenant.namespace}"
    assert {each["metadata"]["name"] for each in json.loads(files[f"{place}/certificates.json"])} == {
        "web",
        "api",
    }
    assert '"reason": "Issued"' in files[f"{place}/events.json"]
    assert "did you mean certwright.dev/issuer?" in files[f"{place}/events.json"]
    assert f"- Secrets of namespace {tenant.namespace}: No permission: secrets" in files["README.txt"]
    assert f"{place}/secrets.json" not in files
    assert "Not in it: pods of the operator: No permission: pods is forbidden" in done.stderr

    command = [sys.executable, "-m", "certwright", "bundle", "-o", str(whole)]
    admin = (f"--kubeconfig={tenant.plane.kubeconfig()}", f"--namespace={tenant.namespace}")
    subprocess.run([*command, *admin], check=True, capture_output=True, timeout=120)
    files = unpacked(whole.read_bytes())
    secrets = {each["metadata"]["name"]: each for each in json.loads(files[f"{place}/secrets.json"])}
    leaf = tenant.leaf("web-tls")
    assert secrets["web-tls"]["certificate"]["serialNumber"] == f"{leaf.serial_number:x}"
    assert json.loads(files["versions.json"])["kubernetes"].startswith("v1.")
    everything = "".join(files.values())
    for name in secrets:
        for value in tenant.secret(name).values():
            for form in (value.decode(errors="replace").strip(), base64.b64encode(value).decode()):
                assert form not in everything


def test_kubectl_completes_the_names_of_certificates(tenant: Tenant, tmp_path: Path) -> None:
    tenant.apply(tenant.certificate("web"), tenant.certificate("www"), tenant.certificate("api"))
    kubectl = locate().kubectl
    environment = os.environ | {
        "PATH": installed(tmp_path / "bin"),
        "KUBECONFIG": str(tenant.plane.kubeconfig()),
        "CERTWRIGHT_COMPLETION_SECONDS": "60",
    }

    def completed(*words: str) -> list[str]:
        command = [str(kubectl), "__complete", "certwright", *words]
        return subprocess.check_output(command, env=environment, text=True, timeout=120).splitlines()

    assert completed("wait", "-n", tenant.namespace, "w") == ["web", "www", ":4"]
    assert completed("list", "-n", tenant.namespace) == [tenant.namespace, ":4"]
    assert completed("stat") == ["status", ":4"]


def test_a_requester_renews_suspends_and_resumes_and_a_viewer_is_told_who_may(
    tenant: Tenant, viewer: Command, requester: Command, bench: Bench
) -> None:
    tenant.apply(tenant.certificate("web"), tenant.certificate("api"))
    tenant.await_ready("web", "api")
    before, mark = tenant.leaf("web-tls").serial_number, bench.pebble.mark()
    for command in ("renew", "suspend"):
        refused = viewer(command, "web")
        assert (refused.returncode, "certwright-requester" in refused.stderr) == (1, True), refused
    tried = requester("renew", "--all", "--dry-run")
    assert (tried.returncode, tried.stdout.count("would be asked for")) == (0, 2), tried.stderr
    assert "certwright.dev/renew" not in tenant.get("certificate", "web")["metadata"]["annotations"]

    renewed = requester("renew", "web", "--wait", "--timeout", "2m")
    assert (renewed.returncode, "is renewed." in renewed.stdout) == (0, True), renewed
    assert tenant.leaf("web-tls").serial_number != before
    followed = viewer("wait", "web", "--for", "renewed")
    assert followed.returncode == 0, followed.stderr
    everything = requester("renew", "--all", "--pace", "10/s", "--wait", "--timeout", "2m")
    assert (everything.returncode, everything.stdout.count("is renewed.")) == (0, 2), everything
    assert len(bench.pebble.requests(mark).orders) == 3
    value = tenant.get("certificate", "web")["metadata"]["annotations"]["certwright.dev/renew"]
    again = requester("renew", "--all", "--value", value, "--wait", "--timeout", "2m")
    assert (again.returncode, f"Asked for with {value} already: 2." in again.stderr) == (0, True), again
    assert len(bench.pebble.requests(mark).orders) == 3

    suspended = requester("suspend", "web")
    assert suspended.returncode == 0, suspended.stderr
    tenant.await_condition("web", "Suspended", lambda found: found.get("status") == "True")
    late = requester("renew", "web", "--wait", "--timeout", "10s")
    assert (late.returncode, "is not renewed: Nothing is done while spec.suspend" in late.stderr) == (
        2,
        True,
    ), late
    assert requester("suspend", "web").stdout.endswith("already suspended.\n")
    assert requester("resume", "--all").returncode == 0
    assert "suspend" not in tenant.get("certificate", "web")["spec"]
    assert viewer("wait", "web", "--for", "renewed", "--timeout", "1m").returncode == 0
    gone = requester("renew", "gone")
    assert (gone.returncode, "does not exist" in gone.stderr) == (1, True)
