"""Durations as users write them: Go's notation, as everywhere in Kubernetes, with days in front."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

#: The CRDs' pattern. Its bounds keep every sum below Go's largest duration (292 years).
PATTERN = (
    r"([0-9]{1,4}d)?([0-9]{1,6}(\.[0-9]{1,6})?h)?([0-9]{1,7}(\.[0-9]{1,6})?m)?([0-9]{1,9}(\.[0-9]{1,6})?s)?"
    r"([0-9]{1,9}ms)?"
)
ADVICE = "write a duration such as 2160h, 90d or 1h30m"

_WHOLE = re.compile(PATTERN)
_PART = re.compile(r"([0-9.]+)(ms|s|m|h|d)")
_MICROSECONDS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


def parse_duration(text: str) -> timedelta:
    """`90d`, `2160h`, `1h30m`, `1d12h`; units from the largest to the smallest, each once.

    Raises:
        ValueError: anything else; the message says what to write.
    """
    if not text or not _WHOLE.fullmatch(text):
        raise ValueError(f"{ADVICE} (found {text[:100]!r})")
    return timedelta(
        microseconds=int(sum(Decimal(number) * _MICROSECONDS[unit] for number, unit in _PART.findall(text)))
    )


def format_duration(duration: timedelta) -> str:
    """The shortest text that `parse_duration` reads as the same; for durations that are not negative.

    >>> format_duration(timedelta(days=90)), format_duration(timedelta(minutes=90))
    ('90d', '1h30m')
    """
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = (
        f"{seconds}.{duration.microseconds:06d}".rstrip("0").rstrip(".") if duration.microseconds else seconds
    )
    parts = ((duration.days, "d"), (hours, "h"), (minutes, "m"), (fraction, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
