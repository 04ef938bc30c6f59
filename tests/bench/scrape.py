"""Scenario `scrape`: what one scrape of an operator with 10,000 Certificates costs.

The page is made by the operator's own registry, from the typed objects that its cache holds. It is compared with the
same samples written by json.dumps.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from prometheus_client import generate_latest

from certwright.metrics.registry import Metrics
from certwright.resources.certificate import read_certificate
from tests.bench.cost import Work, costs, pinned
from tests.bench.many_certificates import bodies
from tests.metrics.examples import NAMES, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prometheus_client import CollectorRegistry

NAME = "scrape"
COUNT = 10_000
ROUNDS = 3
_FLOOR, _COLLECTING, _OURS, _ALIASES = (
    "json.dumps of the samples",
    "reading the statuses",
    "scrape",
    "scrape, cert-manager's names too",
)


def measure(count: int = COUNT, rounds: int = ROUNDS) -> dict[str, Any]:
    """Run it; seconds of CPU, ratios and counts.

    Args:
        count: of Certificates.
        rounds: through all that is compared.
    """
    cores = pinned()
    certificates = [read_certificate(body, NAMES) for body in bodies(count)]
    ours = watched(Metrics(), certificates).registry
    aliases = watched(Metrics(aliases=True), certificates).registry
    samples = _samples(ours)
    works = [
        Work(_FLOOR, _again(lambda: json.dumps(samples))),
        Work(_COLLECTING, _again(lambda: _samples(ours))),
        Work(_OURS, _again(lambda: generate_latest(ours))),
        Work(_ALIASES, _again(lambda: generate_latest(aliases))),
    ]
    found = costs(works, 1, rounds)
    page = generate_latest(ours)
    return {
        "scenario": NAME,
        "pinned": cores is not None,
        "costs": [vars(cost) for cost in found.values()],
        "ratios": {"scrape / json.dumps": round(found[_OURS].cpu / found[_FLOOR].cpu, 2)},
        "counts": {
            "Certificates": count,
            "samples": len(samples),
            "bytes of a page": len(page),
            "bytes of a page, cert-manager's names too": len(generate_latest(aliases)),
        },
    }


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    lines = [f"{'':<34}{'times':>7}{'CPU s':>9}"]
    lines += [f"{each['name']:<34}{each['times']:>7}{each['cpu']:>9.3f}" for each in result["costs"]]
    lines += [f"{name}: {value}" for part in ("ratios", "counts") for name, value in result[part].items()]
    return "\n".join(lines)


def _samples(registry: CollectorRegistry) -> list[tuple[str, dict[str, str], float]]:
    return [
        (sample.name, sample.labels, sample.value)
        for family in registry.collect()
        for sample in family.samples
    ]


def _again(do: Callable[[], object]) -> Callable[[int], None]:
    def repeated(times: int) -> None:
        for _ in range(times):
            do()

    return repeated
