"""Every field of our kinds was decided upon: what of it may leave the cluster is named, if only its length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from certwright.cli.bundle_shapes import CERTIFICATE, ISSUER, PLAIN
from certwright.cli.crds import manifests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certwright.cli.bundle_shapes import Shape


def schemas() -> dict[str, Any]:
    """Of each kind what spec and status may hold."""
    found = {}
    for crd in yaml.safe_load_all(manifests()):
        for version in crd["spec"]["versions"]:
            found[crd["spec"]["names"]["kind"]] = version["schema"]["openAPIV3Schema"]["properties"]
    return found


def fields(schema: Any, path: str, shape: Shape | None) -> Iterator[tuple[str, str, Shape | None]]:
    """Path, type and shape of each field that holds a value; the shape is None where none names it."""
    if isinstance(shape, str) and shape != PLAIN:
        yield path, "any", shape
    elif "properties" in schema:
        inner = shape if isinstance(shape, Mapping) else {}
        for name, below in schema["properties"].items():
            yield from fields(below, f"{path}.{name}", inner.get(name))
    elif "items" in schema:
        items = shape[0] if isinstance(shape, list) else None
        yield from fields(schema["items"], path, items)
    else:
        yield path, schema.get("type", "scalar"), shape


@pytest.mark.parametrize(
    ("kind", "shape"), [("Certificate", CERTIFICATE), ("Issuer", ISSUER), ("ClusterIssuer", ISSUER)]
)
@pytest.mark.parametrize("part", ["spec", "status"])
def test_every_field_of_a_kind_was_decided_upon(kind: str, part: str, shape: Any) -> None:
    told = list(fields(schemas()[kind][part], part, shape[part]))
    assert told
    assert not [path for path, kept, how in told if how == PLAIN and kept == "object"], "kept as nothing"
    assert not [path for path, _, how in told if how is None], (
        "name it in bundle_shapes.py, if only by LENGTH"
    )


@pytest.mark.parametrize(
    ("kinds", "shape"), [(("Certificate",), CERTIFICATE), (("Issuer", "ClusterIssuer"), ISSUER)]
)
@pytest.mark.parametrize("part", ["spec", "status"])
def test_no_field_is_named_that_is_not_there(kinds: tuple[str, ...], shape: Any, part: str) -> None:
    there = {path for kind in kinds for path in objects(schemas()[kind][part], part)}
    assert not [path for path in named(shape[part], part) if path not in there]


def objects(schema: Any, path: str) -> Iterator[str]:
    """Paths of all that a schema names."""
    yield path
    for name, below in schema.get("properties", {}).items():
        yield from objects(below, f"{path}.{name}")
    if "items" in schema:
        yield from objects(schema["items"], path)


def named(shape: Shape, path: str) -> Iterator[str]:
    """Paths of all that a shape names."""
    yield path
    if isinstance(shape, Mapping):
        for name, inner in shape.items():
            yield from named(inner, f"{path}.{name}")
    elif isinstance(shape, list):
        yield from named(shape[0], path)
