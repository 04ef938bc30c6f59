"""The way of HTTP-01 requests in memory: token tables, solver pods, routes, and who can see what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from certwright.failures import Setback
    from certwright.resources.http01_spec import Http01IngressSpec
    from certwright.solver.tables import Row


@dataclass
class SmallWeb:
    """Takes the part of `TokenTables`, `Http01` and `Http01Check` at once; outlives the process.

    Attributes:
        rows: what is published, by owner.
        pods_ready: whether the solver pods serve what is published.
        standing: hosts that lead to the solver pods without a route of ours.
        routes: hosts and tokens by namespace, owner and position of the solver.
        blind: hosts that our own look cannot reach, whatever routes there are.
        looked: hosts that were looked at.
        writes: what was asked of the cluster.
    """

    rows: dict[str, tuple[Row, ...]] = field(default_factory=dict)
    pods_ready: bool = True
    standing: set[str] = field(default_factory=set)
    routes: dict[tuple[str, str, int], frozenset[tuple[str, str]]] = field(default_factory=dict)
    blind: set[str] = field(default_factory=set)
    looked: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    route_fails: Setback | None = None
    waking: dict[str, Callable[[], None]] = field(default_factory=dict)
    terms: list[str] = field(default_factory=list)

    def publish(self, owner: str, rows: Sequence[Row], wake: Callable[[], None]) -> None:
        self.rows[owner] = tuple(rows)
        self.waking[owner] = wake

    def served(self, row: Row) -> bool:
        return self.pods_ready and any(row in rows for rows in self.rows.values())

    def waiting_for(self, row: Row) -> str:
        assert row.token
        return "no solver pod is ready"

    def withdraw(self, owner: str) -> None:
        self.rows.pop(owner, None)

    def begin(self) -> None:
        self.terms.append("begin")

    def settle(self) -> None:
        self.terms.append("settle")

    def end(self) -> None:
        self.terms.append("end")

    def ensure_route(
        self, namespace: str, owner: str, position: int, spec: Http01IngressSpec, rows: Sequence[Row]
    ) -> None:
        if self.route_fails is not None:
            raise self.route_fails
        assert spec.path_type.value
        wanted = frozenset((row.host, row.token) for row in rows)
        if self.routes.get((namespace, owner, position)) != wanted:
            self.routes[namespace, owner, position] = wanted
            self.writes.append("ensure")

    def remove_route(self, namespace: str, owner: str, position: int) -> None:
        if self.routes.pop((namespace, owner, position), None) is not None:
            self.writes.append("remove")

    def difference(self, host: str, token: str, key_authorization: str) -> str:
        self.looked.append(host)
        is_routed = any((host, token) in paths for paths in self.routes.values())
        if host in self.blind or not (host in self.standing or is_routed):
            return "it answered 404"
        shown = {(row.host, row.token): row.key_authorization for rows in self.rows.values() for row in rows}
        return "" if shown.get((host, token)) == key_authorization else "it answered 404"
