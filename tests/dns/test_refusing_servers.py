"""Servers that answer what well-configured ones do not: each ends in a setback that says what to do."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.update
import pytest

from certwright.dns.provider import TxtRecord
from certwright.dns.providers.rfc2136 import Rfc2136
from certwright.failures import NeedsPerson, Setback, TryLater
from certwright.secret_text import SecretText
from tests.kit.nameserver import KitNameServer, new_tsig_secret, tsig_refusal
from tests.kit.ports import LOOPBACK, free_port
from tests.kit.zone_store import Refusal, ZoneStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


pytestmark = pytest.mark.servers

ZONE = "example.test"
RECORD = TxtRecord("_acme-challenge.example.test", "proof")


class RefusingStore(ZoneStore):
    """Answers questions, and every update with one code."""

    def __init__(self, rcode: dns.rcode.Rcode) -> None:
        super().__init__([ZONE])
        self._rcode = rcode

    def update(self, message: dns.update.UpdateMessage) -> None:  # noqa: ARG002  whatever it is
        raise Refusal(self._rcode)


class SecondHandStore(ZoneStore):
    """Answers every question with one code, without authority."""

    def __init__(self, rcode: dns.rcode.Rcode) -> None:
        super().__init__([ZONE])
        self._rcode = rcode

    def answer(self, response: dns.message.Message) -> None:
        super().answer(response)
        response.flags &= ~dns.flags.AA
        response.set_rcode(self._rcode)


class TamperingServer(KitNameServer):
    """Sends its answers through a hand that changes them."""

    tamper: Callable[[bytes, bytes], bytes]

    def reply(self, wire: bytes, *, over_tcp: bool) -> bytes:
        return self.tamper(wire, super().reply(wire, over_tcp=over_tcp))


@contextmanager
def provider_for(
    store: ZoneStore, tamper: Callable[[bytes, bytes], bytes] = lambda _, answer: answer
) -> Iterator[Rfc2136]:
    server = TamperingServer(store, [ZONE], LOOPBACK, free_port(), new_tsig_secret())
    server.tamper = tamper
    try:
        yield Rfc2136(
            nameserver=f"{server.host}:{server.port}",
            key_name=server.tsig_name,
            key_secret=SecretText(server.tsig_secret),
        )
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("rcode", "kind", "reason", "fix"),
    [
        (dns.rcode.REFUSED, NeedsPerson, "DNSUpdateRefused", "let key certwright-test update TXT"),
        (dns.rcode.NOTAUTH, NeedsPerson, "DNSZoneNotFound", "name the primary"),
        (dns.rcode.NOTZONE, NeedsPerson, "DNSZoneNotFound", "name the primary"),
        (dns.rcode.NOTIMP, NeedsPerson, "DNSUpdateRefused", "enable them there"),
        (dns.rcode.YXRRSET, NeedsPerson, "DNSUpdateRefused", "set cnameStrategy: Follow"),
        (
            dns.rcode.SERVFAIL,
            TryLater,
            "DNSProviderUnavailable",
            "failed to change zone example.test (SERVFAIL)",
        ),
        (dns.rcode.FORMERR, TryLater, "DNSProviderUnavailable", "FORMERR"),
    ],
)
def test_an_update_that_is_answered_with_a_code_names_the_fix(
    rcode: dns.rcode.Rcode, kind: type[Setback], reason: str, fix: str
) -> None:
    with provider_for(RefusingStore(rcode)) as provider, pytest.raises(kind) as caught:
        provider.ensure_txt(RECORD)
    assert caught.value.reason == reason
    assert fix in caught.value.message


@pytest.mark.parametrize(
    ("rcode", "kind", "reason", "told"),
    [
        (dns.rcode.SERVFAIL, TryLater, "DNSProviderUnavailable", "answered SERVFAIL"),
        (dns.rcode.NXDOMAIN, NeedsPerson, "DNSZoneNotFound", "hosted elsewhere"),
        (dns.rcode.NOERROR, NeedsPerson, "DNSZoneNotFound", "example.test is hosted elsewhere"),
    ],
)
def test_a_server_without_authority_for_the_zone_is_not_updated(
    rcode: dns.rcode.Rcode, kind: type[Setback], reason: str, told: str
) -> None:
    with provider_for(SecondHandStore(rcode)) as provider, pytest.raises(kind, match=told) as caught:
        provider.ensure_txt(RECORD)
    assert caught.value.reason == reason


def unsigned(wire: bytes, _answer: bytes) -> bytes:
    return dns.message.make_response(dns.message.from_wire(wire, keyring=False)).to_wire()


def flipped(_wire: bytes, answer: bytes) -> bytes:
    """The authority bit lost on the way: the signature no longer fits."""
    return answer[:2] + bytes([answer[2] ^ 0x04]) + answer[3:]


@pytest.mark.parametrize(
    ("tamper", "kind", "reason"),
    [
        pytest.param(
            unsigned, TryLater, "DNSProviderUnavailable", id="an answer without signature is no answer"
        ),
        pytest.param(flipped, NeedsPerson, "DNSCredentialsRefused", id="a changed answer is not believed"),
        pytest.param(
            lambda *_: b"", TryLater, "DNSProviderUnavailable", id="a connection that is just closed"
        ),
        pytest.param(lambda *_: b"\xff" * 40, TryLater, "DNSProviderUnavailable", id="garbage"),
        pytest.param(
            lambda wire, _: tsig_refusal(wire, dns.rcode.BADTIME),
            TryLater,
            "DNSCredentialsRefused",
            id="clocks",
        ),
        pytest.param(
            lambda wire, _: tsig_refusal(wire, dns.rcode.BADTRUNC),
            NeedsPerson,
            "DNSCredentialsRefused",
            id="a signature that is too short for the server",
        ),
    ],
)
def test_only_an_answer_with_the_right_signature_counts(
    tamper: Callable[[bytes, bytes], bytes], kind: type[Setback], reason: str
) -> None:
    with provider_for(ZoneStore([ZONE]), tamper) as provider, pytest.raises(kind) as caught:
        provider.ensure_txt(RECORD)
    assert caught.value.reason == reason
    assert type(caught.value) is kind
