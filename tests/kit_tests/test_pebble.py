"""Pebble as the bench runs it: what it issues, what its log says of it, and that many clients may come."""

from __future__ import annotations

import json
import signal
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.kit import pebble_log
from tests.kit.authority import Authority
from tests.kit.pebble import Pebble, PebbleHangs
from tests.kit.pebble_settings import PebbleSettings
from tests.kit_tests.acme_by_hand import Client, certificate_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.servers

SETTINGS = PebbleSettings(always_valid=True, nonce_reject_percent=20)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.found(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def pebble(tmp_path: Path, authority: Authority) -> Iterator[Pebble]:
    with Pebble.start(tmp_path, SETTINGS, authority) as running:
        yield running


@pytest.fixture
def client(pebble: Pebble, authority: Authority) -> Iterator[Client]:
    with Client(pebble.directory_url, authority.file) as client:
        yield client


def test_a_certificate_is_issued_under_the_root_that_the_bench_hands_out(
    pebble: Pebble, client: Client
) -> None:
    leaf, *between = x509.load_pem_x509_certificates(client.obtain("www.example.org").encode())
    root = x509.load_pem_x509_certificate(pebble.root_pem().encode())
    for issued, issuer in zip([leaf, *between], [*between, root], strict=True):
        issued.verify_directly_issued_by(issuer)


def test_the_log_tells_which_order_was_placed_finalized_and_signed(pebble: Pebble, client: Client) -> None:
    before = pebble.requests()
    assert (before.accounts_added, before.orders) == (1, ())

    mark = pebble.mark()
    chain = client.obtain("www.example.org", "*.example.org")

    seen = pebble.requests(since=mark)
    (order,) = seen.orders
    assert seen.accounts_added == 0
    assert seen.finalized == (order,)
    serial = x509.load_pem_x509_certificate(chain.encode()).serial_number
    assert int(seen.issued[order], 16) == serial
    for kind, at_least in {
        "new-order": 1,
        "authorization": 2,
        "challenge": 2,
        "finalize": 1,
        "certificate": 1,
    }.items():
        assert seen.arrived[kind] >= at_least, kind


def test_a_replacement_names_the_order_it_replaces(pebble: Pebble, client: Client) -> None:
    first = client.obtain("www.example.org")
    client.obtain("www.example.org", replaces=certificate_id(first))
    seen = pebble.requests()
    assert seen.replacements == {seen.orders[1]: seen.orders[0]}


def test_the_ca_can_be_made_to_suggest_a_renewal(
    pebble: Pebble, client: Client, authority: Authority
) -> None:
    chain = client.obtain("www.example.org")
    now = datetime.now(UTC).replace(microsecond=0)

    pebble.set_renewal_info(
        chain, now - timedelta(hours=2), now - timedelta(hours=1), "https://example.org/why"
    )

    url = f"{client.directory['renewalInfo']}/{certificate_id(chain)}"
    suggested = requests.get(url, verify=str(authority.file), timeout=10).json()
    assert datetime.fromisoformat(suggested["suggestedWindow"]["end"]) == now - timedelta(hours=1)
    assert suggested["explanationURL"] == "https://example.org/why"


def test_a_restart_forgets_everything_at_the_same_address(
    pebble: Pebble, client: Client, authority: Authority
) -> None:
    root, address = pebble.root_pem(), pebble.directory_url
    pebble.restart(replace(SETTINGS, eab={"kid-1": "c2VjcmV0"}))

    assert pebble.directory_url == address
    assert pebble.root_pem() != root
    answer = requests.get(address, verify=str(authority.file), timeout=10)
    assert answer.json()["meta"]["externalAccountRequired"]
    with pytest.raises(AssertionError, match="accountDoesNotExist"):
        client.obtain("www.example.org")


def test_validity_follows_the_settings(tmp_path: Path, authority: Authority) -> None:
    week = replace(SETTINGS, certificate_validity=timedelta(days=7))
    with (
        Pebble.start(tmp_path, week, authority) as pebble,
        Client(pebble.directory_url, authority.file) as client,
    ):
        leaf = x509.load_pem_x509_certificate(client.obtain("www.example.org").encode())
    lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert abs(lifetime - timedelta(days=7)) <= timedelta(seconds=1)


def test_many_clients_at_once_all_get_their_certificates(tmp_path: Path, authority: Authority) -> None:
    busy = replace(SETTINGS, authz_reuse_percent=50)
    with Pebble.start(tmp_path, busy, authority) as pebble:

        def orders(number: int) -> list[str]:
            with Client(pebble.directory_url, authority.file) as client:
                names = (f"a{number}.example.org", f"b{number}.example.org", "shared.example.org")
                return [client.obtain(*names) for _ in range(5)]

        with ThreadPoolExecutor(16) as clients:
            chains = [chain for batch in clients.map(orders, range(16)) for chain in batch]
        seen = pebble.requests()
    assert len(chains) == len(set(chains)) == len(seen.orders) == len(seen.finalized) == 80


def test_new_orders_and_looks_at_authorizations_do_not_stop_each_other(
    tmp_path: Path, authority: Authority
) -> None:
    """The published Pebble never survives this (tests/kit/go/pebble.patch says why)."""
    quick = replace(SETTINGS, nonce_reject_percent=0)
    with Pebble.start(tmp_path, quick, authority) as pebble, ThreadPoolExecutor(32) as clients:

        def order_much(number: int) -> None:
            with Client(pebble.directory_url, authority.file) as client:
                for order in range(6):
                    client.order(*(f"n{name}.o{order}.c{number}.example.org" for name in range(100)))

        def look_much(number: int) -> None:
            with Client(pebble.directory_url, authority.file) as client:
                order = client.order(*(f"n{name}.c{number}.example.org" for name in range(100)))
                for authorization in order.json()["authorizations"]:
                    client.post(authorization)

        busy = {
            clients.submit(do_much, number) for number in range(16) for do_much in (order_much, look_much)
        }
        while busy:
            done, busy = wait(busy, timeout=1)
            pebble.must_answer()
            for client in done:
                client.result()


def test_a_pebble_that_does_not_answer_is_called_by_its_name(pebble: Pebble) -> None:
    pebble.must_answer()
    pebble.process.send(signal.SIGSTOP)
    with pytest.raises(PebbleHangs, match=r"Pebble hangs: no answer in 0\.2 s"):
        pebble.must_answer(timeout=0.2)
    assert "goroutine 1 " in pebble.log.read_text()


def test_lines_that_say_nothing_about_requests_are_passed_over() -> None:
    seen = pebble_log.read(
        [
            "Running in strict mode",
            "Pebble 2026/01/02 03:04:05 HEAD /nonce-plz -> calling handler()",
            "Pebble 2026/01/02 03:04:05 POST /finalize-order/ -> calling handler()",
            "Pebble 2026/01/02 03:04:05 POST /finalize-order/ -> calling handler()",
            "Pebble 2026/01/02 03:04:05 Order abc is fully authorized. Processing finalization",
            "Pebble 2026/01/02 03:04:05 Issued certificate serial 1f for order abc",
            "",
        ]
    )
    assert seen.arrived == {"new-nonce": 1, "finalize": 2}
    assert (seen.finalized, seen.issued) == (("abc",), {"abc": "1f"})


def test_keys_of_the_bench_are_elliptic_and_readable_by_the_owner_only(authority: Authority) -> None:
    pair = authority.serving("somebody", "127.0.0.1", "localhost")
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    assert pair.key.stat().st_mode & 0o077 == 0
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.pem.encode()))


def test_renewal_answers_may_be_garbage(pebble: Pebble, client: Client, authority: Authority) -> None:
    chain = client.obtain("www.example.org")
    pebble.set_renewal_answer(chain, "<html>")
    url = f"{client.directory['renewalInfo']}/{certificate_id(chain)}"
    with pytest.raises(json.JSONDecodeError):
        requests.get(url, verify=str(authority.file), timeout=10).json()
