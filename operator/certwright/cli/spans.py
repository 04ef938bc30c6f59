"""How far away a moment is, in few letters."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)))
#: From so many of a unit on, the next smaller one is of no interest.
_ENOUGH = 3


def span(length: timedelta) -> str:
    """A duration that is not negative, rounded down: `45s`, `12m`, `2h30m`, `1d4h`, `60d`."""
    for at, (unit, size) in enumerate(_UNITS):
        number, rest = divmod(length, size)
        if number:
            finer = _UNITS[at + 1 : at + 2] if number < _ENOUGH else ()
            more = "".join(f"{rest // small}{letter}" for letter, small in finer if rest >= small)
            return f"{number}{unit}{more}"
    return f"{length // timedelta(seconds=1)}s"


def away(moment: datetime | None, now: datetime) -> str:
    """`in 60d`, `2h ago`, or `-` where there is none."""
    if moment is None:
        return "-"
    return f"in {span(moment - now)}" if moment >= now else f"{span(now - moment)} ago"
