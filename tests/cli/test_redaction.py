"""What is left of texts and values before they leave the cluster."""

from __future__ import annotations

from typing import Any

import pytest

from certwright.cli.archive import as_part_of_a_path
from certwright.cli.bundle_shapes import CERTIFICATE, ISSUER, METADATA
from certwright.cli.redaction import LEFT_OUT, LONGEST_TEXT, kept, scrubbed
from tests.cli.golden import failing

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
