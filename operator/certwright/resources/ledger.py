"""The ledger: what is held back from a CA, as a value that outlives the process, in a ConfigMap.

One for each account, and one for each directory. It holds what the CA asked to hold back, and which names failed
validation of late: words of the CA and names of certificates, no secrets.
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
#: Most names whose failures are kept: some 300 bytes each, 800 at most.
MOST_FAILING = 300
#: The CA's words in a hold, and beside a name that fails.
DETAIL_LIMIT, SAID_LIMIT = 500, 100
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
class FailingName(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A name that failed validation, whichever Certificates asked for it, and has not been proven since.

    Attributes:
        name: as it was asked, wildcards with their "*.".
        failed_at: the last failures, oldest first; what came of a validation that nobody heard of is among them.
        since: the first failure of the row; None while there is only what nobody heard of.
        count: failures of the row.
        until: when it may be tried again; None while it may at any time.
        said: the CA's words at the last failure.
    """

    name: str
    failed_at: tuple[datetime, ...]
    since: datetime | None = None
    count: int = 0
    until: datetime | None = None
    said: str = ""

    @property
    def last(self) -> datetime:
        """When it failed last."""
        return max(self.failed_at)


@prepared
class _Book(msgspec.Struct, frozen=True, kw_only=True):
    """What the ConfigMap holds."""

    holder: str
    holds: tuple[Hold, ...] = ()
    failing: tuple[FailingName, ...] = ()


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that is held back from one account or directory.

    Attributes:
        holder: URL of the account or of the directory.
        holds: those that end first fall out where there are too many.
        failing: names that fail at this account; those that failed longest ago fall out where there are too many.
        version: resourceVersion of the ConfigMap, "" where there is none yet.
    """

    holder: str
    holds: tuple[Hold, ...] = ()
    version: str = ""
    failing: tuple[FailingName, ...] = ()

    @property
    def name(self) -> str:
        """Of its ConfigMap."""
        return f"certwright-ledger-{hashlib.sha256(self.holder.encode()).hexdigest()[:16]}"


def ledger_to_text(ledger: Ledger) -> str:
    """The ledger as its ConfigMap holds it."""
    kept = sorted(ledger.holds, key=lambda hold: hold.until, reverse=True)[:MOST_HOLDS]
    newest = sorted(ledger.failing, key=lambda failing: failing.last, reverse=True)[:MOST_FAILING]
    book = _Book(holder=ledger.holder, holds=tuple(kept), failing=tuple(newest))
    return msgspec.json.encode(book).decode()


def read_ledger(body: dict[str, Any]) -> Ledger | None:
    """A ConfigMap's ledger, or None: one that was damaged costs a request that a CA refuses, nothing else."""
    version = body["metadata"]["resourceVersion"]
    try:
        book = msgspec.json.decode((body.get("data") or {}).get(KEY, ""), type=_Book)
    except (msgspec.MsgspecError, ValueError):
        return None
    holds = tuple(hold for hold in book.holds if hold.until.tzinfo and hold.since.tzinfo)
    failing = tuple(each for each in book.failing if _is_sound(each))
    ledger = Ledger(book.holder, holds, version, failing)
    return ledger if ledger.name == body["metadata"]["name"] else None


def shortened(detail: str, limit: int = DETAIL_LIMIT) -> str:
    """The CA's words as a hold keeps them, or with `SAID_LIMIT` as a name that fails does."""
    return sentence(detail, limit)


def _is_sound(failing: FailingName) -> bool:
    """Whether somebody edited it so that it says nothing any more."""
    moments = (*failing.failed_at, failing.since, failing.until)
    return bool(failing.failed_at) and all(each.tzinfo for each in moments if each is not None)
