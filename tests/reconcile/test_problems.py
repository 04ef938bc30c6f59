"""What speaks against a stored certificate, who owns a Secret, and the table of everything that we say."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from certwright.pki.keys import KeyFacts
from certwright.reconcile.problems import (
    NEEDS_ORDER,
    NOT_READY,
    first_problem,
    key_difference,
    moment,
    renewal_due,
    renewal_requested,
)
from certwright.resources.conditions import MESSAGE_LIMIT, TOLD_AT_ONCE, Reason, sentence
from tests.reconcile.situations import KEY_HASH, NOW, certificate, leaf, seen, target

if TYPE_CHECKING:
    from certwright.reconcile.observed import Observed

OPERATOR = Path(__file__).parents[2] / "operator" / "certwright"
SETBACKS = {"NotYet", "TryLater", "NeedsPerson", "Setback", "Conflict", "AlreadyExists"}


def test_the_two_questions_differ_in_renewals_alone() -> None:
    renewals = [renewal_due, renewal_requested]
    assert [*NOT_READY, *renewals] == list(NEEDS_ORDER)


def test_nothing_speaks_against_a_certificate_as_asked() -> None:
    assert first_problem(NEEDS_ORDER, seen(), NOW) is None


SENTENCES = [
    (seen(target=None), "Secret web-tls does not exist"),
    (seen(target=target(has_certificate=False, leaf=None)), "Secret web-tls has no tls.crt"),
    (seen(target=target(has_key=False, key=None)), "Secret web-tls has no tls.key"),
    (seen(target=target(leaf=None)), "tls.crt in Secret web-tls is not a readable certificate"),
    (seen(target=target(key=None)), "tls.key in Secret web-tls is not a readable private key"),
    (
        seen(target=target(leaf=leaf(public_key_sha256="00"))),
        "tls.key in Secret web-tls does not belong to its tls.crt",
    ),
    (
        seen(certificate=certificate(dnsNames=["a.example.org", "www.example.org"])),
        "the certificate does not cover a.example.org",
    ),
    (
        seen(certificate=certificate(dnsNames=["a.example.org"])),
        "the certificate does not cover a.example.org and covers www.example.org, which the spec does not ask",
    ),
    (
        seen(target=target(issuer_name="old")),
        "the certificate came from Issuer old, the spec names Issuer ca",
    ),
    (
        seen(target=target(directory="https://old.example/dir")),
        "the certificate came from https://old.example/dir, the issuer uses https://ca.example/dir now",
    ),
    (
        seen(target=target(key_manager="kubectl-edit", leaf=leaf(public_key_sha256="00"))),
        "tls.key in Secret web-tls does not belong to its tls.crt (last written by kubectl-edit)",
    ),
    (
        seen(target=target(key_manager="argo", crt_manager="argo", leaf=leaf(public_key_sha256="00"))),
        "tls.key in Secret web-tls does not belong to its tls.crt (last written by argo)",
    ),
    (
        seen(target=target(crt_manager="kubectl-patch", leaf=None)),
        "tls.crt in Secret web-tls is not a readable certificate (last written by kubectl-patch)",
    ),
    (
        seen(target=target(key_manager="kubectl-patch", key=None, has_key=False)),
        "Secret web-tls has no tls.key (last written by kubectl-patch)",
    ),
    (
        seen(target=target(crt_manager="flux", leaf=leaf(dns_names=frozenset({"other.test"})))),
        (
            "the certificate does not cover www.example.org and covers other.test, which the spec does not ask "
            "(last written by flux)"
        ),
    ),
    (
        seen(target=target(crt_manager="flux", vouched=False, chain_flaw="is self-signed, and not by a CA")),
        "the certificate is self-signed, and not by a CA (last written by flux)",
    ),
    (
        seen(target=None, older="first"),
        (
            "Secret web-tls does not exist and is not made: Certificate first names the same Secret, is older and "
            "goes first; choose another secretName"
        ),
    ),
    (seen(target=target(leaf=leaf(not_after=NOW))), "the certificate expired at 2026-11-24T12:00:00Z"),
]


@pytest.mark.parametrize(("situation", "text"), SENTENCES, ids=[text for _, text in SENTENCES])
def test_each_problem_is_one_sentence_that_names_what_is_wrong(situation: Observed, text: str) -> None:
    problem = first_problem(NEEDS_ORDER, situation, NOW)
    assert problem is not None
    assert problem.message == text


KEYS = [
    ({}, KeyFacts("RSA", 3072, "PKCS1", KEY_HASH), ""),
    ({"algorithm": "ECDSA"}, KeyFacts("ECDSA", 384, "PKCS1", KEY_HASH), ""),
    ({"algorithm": "RSA"}, KeyFacts("ECDSA", 256, "PKCS8", KEY_HASH), "is ECDSA, the spec asks RSA"),
    (
        {"algorithm": "RSA", "size": 4096},
        KeyFacts("RSA", 2048, "PKCS8", KEY_HASH),
        "has size 2048, the spec asks 4096",
    ),
    (
        {"algorithm": "ECDSA", "encoding": "PKCS1"},
        KeyFacts("ECDSA", 256, "PKCS8", KEY_HASH),
        "is encoded as PKCS8, the spec asks PKCS1",
    ),
    ({"algorithm": "Ed25519"}, KeyFacts("Ed25519", 256, "PKCS8", KEY_HASH), ""),
]


@pytest.mark.parametrize(("wanted", "key", "difference"), KEYS)
def test_what_the_spec_leaves_open_is_never_a_difference(
    wanted: dict[str, object], key: KeyFacts, difference: str
) -> None:
    """A default that changes in a later release must not reissue the world."""
    told = key_difference(certificate(privateKey=wanted).spec.private_key, target(key=key))
    assert told == (f"the private key {difference}" if difference else "")


def test_moments_are_written_in_utc_with_seconds() -> None:
    assert moment(NOW) == "2026-11-24T12:00:00Z"


# The table of everything that we say


def test_words_are_unique() -> None:
    assert len({reason.word for reason in Reason}) == len(Reason)


def _calls() -> list[tuple[str, ast.expr]]:
    """Every first argument of a setback that is raised anywhere in the operator, with its place."""
    found = []
    for path in sorted(OPERATOR.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in SETBACKS and node.args:
                found.append((f"{path.relative_to(OPERATOR)}:{node.lineno}", node.args[0]))
    return found


def test_whatever_is_raised_stands_in_the_table() -> None:
    words, members = {reason.word for reason in Reason}, set(Reason.__members__)
    calls = _calls()
    assert len(calls) > 40
    for place, first in calls:
        match first:
            case ast.Constant(value=str() as word):
                assert word in words, f"{place} says {word}"
            case ast.Attribute(attr="word", value=ast.Attribute(attr=member, value=ast.Name(id="Reason"))):
                assert member in members, f"{place} says Reason.{member}"
            case ast.Constant():
                raise AssertionError(f"{place} gives a reason that is no word")
            case _:
                # Handed on from another setback, or one of a table of Reasons, which mypy looks after.
                continue


def test_what_is_told_at_once_are_words_of_the_table() -> None:
    assert {reason.word for reason in Reason} >= TOLD_AT_ONCE


def test_a_sentence_is_cut_to_what_a_condition_carries() -> None:
    assert sentence("short") == "short"
    assert len(sentence("x" * 5000)) == MESSAGE_LIMIT
    assert sentence("x" * 5000).endswith("…")
    assert sentence("abcdef", 4) == "abc…"
