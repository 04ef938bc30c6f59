"""One image and one cluster for all tests that need a real node."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.kit import node_cgroups, node_guests, node_wire
from tests.kit.examples import EXAMPLES, filled_in
from tests.kit.helm import CHART, NAMESPACE, RELEASE, Helm
from tests.kit.image import Image, ImageStore
from tests.kit.node import Node
from tests.kit.node_fitness import why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kit.examples import Servers

ZONES = ("example.test",)
#: Proven over HTTP in the examples, so it leads to the ingress controller.
WEB = (
    "shop.example.test",
    "killed.example.test",
    "drained.example.test",
    "brief.example.test",
    "later.example.test",
    "site.example.test",
    "moved.example.test",
)
#: Of a restricted namespace (Pod Security Standards).
ENFORCE = "pod-security.kubernetes.io/enforce=restricted"


@pytest.fixture(scope="session")
def fit() -> None:
    """Skips where no node can run; CI must be able to."""
    reason = why_not()
    if reason and os.environ.get("CI"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def image_store(fit: None, tmp_path_factory: pytest.TempPathFactory) -> ImageStore:  # noqa: ARG001
    return ImageStore(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def image(image_store: ImageStore) -> Image:
    """The image as the Dockerfile makes it."""
    return image_store.build("localhost/certwright:test")


@pytest.fixture(scope="session")
def node(fit: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:  # noqa: ARG001
    """The cluster; when it ends, nothing of it may be left on this machine."""
    with node_wire.turn():
        before = _traces()
        with Node.start(tmp_path_factory.mktemp("node")) as node:
            yield node
        assert _traces() == before


def _traces() -> set[str]:
    """Routes, interfaces, mounts and packet rules of this machine, and cgroups of pods."""
    asked = (["ip", "route"], ["ip", "-brief", "link"], ["nft", "list", "tables"])
    told = [subprocess.run(each, capture_output=True, text=True, check=True).stdout for each in asked]
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return {line for text in told for line in text.splitlines()} | {*mounts, *map(str, node_cgroups.left())}


@pytest.fixture(scope="session")
def loaded(
    node: Node, image: Image, image_store: ImageStore, tmp_path_factory: pytest.TempPathFactory
) -> Image:
    """The image, for pods of the node."""
    archive = image_store.archive(image, tmp_path_factory.mktemp("archive") / "certwright.tar")
    node.load_image(archive)
    archive.unlink()
    return image


@pytest.fixture(scope="session")
def servers(node: Node, loaded: Image) -> Servers:
    """A CA and a name server in the cluster."""
    return node_guests.install(node, loaded, ZONES, WEB)


@pytest.fixture(scope="session")
def helm(node: Node) -> Helm:
    return Helm(node.directory / "helm", node.kubeconfig)


@pytest.fixture(scope="session")
def installed(node: Node, helm: Helm, loaded: Image, servers: Servers) -> float:
    """The chart in a namespace that enforces restricted pods, and the examples; the moment before helm began."""
    node.kubectl("create", "namespace", NAMESPACE)
    node.kubectl("label", "namespace", NAMESPACE, ENFORCE)
    repository, _, tag = loaded.name.rpartition(":")
    began = time.monotonic()
    helm(
        "install",
        RELEASE,
        CHART,
        f"--namespace={NAMESPACE}",
        f"--set=image.repository={repository},image.tag={tag},image.pullPolicy=Never",
        # The cluster's own addresses: no public CA would look for a name there.
        "--set=selfCheckNetworks={10.0.0.0/8}",
    )
    for file in sorted(EXAMPLES.glob("*.yaml")):
        node.kubectl("apply", "--filename", "-", input=filled_in(file.read_text(), servers))
    return began
