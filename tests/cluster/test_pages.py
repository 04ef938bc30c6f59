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
#: Those of kustomize are tried as it builds them (test_gitops.py).
FILES = [
    *sorted((ROOT / "examples").rglob("*.yaml")),
    *sorted(file for file in (ROOT / "crds").rglob("*.yaml") if "kustomize" not in file.parts),
]
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


def try_out(control_plane: ControlPlane, objects: Iterable[Body]) -> None:
    """Have the API server judge objects as if they were applied; unknown fields and warnings are errors.

    The namespaces that they name are made: a page does not make one in each block.
    """
    items = list(objects)
    for name in {each["metadata"].get("namespace", "default") for each in items}:
        control_plane.kubectl("create", "namespace", name, check=False)
    strictly = ("--validate=strict", "--warnings-as-errors", "--server-side", "--force-conflicts")
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    control_plane.kubectl("apply", "--dry-run=server", *strictly, "--filename=-", input=listed)


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.marker != "values"], ids=str)
def test_a_block_can_be_applied(control_plane: ControlPlane, block: Block) -> None:
    ours = [body for body in bodies(block) if group(body) not in FOREIGN]
    if ours:
        try_out(control_plane, ours)


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
def test_a_file_can_be_applied(control_plane: ControlPlane, file: Path) -> None:
    try_out(control_plane, yaml.safe_load_all(filled_in(file.read_text())))


def test_a_misspelt_field_and_a_warning_would_be_seen(control_plane: ControlPlane) -> None:
    with pytest.raises(KubectlFailed, match="dnsName"):
        try_out(control_plane, [completed("Certificate", {"spec": {"dnsName": "www.example.com"}})])
    outdated = {"metadata": {"annotations": {"kubernetes.io/ingress.class": "traefik"}}}
    with pytest.raises(KubectlFailed, match="warning"):
        try_out(control_plane, [completed("Ingress", outdated)])


def test_every_foreign_group_is_unknown_to_the_server(control_plane: ControlPlane) -> None:
    served = {
        line.split()[0].rpartition("/")[0] for line in control_plane.kubectl("api-versions").splitlines()
    }
    assert not served & set(FOREIGN)
