"""What the turns of an object leave undone: where the next one goes on, and after how long."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certwright.engine.retries import Retries
    from certwright.resources.names import Ref

#: What is left by a turn that got something done is gone on with after this long.
NEXT_LOOK = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Each name has its turn, however many before it are in the way for ever; safe for different objects at a time.

    Attributes:
        retries: counts turns in a row that got nothing done.
        left: the first name that the last turn did not come to.
    """

    retries: Retries[Ref]
    left: dict[Ref, str] = field(default_factory=dict)

    def in_turn(self, ref: Ref, names: Iterable[str]) -> list[str]:
        """These names, beginning with what the last turn did not come to."""
        ordered, first = list(names), self.left.get(ref)
        at = ordered.index(first) if first in ordered else 0
        return ordered[at:] + ordered[:at]

    def leave(self, ref: Ref, first: str) -> None:
        """The next turn begins with this name; "": with the first."""
        if first:
            self.left[ref] = first
        else:
            self.left.pop(ref, None)

    def pause(self, ref: Ref, *, got_on: bool) -> timedelta:
        """How long until the next turn; ever longer while nothing gets done."""
        if got_on:
            self.retries.forget(ref)
            return NEXT_LOOK
        return timedelta(seconds=self.retries.delay_seconds(ref))

    def forget(self, ref: Ref) -> None:
        """Nothing is left."""
        self.left.pop(ref, None)
        self.retries.forget(ref)
