"""The namespace of one trouble, with all names as in every other, and the servers that a bench does not have."""

from __future__ import annotations

import base64
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import dns.name
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update

from tests.cluster.conftest import Tenant
from tests.cluster.troubles.strangers import Strangers
from tests.kit.authority import Authority
from tests.kit.fake_ca import FakeCa
from tests.kit.fake_ca_faults import page, problem
from tests.kit.fake_ca_server import FakeCaServer
from tests.kit.faults import acme, on
from tests.kit.nameserver import NameServer, start_nameserver
from tests.kit.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.bench import Bench
    from tests.kit.fake_ca_policy import Proof

#: In the words of Boulder, the CA software of Let's Encrypt; the moment is what `wording.py` makes of the Retry-After.
LIMIT_DETAIL = (
    "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after "
    "2026-03-01 18:00:00 UTC: see https://letsencrypt.org/docs/rate-limits/#new-certificates-per-exact-set-of-identifiers"
)


def _forbidden_by_caa(proof: Proof) -> dict[str, Any]:
    detail = f"CAA record for {proof.name} prevents issuance"
    return {"type": "urn:ietf:params:acme:error:caa", "detail": detail, "status": 403}


@dataclass(frozen=True)
class Town:
    """What is around the shops.

    Attributes:
        cas: fake CAs by what is special about them.
        elsewhere: a name server that knows the shops' TSIG key and none of their zones.
        other_authority: PEM of a CA certificate that signed nothing here.
        closed_ports: of loopback, where nobody listens: of a CA, and of a name server.
    """

    bench: Bench
    cas: dict[str, FakeCaServer]
    strangers: Strangers
    elsewhere: NameServer
    other_authority: str
    closed_ports: tuple[int, int]
    _servers: ExitStack

    @classmethod
    def start(cls, bench: Bench, directory: Path) -> Self:
        """Start all of it."""
        servers = ExitStack()
        cas = {
            "caa": FakeCa(_now, judge=_forbidden_by_caa),
            "blocking": FakeCa(_now),
            "limited": FakeCa(_now),
            "down": FakeCa(_now),
            "website": FakeCa(_now),
            "customers": FakeCa(_now, bindings={"kid-1": b"0123456789abcdef0123456789abcdef"}),
            "choosy": FakeCa(_now),
        }
        started = {
            name: servers.enter_context(FakeCaServer.start(directory / name, ca)) for name, ca in cas.items()
        }
        cas["limited"].rule(acme("new-order"), problem("rateLimited", 429, LIMIT_DETAIL, retry_after="18000"))
        cas["down"].rule(on(), page(503))
        cas["website"].rule(on(), page(200))
        refused = 'contact email "shop@example.com" has forbidden domain "example.com"'
        blocked = "Domain name does not end with a valid public suffix (TLD)"
        said = f'Invalid identifiers requested :: Cannot issue for "www.shop.internal": {blocked}'
        cas["blocking"].rule(acme("new-order"), problem("rejectedIdentifier", 400, said))
        cas["choosy"].rule(acme("new-account"), problem("invalidContact", 400, refused))
        named = bench.nameserver
        elsewhere = start_nameserver(["elsewhere.test"], tsig_secret=named.tsig_secret)
        servers.callback(elsewhere.stop)
        strangers = servers.enter_context(Strangers.start(bench.pebble.settings.http_port))
        other = Authority.found(directory / "other").pem
        return cls(bench, started, strangers, elsewhere, other, (free_port(), free_port()), servers)

    def lead(self, host: str, address: str) -> None:
        """Have a name of a shop lead to an IPv4 address."""
        named = self.bench.nameserver
        keyring = {named.tsig_name: named.tsig_secret}
        update = dns.update.UpdateMessage(
            "example.test",
            keyring=dns.tsigkeyring.from_text(keyring),
            keyname=dns.name.from_text(named.tsig_name),
        )
        update.replace(f"{host}.", 60, "A", address)
        answer = dns.query.tcp(update, named.host, timeout=5, port=named.port)
        assert answer.rcode() == dns.rcode.NOERROR, answer

    def stop(self) -> None:
        """End all of it."""
        self._servers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _now() -> datetime:
    return datetime.now(UTC)


class Shop(Tenant):
    """The namespace of one trouble; it is applied with the others, not made here."""

    def __init__(self, town: Town, namespace: str) -> None:
        self.town, self.bench, self.namespace = town, town.bench, namespace
        self.plane = town.bench.control_plane

    @property
    def host(self) -> str:
        """The one name that the shop asks a certificate for, if nothing else is said."""
        return f"www.{self.namespace}.example.test"

    def web(self, *names: str, **spec: Any) -> dict[str, Any]:
        """Certificate `web`."""
        return self.certificate("web", *(names or (self.host,)), **spec)

    def good(self, **spec: Any) -> list[dict[str, Any]]:
        """All that a certificate by DNS-01 needs, with another field in the Certificate's spec."""
        return [self.dns_key(), self.issuer(), self.web(**spec)]

    def by(self, issuer: dict[str, Any]) -> list[dict[str, Any]]:
        """The same with this Issuer."""
        return [self.dns_key(), issuer, self.web()]

    def with_dns(self, **rfc2136: Any) -> list[dict[str, Any]]:
        """The same with another field in the solver's rfc2136."""
        return self.by(self.issuer(solvers=[{"dns01": {"rfc2136": self.rfc2136(**rfc2136)}}]))

    def with_web(self, *names: str, **http01: Any) -> list[dict[str, Any]]:
        """The same proving by HTTP-01 alone."""
        return [self.issuer(solvers=[self.http01(**http01)]), self.web(*names)]

    def through(self, ca: str, **acme: Any) -> list[dict[str, Any]]:
        """The same with one of the town's CAs."""
        server = self.town.cas[ca]
        bundle = base64.b64encode(server.ca_pem.encode()).decode()
        return self.by(self.issuer(**{"server": server.directory_url, "caBundle": bundle} | acme))
