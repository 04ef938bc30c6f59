"""Profile and chain: whose word counts, and what a note beside a certificate tells of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.resources.attempt import names_hash
from certwright.resources.wish import Wish, wish_of
from tests.reconcile.situations import certificate, issuer

wishes = st.builds(Wish, st.text(max_size=9), st.text(max_size=9))


@pytest.mark.parametrize(
    ("own", "of_issuer", "wanted"),
    [
        ({}, {}, Wish()),
        ({"profile": "short"}, {}, Wish("short")),
        ({}, {"profile": "classic", "preferredChain": "X1"}, Wish("classic", "X1")),
        ({"profile": "short"}, {"profile": "classic", "preferredChain": "X1"}, Wish("short", "X1")),
        ({"preferredChain": "X2"}, {"profile": "classic", "preferredChain": "X1"}, Wish("classic", "X2")),
        ({"profile": "", "preferredChain": ""}, {"profile": "classic"}, Wish("classic")),
    ],
)
def test_a_certificates_own_word_counts_before_its_issuers(
    own: dict[str, Any], of_issuer: dict[str, Any], wanted: Wish
) -> None:
    assert wish_of(certificate(**own).spec, issuer(**of_issuer).spec) == wanted


def test_the_note_of_this_version_stays_what_it_is() -> None:
    """Reckoned in another way, every certificate with a profile would be ordered anew: it needs a new version then."""
    assert Wish("shortlived", "ISRG Root X1").hash == "v1-be205785f53262b369e6fb68"
    assert Wish().hash == ""


@given(wishes, wishes)
def test_notes_differ_exactly_where_wishes_do(one: Wish, other: Wish) -> None:
    assert (one.hash == other.hash) == (one == other)
    assert one.differs_from(other.hash) == (one != other)


@pytest.mark.parametrize("noted", [None, "v2-0123", "nonsense", "v10-00"])
def test_what_nobody_can_read_is_no_difference(noted: str | None) -> None:
    assert not Wish("short").differs_from(noted)
    assert not Wish().differs_from(noted)


def test_orders_with_other_profiles_do_not_wait_for_each_other() -> None:
    names = ("a.example", "b.example")
    plain = names_hash("https://ca.example/account/1", names)
    assert plain == "73c1109a542d311a786a93e80e4e00bf0db0ee4f", (
        "versions that knew of no profiles reckon it so"
    )
    assert (
        len({plain, *(names_hash("https://ca.example/account/1", names, each) for each in ("a", "b"))}) == 3
    )


def test_a_wish_is_told_in_words() -> None:
    assert str(Wish("short", "X1")) == "profile short and preferred chain X1"
    assert str(Wish()) == "no profile and no preferred chain"
