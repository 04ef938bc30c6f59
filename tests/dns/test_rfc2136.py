"""One conversation, held with every server that we say we can talk to: our promises hold at all of them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from certwright.dns.memory import ShortMemory
from certwright.dns.provider import TxtRecord
from certwright.dns.providers.rfc2136 import Rfc2136
from certwright.dns.resolver import Resolvers
from certwright.dns.visibility import Visibility
from certwright.dns.zones import canonical_name, zone_of
from certwright.failures import NeedsPerson, Setback, TryLater
from certwright.secret_text import SecretText
from tests.kit.bind9 import find_named, start_bind9
from tests.kit.nameserver import NameServer, start_nameserver
from tests.kit.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.servers

ZONES = ("example.test", "sub.example.test", "delegated.test")
RECORDS = (
    "_acme-challenge.moved.example.test. CNAME moved.delegated.test.",
    "sub.example.test. NS ns1.sub.example.test.",
    "away.example.test. NS ns.elsewhere.test.",
)
APEX = TxtRecord("_acme-challenge.example.test", "proof-of-the-apex")
WILDCARD = TxtRecord("_acme-challenge.example.test", "proof-of-the-wildcard")


@pytest.fixture(scope="module", params=["kit", "bind9"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    running: NameServer
    if request.param == "kit":
        running = start_nameserver(ZONES, records=RECORDS)
    elif find_named() or os.environ.get("CI") == "true":
        running = start_bind9(tmp_path_factory.mktemp("bind9"), ZONES, RECORDS)
    else:
        pytest.skip("BIND is not installed (Debian: apt-get install bind9)")
    yield running
    running.stop()


@dataclass(frozen=True, slots=True)
class Bench:
    """A server, a provider that talks to it, and our eyes."""

    server: NameServer
    provider: Rfc2136
    resolvers: Resolvers
    visibility: Visibility


def provider_of(server: NameServer, **changes: Any) -> Rfc2136:
    facts: dict[str, Any] = {
        "nameserver": f"{server.host}:{server.port}",
        "key_name": server.tsig_name,
        "key_secret": SecretText(server.tsig_secret),
        "algorithm": server.tsig_algorithm,
    }
    return Rfc2136(**facts | changes)


@pytest.fixture
def bench(server: NameServer) -> Iterator[Bench]:
    resolvers = Resolvers((f"{server.host}:{server.port}",))
    provider = provider_of(server)
    yield Bench(server, provider, resolvers, Visibility(resolvers, server.port, clock=time.monotonic))
    for record in (APEX, WILDCARD):
        provider.remove_txt(record)


def test_a_record_that_is_ensured_twice_is_there_once(bench: Bench) -> None:
    bench.provider.ensure_txt(APEX)
    bench.provider.ensure_txt(APEX)
    assert bench.server.txt(APEX.fqdn) == {APEX.value}


def test_two_values_at_one_name_live_together(bench: Bench) -> None:
    bench.provider.ensure_txt(APEX)
    bench.provider.ensure_txt(WILDCARD)
    assert bench.server.txt(APEX.fqdn) == {APEX.value, WILDCARD.value}


def test_removing_one_value_spares_its_neighbour(bench: Bench) -> None:
    bench.provider.ensure_txt(APEX)
    bench.provider.ensure_txt(WILDCARD)
    bench.provider.remove_txt(APEX)
    assert bench.server.txt(APEX.fqdn) == {WILDCARD.value}


def test_removing_twice_or_what_never_was_is_success(bench: Bench) -> None:
    bench.provider.ensure_txt(APEX)
    bench.provider.remove_txt(APEX)
    bench.provider.remove_txt(APEX)
    bench.provider.remove_txt(replace(APEX, value="never was"))
    assert bench.server.txt(APEX.fqdn) == set()


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
@pytest.mark.parametrize("length", [0, 43, 255, 256, 1000])
def test_values_of_any_length_survive_either_transport(bench: Bench, protocol: str, length: int) -> None:
    record = TxtRecord("_acme-challenge.long.example.test", "x" * length)
    provider = provider_of(bench.server, protocol=protocol)
    provider.ensure_txt(record)
    assert bench.server.txt(record.fqdn) == {record.value}
    assert bench.visibility.unseen(record) == ()
    provider.remove_txt(record)
    assert bench.server.txt(record.fqdn) == set()


def test_the_record_goes_into_the_closest_zone(bench: Bench) -> None:
    record = TxtRecord("_acme-challenge.deep.down.sub.example.test", "proof")
    bench.provider.ensure_txt(record)
    assert zone_of(record.fqdn, bench.resolvers) == "sub.example.test"
    assert bench.visibility.unseen(record) == ()
    bench.provider.remove_txt(record)


def test_the_zone_of_a_name_is_looked_up_once_and_kept_for_a_while(server: NameServer) -> None:
    memory: ShortMemory[tuple[str, str], str] = ShortMemory(time.monotonic, timedelta(minutes=1))
    provider = provider_of(server, zones=memory)
    provider.ensure_txt(APEX)
    assert memory.recall((f"{server.host}:{server.port}", APEX.fqdn)) == "example.test"
    provider.remove_txt(APEX)
    assert server.txt(APEX.fqdn) == set()


def test_a_zone_that_was_remembered_wrongly_is_forgotten(server: NameServer) -> None:
    memory: ShortMemory[tuple[str, str], str] = ShortMemory(time.monotonic, timedelta(minutes=1))
    memory.note((f"{server.host}:{server.port}", APEX.fqdn), "delegated.test")
    provider = provider_of(server, zones=memory)
    with pytest.raises(NeedsPerson, match="NOTZONE"):
        provider.ensure_txt(APEX)
    provider.ensure_txt(APEX)
    provider.remove_txt(APEX)


def test_a_record_is_seen_once_it_is_there(bench: Bench) -> None:
    assert bench.visibility.unseen(APEX) == ("ns1.example.test",)
    bench.provider.ensure_txt(WILDCARD)
    assert bench.visibility.unseen(APEX) == ("ns1.example.test",)
    bench.provider.ensure_txt(APEX)
    assert bench.visibility.unseen(APEX) == ()
    assert bench.visibility.unseen(APEX, (f"127.0.0.1:{bench.server.port}",)) == ()


def test_a_cname_is_followed_to_where_the_record_must_be_put(bench: Bench) -> None:
    asked = "_acme-challenge.moved.example.test"
    target = canonical_name(asked, bench.resolvers)
    assert target == "moved.delegated.test"
    bench.provider.ensure_txt(TxtRecord(target, "proof"))
    assert bench.visibility.unseen(TxtRecord(asked, "proof")) == ()
    bench.provider.remove_txt(TxtRecord(target, "proof"))
    assert bench.visibility.unseen(TxtRecord(asked, "proof")) == ("ns1.delegated.test",)


REFUSALS = [
    pytest.param(
        {"key_secret": SecretText("d3Jvbmcgc2VjcmV0")},
        APEX.fqdn,
        NeedsPerson,
        ("DNSCredentialsRefused", "another secret for TSIG key certwright-test (BADSIG)"),
        id="a wrong secret",
    ),
    pytest.param(
        {"key_name": "somebody"},
        APEX.fqdn,
        NeedsPerson,
        ("DNSCredentialsRefused", "knows no TSIG key somebody with algorithm HMACSHA256 (BADKEY)"),
        id="a wrong key name",
    ),
    pytest.param(
        {"algorithm": "HMACSHA512"},
        APEX.fqdn,
        NeedsPerson,
        ("DNSCredentialsRefused", "knows no TSIG key certwright-test with algorithm HMACSHA512 (BADKEY)"),
        id="a wrong algorithm",
    ),
    pytest.param(
        {"key_name": "", "key_secret": None},
        APEX.fqdn,
        NeedsPerson,
        (
            "DNSUpdateRefused",
            "set tsigKeyName and tsigSecretSecretRef in the solver, or let it take unsigned",
        ),
        id="no key",
    ),
    pytest.param(
        {},
        "_acme-challenge.unknown.org",
        NeedsPerson,
        ("DNSZoneNotFound", "serves no zone that holds _acme-challenge.unknown.org (it answered "),
        id="an unknown zone",
    ),
    pytest.param(
        {},
        "_acme-challenge.moved.example.test",
        NeedsPerson,
        ("DNSUpdateRefused", "there is a CNAME at _acme-challenge.moved.example.test"),
        id="a CNAME in the way",
    ),
    pytest.param(
        {"nameserver": f"127.0.0.1:{free_port()}"},
        APEX.fqdn,
        TryLater,
        ("DNSProviderUnavailable", "over TCP: connection refused"),
        id="nobody there",
    ),
]


@pytest.mark.parametrize(("changes", "fqdn", "kind", "told"), REFUSALS)
def test_a_refusal_says_what_to_mend(
    server: NameServer, changes: dict[str, Any], fqdn: str, kind: type[Setback], told: tuple[str, str]
) -> None:
    provider = provider_of(server, **changes)
    for act in (provider.ensure_txt, provider.remove_txt):
        if act == provider.remove_txt and "CNAME" in told[1]:
            continue
        with pytest.raises(kind) as caught:
            act(TxtRecord(fqdn, "proof"))
        assert caught.value.reason == told[0]
        assert told[1] in caught.value.message
        assert server.tsig_secret not in str(caught.value)


def test_a_zone_that_the_server_delegates_to_others_is_not_updated_beside_them(server: NameServer) -> None:
    with pytest.raises(NeedsPerson, match=r"away\.example\.test is hosted elsewhere"):
        provider_of(server).ensure_txt(TxtRecord("_acme-challenge.away.example.test", "proof"))
