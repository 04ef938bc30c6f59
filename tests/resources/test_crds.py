"""The CRDs as files: every value is bounded, both issuers are one, and the documentation is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from certwright.resources import durations
from certwright.resources.certificate import read_certificate
from certwright.resources.issuer import read_issuer
from certwright.resources.metadata import Unreadable
from certwright.resources.names import PLURALS, ApiNames

if TYPE_CHECKING:
    from collections.abc import Iterator

CRDS = Path(__file__).parents[2] / "crds"
NAMES = ApiNames()


def crd(kind: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CRDS / f"{PLURALS[kind]}.yaml").read_text())
    return loaded


def schema(kind: str) -> dict[str, Any]:
    (version,) = crd(kind)["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


def parts(node: dict[str, Any], place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of a schema below spec and status, with its place."""
    yield place, node
    for name, each in node.get("properties", {}).items():
        if (place, name) not in {("", "apiVersion"), ("", "kind"), ("", "metadata")}:
            yield from parts(each, f"{place}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if key in node:
            yield from parts(node[key], place + mark)


def examples(page: Path) -> list[dict[str, Any]]:
    """The YAML of a page of documentation that is about our kinds."""
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(), flags=re.DOTALL)
    documents = [document for block in blocks for document in yaml.safe_load_all(block)]
    return [document for document in documents if document["apiVersion"] == NAMES.api_version]


def test_issuer_and_cluster_issuer_have_one_schema() -> None:
    """But for the mark of the default, which only a ClusterIssuer can have."""
    issuer, cluster_issuer = schema("Issuer"), schema("ClusterIssuer")
    assert cluster_issuer["properties"]["spec"]["properties"].pop("default")["type"] == "boolean"
    assert issuer["properties"] == cluster_issuer["properties"]
    assert issuer["required"] == cluster_issuer["required"]
    columns = [
        crd(kind)["spec"]["versions"][0]["additionalPrinterColumns"] for kind in ("Issuer", "ClusterIssuer")
    ]
    assert columns[0] == columns[1]


@pytest.mark.parametrize("kind", PLURALS)
def test_every_text_list_and_map_is_bounded(kind: str) -> None:
    for place, part in parts(schema(kind)):
        match part["type"]:
            case "string":
                assert {"maxLength", "enum"} & set(part) or part.get("format") == "date-time", place
            case "array":
                assert "maxItems" in part, place
                assert part["x-kubernetes-list-type"] in {"atomic", "map"}, place
            case "object" if "additionalProperties" in part:
                assert "maxProperties" in part, place


@pytest.mark.parametrize("kind", PLURALS)
def test_every_rule_has_a_message_and_no_default_is_written_to_a_spec(kind: str) -> None:
    for place, part in parts(schema(kind)):
        assert all("message" in rule for rule in part.get("x-kubernetes-validations", ())), place
        assert "default" not in part or place == ".status", place


@pytest.mark.parametrize("kind", PLURALS)
def test_short_names_and_categories_stay_clear_of_others(kind: str) -> None:
    names = crd(kind)["spec"]["names"]
    assert names["categories"] == ["certwright"]
    assert not set(names["shortNames"]) & {"cert", "certs", "iss", "ciss"}
    assert crd(kind)["metadata"]["name"] == f"{NAMES.plural(kind)}.{NAMES.group}"


def test_the_crds_know_durations_as_the_decoder_does() -> None:
    for kind, count in (("Certificate", 5), ("Issuer", 2)):
        assert (CRDS / f"{PLURALS[kind]}.yaml").read_text().count(durations.PATTERN) == count


@pytest.mark.parametrize("page", ["certificate.md", "issuer.md"])
def test_the_examples_of_the_documentation_are_good(page: str) -> None:
    found = examples(CRDS / page)
    assert len(found) >= 3
    for body in found:
        read = (read_certificate if body["kind"] == "Certificate" else read_issuer)(body, NAMES)
        assert not isinstance(read, Unreadable), read.problem


@pytest.mark.parametrize(
    ("page", "kind"),
    [("certificate.md", "Certificate"), ("issuer.md", "Issuer"), ("issuer.md", "ClusterIssuer")],
)
def test_the_documentation_names_every_field(page: str, kind: str) -> None:
    text = (CRDS / page).read_text()
    for place, _ in parts(schema(kind)):
        name = place.rpartition(".")[2].rstrip("[]{}")
        assert re.search(rf"\b{name}\b", text), place
