"""Which solver of an issuer proves a name: the most specific one, as cert-manager chooses. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from certwright.resources.solver_spec import SolverSpec

#: How many solvers a message names, and how many values of each.
TOLD = 3

_NO_WILDCARDS = "wildcards can only be proven by DNS-01"


def choose_solver(
    solvers: Sequence[SolverSpec],
    name: str,
    labels: Mapping[str, str],
    *,
    remembered: Collection[str] = (),
) -> int | None:
    """Position of the solver that proves `name` (as asked, with `*.` where it is a wildcard), or None.

    All parts of a selector must match. An exact name beats the longest zone, a longer zone beats a shorter one,
    more labels beat fewer; a solver without selector is taken only where nothing else matches. Among equals one
    whose name is `remembered` goes first, so that a solver that is added does not move names that work, and
    then the earlier in the list.
    """
    fits = [
        (score, solver.name in remembered, -position)
        for position, solver in enumerate(solvers)
        if _can_prove(solver, name) and (score := _score(solver, name, labels)) is not None
    ]
    return -max(fits)[2] if fits else None


def unsolvable_names(
    solvers: Sequence[SolverSpec], names: Sequence[str], labels: Mapping[str, str]
) -> tuple[str, ...]:
    """The names that no solver may prove. An issuer without solvers is trusted to have its names proven already."""
    if not solvers:
        return ()
    return tuple(name for name in names if choose_solver(solvers, name, labels) is None)


def why_unsolvable(solvers: Sequence[SolverSpec], name: str, labels: Mapping[str, str]) -> str:
    """Why no solver may prove `name`, and what helps, without the name itself; "" if one may."""
    if choose_solver(solvers, name, labels) is not None:
        return ""
    advice = "add a solver with dns01 for it" if name.startswith("*.") else "add a solver for it"
    able = [each for each in enumerate(solvers) if _can_prove(each[1], name)]
    if not solvers:
        return f"the issuer has no solver; {advice}"
    if not able:
        return f"{_NO_WILDCARDS}, and every solver of the issuer is for HTTP-01; {advice}"
    matched = any(_score(solver, name, labels) is not None for solver in solvers)
    why = f"{_NO_WILDCARDS}, and only solvers for HTTP-01 match it" if matched else "no selector matches"
    return f"{why}: {_told(able, name, labels)}; {advice}, or widen a selector"


def is_replaced(solver: SolverSpec, solvers: Sequence[SolverSpec]) -> bool:
    """Whether an issuer does not prove names in this way any more; names and selectors aside."""
    return all(solver.block != each.block for each in solvers)


def _can_prove(solver: SolverSpec, name: str) -> bool:
    """A wildcard has no host that could be asked: CAs offer only DNS-01 for it (CA/Browser BR §3.2.2.4.19)."""
    return solver.challenge_type == "dns-01" or not name.startswith("*.")


def _score(solver: SolverSpec, name: str, labels: Mapping[str, str]) -> tuple[int, int, int] | None:
    """How specific the selector is about `name`: exact, labels of the zone, labels of the Certificate."""
    selector = solver.selector
    if _missing_labels(solver, labels) or not _names_match(solver, name) or not _zones_match(solver, name):
        return None
    zone_labels = max((_zone_labels(zone, name) for zone in selector.dns_zones), default=0)
    return (1 if selector.dns_names else 0, zone_labels, len(selector.match_labels))


def _missing_labels(solver: SolverSpec, labels: Mapping[str, str]) -> tuple[str, ...]:
    wanted = solver.selector.match_labels
    return tuple(f"{key}={value}" for key, value in wanted.items() if labels.get(key) != value)


def _names_match(solver: SolverSpec, name: str) -> bool:
    return not solver.selector.dns_names or name in solver.selector.dns_names


def _zones_match(solver: SolverSpec, name: str) -> bool:
    zones = solver.selector.dns_zones
    return not zones or any(_zone_labels(zone, name) for zone in zones)


def _zone_labels(zone: str, name: str) -> int:
    """How many labels of `name` the zone covers, 0 if it does not."""
    bare = name.removeprefix("*.")
    return zone.count(".") + 1 if bare == zone or bare.endswith(f".{zone}") else 0


def _told(offered: Sequence[tuple[int, SolverSpec]], name: str, labels: Mapping[str, str]) -> str:
    """What these solvers are for instead, the nearest miss first."""
    misses = [(position, solver, _misses(solver, name, labels)) for position, solver in offered]
    nearest = sorted(misses, key=lambda each: len(each[2]))[:TOLD]
    parts = [
        f"{solver.name or f'solvers[{position}]'} is for {' and '.join(missed)}"
        for position, solver, missed in nearest
    ]
    return "; ".join(parts) + (f"; and {len(misses) - TOLD} more" if len(misses) > TOLD else "")


def _misses(solver: SolverSpec, name: str, labels: Mapping[str, str]) -> list[str]:
    """The parts of a selector that do not match."""
    missed = []
    if lacking := _missing_labels(solver, labels):
        missed.append(f"Certificates with the label {_few(lacking)}")
    if not _names_match(solver, name):
        missed.append(f"the name {_few(solver.selector.dns_names)}")
    if not _zones_match(solver, name):
        missed.append(f"the zone {_few(solver.selector.dns_zones)}")
    return missed


def _few(texts: Iterable[str]) -> str:
    several = list(texts)
    return ", ".join(several[:TOLD]) + (", …" if len(several) > TOLD else "")
