"""Worlds at a CA with habits, and the CA's answers in other words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.kit.fake_ca_faults import Altered
from tests.reconcile.world import CA, Disk, World, certificate_spec, issuer_spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.resources.names import Ref
    from tests.kit.fake_ca import FakeCa


def edited(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Altered:
    """The CA does what it was asked, and tells it so."""
    return Altered(change=lambda body: json.dumps(change(json.loads(body))).encode())


def telling(**fields: Any) -> Altered:
    """The CA does what it was asked, and tells it with these fields."""
    return edited(lambda body: body | fields)


def odd_world(*names: str, solvers: list[dict[str, Any]] | None = None) -> tuple[World, FakeCa]:
    """The usual objects for these names, and the CA whose knobs a test turns."""
    disk = Disk()
    disk.apply_usual(dnsNames=list(names or ["www.example.org"]))
    if solvers is not None:
        disk.apply(CA, issuer_spec(solvers=solvers))
    world = World(disk)
    world.turn(CA)
    return world, disk.ca


def reborn(world: World) -> World:
    """The next process over the same disk."""
    heir = World(world.disk)
    heir.turn(CA)
    return heir


def apply_twin(world: World, twin: Ref, **spec: Any) -> None:
    world.disk.apply(twin, certificate_spec(secretName=f"{twin.name}-tls", **spec))
    world.see_all()
