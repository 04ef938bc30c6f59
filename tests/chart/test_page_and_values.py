"""What the chart's files say of each other; neither helm nor a cluster is needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import certwright
from tests.kit import chart_readme
from tests.kit.helm import CHART

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
#: Where the schema takes what Kubernetes takes, for the API server to judge.
FREE = {
    "securityContext",
    "containerSecurityContext",
    "resources.requests",
    "resources.limits",
    "grafana.dashboard.labels",
}


def test_the_page_is_what_the_values_say() -> None:
    """`make format` writes it anew."""
    assert chart_readme.README.read_text() == chart_readme.page()


def test_a_value_without_a_comment_is_told_of() -> None:
    with pytest.raises(chart_readme.Undocumented, match=r"outer\.inner"):
        chart_readme.sections("## Part\n# Why.\nfirst: 1\n\nouter:\n  inner: 2\n")
    (part,) = chart_readme.sections("## Part\n# Why.\nfirst: 1\nouter:\n  # Two\n  # lines.\n  inner: 2\n")
    assert part.rows == [("first", "`1`", "Why."), ("outer.inner", "`2`", "Two lines.")]


def test_a_default_stands_once_on_the_page() -> None:
    (part,) = chart_readme.sections("## Part\n# All.\nouter:\n  # One.\n  inner: 2\n# Both.\npair:\n  a: 1\n")
    assert part.rows == [
        ("outer", "", "All."),
        ("outer.inner", "`2`", "One."),
        ("pair", '`{"a": 1}`', "Both."),
    ]


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = SCHEMA["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return node


def known(node: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every path that the schema names."""
    for name, child in resolved(node).get("properties", {}).items():
        if child := resolved(child):
            yield f"{path}{name}"
            if child.get("type") == "object" or "properties" in child:
                yield from known(child, f"{path}{name}.")


def written(values: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every path that the values file has."""
    for name, value in values.items():
        yield f"{path}{name}"
        if isinstance(value, dict) and f"{path}{name}".removeprefix("responder.") not in FREE:
            yield from written(value, f"{path}{name}.")


def test_schema_and_values_name_the_same() -> None:
    labels = {path for path in written(VALUES) if "nodeSelector." in path}
    assert (
        set(known(SCHEMA)) - {"resources.claims", "responder.resources.claims"}
        == set(written(VALUES)) - labels
    )


def test_nothing_unknown_is_taken_but_what_a_parent_chart_has_for_all() -> None:
    def objects(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(node, dict):
            if "properties" in node and node.get("type") == "object":
                yield path, node
            for name, child in node.items():
                yield from objects(child, f"{path}/{name}")

    lenient = {path for path, node in objects(SCHEMA) if node.get("additionalProperties") is not False}
    #: Lists of volumes and mounts have dozens of forms, which the API server knows.
    everybodys = {"/properties/global", "/properties/global/properties/rbac"}
    assert lenient == everybodys | {"/$defs/named/items"}


def test_the_chart_has_the_version_of_the_program() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == certwright.__version__


def test_the_crds_are_those_at_the_top() -> None:
    assert (CHART / "files" / "crds").resolve() == CHART.parents[1] / "crds"
