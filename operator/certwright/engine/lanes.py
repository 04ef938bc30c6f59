"""Fairness: who may have how many workers at once, and whose turn it is among those who wait."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

K = TypeVar("K", bound="Hashable")


@dataclass(frozen=True, slots=True)
class Lanes:
    """Which lane of each dimension a key runs in.

    Attributes:
        issuer: what it talks to. A CA that answers slowly holds the workers of this lane.
        namespace: on whose behalf.
    """

    issuer: str
    namespace: str


class Shares:
    """How many workers each lane holds; no lane of a dimension ever gets more than three quarters of them."""

    def __init__(self, workers: int) -> None:
        """Share out so many workers; a lane may always have one."""
        self.limit = max(1, workers * 3 // 4)
        self._issuers: Counter[str] = Counter()
        self._namespaces: Counter[str] = Counter()

    def has_room(self, lanes: Lanes) -> bool:
        """Whether one more key may run in these lanes."""
        return self._issuers[lanes.issuer] < self.limit and self._namespaces[lanes.namespace] < self.limit

    def occupy(self, lanes: Lanes) -> None:
        """Count a worker in."""
        self._issuers[lanes.issuer] += 1
        self._namespaces[lanes.namespace] += 1

    def vacate(self, lanes: Lanes) -> None:
        """Count a worker out; lanes without workers are not remembered."""
        for counter, lane in ((self._issuers, lanes.issuer), (self._namespaces, lanes.namespace)):
            counter[lane] -= 1
            if not counter[lane]:
                del counter[lane]


class Waiting(Generic[K]):
    """Keys that wait for a worker: namespaces take turns, within one its issuers do, then it is first come.

    Namespaces first, because making issuers is cheap for a tenant and making namespaces is not. What it costs
    to find the next key grows with the number of lanes that wait, never with the number of keys.
    """

    def __init__(self) -> None:
        """Make an empty one."""
        self._namespaces: OrderedDict[str, OrderedDict[str, OrderedDict[K, None]]] = OrderedDict()

    def put(self, key: K, lanes: Lanes) -> None:
        """Queue `key` at the end of its lane."""
        issuers = self._namespaces.setdefault(lanes.namespace, OrderedDict())
        issuers.setdefault(lanes.issuer, OrderedDict())[key] = None

    def remove(self, key: K, lanes: Lanes) -> None:
        """Take `key` out of the lane that it was put into."""
        issuers = self._namespaces[lanes.namespace]
        keys = issuers[lanes.issuer]
        del keys[key]
        if not keys:
            del issuers[lanes.issuer]
        if not issuers:
            del self._namespaces[lanes.namespace]

    def next_in_turn(self, has_room: Callable[[Lanes], bool]) -> K | None:
        """Take out the key whose turn it is among the lanes that have room."""
        lanes = next((lanes for lanes in self._in_turn() if has_room(lanes)), None)
        if lanes is None:
            return None
        issuers = self._namespaces[lanes.namespace]
        key = next(iter(issuers[lanes.issuer]))
        issuers.move_to_end(lanes.issuer)
        self._namespaces.move_to_end(lanes.namespace)
        self.remove(key, lanes)
        return key

    def _in_turn(self) -> Iterator[Lanes]:
        for namespace, issuers in self._namespaces.items():
            for issuer in issuers:
                yield Lanes(issuer, namespace)
