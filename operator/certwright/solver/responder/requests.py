"""The head of an HTTP/1.x request as a value (RFC 9112). Pure.

Strict where two readers of the same bytes could disagree: line ends, blanks before a colon, folded lines, two Hosts.
Nothing is decoded or normalised: a path is compared as it was sent.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from ipaddress import IPv6Address
from typing import NamedTuple, TypeAlias

#: Bytes of a whole head; a request line alone should be allowed 8000 (RFC 9112 §3), and CAs need about 300.
MOST_HEAD = 8 * 1024

Refused: TypeAlias = HTTPStatus

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
#: Method, target, minor version; another major version is told from nonsense (RFC 9112 §2.3, §3).
_REQUEST_LINE = re.compile(rf"({_WORD}) ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])")
#: Name and value without control characters; a folded line has no name and is refused (RFC 9112 §5.1, §5.2).
_FIELD = re.compile(rf"({_WORD}):([\t\x20-\x7e\x80-\xff]*)")
#: uri-host and port (RFC 9110 §7.2, RFC 3986 §3.2.2).
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9\-._~%!$&'()*+,;=]*))(?::([0-9]*))?")
_ABSOLUTE = re.compile(r"http://([^/?#]*)(.*)", re.IGNORECASE)


class Request(NamedTuple):
    """What a request asks for.

    Attributes:
        method: as sent; methods are case-sensitive (RFC 9110 §9.1).
        host: lower case, without port and trailing dot, an IPv6 address without brackets in its shortest form;
            "" if none was named.
        path: as sent, with its query; of the absolute form the part after the host.
        persists: whether the client wants the connection to stay open (RFC 9112 §9.3), and no body follows.
        must_be_told: HTTP/1.0, where an open connection is an exception that the answer has to state.
    """

    method: str
    host: str
    path: str
    persists: bool
    must_be_told: bool


def read_head(head: bytes) -> Request | Refused:
    """A request from its lines, the empty one left out; or the status that says what is wrong with it."""
    first, *lines = head.decode("latin-1").split("\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        return HTTPStatus.BAD_REQUEST
    method, target, major, minor = line.groups()
    if major != "1":
        return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
    fields = _fields(lines)
    if fields is None:
        return HTTPStatus.BAD_REQUEST
    hosts = fields.get("host", [])
    host = _host(hosts[0]) if len(hosts) == 1 else ""
    # "A server MUST respond with a 400 […] to any HTTP/1.1 request message that lacks a Host header field and to any
    # request message that contains more than one Host header field line or […] an invalid field value" (RFC 9112 §3.2).
    if host is None or len(hosts) > 1 or (not hosts and minor != "0"):
        return HTTPStatus.BAD_REQUEST
    # "A server MUST ignore the received Host header field […] and instead use the host information of the
    # request-target" (RFC 9112 §3.2.2).
    if absolute := _ABSOLUTE.fullmatch(target):
        host, target = _host(absolute[1]), absolute[2] or "/"
        if not host:
            return HTTPStatus.BAD_REQUEST
    return Request(method, host, target, _persists(minor, fields), minor == "0")


def _fields(lines: list[str]) -> dict[str, list[str]] | None:
    """Values by name in lower case, or None if a line is no field."""
    found: dict[str, list[str]] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            return None
        found.setdefault(field[1].lower(), []).append(field[2].strip("\t "))
    return found


def _host(authority: str) -> str | None:
    """The host of host and port, or None if that is neither."""
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        return None
    if parts[1] is None:
        return parts[2].lower().removesuffix(".")
    try:
        return str(IPv6Address(parts[1]))
    except ValueError:
        return None


def _persists(minor: str, fields: dict[str, list[str]]) -> bool:
    """Whether another request may follow. Bodies are not read, so after one the connection is of no use."""
    if "transfer-encoding" in fields or any(each != "0" for each in fields.get("content-length", ())):
        return False
    options = {each.strip().lower() for value in fields.get("connection", ()) for each in value.split(",")}
    if "close" in options:
        return False
    return minor != "0" or "keep-alive" in options
