"""What clients asked of Pebble, read from Pebble's own log.

Pebble notes each request when it arrives, by its kind and before it has looked at the nonce, and then, with
the order's id, each order it added, each it began to finalize and each it signed. So `arrived` counts retries
after a refused nonce as well, and the lists of orders do not.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: A moment in the log: its length then, in bytes.
Mark = NewType("Mark", int)

#: Pebble's paths, odd by intent since clients must take URLs from the directory; named as in RFC 8555 §7.1.
_KINDS = {
    "/dir": "directory",
    "/nonce-plz": "new-nonce",
    "/sign-me-up": "new-account",
    "/my-account/": "account",
    "/rollover-account-key": "key-change",
    "/order-plz": "new-order",
    "/my-order/": "order",
    "/list-orderz/": "orders",
    "/authZ/": "authorization",
    "/chalZ/": "challenge",
    "/finalize-order/": "finalize",
    "/certZ/": "certificate",
    "/revoke-cert": "revoke",
    "/draft-ietf-acme-ari-03/renewalInfo/": "renewal-info",
}

_ARRIVED = re.compile(r"(?:GET|HEAD|POST) (/\S*) -> calling handler\(\)$")
_ACCOUNT_ADDED = re.compile(r"There are now \d+ accounts in memory$")
_ORDER_ADDED = re.compile(r'Added order "(\S+)" to the db$')
_FINALIZED = re.compile(r"Order (\S+) is fully authorized\. Processing finalization$")
_ISSUED = re.compile(r"Issued certificate serial (\S+) for order (\S+)$")
_REPLACES = re.compile(r'ARI: order "(\S+)" is a replacement of "(\S+)"$')


@dataclass(frozen=True)
class PebbleRequests:
    """What a stretch of the log says.

    Attributes:
        arrived: requests by kind ("new-order", "finalize", …; every word that `_KINDS` has), including those
            that were then refused.
        accounts_added: new accounts (not the ones that a client merely found again).
        orders: ids of the orders added.
        finalized: ids of the orders whose finalization began, once for each time.
        issued: serial numbers (hexadecimal) by the order's id.
        replacements: ids of the orders replaced, by the id of the order that replaces them (RFC 9773 §5).
    """

    arrived: Counter[str]
    accounts_added: int
    orders: tuple[str, ...]
    finalized: tuple[str, ...]
    issued: Mapping[str, str]
    replacements: Mapping[str, str]


def read(lines: Iterable[str]) -> PebbleRequests:
    """Understand lines of Pebble's log; those that say nothing about requests are passed over."""
    text = list(lines)
    return PebbleRequests(
        arrived=Counter(_KINDS.get(found[1], found[1]) for found in _all(_ARRIVED, text)),
        accounts_added=sum(1 for _ in _all(_ACCOUNT_ADDED, text)),
        orders=tuple(found[1] for found in _all(_ORDER_ADDED, text)),
        finalized=tuple(found[1] for found in _all(_FINALIZED, text)),
        issued={found[2]: found[1] for found in _all(_ISSUED, text)},
        replacements={found[1]: found[2] for found in _all(_REPLACES, text)},
    )


def _all(pattern: re.Pattern[str], lines: Iterable[str]) -> Iterable[re.Match[str]]:
    return filter(None, map(pattern.search, lines))
