"""The ledger: what a CA has asked us to hold back, as a value that outlives the process, in a ConfigMap.

One for each account, and one for each directory. It holds words of the CA and names of certificates, no secrets.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from certwright.resources.conditions import sentence
from certwright.resources.decoding import prepared

#: A ConfigMap takes 1 MiB; one hold takes some 400 bytes, 1,400 at most.
MOST_HOLDS = 500
#: The CA's words in a hold.
DETAIL_LIMIT = 500
#: Under which key of a ConfigMap the ledger stands.
KEY = "ledger.json"


@prepared
class Hold(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One thing that is held back.

    Attributes:
        scope: a value of `acme.limits.Scope`.
        subject: the name, domain or names concerned; "" for all.
        until: when it may be tried again.
        since: when the CA first said so.
        reason: a word of the Reason table.
        detail: in the CA's words.
        count: how often in a row it said so.
    """

    scope: str
    subject: str = ""
    until: datetime
    since: datetime
    reason: str
    detail: str = ""
    count: int = 1


@prepared
class _Book(msgspec.Struct, frozen=True, kw_only=True):
    """What the ConfigMap holds."""

    holder: str
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class Ledger:
    """All holds of one account or directory.

    Attributes:
        holder: URL of the account or of the directory.
        holds: those that end first fall out where there are too many.
        version: resourceVersion of the ConfigMap, "" where there is none yet.
    """

    holder: str
    holds: tuple[Hold, ...] = ()
    version: str = ""

    @property
    def name(self) -> str:
        """Of its ConfigMap."""
        return f"certwright-ledger-{hashlib.sha256(self.holder.encode()).hexdigest()[:16]}"


def ledger_to_text(ledger: Ledger) -> str:
    """The ledger as its ConfigMap holds it."""
    kept = sorted(ledger.holds, key=lambda hold: hold.until, reverse=True)[:MOST_HOLDS]
    book = _Book(holder=ledger.holder, holds=tuple(kept))
    return msgspec.json.encode(book).decode()


def read_ledger(body: dict[str, Any]) -> Ledger | None:
    """A ConfigMap's ledger, or None: one that was damaged costs a request that a CA refuses, nothing else."""
    version = body["metadata"]["resourceVersion"]
    try:
        book = msgspec.json.decode((body.get("data") or {}).get(KEY, ""), type=_Book)
    except (msgspec.MsgspecError, ValueError):
        return None
    holds = tuple(hold for hold in book.holds if hold.until.tzinfo and hold.since.tzinfo)
    ledger = Ledger(book.holder, holds, version)
    return ledger if ledger.name == body["metadata"]["name"] else None


def shortened(detail: str) -> str:
    """The CA's words as a hold keeps them."""
    return sentence(detail, DETAIL_LIMIT)
