"""Health: when a restart may mend this process, and when it is of use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds: far above the longest turn that slow servers can cause, which must not have the whole operator restarted.
STUCK_TURN = 900.0
#: Seconds. Re-lists run every ten minutes, and more often while the API server is away, which a restart would not
#: mend; three that did not even end mean that nothing is seen any more.
DEAF = 1800.0
#: Seconds after which a leader that could not begin to work makes room for another.
BEGINNING = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Answers of /healthz and /readyz.

    Attributes:
        longest_turn: seconds of the longest turn under way.
        watching: whether the watch layer's thread runs.
        last_round: when a re-list ended, well or not; 0 before the first.
        listed: whether the first re-list is over.
        trouble: why the last one failed, or "".
        beginning_since: since when this process leads without having begun to work, None where that is not so.
        seconds: monotonic clock.
    """

    longest_turn: Callable[[], float]
    watching: Callable[[], bool]
    last_round: Callable[[], float]
    listed: Callable[[], bool]
    trouble: Callable[[], str]
    beginning_since: Callable[[], float | None]
    seconds: Callable[[], float]

    def alive(self) -> str:
        """What is wrong with this process that a restart may mend, or ""."""
        if (longest := self.longest_turn()) > STUCK_TURN:
            return f"a turn has been running for {longest:.0f} s"
        if not self.watching():
            return "nothing is watched any more"
        since = self.beginning_since()
        if since is not None and self.seconds() - since > BEGINNING:
            return "this replica leads, but cannot begin to work; see the log"
        if self.last_round() and self.seconds() - self.last_round() > DEAF:
            return "the cluster has not been looked at for half an hour"
        return ""

    def ready(self) -> str:
        """Why this replica is of no use yet, or ""; a standby is ready when it could take the lead."""
        if self.listed():
            return ""
        return f"the cluster is still being listed; {self.trouble() or 'this takes some seconds'}"
