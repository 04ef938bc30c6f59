"""How many objects a command changes in a while, so that what follows does not come all at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import click

_UNITS = {"s": 1, "m": 60, "h": 3600}
_FORM = re.compile(r"([1-9][0-9]{0,5})/([smh])")


@dataclass(frozen=True, slots=True)
class Pace:
    """So many within so many seconds, evenly."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count}/{self.unit}"

    @property
    def interval(self) -> float:
        """Seconds between two."""
        return _UNITS[self.unit] / self.count

    def takes(self, objects: int) -> timedelta:
        """How long so many objects take; the first is not waited for."""
        return timedelta(seconds=self.interval * max(0, objects - 1))


class PaceOption(click.ParamType[Pace]):
    """`10/m`: ten a minute."""

    name = "pace"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Pace:
        """A pace from its text."""
        if isinstance(value, Pace):
            return value
        form = _FORM.fullmatch(str(value))
        if form is None:
            self.fail(f"{value} is not a pace such as 10/m, 1/s or 100/h", param, ctx)
        return Pace(int(form[1]), form[2])
