"""One trouble: a good setup with one deviation, and what a user must read of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.troubles.shop import Shop

TOLD = Path(__file__).parent / "told"


class Chapter(Enum):
    """Where a user first sees it."""

    REFUSED = "kubectl refuses the manifest"
    ISSUER = "The issuer is not found or not ready"
    DNS = "Proving names by DNS-01"
    WEB = "Proving names by HTTP-01"
    CA = "The CA says no"
    SECRET = "The Secret"  # noqa: S105  the kind of Kubernetes


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A row of the table.

    Attributes:
        name: of its file in `told/`, and of its namespace.
        title: what is wrong, in the words of somebody who does not know it yet.
        made: all objects of its namespace, of which Certificate `web` is looked at.
        cause: words of the output that say why.
        step: words of the output that say what to do.
        fix: more for the page, in Markdown.
        reason: of the condition in which it is told, and of its row in operator/REASONS.md; "" where kubectl refuses.
        condition: its type.
        then: done once the Certificate `awaited` is Ready.
    """

    name: str
    title: str
    chapter: Chapter
    made: Callable[[Shop], list[dict[str, Any]]]
    cause: str
    step: str
    fix: str
    reason: str = ""
    condition: str = "Ready"
    then: Callable[[Shop], object] | None = None
    awaited: str = "web"

    @property
    def is_refused(self) -> bool:
        """Whether the API server does not take the manifest."""
        return self.chapter is Chapter.REFUSED

    @property
    def golden(self) -> Path:
        """The file with what was printed."""
        return TOLD / f"{self.name}.txt"
