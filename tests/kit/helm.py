"""Helm as users run it, with its settings and caches in a folder of our own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.kit import binaries

CHART = Path(__file__).parents[2] / "charts" / "certwright"
NAMESPACE = "certwright"
RELEASE = "certwright"


class HelmFailed(Exception):  # noqa: N818 - named by what happened
    """Helm ended with an error; the message is what it said."""


class Helm:
    """The program; plugins, repositories and registries of whoever runs this have no part in it.

    Args:
        home: an own folder.
        kubeconfig: the cluster to work on; none is needed to lint and to render.
    """

    def __init__(self, home: Path, kubeconfig: Path | None = None) -> None:
        own = {f"HELM_{name}_HOME": str(home / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HELM_", "KUBE"))}
        self._environment = clean | own | {"KUBECONFIG": str(kubeconfig or os.devnull)}

    def __call__(self, *args: str | Path) -> str:
        """Run it and return what it printed.

        Raises:
            HelmFailed: it failed.
        """
        command = [binaries.helm(), *args]
        done = subprocess.run(
            command,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise HelmFailed(f"helm {' '.join(map(str, args))}: {done.stdout}{done.stderr}".strip())
        return done.stdout

    def template(self, *args: str | Path, chart: Path = CHART, namespace: str = NAMESPACE) -> str:
        """The chart's manifests for the release "certwright"."""
        return self("template", RELEASE, chart, f"--namespace={namespace}", *args)
