"""`selfCheck` of a solver: what our own look at a proof means for telling the CA."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from certwright.resources.decoding import require
from certwright.resources.durations import PATTERN, parse_duration

if TYPE_CHECKING:
    from datetime import timedelta

#: As it is written.
SelfCheckText = Annotated[str, Meta(max_length=64)]

_WRITTEN = re.compile(rf"Require|Advise|Wait={PATTERN}")


class SelfCheckMode(Enum):
    """The words before a time."""

    REQUIRE = "Require"
    ADVISE = "Advise"
    WAIT = "Wait"


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """`Require`, `Advise`, or `Wait=30s`, which does not look but waits."""

    mode: SelfCheckMode = SelfCheckMode.REQUIRE
    wait: timedelta | None = None


def check_self_check(text: str, place: str) -> None:
    """Raises `Broken` unless this is one of the three."""
    known = text != "Wait=" and _WRITTEN.fullmatch(text)
    require(known, place, "write Require, Advise, or Wait= with a duration, as in Wait=30s", text)


def parse_self_check(text: str) -> SelfCheck:
    """A checked text as a value."""
    mode, _, wait = text.partition("=")
    return SelfCheck(SelfCheckMode(mode), parse_duration(wait) if wait else None)
