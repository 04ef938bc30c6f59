"""Every block of YAML in every page, and every example, is taken by a real API server as it stands."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.kit.control_plane import KubectlFailed
from tests.kit.helm import CHART, Helm
from tests.kit.page_parts import FOREIGN, completed
from tests.kit.pages import ROOT, Block, yaml_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.kit.control_plane import ControlPlane

pytestmark = pytest.mark.cluster

BLOCKS = [block for block in yaml_blocks() if not block.marker.startswith("file=")]
FILES = sorted((ROOT / "examples").rglob("*.yaml")) + sorted((ROOT / "crds").glob("*.yaml"))
#: What pages leave to their readers, and what tests put there.
PLACEHOLDERS = {"PUT-THE-ROOT-HERE": base64.b64encode(b"-----BEGIN CERTIFICATE-----\n").decode()}

Body = dict[str, Any]


def filled_in(text: str) -> str:
    """The text with something in its readers' places."""
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    return text


def bodies(block: Block) -> list[Body]:
    """The objects that a block is, or is a part of."""
    documents = list(yaml.safe_load_all(filled_in(block.text)))
    if block.marker.startswith("part="):
        return [completed(block.marker.removeprefix("part="), each) for each in documents]
    return [] if block.marker else documents


def group(body: Body) -> str:
    """The API group of an object; "" is the core's."""
    return str(body["apiVersion"]).rpartition("/")[0]


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlane) -> ControlPlane:
    """With every namespace that a page speaks of."""
    found = [body for block in BLOCKS for body in bodies(block)]
    found += [body for file in FILES for body in yaml.safe_load_all(file.read_text())]
    named = {body["metadata"].get("namespace", "default") for body in found}
    here = control_plane.kubectl("get", "namespaces", "--output=name").split()
    for name in named - {each.removeprefix("namespace/") for each in here}:
        control_plane.kubectl("create", "namespace", name)
    return control_plane


def try_out(plane: ControlPlane, objects: Iterable[Body]) -> None:
    """Have the API server judge objects as if they were applied; unknown fields and warnings are errors."""
    items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    strictly = ("--validate=strict", "--warnings-as-errors", "--server-side", "--force-conflicts")
    plane.kubectl("apply", "--dry-run=server", *strictly, "--filename=-", input=json.dumps(items))


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.marker != "values"], ids=str)
def test_a_block_can_be_applied(plane: ControlPlane, block: Block) -> None:
    ours = [body for body in bodies(block) if group(body) not in FOREIGN]
    if ours:
        try_out(plane, ours)


@pytest.mark.parametrize(
    "block", [each for each in BLOCKS if each.marker == "values" or "kind: HelmRelease" in each.text], ids=str
)
def test_values_are_values_of_the_chart(tmp_path: Path, block: Block) -> None:
    """Values of a HelmRelease as well; the chart's schema knows no others."""
    documents = list(yaml.safe_load_all(block.text))
    values = documents if block.marker == "values" else []
    values += [each["spec"].get("values", {}) for each in documents if each.get("kind") == "HelmRelease"]
    for number, each in enumerate(values):
        file = tmp_path / f"values-{number}.yaml"
        file.write_text(yaml.safe_dump(each))
        Helm(tmp_path / "helm").template(f"--values={file}", chart=CHART)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_can_be_applied(plane: ControlPlane, file: Path) -> None:
    try_out(plane, yaml.safe_load_all(filled_in(file.read_text())))


def test_a_misspelt_field_and_a_warning_would_be_seen(plane: ControlPlane) -> None:
    with pytest.raises(KubectlFailed, match="dnsName"):
        try_out(plane, [completed("Certificate", {"spec": {"dnsName": "www.example.com"}})])
    outdated = {"metadata": {"annotations": {"kubernetes.io/ingress.class": "traefik"}}}
    with pytest.raises(KubectlFailed, match="warning"):
        try_out(plane, [completed("Ingress", outdated)])


def test_every_foreign_group_is_unknown_to_the_server(plane: ControlPlane) -> None:
    served = {line.split()[0].rpartition("/")[0] for line in plane.kubectl("api-versions").splitlines()}
    assert not served & set(FOREIGN)
