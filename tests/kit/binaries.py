"""Finds the programs of the bench on this machine, or has them built.

The bench asks `locate()` and never looks at PATH itself. What counts as fit to use stands in one table here;
how a missing program is made stands in go_build.py.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.kit import go_build

#: The oldest Kubernetes that the operator supports, as (major, minor).
OLDEST_KUBERNETES = (1, 32)


@dataclass(frozen=True)
class Binaries:
    """Where each program of the bench is."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kubectl: Path
    pebble: Path
    challtestsrv: Path


@dataclass(frozen=True)
class Fitness:
    """How to ask a program for its version, and the oldest (major, minor) that will do."""

    ask: tuple[str, ...]
    answer: re.Pattern[str]
    oldest: tuple[int, int]

    def accepts(self, program: Path) -> bool:
        """Whether the program runs here and is new enough."""
        try:
            told = subprocess.run(
                [program, *self.ask], capture_output=True, text=True, timeout=20, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        found = self.answer.search(told.stdout)
        return found is not None and (int(found[1]), int(found[2])) >= self.oldest


#: A distribution's kubectl may be years older than its server, so each program is asked by itself. A
#: controller manager may come from another release than the API server: the few controllers that the bench
#: runs use nothing but old, stable interfaces.
FITNESS = {
    "etcd": Fitness(("--version",), re.compile(r"etcd Version: (\d+)\.(\d+)"), (3, 5)),
    "kube-apiserver": Fitness(("--version",), re.compile(r"v(\d+)\.(\d+)"), OLDEST_KUBERNETES),
    "kube-controller-manager": Fitness(("--version",), re.compile(r"v(\d+)\.(\d+)"), OLDEST_KUBERNETES),
    "kubectl": Fitness(
        ("version", "--client", "--output=json"),
        re.compile(r'"gitVersion": "v(\d+)\.(\d+)'),
        OLDEST_KUBERNETES,
    ),
    # It checks values by another library than helm 3, and its messages are what tests compare.
    "helm": Fitness(("version", "--short"), re.compile(r"v(\d+)\.(\d+)"), (4, 0)),
}


@cache
def locate() -> Binaries:
    """Every program of the bench: found in KUBEBUILDER_ASSETS or on PATH, else built once and kept.

    Raises:
        go_build.BuildFailed: a program is missing and cannot be built here.
    """
    return Binaries(
        etcd=_find("etcd"),
        kube_apiserver=_find("kube-apiserver"),
        kube_controller_manager=_find("kube-controller-manager"),
        kubectl=_find("kubectl"),
        pebble=_pebble(),
        challtestsrv=go_build.built("pebble-challtestsrv"),
    )


@cache
def helm() -> Path:
    """Helm, which only the chart needs: found or built like the others.

    Raises:
        go_build.BuildFailed: it is missing and cannot be built here.
    """
    return _find("helm")


def _find(name: str) -> Path:
    return already_there(name, os.environ) or go_build.built(name)


def already_there(name: str, environment: os._Environ[str] | dict[str, str]) -> Path | None:
    """The program as this machine has it, or None if it has none that is new enough."""
    assets, path = environment.get("KUBEBUILDER_ASSETS", ""), environment.get("PATH", "")
    for folders in filter(None, (assets, path)):
        program = shutil.which(name, path=folders)
        if program and FITNESS[name].accepts(Path(program)):
            return Path(program)
    return None


def _pebble() -> Path:
    """Our mended Pebble, unless CERTWRIGHT_PEBBLE names another.

    A Pebble on PATH is most likely the published one, which hangs under concurrent clients (go/pebble.patch).
    """
    named = os.environ.get("CERTWRIGHT_PEBBLE")
    if not named:
        return go_build.built("pebble")
    program = shutil.which(named)
    if not program:
        raise FileNotFoundError(f"CERTWRIGHT_PEBBLE says {named!r}, but there is no such program")
    return Path(program)
