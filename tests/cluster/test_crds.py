"""The CRDs on a real API server: accepted, complete, and of one mind with our decoder."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from certwright.resources.certificate_status import status_to_dict
from certwright.resources.issuer_status import issuer_status_to_dict
from certwright.resources.names import PLURALS
from tests.resources.objects import NAMESPACE, ONLY_OURS, ROWS, Row, certificate, issuer
from tests.resources.solver_objects import ONLY_OUR_SOLVERS, SOLVERS, ingress
from tests.resources.test_crds import examples
from tests.resources.test_values import ACCOUNT, FULL

if TYPE_CHECKING:
    from tests.kit.control_plane import ControlPlane

pytestmark = pytest.mark.cluster

CRDS = Path(__file__).parents[2] / "crds"
#: kubectl calls at the same time; each is a process of its own.
AT_ONCE = 6

JUDGED = [*ROWS, *SOLVERS]
UNKNOWABLE = [*ONLY_OURS, *ONLY_OUR_SOLVERS]


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlane) -> ControlPlane:
    """With the CRDs that are in the repository now."""
    control_plane.kubectl("apply", "-f", CRDS)
    for plural in PLURALS.values():
        control_plane.kubectl("wait", "--for=condition=Established", "crd", f"{plural}.certwright.dev")
    return control_plane


def test_what_the_command_prints_is_taken_by_the_api_server(plane: ControlPlane) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "certwright", "crds"], check=True, capture_output=True, text=True
    ).stdout
    said = plane.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", input=printed)
    assert said.count("serverside-applied (server dry run)") == len(PLURALS), said


def asked(plane: ControlPlane, body: dict[str, Any]) -> str:
    """What the API server says of an object that it shall not keep."""
    return plane.kubectl("create", "--dry-run=server", "-f", "-", input=json.dumps(body), check=False)


@pytest.fixture(scope="module")
def verdicts(plane: ControlPlane) -> dict[str, str]:
    """What the API server says of each row, by the row's body."""
    bodies = [row.body for row in [*JUDGED, *UNKNOWABLE]]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = pool.map(lambda body: asked(plane, body), bodies)
        return {json.dumps(body): text for body, text in zip(bodies, said, strict=True)}


@pytest.mark.parametrize("row", [pytest.param(row, id=row.sentence) for row in JUDGED])
def test_the_api_server_judges_like_the_decoder(row: Row, verdicts: dict[str, str]) -> None:
    said = verdicts[json.dumps(row.body)]
    if row.fragment:
        assert "created (server dry run)" not in said
        assert row.fragment.lower() in said.lower()
        assert "type conversion error" not in said
    else:
        assert said.strip().endswith("created (server dry run)"), said


@pytest.mark.parametrize("row", [pytest.param(row, id=row.sentence) for row in UNKNOWABLE])
def test_what_only_the_operator_can_know_passes_the_api_server(row: Row, verdicts: dict[str, str]) -> None:
    assert "created (server dry run)" in verdicts[json.dumps(row.body)]


@pytest.mark.parametrize("kind", PLURALS)
def test_the_crds_are_established_and_structural(plane: ControlPlane, kind: str) -> None:
    crd = plane.kubectl_json("get", "crd", f"{PLURALS[kind]}.certwright.dev")
    conditions = {each["type"]: each["status"] for each in crd["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


def test_a_new_object_shows_that_nobody_has_looked_yet(plane: ControlPlane) -> None:
    for body in (certificate(), issuer(), issuer("ClusterIssuer")):
        said = plane.kubectl("create", "--dry-run=server", "-f", "-", "-o", "json", input=json.dumps(body))
        assert json.loads(said)["status"] == {"observedGeneration": -1}
        assert json.loads(said)["spec"] == body["spec"], "no default is written into a spec"


def test_unknown_fields_are_told_to_users_of_kubectl(plane: ControlPlane) -> None:
    assert 'unknown field "spec.rotate"' in asked(plane, certificate(rotate=True))
    said = asked(plane, ingress(serviceType="NodePort"))
    assert 'unknown field "spec.acme.solvers[0].http01.ingress.serviceType"' in said


@pytest.fixture(scope="module")
def namespace(plane: ControlPlane) -> str:
    """A namespace with a Certificate and an Issuer, which nobody may act upon."""
    plane.kubectl("create", "namespace", "crds")
    for body in (
        certificate(suspend=True, dnsNames=["a.example", "b.example"]),
        issuer(server="https://ca.invalid/"),
    ):
        body["metadata"]["namespace"] = "crds"
        plane.kubectl("create", "-f", "-", input=json.dumps(body))
    return "crds"


COLUMNS = "NAME READY STATUS SECRET EXPIRES RENEWS AGE"
WIDE_COLUMNS = "NAME READY STATUS SECRET EXPIRES RENEWS ISSUER NAMES MESSAGE AGE"


@pytest.mark.parametrize(
    ("asked_for", "columns"),
    [
        (("cw",), COLUMNS),
        (("cwcert",), COLUMNS),
        (("cw", "-o", "wide"), WIDE_COLUMNS),
        (("cw", "--field-selector", "spec.issuerRef.name=ca,spec.secretName=web-tls"), COLUMNS),
        (("cwi",), "NAME READY STATUS AGE"),
        (("cwi", "-o", "wide"), "NAME READY STATUS SERVER ACCOUNT MESSAGE AGE"),
    ],
)
def test_short_names_and_columns(
    plane: ControlPlane, namespace: str, asked_for: tuple[str, ...], columns: str
) -> None:
    shown = plane.kubectl("get", *asked_for, "--namespace", namespace).splitlines()
    assert shown[0].split() == columns.split()
    assert shown[1].startswith("example")


def test_wide_columns_show_issuer_and_names(plane: ControlPlane, namespace: str) -> None:
    shown = plane.kubectl("get", "cw", "-o", "wide", "--namespace", namespace)
    assert '["a.example","b.example"]' in shown
    assert " ca " in shown


def test_the_category_lists_everything_and_all_does_not(plane: ControlPlane, namespace: str) -> None:
    ours = plane.kubectl("get", "certwright", "-o", "name", "--namespace", namespace).split()
    assert {"certificate.certwright.dev/example", "issuer.certwright.dev/example"} <= set(ours)
    assert "certwright" not in plane.kubectl("get", "all", "-o", "name", "--namespace", namespace)
    assert "No resources found" in plane.kubectl("get", "cwci", check=False)


def test_the_fullest_status_is_taken_whole(plane: ControlPlane, namespace: str) -> None:
    for what, status in (("cw", status_to_dict(FULL)), ("cwi", issuer_status_to_dict(ACCOUNT))):
        patch = (
            "patch",
            what,
            "example",
            "--subresource=status",
            "--type=merge",
            "--dry-run=server",
            "--patch",
        )
        patched = plane.kubectl_json(*patch, json.dumps({"status": status}), "--namespace", namespace)
        assert patched["status"] == patched["status"] | status


@pytest.mark.parametrize("page", ["certificate.md", "issuer.md"])
def test_the_examples_of_the_documentation_are_taken(plane: ControlPlane, page: str) -> None:
    for body in examples(CRDS / page):
        if "namespace" in body["metadata"]:
            body["metadata"]["namespace"] = NAMESPACE
        assert "created (server dry run)" in asked(plane, body)
