"""What stands in the headers of an answer: nonces, links, and when to come back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import TYPE_CHECKING

from certwright.acme.wording import URL_LIMIT, is_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.acme.flow import Response

#: No CA means it when it asks for more than a year, and a larger number would not fit a timedelta.
LONGEST_WAIT = timedelta(days=366)
#: CAs give a handful: index, up, terms of service, alternate chains. Headers may be megabytes.
MOST_LINKS = 32
_MOST_DIGITS = 9
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_REL = re.compile(r'(?:^|[;\s])rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)


def nonce_of(response: Response) -> str | None:
    """The fresh nonce of an answer; one with wrong characters is ignored (RFC 8555 §6.5.1)."""
    nonce = response.headers.get("replay-nonce", "")
    return nonce if is_token(nonce) else None


def links_of(response: Response) -> Mapping[str, tuple[str, ...]]:
    """Addresses of the Link header by their relation (RFC 8288), in the order given."""
    found: dict[str, tuple[str, ...]] = {}
    for link in islice(_LINK.finditer(response.headers.get("link", "")), MOST_LINKS):
        url, relation = link[1], _REL.search(link[2][:URL_LIMIT])
        names = (relation[1] or relation[2] or "").lower() if relation else ""
        if len(url) <= URL_LIMIT and f"{url}{names}".isascii() and f"{url}{names}".isprintable():
            for name in names.split()[:MOST_LINKS]:
                found[name] = (*found.get(name, ()), url)
    return found


def retry_after_of(response: Response) -> timedelta | None:
    """How long the CA asks us to wait (RFC 9110 §10.2.3), or None if it does not say.

    A date is counted from the answer's own Date header, so no clock of ours takes part; without one it says
    nothing.
    """
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return LONGEST_WAIT if len(value) > _MOST_DIGITS else min(timedelta(seconds=int(value)), LONGEST_WAIT)
    until, sent = _http_date(value), _http_date(response.headers.get("date", ""))
    if until is None or sent is None:
        return None
    return min(max(until - sent, timedelta()), LONGEST_WAIT)


def _http_date(value: str) -> datetime | None:
    """An HTTP-date (RFC 9110 §5.6.7), or None."""
    try:
        moment = parsedate_to_datetime(value[:64])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
