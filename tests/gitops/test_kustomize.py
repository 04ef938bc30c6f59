"""What a real kustomize makes of our kinds with the component that says where they name other objects."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.binaries import locate
from tests.resources.test_crds import parts, schema

FOLDER = Path(__file__).parents[2] / "crds" / "kustomize"
REFERENCES = yaml.safe_load((FOLDER / "component" / "references.yaml").read_text())["nameReference"]

Body = dict[str, Any]


def built(folder: Path) -> dict[str, Body]:
    """What `kubectl kustomize` prints, by kind: there is one of each."""
    done = subprocess.run(
        [locate().kubectl, "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr
    bodies = list(yaml.safe_load_all(done.stdout))
    by_kind = {body["kind"]: body for body in bodies}
    assert len(by_kind) == len(bodies)
    return by_kind


def names_of(built: dict[str, Body]) -> dict[str, str]:
    """The names that must go together."""
    (solver,) = built["Issuer"]["spec"]["acme"]["solvers"]
    return {
        "Secret": built["Secret"]["metadata"]["name"],
        "of the Secret": solver["dns01"]["rfc2136"]["tsigSecretSecretRef"]["name"],
        "Issuer": built["Issuer"]["metadata"]["name"],
        "of the Issuer": built["Certificate"]["spec"]["issuerRef"]["name"],
    }


@pytest.mark.servers
def test_names_are_followed_through_a_prefix_and_a_hash() -> None:
    found = built(FOLDER / "staging")
    names = names_of(found)
    assert names["Secret"].startswith("staging-dns-key-")
    assert names["of the Secret"] == names["Secret"]
    assert names["Issuer"] == names["of the Issuer"] == "staging-example-ca"
    assert found["Certificate"]["metadata"]["name"] == "staging-web"


@pytest.mark.servers
def test_what_the_operator_makes_keeps_its_name() -> None:
    found = built(FOLDER / "staging")
    assert found["Certificate"]["spec"]["secretName"] == "web-tls"
    assert found["Issuer"]["spec"]["acme"]["privateKeySecretRef"]["name"] == "example-ca-account"


@pytest.mark.servers
def test_namespace_labels_and_patches_reach_every_object() -> None:
    found = built(FOLDER / "staging")
    for body in found.values():
        assert body["metadata"]["namespace"] == "staging"
        assert body["metadata"]["labels"]["team"] == "shop"
    assert found["Secret"]["metadata"]["labels"]["certwright.dev/secret"] == "credential"
    assert found["Certificate"]["spec"]["dnsNames"] == ["www.staging.example.com"]
    assert "staging" in found["Issuer"]["spec"]["acme"]["server"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The folder, to change it."""
    shutil.copytree(FOLDER, tmp_path / "kustomize")
    return tmp_path / "kustomize"


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.servers
def test_the_component_may_stand_in_the_overlay(copy: Path) -> None:
    change(copy / "base" / "kustomization.yaml", "components:\n  - ../component\n", "")
    change(copy / "staging" / "kustomization.yaml", "resources:", "components: [../component]\nresources:")
    assert built(copy / "staging") == built(FOLDER / "staging")


@pytest.mark.servers
def test_without_the_component_the_names_fall_apart(copy: Path) -> None:
    change(copy / "base" / "kustomization.yaml", "components:\n  - ../component\n", "")
    names = names_of(built(copy / "staging"))
    assert (names["of the Issuer"], names["of the Secret"]) == ("example-ca", "dns-key")


@pytest.mark.servers
def test_a_cluster_issuer_is_followed_like_an_issuer(copy: Path) -> None:
    change(copy / "base" / "issuer.yaml", "kind: Issuer", "kind: ClusterIssuer")
    change(copy / "base" / "certificate.yaml", "issuerRef:", "issuerRef:\n    kind: ClusterIssuer")
    change(copy / "staging" / "kustomization.yaml", "kind: Issuer", "kind: ClusterIssuer")
    found = built(copy / "staging")
    assert found["Certificate"]["spec"]["issuerRef"]["name"] == "staging-example-ca"
    (solver,) = found["ClusterIssuer"]["spec"]["acme"]["solvers"]
    assert solver["dns01"]["rfc2136"]["tsigSecretSecretRef"]["name"] == found["Secret"]["metadata"]["name"]


def test_every_reference_to_a_secret_in_the_crds_is_listed() -> None:
    listed = {
        (spec["kind"], spec["path"])
        for reference in REFERENCES
        if reference["kind"] == "Secret"
        for spec in reference["fieldSpecs"]
    }
    there = {
        (kind, f"{place.removeprefix('.').replace('[]', '').replace('.', '/')}/name")
        for kind in ("Certificate", "Issuer", "ClusterIssuer")
        for place, part in parts(schema(kind))
        if place.lower().endswith("secretref") and "name" in part.get("properties", {})
    }
    assert listed == there
    assert len(there) >= 8
