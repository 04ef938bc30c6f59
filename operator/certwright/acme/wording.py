"""What may pass from a CA's answer into our values: clean text, https addresses, harmless tokens."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from certwright.failures import NeedsPerson, TryLater
from certwright.resources.conditions import Reason

#: A detail sentence that is longer helps nobody.
TEXT_LIMIT = 1000
#: Far more than any CA's addresses need.
URL_LIMIT = 2048
_WHITESPACE_CONTROLS = frozenset("\t\n\v\f\r\x85\u2028\u2029")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_NEVER_IN_URLS = re.compile(r'[\x00-\x20\x7f"<>\\]')
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,1024}\Z")


class NotUnderstood(TryLater):
    """An answer that is not what the protocol says. The sentence never quotes the answer."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.CA_ERROR.word, message)


def clean_text(text: str | None, limit: int = TEXT_LIMIT) -> str:
    """`text` on one line, without control, bidirectional and invisible characters, at most `limit` long."""
    if not text:
        return ""
    seen = (
        " " if c in _WHITESPACE_CONTROLS else c
        for c in text[: limit * 4]
        if c in _WHITESPACE_CONTROLS or unicodedata.category(c) not in _UNSEEN
    )
    line = " ".join("".join(seen).split(" ")).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def host_of(url: str) -> str:
    """Host and port of `url`, all that we ever say of an address; "the CA" if it has none."""
    try:
        netloc = urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return "the CA"
    return clean_text(netloc, 260) or "the CA"


def https_url(url: str | None, what: str) -> str:
    """`url` itself, unchanged, once it is known to be one that we may ask (RFC 8555 §6.1).

    Args:
        url: as it came.
        what: what the address is for, as words in a sentence.

    Raises:
        NeedsPerson: it is a plain http address.
        NotUnderstood: it is missing or no address at all.
    """
    if not url or len(url) > URL_LIMIT or not url.isascii() or _NEVER_IN_URLS.search(url):
        raise NotUnderstood(f"the CA gave no usable address for {what}")
    try:
        parts = urlsplit(url)
        scheme, host, _ = parts.scheme, parts.hostname, parts.port
    except ValueError:
        raise NotUnderstood(f"the CA gave no usable address for {what}") from None
    if scheme == "http":
        raise NeedsPerson(
            Reason.CA_ERROR.word,
            f"the address of {what} at {host_of(url)} begins with http://; ACME is only spoken over https",
        )
    if scheme != "https" or not host or "@" in parts.netloc:
        raise NotUnderstood(f"the CA gave no usable address for {what}")
    return url


def is_token(text: str) -> bool:
    """Whether `text` is base64url and so may stand in a path or a header (RFC 8555 §6.5.1, §8)."""
    return _TOKEN.match(text) is not None
