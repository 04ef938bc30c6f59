"""Until when the API server wants to be left alone with a path: the `Retry-After` of an answer, for everybody here."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.failures import Schedule, TryLater
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

#: Longest wish that is granted: priority and fairness asks for seconds, and a faulty server shall not silence us.
LONGEST = timedelta(minutes=1)
#: Paths remembered; the one that was told longest ago is forgotten first.
REMEMBERED = 10_000


class Pauses:
    """By method and path. A turn that is woken early would ask again what was refused a moment ago. Thread-safe."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        """Make one without any pause; `seconds` is monotonic."""
        self._seconds = seconds
        self._until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, what: str, wish: timedelta) -> None:
        """The server refused `what` and said for how long."""
        with self._lock:
            self._until[what] = self._seconds() + min(wish, LONGEST).total_seconds()
            self._until.move_to_end(what)
            if len(self._until) > REMEMBERED:
                self._until.popitem(last=False)

    def check(self, what: str) -> None:
        """Return if `what` may be asked now.

        Raises:
            TryLater: its pause is not over; it says how much of it is left.
        """
        with self._lock:
            left = self._until.get(what, 0.0) - self._seconds()
            if left <= 0:
                self._until.pop(what, None)
                return
        message = f"{what}: the API server asked to wait for another {left:.0f} s"
        raise TryLater(
            Reason.API_SERVER_UNAVAILABLE.word,
            message,
            schedule=Schedule.TRANSIENT,
            retry_after=timedelta(seconds=left),
        )
