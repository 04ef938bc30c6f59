"""One cluster in memory and the operators that make routes on it, with a clock that is moved by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from certwright.resources.http01_spec import Http01IngressSpec
from certwright.resources.names import ApiNames
from certwright.resources.responder import Responder
from certwright.solver.http01 import Http01
from certwright.solver.tables import Row
from certwright.solver.upkeep import TRUSTED
from tests.engine.hand_clock import HandClock
from tests.solver.small_cluster import SmallCluster

if TYPE_CHECKING:
    from collections.abc import Callable

LINGER = timedelta(minutes=10)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SPEC = Http01IngressSpec(ingress_class_name="traefik")
FOUR, OTHER_FOUR = (Responder(f"10.0.0.{n}", "IPv4", 8089, 8090) for n in (1, 2))
SIX = Responder("2001:db8::1", "IPv6", 8089, 8090)


class Killed(BaseException):
    """The process ended here."""


class Bench:
    """One cluster, and operators that come and go on it.

    Attributes:
        role: UID of the operator's own role, as it is read; None while it cannot be read.
    """

    def __init__(self, *pods: Responder) -> None:
        self.cluster = SmallCluster(*(pods or (FOUR,)))
        self.clock = HandClock()
        self.living: set[str] = set()
        self.points: list[str] = []
        self.kill_at, self.lives_left = "", 0
        self.role: str | None = None
        self.restart()

    def restart(self) -> None:
        self.http01 = Http01(
            routes=self.cluster,
            responders=self,
            names=ApiNames(),
            checkpoint=self._checkpoint,
            seconds=self.clock,
            linger=LINGER,
            owner=self._owner,
        )

    def read(self) -> tuple[Responder, ...]:
        self.cluster.asked.append(("list", "Responder", "", ""))
        return self.cluster.responders()

    def ensure(self, owner: str = "a1", namespace: str = "shop", host: str = "www.example.org") -> None:
        self.living.add(owner)
        self.http01.ensure_route(namespace, owner, 0, SPEC, [Row(host, "tok", "tok.thumb")])

    def remove(self, owner: str = "a1", namespace: str = "shop") -> None:
        self.http01.remove_route(namespace, owner, 0)
        self.living.discard(owner)

    def sweep(self, minutes: float = 0) -> None:
        self.http01.sweep(self.living.__contains__, NOON + timedelta(minutes=minutes))

    def later(self, pause: timedelta = TRUSTED) -> None:
        self.clock.now += pause.total_seconds()

    def asked_by(self, work: Callable[[], None]) -> list[tuple[str, str]]:
        """Verb and kind of what some work asks of the cluster."""
        before = len(self.cluster.asked)
        work()
        return [(verb, kind) for verb, kind, _, _ in self.cluster.asked[before:]]

    def writes_by(self, work: Callable[[], None]) -> list[tuple[str, str]]:
        return [each for each in self.asked_by(work) if each[0] in ("apply", "delete")]

    def _owner(self, namespace: str) -> dict[str, Any] | None:
        assert namespace
        if self.role is None:
            return None
        return {"apiVersion": "rbac/v1", "kind": "ClusterRole", "name": "certwright", "uid": self.role}

    def _checkpoint(self, point: str) -> None:
        self.points.append(point)
        if point == self.kill_at:
            self.lives_left -= 1
            if self.lives_left < 0:
                raise Killed
