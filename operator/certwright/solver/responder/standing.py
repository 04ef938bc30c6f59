"""The token tables as this pod knows them: one value, replaced as a whole, so that nobody sees half of a change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from certwright.solver.tables import decode_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.solver.tables import Key

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """One ConfigMap.

    Attributes:
        version: its resourceVersion.
    """

    version: str
    rows: Mapping[Key, str]


class StandingTables:
    """What is answered now. One thread writes; any thread reads."""

    def __init__(self) -> None:
        self._tables: Mapping[str, Table] = {}

    def find(self, host: str, token: str) -> str | None:
        """The key authorization, or None if there is no such row."""
        for table in self._tables.values():
            if (value := table.rows.get((host, token))) is not None:
                return value
        return None

    def versions(self) -> dict[str, str]:
        """The resourceVersion of each table by name: `find` answers by these, or newer ones, from now on."""
        return {name: table.version for name, table in self._tables.items()}

    @property
    def row_count(self) -> int:
        """Of all tables."""
        return sum(len(table.rows) for table in self._tables.values())

    def put(self, name: str, table: Table) -> None:
        """One table as it is now."""
        self._tables = {**self._tables, name: table}

    def drop(self, name: str) -> None:
        """This table is gone."""
        self._tables = {each: table for each, table in self._tables.items() if each != name}

    def replace(self, tables: Mapping[str, Table]) -> None:
        """All tables as they are now, and no others."""
        self._tables = dict(tables)

    def __contains__(self, name: str) -> bool:
        return name in self._tables


def read_table(body: Json) -> tuple[str, Table]:
    """Name and content of a ConfigMap."""
    metadata = body["metadata"]
    return metadata["name"], Table(metadata["resourceVersion"], decode_rows(body))
