"""A Lease in memory with compare-and-swap, which fails the way API servers do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from certwright.engine.lease import LeaseRecord
    from tests.engine.hand_clock import HandClock


class Fault(NamedTuple):
    """What happens to one request: seconds on the way there, whether it arrives, seconds on the way back, an error."""

    before: float = 0
    arrives: bool = True
    after: float = 0
    error: BaseException | None = None


class Store:
    """The object at the API server."""

    def __init__(self) -> None:
        self.record: LeaseRecord | None = None
        self._versions = 0

    def put(self, record: LeaseRecord) -> LeaseRecord:
        """Store it, whatever was there."""
        self._versions += 1
        self.record = replace(record, version=str(self._versions))
        return self.record

    def write(self, record: LeaseRecord) -> LeaseRecord | None:
        """Store it over the version that it names; None if that is not there."""
        present = self.record.version if self.record else ""
        return self.put(record) if record.version == present else None


class MemoryLeases:
    """One candidate's way to the store; each request meets the next of `faults`, none when there is none."""

    def __init__(self, store: Store, clock: HandClock) -> None:
        self.store = store
        self.asked: list[str] = []
        self.faults: list[Fault] = []
        self._clock = clock

    def read(self) -> LeaseRecord | None:
        return self._request("read", None)

    def write(self, record: LeaseRecord) -> LeaseRecord | None:
        return self._request("write", record)

    def _request(self, verb: str, record: LeaseRecord | None) -> LeaseRecord | None:
        self.asked.append(verb)
        fault = self.faults.pop(0) if self.faults else Fault()
        self._clock.now += fault.before
        answer = None
        if fault.arrives:
            answer = self.store.write(record) if record else self.store.record
        self._clock.now += fault.after
        if fault.error:
            raise fault.error
        return answer
