"""The way to a CA: straight, or through the proxy that the environment names."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from certwright.failures import NeedsPerson
from certwright.resources.conditions import Reason
from certwright.secret_text import SecretText

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROXY_PORT = 80
#: The port of every address that names none: CAs are spoken to over https only.
_USUAL_PORT = 443


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that opens a way to a host and port (CONNECT, RFC 9110 §9.3.6).

    Attributes:
        url: with user and password, if it wants them.
        place: host and port, which may be shown.
    """

    url: SecretText
    place: str


@dataclass(frozen=True, slots=True)
class Ways:
    """Which hosts are spoken to through the proxy.

    Attributes:
        proxy: or None, then all are spoken to directly.
        exceptions: what NO_PROXY lists.
    """

    proxy: Proxy | None = None
    exceptions: tuple[str, ...] = ()

    def to(self, url: str) -> Proxy | None:
        """The proxy on the way to an https URL, or None."""
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port or _USUAL_PORT
        excepted = any(_covers(each, host, port) for each in self.exceptions)
        return None if excepted else self.proxy


STRAIGHT = Ways()


def read_ways(proxy: SecretText | None, no_proxy: str) -> Ways:
    """What the two variables of the environment say.

    Raises:
        NeedsPerson: the proxy is none that we can speak to; the message does not quote it.
    """
    return Ways(_read_proxy(proxy) if proxy else None, tuple(_entries(no_proxy)))


def _read_proxy(url: SecretText) -> Proxy:
    """A scheme may be left out, as with curl and Go; http is meant then."""
    text = url.reveal()
    text = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise _unusable("it is no URL such as http://proxy.example.com:3128")
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        # What looks like host and port then is the beginning of a password.
        raise _unusable(
            "its user and password hold a character that must be written as %2F (/), %3F (?) or %23 (#)"
        )
    if parts.scheme != "http":
        raise _unusable(f"proxies of the kind {parts.scheme}:// are not supported, only http://")
    shown = f"[{host}]" if ":" in host else host
    return Proxy(SecretText(text), f"{shown}:{port or _PROXY_PORT}")


def _unusable(why: str) -> NeedsPerson:
    return NeedsPerson(Reason.CA_UNREACHABLE.word, f"HTTPS_PROXY cannot be used: {why}")


def _entries(no_proxy: str) -> Iterator[str]:
    for each in no_proxy.replace(" ", ",").split(","):
        if each.strip():
            yield each.strip().lower()


def _covers(entry: str, host: str, port: int) -> bool:
    """Whether one entry of NO_PROXY means this host, as Go reads it (golang.org/x/net/http/httpproxy).

    `example.com` is the name and all below it, `.example.com` and `*.example.com` only those below it; an address or
    network means hosts that are written as addresses: names are not looked up for this.
    """
    if entry == "*":
        return True
    name, only_port = _without_port(entry)
    if only_port is not None and only_port != port:
        return False
    try:
        return ip_address(host) in ip_network(name.strip("[]"), strict=False)
    except ValueError:
        pass
    name = name.removeprefix("*").rstrip(".")
    below = name if name.startswith(".") else f".{name}"
    return host == name or host.endswith(below)


def _without_port(entry: str) -> tuple[str, int | None]:
    name, colon, port = entry.rpartition(":")
    whole = name.startswith("[") == name.endswith("]") and (":" not in name or name.startswith("["))
    return (name, int(port)) if colon and port.isdigit() and whole else (entry, None)
