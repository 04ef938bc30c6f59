"""Where a stored certificate comes from, and when that is not where it should come from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from certwright.reconcile.origin import STAGING_CA, STAGING_DIRECTORY, wrong_origin
from tests.reconcile.situations import READY, UNREADY, leaf, seen, target

PEAR = leaf(issuer_common_name="(STAGING) Pretend Pear X1")
STAGING = replace(READY, directory_url="https://acme-staging-v02.api.letsencrypt.org/directory")
UNKNOWN = {"vouched": False, "directory": "", "issuer_name": "", "issuer_kind": ""}

ORIGINS = [
    pytest.param({}, {}, "", id="as recorded"),
    pytest.param(UNKNOWN, {}, "", id="from a CA, and nothing is recorded"),
    pytest.param(
        {"issuer_name": "old"}, {}, "from Issuer old, the spec names Issuer ca", id="another issuer"
    ),
    pytest.param(
        {"issuer_kind": "ClusterIssuer"}, {}, "from ClusterIssuer ca", id="an issuer of another kind"
    ),
    pytest.param(
        {"certificate_name": "gone", "issuer_name": "old"},
        {},
        "",
        id="taken over, another issuer, the same CA",
    ),
    pytest.param(
        {"certificate_name": "gone", "issuer_name": "old", "directory": ""},
        {},
        "from Issuer old",
        id="taken over, another issuer, an unknown CA",
    ),
    pytest.param(
        UNKNOWN | {"directory": "https://old.example/dir"},
        {},
        "from https://old.example/dir",
        id="another CA",
    ),
    pytest.param(
        {"directory": "https://old.example/dir"},
        {"issuer": UNREADY},
        "",
        id="whose CA is not known at present",
    ),
    pytest.param(
        UNKNOWN | {"chain_flaw": "is self-signed, and not by a CA"}, {}, "is self-signed", id="self-signed"
    ),
    pytest.param(UNKNOWN | {"leaf": PEAR}, {}, "from the staging CA (STAGING) Pretend Pear X1", id="staging"),
    pytest.param(UNKNOWN | {"leaf": PEAR}, {"issuer": STAGING}, "", id="staging, as the issuer is"),
    pytest.param({"leaf": PEAR}, {}, "", id="a CA that calls itself staging, and gave it to us"),
]


@pytest.mark.parametrize(("facts", "around", "why"), ORIGINS)
def test_an_origin_is_right_or_says_why_not(facts: Any, around: Any, why: str) -> None:
    told = wrong_origin(seen(target=target(**facts), **around))
    assert bool(told) == bool(why)
    assert why in told


@pytest.mark.parametrize(
    ("name", "staging"),
    [
        ("(STAGING) Artificial Apricot R3", True),
        ("(STAGING) Ersatz Edamame E1", True),
        ("Fake LE Intermediate X1", True),
        ("Example Corp Staging CA 2", True),
        ("R11", False),
        ("Upstaging Films CA", False),
        ("Small CA", False),
    ],
)
def test_staging_cas_are_known_by_their_names(name: str, *, staging: bool) -> None:
    assert bool(STAGING_CA.search(name)) == staging


@pytest.mark.parametrize(
    ("url", "staging"),
    [
        ("https://acme-staging-v02.api.letsencrypt.org/directory", True),
        ("https://dv.acme-v02.test-api.pki.goog/directory", True),
        ("https://api.test4.buypass.no/acme/directory", True),
        ("https://acme-v02.api.letsencrypt.org/directory", False),
        ("https://dv.acme-v02.api.pki.goog/directory", False),
        ("https://ca.latest.example/dir", False),
    ],
)
def test_staging_directories_are_known_by_their_urls(url: str, *, staging: bool) -> None:
    assert bool(STAGING_DIRECTORY.search(url)) == staging
