"""Whether a CA's answer is what was asked: each way to be wrong has its own sentence."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from certwright.failures import Schedule, TryLater
from certwright.pki.chain import VerifiedChain, origin_flaw, verify_answer
from certwright.pki.keys import encode_key, generate_key, public_key_sha256
from certwright.pki.leaf import topmost_issuer
from tests.pki.issuing import NOW, Ca, found, issue, pem_of

ROOT = found("Root")
MIDDLE = found("Intermediate", ROOT)
OTHER = found("Intermediate")
KEY = generate_key("ECDSA")
NAMES = ["*.a.example", "a.example"]
LEAF = pem_of(issue(KEY, NAMES, MIDDLE))


def verified(chain: str, names: list[str] | None = None, now: datetime = NOW) -> VerifiedChain:
    return verify_answer(
        chain,
        public_key_sha256=public_key_sha256(KEY),
        dns_names=names or ["A.example", "*.a.example"],
        now=now,
    )


def test_leaf_and_intermediates_are_stored_without_the_root() -> None:
    found_chain = verified(LEAF + MIDDLE.pem + ROOT.pem)
    assert found_chain.chain_pem == LEAF + MIDDLE.pem
    assert found_chain.root_pem == ROOT.pem
    assert found_chain.leaf.dns_names == {"*.a.example", "a.example"}


def test_a_chain_without_its_root_is_as_good() -> None:
    found_chain = verified(LEAF + MIDDLE.pem)
    assert (found_chain.chain_pem, found_chain.root_pem) == (LEAF + MIDDLE.pem, None)


def test_a_lone_leaf_is_enough_even_if_it_vouches_for_itself() -> None:
    alone = pem_of(issue(KEY, NAMES))
    assert verified(alone).chain_pem == alone
    assert verified(alone).root_pem is None


FLAWS = [
    pytest.param(LEAF + MIDDLE.pem, "", id="leaf and intermediate"),
    pytest.param(LEAF + MIDDLE.pem + ROOT.pem, "", id="with its root"),
    pytest.param(
        "Bag Attributes\n  friendlyName: M\u00fcller\n" + LEAF, "", id="a leaf alone, with a remark"
    ),
    pytest.param(pem_of(issue(KEY, NAMES)), "is self-signed, and not by a CA", id="self-signed"),
    pytest.param(ROOT.pem, "is self-signed, and not by a CA", id="a root"),
    pytest.param(LEAF + OTHER.pem, "certificate 1 is not signed by the next", id="another intermediate"),
    pytest.param(LEAF + MIDDLE.pem + OTHER.pem, "certificate 2 is not signed by the next", id="another root"),
    pytest.param(LEAF * 200, "is longer than 100 KiB", id="far too long"),
    pytest.param(LEAF + LEAF.replace("MII", "AAA", 1), "cannot be read", id="garbage in the chain"),
]


@pytest.mark.parametrize(("chain", "why"), FLAWS)
def test_a_chain_of_unknown_origin_may_come_from_a_ca_or_says_why_not(chain: str, why: str) -> None:
    told = origin_flaw(chain.encode())
    assert bool(told) == bool(why)
    assert why in told


def test_line_ends_and_blank_lines_are_normalised() -> None:
    assert (
        verified("\r\n" + (LEAF + "\n\n" + MIDDLE.pem).replace("\n", "\r\n")).chain_pem == LEAF + MIDDLE.pem
    )


def test_a_clock_that_differs_a_little_is_forgiven() -> None:
    verified(LEAF, now=NOW - timedelta(hours=1, minutes=50))


SHUFFLED = [
    pytest.param([MIDDLE.pem, LEAF], id="the intermediate first"),
    pytest.param([MIDDLE.pem, LEAF, ROOT.pem], id="the leaf in the middle"),
    pytest.param([ROOT.pem, MIDDLE.pem, LEAF], id="the other way round"),
    pytest.param([LEAF, ROOT.pem, MIDDLE.pem], id="the root before the intermediate"),
    pytest.param([LEAF, LEAF, MIDDLE.pem], id="the leaf twice"),
    pytest.param([LEAF, MIDDLE.pem, MIDDLE.pem, ROOT.pem, ROOT.pem], id="each issuer twice"),
    pytest.param([LEAF, MIDDLE.pem, LEAF], id="the leaf again at the end"),
]


@pytest.mark.parametrize("shuffled", SHUFFLED)
def test_a_chain_that_is_shuffled_or_repeated_is_stored_in_order(shuffled: list[str]) -> None:
    answer = verified("".join(shuffled))
    assert answer.chain_pem == LEAF + MIDDLE.pem
    assert answer.root_pem == (ROOT.pem if ROOT.pem in shuffled else None)


CHAIN_OF_50 = [MIDDLE.pem, ROOT.pem] * 25


def changed(**changes: Any) -> str:
    return pem_of(issue(KEY, changes.pop("names", NAMES), MIDDLE, **changes))


BLOCK = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
WRONG = [
    pytest.param(pem_of(issue(generate_key("ECDSA"), NAMES, MIDDLE)), "another key than ours", id="key"),
    pytest.param(changed(names=["a.example"]), r"does not cover \*\.a\.example", id="too few names"),
    pytest.param(
        changed(names=[*NAMES, "www.a.example"]), "covers www.a.example, which nobody", id="too many"
    ),
    pytest.param(changed(names=[]), "does not cover", id="no names"),
    pytest.param(
        changed(other_names=[x509.IPAddress(ip_address("192.0.2.1"))]),
        "beside DNS names it covers an IP address, which nobody",
        id="an address beside the names",
    ),
    pytest.param(
        changed(other_names=[x509.UniformResourceIdentifier("spiffe://a"), x509.RFC822Name("a@a.example")]),
        "covers a URI and an e-mail address",
        id="a URI and an e-mail address beside the names",
    ),
    pytest.param(
        changed(other_names=[x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))]),
        "covers another kind of name",
        id="an odd kind of name beside the names",
    ),
    pytest.param(changed(not_after=NOW), "expired at 2026-11-24T12:00:00Z", id="expired"),
    pytest.param(
        changed(not_before=NOW + timedelta(hours=2)),
        "not valid before 2026-11-24T14:00:00Z",
        id="from tomorrow",
    ),
    pytest.param(LEAF + OTHER.pem, "certificate 1 is not signed by certificate 2", id="namesake as issuer"),
    pytest.param(LEAF + ROOT.pem, "certificate 1 is not signed by certificate 2", id="a gap"),
    pytest.param(LEAF + MIDDLE.pem + OTHER.pem, "certificate 2 is not signed by certificate 3", id="a stray"),
    pytest.param(MIDDLE.pem + ROOT.pem, "another key than ours", id="no leaf of ours"),
    pytest.param(MIDDLE.pem + OTHER.pem + LEAF, "another key than ours", id="shuffled, with a stray"),
    pytest.param(changed(is_ca=True), "certificate of a CA, not of a server", id="a CA"),
    pytest.param(LEAF + "".join(CHAIN_OF_50), "51 certificates, more than 10", id="fifty issuers"),
    pytest.param(LEAF + encode_key(KEY, "PKCS8").reveal(), "private key", id="a private key"),
    pytest.param(LEAF + "hello", "more than certificates", id="text after it"),
    pytest.param(
        LEAF.replace("CERTIFICATE", "PUBLIC KEY"), "more than certificates", id="another kind of block"
    ),
    pytest.param(LEAF + "-----BEGIN CERTIFICATE-----\n", "more than certificates", id="cut short"),
    pytest.param("", "no certificate in PEM", id="nothing"),
    pytest.param("<html>MARKER</html>", "no certificate in PEM", id="HTML"),
    pytest.param(BLOCK, "cannot be read", id="garbage in a block"),
    pytest.param(LEAF + BLOCK, "cannot be read", id="garbage in a second block"),
    pytest.param(LEAF * 11, "11 certificates", id="too many certificates"),
    pytest.param(LEAF + " " * 102_400, "longer than 100 KiB", id="too long"),
]


@pytest.mark.parametrize(("chain", "why"), WRONG)
def test_an_answer_that_is_wrong_is_told_exactly(chain: str, why: str) -> None:
    with pytest.raises(TryLater, match=why) as refused:
        verified(chain)
    assert refused.value.reason == "UnusableCertificate"
    assert refused.value.schedule is Schedule.SLOW
    assert "MARKER" not in refused.value.message


def test_a_hundred_missing_names_make_one_sentence() -> None:
    with pytest.raises(TryLater, match="and 95 more"):
        verified(LEAF, names=[*NAMES, *(f"n{number}.example" for number in range(100))])


def test_a_hostile_answer_is_refused_at_once() -> None:
    started = time.perf_counter()
    for text in ("-----BEGIN A-----" * 6000, "-----BEGIN " * 9000, "-----BEGIN A-----\n" + "-" * 100_000):
        with pytest.raises(TryLater):
            verified(text)
    assert time.perf_counter() - started < 1


@given(st.text())
def test_no_text_gets_anything_but_a_setback(chain: str) -> None:
    with pytest.raises(TryLater):
        verified(chain)


# Of oddities that it will refuse one day, such as a serial number of 0, cryptography only warns.
@pytest.mark.filterwarnings("default::cryptography.utils.CryptographyDeprecationWarning")
@given(position=st.integers(min_value=0, max_value=len(LEAF) - 1), character=st.characters(codec="utf-8"))
def test_no_edit_of_an_answer_gets_anything_but_a_setback_or_a_certificate_of_our_key(
    position: int, character: str
) -> None:
    try:
        accepted = verified(LEAF[:position] + character + LEAF[position + 1 :])
    except TryLater:
        return
    assert accepted.leaf.public_key_sha256 == public_key_sha256(KEY)


def test_a_chain_is_known_by_whoever_issued_its_topmost_certificate() -> None:
    for chain, leads_to in (
        (LEAF, "Intermediate"),
        (LEAF + MIDDLE.pem, "Root"),
        (LEAF + MIDDLE.pem + ROOT.pem, "Root"),
        (pem_of(issue(KEY, NAMES)), ""),
    ):
        assert verified(chain).leads_to == topmost_issuer(chain.encode()) == leads_to


@pytest.mark.parametrize(
    "pem", [b"", b"no PEM", LEAF.encode()[:200], b"-----BEGIN CERTIFICATE-----", b"x" * 200_000]
)
def test_garbage_leads_nowhere(pem: bytes) -> None:
    assert topmost_issuer(pem) == ""


@pytest.mark.parametrize(
    ("position", "chain"),
    [(0, LEAF + MIDDLE.pem + ROOT.pem), (2, "middle"), (3, "root")],
)
def test_ca_certificates_whose_time_is_over_are_told_and_not_refused(position: int, chain: str) -> None:
    over: dict[str, Any] = {"not_before": NOW - timedelta(days=9), "not_after": NOW - timedelta(seconds=1)}
    root = Ca(
        issue(ROOT.key, [], None, subject="Root", is_ca=True, **(over if chain == "root" else {})), ROOT.key
    )
    middle = issue(
        MIDDLE.key, [], root, subject="Intermediate", is_ca=True, **(over if chain == "middle" else {})
    )
    pem = LEAF + pem_of(middle) + root.pem if position else chain
    lapsed = verified(pem).lapsed
    assert lapsed == (f"certificate {position}, which expired at 2026-11-24T11:59:59Z" if position else "")
