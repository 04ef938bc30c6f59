"""Scenario `list`: what `certwright list` of 10,000 Certificates costs, and what it could cost at least.

The real command in a process of its own, against a server that has its pages ready. It is compared with the same pages
read by http.client and json.loads, and with the command where there is nothing to show, which is what its start costs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certwright.kube.api import PAGE
from tests.bench.cost import pinned
from tests.bench.many_certificates import EMPTY, pages, served

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = "list"
COUNT = 10_000
ROUNDS = 3
_NONE, _FLOOR, _TABLE, _JSON = "list of none", "http.client and json.loads", "list", "list --output json"
_MIB = 2**20


def measure(count: int = COUNT, rounds: int = ROUNDS) -> dict[str, Any]:
    """Run it; seconds of CPU and peak memory of the best of all rounds, ratios and counts.

    Args:
        count: of Certificates.
        rounds: through all that is compared.
    """
    cores = pinned()
    with served(count, cores[1] if cores else None) as url, tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "kubeconfig"
        config.write_text(json.dumps(_kubeconfig(url)))
        command = ("certwright", "list", f"--kubeconfig={config}")
        programs = {
            _NONE: (*command, f"--namespace={EMPTY}"),
            _FLOOR: ("tests.bench.plain_list", url, str(PAGE)),
            _TABLE: (*command, "--all-namespaces"),
            _JSON: (*command, "--all-namespaces", "--output=json"),
        }
        found: dict[str, list[dict[str, float]]] = {name: [] for name in programs}
        for _ in range(rounds):
            for name, program in programs.items():
                found[name].append(_run(program, Path(directory) / "spent"))
    best = {
        name: {key: min(each[key] for each in spent) for key in ("cpu", "peak", "printed")}
        for name, spent in found.items()
    }
    return {
        "scenario": NAME,
        "costs": [{"name": name, "times": rounds} | told for name, told in best.items()],
        "ratios": {
            "list / (list of none + json.loads)": _ratio(best, _TABLE, "cpu", _NONE, _FLOOR),
            "list --output json / (list of none + json.loads)": _ratio(best, _JSON, "cpu", _NONE, _FLOOR),
            "peak of list / of list of none": _ratio(best, _TABLE, "peak", _NONE),
        },
        "counts": {"Certificates": count, "bytes of pages": sum(map(len, pages(count)))},
    }


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    lines = [f"{'':<34}{'times':>7}{'CPU s':>9}{'peak MiB':>10}{'lines':>9}"]
    lines += [
        f"{each['name']:<34}{each['times']:>7}{each['cpu']:>9.2f}{each['peak'] / _MIB:>10.0f}{each['printed']:>9.0f}"
        for each in result["costs"]
    ]
    lines += [f"{name}: {value}" for part in ("ratios", "counts") for name, value in result[part].items()]
    return "\n".join(lines)


def _ratio(best: Mapping[str, Mapping[str, float]], ours: str, what: str, *least: str) -> float:
    return round(best[ours][what] / sum(best[each][what] for each in least), 2)


def _run(program: Sequence[str], spent: Path) -> dict[str, float]:
    """Run a module; what it cost, and how many lines it printed."""
    command = [sys.executable, "-m", "tests.bench.spent", str(spent), *program]
    done = subprocess.run(command, check=True, capture_output=True)
    told: dict[str, float] = json.loads(spent.read_text())
    return told | {"printed": done.stdout.count(b"\n")}


def _kubeconfig(url: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "bench", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": {"token": "token"}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "me"}}],
        "current-context": "bench",
    }
