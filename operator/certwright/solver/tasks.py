"""What the publisher does in one step, as a closed set of values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from certwright.solver.tables import table_name

if TYPE_CHECKING:
    from certwright.solver.tables import Json


@dataclass(frozen=True, slots=True)
class ReadAll:
    """List the tables."""


@dataclass(frozen=True, slots=True)
class Read:
    """Read one table again."""

    index: int

    @property
    def name(self) -> str:
        """Of the ConfigMap."""
        return table_name(self.index)


@dataclass(frozen=True, slots=True)
class Write:
    """Write one table."""

    index: int
    body: Json
    is_new: bool


@dataclass(frozen=True, slots=True)
class Hear:
    """Ask the solver pods what they serve."""


Task: TypeAlias = ReadAll | Read | Write | Hear
