"""A CA with habits: the small one, with its answers edited on the way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from certwright.acme.flow import Request, Response
from tests.reconcile.small_ca import BASE, SmallCa
from tests.reconcile.world import CA, Disk, World, certificate_spec, issuer_spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.resources.names import Ref


@dataclass
class OddCa:
    """A transport.

    Attributes:
        edits: by first part of the path, what becomes of the body of each success.
        headers: by first part of the path, headers that each success gets.
        instead: by first part of the path, an answer that takes the place of every one.
    """

    ca: SmallCa
    edits: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    instead: dict[str, Response] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ca, name)

    def __call__(self, request: Request) -> Response:
        kind = request.url.removeprefix(f"{BASE}/").partition("/")[0]
        if kind in self.instead:
            self.ca.asked.append(kind)
            return self.instead[kind]
        answer = self.ca(request)
        if answer.status >= 400:
            return answer
        body = answer.body
        if kind in self.edits:
            body = json.dumps(self.edits[kind](json.loads(body))).encode()
        return Response(answer.status, {**answer.headers, **self.headers.get(kind, {})}, body)

    def deactivated(self) -> list[str]:
        """Names whose authorizations were given up."""
        return [each["name"] for each in self.ca.authorizations.values() if each["status"] == "deactivated"]


def odd_world(*names: str, solvers: list[dict[str, Any]] | None = None) -> tuple[World, OddCa]:
    """The usual objects for these names at such a CA."""
    disk = Disk()
    odd = OddCa(SmallCa(disk.clock))
    disk.ca = odd  # type: ignore[assignment]
    world = World(disk)
    disk.apply_usual(dnsNames=list(names or ["www.example.org"]))
    if solvers is not None:
        disk.apply(CA, issuer_spec(solvers=solvers))
    world.see_all()
    world.turn(CA)
    return world, odd


def reborn(world: World) -> World:
    """The next process over the same disk."""
    heir = World(world.disk)
    heir.turn(CA)
    return heir


def apply_twin(world: World, twin: Ref, **spec: Any) -> None:
    world.disk.apply(twin, certificate_spec(secretName=f"{twin.name}-tls", **spec))
    world.see_all()
