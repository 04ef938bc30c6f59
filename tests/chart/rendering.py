"""Manifests that helm made, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from tests.kit.helm import Helm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Body = dict[str, Any]


class Once(yaml.SafeLoader):
    """Refuses a mapping with one key twice, of which the library would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """The mapping."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        assert not twice, f"{twice} stands twice in one mapping{node.start_mark}"
        return super().construct_mapping(node, deep)


class Chart:
    """The chart, rendered without a cluster.

    Args:
        directory: for helm's own files and the values.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.helm = Helm(directory / "helm")

    def text(self, values: Body | None = None, *args: str) -> str:
        """What helm prints for these values."""
        return self.helm.template(f"--values={self.values_file(values or {})}", *args)

    def bodies(self, values: Body | None = None, *args: str) -> list[Body]:
        """The same as objects."""
        return [body for body in yaml.load_all(self.text(values, *args), Once) if body]

    def values_file(self, values: Body) -> Path:
        """The values in a file, as helm takes them."""
        file = self._directory / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        return file


def of_kind(bodies: list[Body], *kinds: str) -> list[Body]:
    """The objects of these kinds."""
    return [body for body in bodies if body["kind"] in kinds]


def the(bodies: list[Body], kind: str, name: str = "certwright") -> Body:
    """The one object of this kind and name."""
    (found,) = [body for body in of_kind(bodies, kind) if body["metadata"]["name"] == name]
    return found


def containers(bodies: list[Body]) -> Iterator[tuple[Body, Body]]:
    """Every container with the pod's spec around it."""
    for body in bodies:
        pod = body.get("spec", {}).get("template", {}).get("spec", {})
        for container in (*pod.get("containers", ()), *pod.get("initContainers", ())):
            yield pod, container


def container(bodies: list[Body], deployment: str = "certwright") -> Body:
    """The one container of a Deployment."""
    (found,) = the(bodies, "Deployment", deployment)["spec"]["template"]["spec"]["containers"]
    return dict(found)
