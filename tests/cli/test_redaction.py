"""What is left of texts and values before they leave the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from certwright.cli import redaction
from certwright.cli.archive import as_part_of_a_path
from certwright.cli.bundle_shapes import CERTIFICATE, ISSUER, METADATA
from certwright.cli.redaction import LEFT_OUT, LONGEST_TEXT, SEARCHED_TEXT, in_short, kept, scrubbed
from tests.cli.golden import failing

if TYPE_CHECKING:
    import re

LINE = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgX1Yq8Jq5b0mGkR0v"
PEM = f"-----BEGIN PRIVATE KEY-----\n{LINE}\nabcd==\n-----END PRIVATE KEY-----"
THUMBPRINT = "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Nothing of interest, 2026-03-01T12:00:00Z.", "Nothing of interest, 2026-03-01T12:00:00Z."),
        (f"a\n{PEM}\nb", f"a\n{LEFT_OUT}\nb"),
        (PEM.replace("PRIVATE", "EC PRIVATE").replace("\n", "\\n"), LEFT_OUT),
        (PEM.partition("\n-----END")[0], LEFT_OUT),
        (f"{PEM.partition('KEY-----')[2].lstrip()}\nb", f"{LEFT_OUT}\nb"),
        (f"a\n{LINE}\nb", f"a\n{LEFT_OUT}\nb"),
        ("5ca1ab1e" * 8, "5ca1ab1e" * 8),
        ("sent eyJhbGciOiJFUzI1NiJ9.eyJhIjoxfQ.c2lnbmF0dXJl to", f"sent {LEFT_OUT} to"),
        ('{"payload": "e30", "signature":"c2ln"}', f"{{{LEFT_OUT}, {LEFT_OUT}}}"),
        (f"found evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ.{THUMBPRINT}, wanted", f"found {LEFT_OUT}, wanted"),
        ("Authorization: Bearer abc.DEF-123456", f"Authorization: Bearer {LEFT_OUT}"),
        ("authorization: basic dXNlcjpwYXNz", f"authorization: basic {LEFT_OUT}"),
        ("by https://me:pass@proxy.example.com:3128/", f"by https://{LEFT_OUT}@proxy.example.com:3128/"),
        ("https://acme.example.com/acme/order/1/2", "https://acme.example.com/acme/order/1/2"),
        ("mail ada.b+c@example.com, please", "mail ***@example.com, please"),
    ],
)
def test_texts_lose_what_looks_like_a_credential(text: str, left: str) -> None:
    assert scrubbed(text, keep_emails=False) == left


def test_addresses_stay_where_that_is_wished() -> None:
    assert scrubbed("mail ada@example.com", keep_emails=True) == "mail ada@example.com"


ENDLESS = 256 * 1024


@dataclass
class Counted:
    """A pattern that notes how much it was given."""

    pattern: re.Pattern[str]
    given: list[int]

    def sub(self, left: str, text: str) -> str:
        self.given.append(len(text))
        return self.pattern.sub(left, text)


@pytest.mark.parametrize(
    "text", ["a" * ENDLESS, "a\n" * (ENDLESS // 2), "-" * ENDLESS, "a.@" * (ENDLESS // 3)]
)
def test_of_an_endless_text_no_more_is_searched_than_may_be_kept(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    given: list[int] = []
    counted = [Counted(each, given) for each in redaction._CREDENTIALS]
    monkeypatch.setattr(redaction, "_CREDENTIALS", counted)
    for name in ("_KEY", "_EMAIL"):
        monkeypatch.setattr(redaction, name, Counted(getattr(redaction, name), given))
    assert kept({"a": text}, {"a": "plain"}, keep_emails=False) == {"a": text[:LONGEST_TEXT]}
    assert len(given) == len(counted) + 2
    assert max(given) <= SEARCHED_TEXT


@pytest.mark.parametrize(
    "text", ["a" * ENDLESS, "a\n" * (ENDLESS // 2), "a.b-" * (ENDLESS // 4), "-----BEGIN A" * (ENDLESS // 12)]
)
def test_an_endless_log_is_read_once(text: str) -> None:
    # It would take minutes if a pattern began anew at each character of it.
    assert scrubbed(text, keep_emails=False) == text


@pytest.mark.parametrize("at", [0, 1, 12, SEARCHED_TEXT - 60, SEARCHED_TEXT - 12, SEARCHED_TEXT - 1])
def test_half_a_credential_at_the_cut_is_not_kept(at: int) -> None:
    keys = f"{PEM}\n" * 50
    text = f"{keys}{' ' * (at - len(keys))}by https://me:MARKER@proxy.example.com/ {' ' * ENDLESS}"
    assert "MARKER" not in in_short(text, keep_emails=False)
    assert "MARK" not in in_short(text, keep_emails=False)


def test_a_headless_key_of_many_lines_is_left_out_whole() -> None:
    key = f"{LINE}\n" * 300 + "abcd==\n-----END RSA PRIVATE KEY-----"
    assert scrubbed(f"a b\n{key}\nc d", keep_emails=False) == f"a b\n{LEFT_OUT}\nc d"
    assert scrubbed(f"{key}\n{key}", keep_emails=False) == f"{LEFT_OUT}\n{LEFT_OUT}"


@pytest.mark.parametrize(
    ("value", "shape", "left"),
    [
        ({"a": 1, "b": 2}, {"a": "plain"}, {"a": 1}),
        ({"a": {"b": 1}}, {"a": "plain"}, {"a": None}),
        ("text", {"a": "plain"}, {}),
        ({"a": "text"}, {"a": ["plain"]}, {"a": []}),
        (["a", True, None, 1.5], ["plain"], ["a", True, None, 1.5]),
        ("a" * 9, "length", "(9 characters)"),
        ({"b": "secret", "a": "secret"}, "keys", ["a", "b"]),
        ("a" * (LONGEST_TEXT + 1), "plain", "a" * LONGEST_TEXT),
    ],
)
def test_a_value_is_what_its_shape_names(value: Any, shape: Any, left: Any) -> None:
    assert kept(value, shape, keep_emails=False) == left


def test_a_certificate_is_whole_but_for_what_is_not_ours() -> None:
    body = failing()
    more = {
        "labels": {"team": "x", "app.kubernetes.io/name": "shop"},
        "annotations": {"certwright.dev/renew": "1", "note": "x"},
    }
    body["metadata"] |= {**more, "managedFields": [{"manager": "kubectl"}]}
    left = kept(body, CERTIFICATE, keep_emails=False)
    assert left["metadata"].pop("labels") == {"app.kubernetes.io/name": "shop"}
    assert left["metadata"].pop("annotations") == {"certwright.dev/renew": "1"}
    assert left == failing()


def test_what_an_issuer_says_of_secrets_is_where_they_are() -> None:
    acme = {
        "server": "https://acme.example.com/directory",
        "email": "ada@example.com",
        "caBundle": "QUJD",
        "externalAccountBinding": {"keyID": "kid", "keySecretRef": {"name": "eab", "key": "secret"}},
        "token": "MARKER",
    }
    left = kept({"spec": {"acme": acme}}, ISSUER, keep_emails=False)["spec"]["acme"]
    assert left == {
        "server": "https://acme.example.com/directory",
        "email": "***@example.com",
        "caBundle": "(4 characters)",
        "externalAccountBinding": {
            "keyID": "(3 characters)",
            "keySecretRef": {"name": "eab", "key": "secret"},
        },
    }


def test_nothing_that_others_write_into_metadata_is_named() -> None:
    assert isinstance(METADATA, dict)
    assert "managedFields" not in METADATA


@pytest.mark.parametrize(
    ("name", "part"),
    [("shop", "shop"), ("a.b-c", "a.b-c"), ("..", "_"), ("../x", "_x"), ("", "_"), ("a/b\x1b", "a_b_")],
)
def test_names_become_harmless_parts_of_paths(name: str, part: str) -> None:
    assert as_part_of_a_path(name) == part
