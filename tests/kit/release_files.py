"""The files of a release for those who do without helm: crds.yaml, and certwright.yaml with all the rest.

kubectl apply --filename crds.yaml
kubectl apply --filename certwright.yaml
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.kit.helm import NAMESPACE, Helm

CRDS = Path(__file__).parents[2] / "crds"
#: A pod that breaks these rules is refused, so that nobody loosens the chart's without noticing.
_NAMESPACE = f"""apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""


def write(directory: Path, registry: str = "", tag: str = "") -> tuple[Path, Path]:
    """Write both files and return where they are.

    Args:
        directory: where to.
        registry: of the image, with a path if it has one; "" leaves the image's name bare.
        tag: of the image; "" is the chart's version.

    Raises:
        helm.HelmFailed: the chart cannot be rendered, or registry or tag are none.
    """
    image = json.dumps({"registry": registry, "tag": tag})
    directory.mkdir(parents=True, exist_ok=True)
    crds, rest = directory / "crds.yaml", directory / "certwright.yaml"
    crds.write_text("---\n".join(file.read_text() for file in sorted(CRDS.glob("*.yaml"))))
    with tempfile.TemporaryDirectory() as home:
        rendered = Helm(Path(home)).template("--set=crds.enabled=false", f"--set-json=image={image}")
    # Helm takes what carries its label for its own, and who applies these has no release.
    plain = rendered.replace(
        "  app.kubernetes.io/managed-by: Helm\n", "  app.kubernetes.io/managed-by: kubectl\n"
    )
    rest.write_text(f"{_NAMESPACE}{plain}")
    return crds, rest
