"""DNS names as users write them, and as they are ordered (RFC 5890, UTS 46)."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address

import idna

from certwright.resources.decoding import Broken, require

LONGEST_NAME = 253
NO_UNDERSCORE = "certificates cannot have a name with an underscore; remove it"
NO_INNER_WILDCARD = "a wildcard can only be the whole first label, as in *.example.com"
NO_ADDRESS = "IP addresses are not supported; write a DNS name"
NO_NAME = (
    "write a DNS name such as www.example.com: labels of at most 63 letters, digits and inner hyphens, "
    "without scheme, port or path"
)

_ANY = "A-Za-z0-9\u0080-\U0010ffff"
_NAME = re.compile(rf"(\*\.)?([{_ANY}]([{_ANY}-]{{0,61}}[{_ANY}])?(\.|$))+")
_ENDS_IN_DIGITS = re.compile(r"(^|\.)[0-9]+\.?$")


def order_name(text: str, place: str) -> str:
    """The name as it stands in an order: A-labels, lower case, without the final dot, `*.` kept.

    Raises:
        Broken: it is no name that a certificate can hold.
    """
    _check(text, place)
    name = to_ascii(text, place)
    if name.isascii() and not text.isascii():
        _check(name, place)  # UTS 46 maps some letters to underscores, digits and dots
    require(len(name) <= LONGEST_NAME, place, f"as A-labels the name is longer than {LONGEST_NAME}", text)
    return name


def to_ascii(text: str, place: str) -> str:
    """`text` in A-labels and lower case, without the final dot; nothing else about it is checked.

    Raises:
        Broken: a Unicode label has no A-label.
    """
    star, bare = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    if bare.isascii():
        return f"{star}{bare.lower()}".removesuffix(".")
    try:
        return f"{star}{_mapped(bare)}".removesuffix(".")
    except idna.IDNAError as error:
        raise Broken(f"{place}: not a name that can be registered: {error} (found {text[:100]!r})") from None


@lru_cache(
    maxsize=1024
)  # takes up to half a millisecond, and an Ingress may ask for one name in a thousand certificates
def _mapped(name: str) -> str:
    mapped = idna.uts46_remap(name, std3_rules=False, transitional=False)
    return ".".join(label if label.isascii() else idna.alabel(label).decode() for label in mapped.split("."))


def same_as_written(one: str, other: str) -> bool:
    """Whether two texts name the same without a look at Unicode, which is all that the CRD's rule can see."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> bytes:
    return f"{text}.".replace("..", ".").encode().lower()


def _check(text: str, place: str) -> None:
    require("_" not in text, place, NO_UNDERSCORE, text)
    inner_star = "*" in text and (not text.startswith("*.") or text.rindex("*") > 0)
    require(not inner_star, place, NO_INNER_WILDCARD, text)
    require(not _ENDS_IN_DIGITS.search(text) and not _is_address(text), place, NO_ADDRESS, text)
    require(_NAME.fullmatch(text), place, NO_NAME, text)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
