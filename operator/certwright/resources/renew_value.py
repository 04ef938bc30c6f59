"""What somebody wrote to ask for a renewal, in a form that can be kept and shown whatever it was."""

from __future__ import annotations

import hashlib
import re

#: Values that are kept as they are: moments (RFC 3339), counters, names of tickets, our own hashes.
_PLAIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:+-]{0,62}")


def kept_value(text: str) -> str:
    """The value as it is noted and compared; "" for one that says nothing.

    An annotation may hold 256 KiB of anything. What is long, or has other characters than a label's value and `:+`,
    is kept as a hash. Of what this returned it makes the same again.
    """
    value = text.strip()
    if not value or _PLAIN.fullmatch(value):
        return value
    return f"sha256-{hashlib.sha256(value.encode(errors='surrogatepass')).hexdigest()[:32]}"
