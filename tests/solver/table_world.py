"""A cluster of token tables and solver pods in memory, with a hand clock, for tests of the publisher."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from certwright.failures import NotYet
from certwright.resources.conditions import Reason
from certwright.resources.names import ApiNames
from certwright.resources.responder import Responder
from certwright.solver.publisher import TokenTables
from certwright.solver.tables import Row, decode_rows, table_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAMES = ApiNames()
LABEL = (NAMES.table_label, NAMES.tokens)


class Killed(BaseException):
    """The process died there."""


def row(number: int, value: str = "") -> Row:
    return Row(f"h{number}.test", f"t{number}", value or f"t{number}.thumb")


def rows(*numbers: int) -> list[Row]:
    return [row(number) for number in numbers]


def as_table(*wanted: Row) -> dict[tuple[str, str], str]:
    return {each.key: each.key_authorization for each in wanted}


@dataclass
class Pod:
    """A solver pod: it serves what stands in the cluster, or what stood there when it stopped to follow."""

    follows: bool = True
    answers: bool = True
    seen: dict[str, str] = field(default_factory=dict)


class World:
    """Fits Tables, Responders, AskServed and Checkpoint. Whatever is asked is noted with its time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.names = NAMES
        self.version = 1000
        self.objects: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, Pod] = {"10.0.0.7": Pod(), "10.0.0.8": Pod()}
        self.writes: list[tuple[float, str]] = []
        self.reads: list[tuple[float, str]] = []
        self.lists: list[float] = []
        self.asks: list[tuple[float, str, int]] = []
        self.points: list[str] = []
        self.woken: list[str] = []
        #: Called at the beginning of a write, or with its answer at the end; they may raise.
        self.on_write: Callable[[dict[str, Any]], None] = lambda _: None
        self.after_write: Callable[[dict[str, Any]], None] = lambda _: None
        self.on_read: Callable[[], None] = lambda: None
        self.on_list: Callable[[], None] = lambda: None
        self.on_point: Callable[[str], None] = lambda _: None

    # Tables

    def read_all(self) -> list[dict[str, Any]]:
        self.reads.append((self.now, "*"))
        self.on_read()
        return [copy.deepcopy(each) for each in self.objects.values() if labelled(each)]

    def read(self, name: str) -> dict[str, Any] | None:
        self.reads.append((self.now, name))
        self.on_read()
        return copy.deepcopy(self.objects.get(name))

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._write(body, None)

    def replace(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._write(body, body["metadata"]["resourceVersion"])

    def _write(self, body: dict[str, Any], version: str | None) -> dict[str, Any]:
        name = body["metadata"]["name"]
        self.writes.append((self.now, name))
        self.on_write(body)
        standing = self.objects.get(name)
        if (standing["metadata"]["resourceVersion"] if standing else None) != version:
            raise NotYet(Reason.CHANGED_MEANWHILE.word, f"{name} changed")
        stored = self.put(name, body)
        self.after_write(stored)
        return stored

    def put(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """Store an object as the API server would, whoever writes it."""
        self.version += 1
        stored = copy.deepcopy(body)
        stored["metadata"] |= {"name": name, "uid": f"uid-{name}", "resourceVersion": str(self.version)}
        self.objects[name] = stored
        return copy.deepcopy(stored)

    def edit(self, index: int, text: str, *, label: bool = True) -> None:
        """Somebody else writes a table."""
        labels = dict([LABEL]) if label else {}
        self.put(table_name(index), {"metadata": {"labels": labels}, "data": {"rows": text}})

    # Solver pods; the class that fits Responders has the same verb as Tables, so it stands beside.

    def ask(self, address: str, port: int) -> Mapping[str, str] | None:
        self.asks.append((self.now, address, port))
        pod = self.pods.get(address, Pod(answers=False))
        if pod.follows:
            pod.seen = {
                name: body["metadata"]["resourceVersion"]
                for name, body in self.objects.items()
                if labelled(body)
            }
        return pod.seen if pod.answers else None

    # The rest

    def checkpoint(self, point: str) -> None:
        self.points.append(point)
        self.on_point(point)

    def seconds(self) -> float:
        return self.now

    def publisher(self, *status_addresses: str) -> TokenTables:
        """A new process; the caller says when it leads."""
        return TokenTables(
            tables=self,
            responders=Pods(self),
            ask=self.ask,
            names=self.names,
            namespace="certwright",
            checkpoint=self.checkpoint,
            seconds=self.seconds,
            status_addresses=status_addresses,
        )

    def leader(self, *status_addresses: str) -> TokenTables:
        """A process that leads and has settled."""
        publisher = self.publisher(*status_addresses)
        publisher.begin()
        publisher.settle()
        self.run(publisher, 0)
        return publisher

    def wake(self, owner: str) -> Callable[[], None]:
        return lambda: self.woken.append(owner)

    def run(self, publisher: TokenTables, seconds: float) -> None:
        """Let the publisher's thread live for so long."""
        end = self.now + seconds
        for _ in range(10_000):
            pause = publisher.step(self.now)
            if pause > 0 and self.now + pause > end:
                self.now = end
                return
            self.now += pause
        raise AssertionError("the publisher spins")

    def held(self) -> list[tuple[tuple[str, str], str]]:
        """Everything that solver pods see in the tables, twice what stands there twice."""
        tables = filter(labelled, self.objects.values())
        return sorted(pair for each in tables for pair in decode_rows(each).items())

    def holds(self, *wanted: Row) -> bool:
        return self.held() == sorted(as_table(*wanted).items())


class Pods:
    """Fits Responders."""

    def __init__(self, world: World) -> None:
        self._world = world

    def read(self) -> tuple[Responder, ...]:
        self._world.lists.append(self._world.now)
        self._world.on_list()
        return tuple(
            Responder(address, "IPv6" if ":" in address else "IPv4", 8089, 8090)
            for address in self._world.pods
        )


def labelled(body: Mapping[str, Any]) -> bool:
    return LABEL in (body["metadata"].get("labels") or {}).items()
