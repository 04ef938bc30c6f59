"""Hours and days of one process at a hand-moved clock: whoever is due is worked on, whoever is woken at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from certwright.resources.names import Ref
    from tests.reconcile.world import World

#: Turns of one simulated stretch: no schedule of ours comes near, so this stops a loop that makes no progress.
MOST_TURNS = 20_000


class Days:
    """Whose turn it is, in a world."""

    def __init__(self, world: World, *refs: Ref) -> None:
        self.world = world
        self.due: dict[Ref, datetime] = dict.fromkeys(refs, world.clock())

    def pass_by(self, **span: float) -> None:
        """Let so much time pass: hours=1."""
        world = self.world
        end = world.clock() + timedelta(**span)
        for _ in range(MOST_TURNS):
            if not self.due or min(self.due.values()) > end:
                world.clock.now = end
                return
            ref = min(self.due, key=lambda each: (self.due[each], each.kind == "Certificate", each))
            world.clock.now = max(world.clock.now, self.due.pop(ref))
            again = world.turn(ref)
            if again is not None:
                self.due[ref] = again
            for woken in world.woken:
                self.due[woken] = min(self.due.get(woken, world.clock()), world.clock())
            world.woken.clear()
        raise AssertionError("turn follows turn, and nothing comes of it")
