"""What the solver pods tell about the tables that they serve."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.solver.responders import AskServed, Responders

#: Where a solver pod is asked: host and port.
Address: TypeAlias = tuple[str, int]

#: Seconds for which a list of the solver pods is good enough.
FRESH = 2.0
#: A resourceVersion is a 64-bit number in etcd; more digits are none.
MOST_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Hearing:
    """One round of questions: the version of each table by solver pod, None for one that could not be asked."""

    told: Mapping[Address, Mapping[str, int] | None]

    def lag(self, table: str, version: int) -> str:
        """Why not every ready solver pod serves this version of a table or a later one; empty if they all do."""
        for (host, port), versions in self.told.items():
            if versions is None:
                return f"solver pod {host} does not answer on port {port}"
            if versions.get(table, 0) < version:
                return f"solver pod {host} does not serve the new token table yet"
        return "" if self.told else "no solver pod is ready"

    def tables(self) -> set[str]:
        """All that were told of."""
        return {table for versions in self.told.values() for table in versions or ()}

    def versions(self, table: str) -> list[int]:
        """What was told of one table; 0 where a pod told of others only."""
        return [versions.get(table, 0) for versions in self.told.values() if versions is not None]


class Audience:
    """The ready solver pods. Listed when they are asked, and then at most every two seconds.

    Args:
        status_addresses: `host:port` of solver pods that are asked in place of those in the cluster, of which then
            nothing is read: for pods in the host's network, and where there are no pods.
    """

    def __init__(self, responders: Responders, ask: AskServed, status_addresses: tuple[str, ...]) -> None:
        self._responders = responders
        self._ask = ask
        self._fixed = tuple(_address(each) for each in status_addresses)
        self._known: tuple[Address, ...] = ()
        self._read_at = -inf

    def hear(self, now: float) -> Hearing:
        """Ask them all, one after the other; raises a Setback if they cannot be listed."""
        if not self._fixed and now - self._read_at >= FRESH:
            self._known = tuple((each.address, each.health_port) for each in self._responders.read())
            self._read_at = now
        asked = self._fixed or self._known
        return Hearing({address: _versions(self._ask(*address)) for address in asked})


def _versions(told: Mapping[str, str] | None) -> Mapping[str, int] | None:
    """Versions as numbers: "resourceVersions … are comparable" as decimal integers (Kubernetes API concepts)."""
    if told is None:
        return None
    return {
        table: int(version)
        for table, version in told.items()
        if version.isascii() and version.isdecimal() and len(version) <= MOST_DIGITS
    }


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
