"""Which solver of an issuer proves a name: the most specific one, as cert-manager chooses. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certwright.resources.issuer import SolverSpec


def choose_solver(solvers: Sequence[SolverSpec], name: str, labels: Mapping[str, str]) -> int | None:
    """Position of the solver that proves `name` (as asked, with `*.` where it is a wildcard), or None.

    All parts of a selector must match. An exact name beats the longest zone, a longer zone beats a shorter one,
    more labels beat fewer, earlier beats later; a solver without selector is taken only where nothing else matches.
    """
    fits = [
        (score, -position)
        for position, solver in enumerate(solvers)
        if (score := _score(solver, name, labels)) is not None
    ]
    return -max(fits)[1] if fits else None


def unsolvable_names(
    solvers: Sequence[SolverSpec], names: Sequence[str], labels: Mapping[str, str]
) -> tuple[str, ...]:
    """The names that no solver may prove. An issuer without solvers is trusted to have its names proven already."""
    if not solvers:
        return ()
    return tuple(name for name in names if choose_solver(solvers, name, labels) is None)


def is_replaced(solver: SolverSpec, solvers: Sequence[SolverSpec]) -> bool:
    """Whether an issuer does not prove names in this way any more; names and selectors aside."""
    return all(solver.dns01 != each.dns01 for each in solvers)


def _score(solver: SolverSpec, name: str, labels: Mapping[str, str]) -> tuple[int, int, int] | None:
    selector = solver.selector
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return None
    if selector.dns_names and name not in selector.dns_names:
        return None
    zone_labels = max((_zone_labels(zone, name) for zone in selector.dns_zones), default=0)
    if selector.dns_zones and zone_labels == 0:
        return None
    return (1 if selector.dns_names else 0, zone_labels, len(selector.match_labels))


def _zone_labels(zone: str, name: str) -> int:
    """How many labels of `name` the zone covers, 0 if it does not."""
    bare = name.removeprefix("*.")
    return zone.count(".") + 1 if bare == zone or bare.endswith(f".{zone}") else 0
