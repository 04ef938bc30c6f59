"""The Lease as a value, and the port through which it is read and written.

One object that all replicas know; whoever last wrote its own name into it leads, for as long as it keeps writing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRecord:
    """What a Lease says (coordination.k8s.io/v1, LeaseSpec).

    Attributes:
        holder: identity of the leader; "" when it was given back.
        process: random id of the holder's process; "" when unknown.
        duration: seconds that the holder asks others to wait after its last sign of life.
        transitions: how often it went from one process to another.
        acquired: when the holder took it, by the holder's clock: for people.
        renewed: its last sign of life, by the holder's clock: for people.
        version: resourceVersion of what was read; "" for a Lease that is still to be created.
    """

    holder: str = ""
    process: str = ""
    duration: int = 0
    transitions: int = 0
    acquired: datetime | None = None
    renewed: datetime | None = None
    version: str = ""

    @property
    def given_back(self) -> bool:
        """Whether nobody has it any more, so that nobody needs to be waited for.

        A holder that leaves writes a duration of 1 s, as client-go's does. A person who empties the holder by hand
        leaves the old duration behind, and the holder does not know yet: that Lease has to run out.
        """
        return not self.holder and self.duration <= 1


class Leases(Protocol):
    """The one Lease of the operator. Every failure but a lost race is raised."""

    def read(self) -> LeaseRecord | None:
        """The Lease as it is stored now, or None if there is none."""

    def write(self, record: LeaseRecord) -> LeaseRecord | None:
        """Store it over exactly the version that it names (create it, if it names none).

        Returns:
            What is stored now, or None if somebody was faster: nothing was written.
        """
