"""What we ask of a place that hosts our zones: that a TXT record exists, or that it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TxtRecord:
    """One TXT value at one name.

    Attributes:
        fqdn: the owner name as A-labels, without a trailing dot.
        value: the whole text; servers may store it in pieces of 255 octets (RFC 1035 §3.3.14).
    """

    fqdn: str
    value: str


class TxtProvider(Protocol):
    """A place that hosts our zones.

    Both methods must be repeatable: the process may die between any two calls, and another one finishes the
    job with nothing but the same `TxtRecord` in hand. Both raise a `Setback` that names the fix.
    """

    def ensure_txt(self, record: TxtRecord) -> None:
        """Make `record` exist; leave other values at that name alone."""

    def remove_txt(self, record: TxtRecord) -> None:
        """Make `record` not exist; leave other values at that name alone; an absent record is success."""
