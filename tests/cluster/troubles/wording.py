"""What a command printed, with all that differs from run to run replaced."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from certwright.cli.spans import span

if TYPE_CHECKING:
    from tests.cluster.troubles.shop import Shop

#: With how far away it is, where that is said.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z(?: \(in \w+\))?")
_PATTERNS = (
    (re.compile(r"\b(?:\d+[dhms])+ ago"), "1m ago"),
    (re.compile(r", attempt \d+"), ", attempt 2"),
    (re.compile(r"(/my-account/|/authZ/|/my-order/)[0-9A-Za-z_-]+"), r"\g<1>1"),
    (re.compile(r"Serial number: [0-9a-f]+"), "Serial number: 5ca1ab1e"),
    (re.compile(r"of class small\b"), "of class nginx"),
    (re.compile(r"Pebble Intermediate CA [0-9a-f]+"), "Example CA"),
)
_EVENT = re.compile(r"   [├└]─ 1m ago, (\w+, \w+): ")
_NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_SPANS = ((timedelta(0), -timedelta(minutes=1)), (timedelta(hours=2), timedelta(minutes=5)),
          (timedelta(days=1), timedelta(hours=6)))  # fmt: skip
_FAR = timedelta(days=60)


def settled(text: str, shop: Shop, now: datetime) -> str:
    """The text as it is kept: the namespace is `shop`, the CA acme.example.com, the time noon."""
    for seen, kept in _places(shop):
        text = text.replace(seen, kept)
    text = _MOMENT.sub(lambda found: _moment(found[0], now), text)
    for pattern, kept in _PATTERNS:
        text = pattern.sub(kept, text)
    return _once(text)


def _places(shop: Shop) -> list[tuple[str, str]]:
    town = shop.town
    ca_port, dns_port = town.closed_ports
    hosts = [f"127.0.0.1:{ca_port}", *(ca.directory_url.split("/")[2] for ca in town.cas.values())]
    hosts.append(town.bench.pebble.directory_url.split("/")[2])
    servers = [town.bench.nameserver, town.elsewhere]
    return [
        *((host, "acme.example.com") for host in hosts),
        *((f"{each.host}:{each.port}", "192.0.2.53:53") for each in servers),
        (f"127.0.0.1:{dns_port}", "192.0.2.53:53"),
        (f"port {town.bench.pebble.settings.http_port}", "port 80"),
        (f".{shop.namespace}.example.test", ".example.test"),
        (f".{shop.namespace}.nowhere.test", ".nowhere.test"),
        (shop.namespace, "shop"),
        ("127.0.0.", "192.0.2."),
    ]


def _moment(told: str, now: datetime) -> str:
    """Some moment about as far away: holds have their dice."""
    when, *aside = told.split(" ", 1)
    left = datetime.fromisoformat(when) - now
    away = next((away for limit, away in _SPANS if left < limit), _FAR)
    moment = (_NOW + away).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{moment} (in {span(away)})" if aside else moment


def _once(text: str) -> str:
    """Of events of one reason the last is enough: how many there are is a matter of speed."""
    lines = text.splitlines()
    kinds = [found[1] if (found := _EVENT.match(line)) else "" for line in lines]
    kept = [line for at, line in enumerate(lines) if not kinds[at] or kinds[at] not in kinds[at + 1 :]]
    return "\n".join(kept) + "\n"
