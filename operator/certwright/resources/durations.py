"""Durations as users write them: Go's notation, as everywhere in Kubernetes, and days."""

from __future__ import annotations

import re
from datetime import timedelta

#: The CRDs' pattern; a test keeps the two equal.
PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$"
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str) -> timedelta:
    """`90d`, `2160h`, `1h30m` …; raises ValueError for anything else, and for what no calendar holds."""
    if not re.fullmatch(PATTERN[1:-1], text):
        raise ValueError(f"{text!r} is not a duration; write for example 30m, 36h or 90d")
    try:
        return timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text)))
    except OverflowError:
        raise ValueError(f"{text!r} is longer than any calendar") from None
