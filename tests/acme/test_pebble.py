"""Whole conversations with a real CA that refuses every fifth nonce."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from certwright.acme.flows import fetch_renewal_info
from certwright.acme.jws import AccountKey, external_account_binding, generate_account_key
from certwright.acme.refusals import ProblemKind, Refused
from certwright.acme.wording import NotUnderstood
from certwright.failures import NeedsPerson
from certwright.pki import keys
from certwright.pki.csr import csr_der
from certwright.secret_text import SecretText
from tests.acme.client import Client, connected
from tests.kit.pebble import Pebble
from tests.kit.pebble_settings import PebbleSettings

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.servers

MAC_KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"
#: With the two letters by which the alphabets differ; as long as HS512's own digest.
_ODD = base64.b64encode(b"\xfb\xff\xfe" * 22 + b"\xfb").decode()
ODD_MAC_KEY = {
    "plain base64": _ODD,
    "padded": _ODD.replace("+", "-").replace("/", "_"),
    "base64url": _ODD.replace("+", "-").replace("/", "_").rstrip("="),
}
BLOCKED = "blocked.example.org"
SETTINGS = PebbleSettings(
    always_valid=True, nonce_reject_percent=20, authz_reuse_percent=50, blocked_domains=(BLOCKED,)
)


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    with Pebble.start(tmp_path_factory.mktemp("pebble"), SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def bound_pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """One that wants accounts to be bound."""
    settings = PebbleSettings(always_valid=True, eab={"kid-1": ODD_MAC_KEY["base64url"]})
    with Pebble.start(tmp_path_factory.mktemp("bound"), settings) as running:
        yield running


@pytest.fixture
def client(pebble: Pebble) -> Iterator[Client]:
    client = connected(pebble)
    client.ask(client.talk.register(("mailto:a@example.org",), terms_agreed=True))
    yield client
    client.transport.close()


def test_an_account_is_made_once_and_found_again(pebble: Pebble) -> None:
    key = AccountKey.from_pem(generate_account_key())
    client = connected(pebble, key)
    assert client.ask(client.talk.find_account()) is None
    made = client.ask(client.talk.register((), terms_agreed=True))
    assert made.created
    again = client.ask(client.talk.register((), terms_agreed=True))
    found = client.ask(client.talk.find_account())
    assert found is not None
    assert {made.url, again.url, found.url} == {made.url}
    assert not again.created
    changed = client.ask(client.talk.update_contact(("mailto:b@example.org",)))
    assert changed.contact == ("mailto:b@example.org",)
    client.transport.close()


def test_a_wildcard_and_its_apex_are_issued_and_verify_against_the_root(
    pebble: Pebble, client: Client
) -> None:
    verified = client.obtain("*.a.example.org", "a.example.org")
    last = x509.load_pem_x509_certificates(verified.chain_pem.encode())[-1]
    last.verify_directly_issued_by(x509.load_pem_x509_certificate(pebble.root_pem().encode()))
    assert verified.leaf.dns_names == {"*.a.example.org", "a.example.org"}
    assert verified.root_pem is None


def test_the_ca_suggests_when_to_renew_and_keeps_track_of_what_was_replaced(
    pebble: Pebble, client: Client
) -> None:
    verified = client.obtain("b.example.org")
    old = verified.leaf.renewal_id
    assert old is not None
    info = client.ask(fetch_renewal_info(client.directory, old))
    assert verified.leaf.not_before < info.start < info.end < verified.leaf.not_after
    assert info.retry_after is not None

    start = datetime(2026, 1, 1, tzinfo=UTC)
    pebble.set_renewal_info(verified.chain_pem, start, start + timedelta(days=1), "https://ca.example/why")
    info = client.ask(fetch_renewal_info(client.directory, old))
    assert (info.start, info.explanation_url) == (start, "https://ca.example/why")

    pebble.set_renewal_info(verified.chain_pem, start, start - timedelta(days=1))
    with pytest.raises(NotUnderstood, match="window"):
        client.ask(fetch_renewal_info(client.directory, old))

    client.obtain("b.example.org", replaces=old)
    with pytest.raises(Refused) as refused:
        client.ask(client.talk.new_order(["b.example.org"], replaces=old))
    assert refused.value.kind is ProblemKind.ALREADY_REPLACED


def test_an_order_that_is_not_ready_cannot_be_finalized(client: Client) -> None:
    order = client.ask(client.talk.new_order(["fresh.c.example.org"]))
    request = csr_der(keys.generate_key("ECDSA"), ["fresh.c.example.org"])
    with pytest.raises(Refused) as refused:
        client.ask(client.talk.finalize(order.finalize, order.url, request))
    assert refused.value.kind is ProblemKind.ORDER_NOT_READY


def test_a_name_that_the_ca_rejects_needs_a_person(client: Client) -> None:
    with pytest.raises(NeedsPerson, match=BLOCKED) as refused:
        client.ask(client.talk.new_order([BLOCKED, "d.example.org"]))
    assert refused.value.reason == "Rejected"


def test_an_order_that_never_was_is_refused_with_its_status(client: Client) -> None:
    with pytest.raises(Refused) as refused:
        client.ask(client.talk.fetch_order(client.directory.new_order.replace("order-plz", "my-order/none")))
    assert refused.value.status == 404


def test_many_threads_share_one_account_and_its_nonces(client: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        chains = list(pool.map(lambda n: client.obtain(f"n{n}.example.org"), range(16)))
    assert len({verified.leaf.serial_number for verified in chains}) == 16


def test_an_external_account_is_bound_and_a_wrong_one_needs_a_person(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    settings = PebbleSettings(always_valid=True, nonce_reject_percent=20, eab={"kid-1": MAC_KEY})
    with Pebble.start(tmp_path_factory.mktemp("eab"), settings) as pebble:
        key = AccountKey.from_pem(generate_account_key())
        client = connected(pebble, key)
        assert client.directory.external_account_required
        with pytest.raises(NeedsPerson) as missing:
            client.ask(client.talk.register((), terms_agreed=True))
        assert missing.value.reason == "ExternalAccountRequired"
        for key_id, mac_key in (("kid-2", MAC_KEY), ("kid-1", "d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmc")):
            wrong = external_account_binding(key_id, SecretText(mac_key), key, client.directory.new_account)
            with pytest.raises(NeedsPerson) as refused:
                client.ask(client.talk.register((), terms_agreed=True, eab=wrong))
            assert refused.value.reason == "ExternalAccountRequired"
        right = external_account_binding("kid-1", SecretText(MAC_KEY), key, client.directory.new_account)
        assert client.ask(client.talk.register((), terms_agreed=True, eab=right)).created
        client.transport.close()


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("written", ["base64url", "padded", "plain base64"])
def test_a_binding_is_taken_by_every_mac_and_in_every_writing_of_its_key(
    algorithm: str, written: str, bound_pebble: Pebble
) -> None:
    key = AccountKey.from_pem(generate_account_key())
    client = connected(bound_pebble, key)
    mac_key = SecretText(ODD_MAC_KEY[written])
    binding = external_account_binding("kid-1", mac_key, key, client.directory.new_account, algorithm)
    assert client.ask(client.talk.register((), terms_agreed=True, eab=binding)).created
    client.transport.close()
