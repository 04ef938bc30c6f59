"""Which of the chains that a CA offers is stored, and that no alternate harms a good answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from certwright.acme.messages import ChainOffer
from certwright.acme.refusals import RefusedForGood, RefusedUntilLater
from certwright.acme.wording import NotUnderstood
from certwright.failures import NeedsPerson, NotYet, Setback, TryLater
from certwright.pki.chain import VerifiedChain, verify_answer
from certwright.pki.keys import generate_key, public_key_sha256
from certwright.reconcile.chains import Choice, chosen_chain
from tests.pki.issuing import NOW, found, issue, pem_of

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = generate_key("ECDSA")
INTERMEDIATE = found("Small CA", found("Small Root"))


def under(root: str, **changed: Any) -> str:
    """The intermediate as another root signed it, as PEM."""
    return pem_of(issue(INTERMEDIATE.key, [], found(root), subject="Small CA", is_ca=True, **changed))


LEAF = pem_of(issue(KEY, ["a.example"], INTERMEDIATE))
USUAL = LEAF + INTERMEDIATE.pem
ONE, TWO = LEAF + under("Root One"), LEAF + under("Root Two")
LAPSED = LEAF + under("Old Root", not_before=NOW - timedelta(days=9), not_after=NOW - timedelta(days=1))
BROKEN = LEAF + found("Small CA").pem
OTHERS_KEY = pem_of(issue(generate_key("ECDSA"), ["a.example"], INTERMEDIATE)) + under("Root One")


class Told(NamedTuple):
    """What was chosen, the remark on it, and which addresses were asked."""

    leads_to: str
    remark: str
    asked: list[str]


def verify(pem: str) -> VerifiedChain:
    return verify_answer(pem, public_key_sha256=public_key_sha256(KEY), dns_names=["a.example"], now=NOW)


def choose(usual: str, preferred: str = "", **alternates: str | Setback) -> Told:
    asked: list[str] = []
    answers: Mapping[str, str | Setback] = alternates

    def fetch(url: str) -> str:
        asked.append(url)
        answer = answers[url]
        if isinstance(answer, Setback):
            raise answer
        return answer

    choice: Choice = chosen_chain(ChainOffer(usual, tuple(alternates)), preferred, fetch=fetch, verify=verify)
    return Told(choice.chain.leads_to, choice.remark, asked)


def test_without_a_wish_a_good_answer_is_taken_and_nothing_else_asked() -> None:
    assert choose(USUAL, one=ONE, two=TWO) == ("Small Root", "", [])


def test_the_usual_chain_that_is_the_preferred_one_asks_for_no_other() -> None:
    assert choose(USUAL, "Small Root", one=ONE) == ("Small Root", "", [])


def test_alternates_are_asked_until_the_preferred_one_is_found() -> None:
    assert choose(USUAL, "Root One", one=ONE, two=TWO) == ("Root One", "", ["one"])
    assert choose(USUAL, "Root Two", one=ONE, two=TWO) == ("Root Two", "", ["one", "two"])


def test_a_chain_that_nobody_offers_leaves_the_usual_one_and_says_which_there_are() -> None:
    told = choose(USUAL, "ISRG Root X9", one=ONE, two=TWO)
    assert (told.leads_to, told.asked) == ("Small Root", ["one", "two"])
    assert told.remark == (
        "no usable chain leads to ISRG Root X9, which is the preferred one; those that were offered lead to "
        "Small Root, Root One, Root Two, and the one to Small Root is used"
    )


@pytest.mark.parametrize("preferred", ["root one", "Root", "Root One ", "Small CA"])
def test_a_name_is_compared_as_a_whole_and_only_with_the_topmost_issuer(preferred: str) -> None:
    assert choose(USUAL, preferred, one=ONE).leads_to == "Small Root"


def test_a_root_that_is_sent_along_names_its_own_chain() -> None:
    root = found("Sent Root")
    sent = LEAF + pem_of(issue(INTERMEDIATE.key, [], root, subject="Small CA", is_ca=True)) + root.pem
    assert choose(USUAL, "Sent Root", one=sent) == ("Sent Root", "", ["one"])


HARMS = [
    pytest.param(BROKEN, id="a chain that does not hold"),
    pytest.param(OTHERS_KEY, id="a certificate for another key"),
    pytest.param("<html>", id="HTML"),
    pytest.param(LEAF * 11, id="far too many certificates"),
    pytest.param(LAPSED, id="a CA certificate that is over"),
    pytest.param(TryLater("CAUnreachable", "no answer"), id="no answer"),
    pytest.param(NotUnderstood("a redirect"), id="a redirect"),
    pytest.param(NeedsPerson("CAError", "http://"), id="an address that may not be asked"),
    pytest.param(RefusedUntilLater("RateLimited", "slow down"), id="a throttle"),
    pytest.param(RefusedForGood("Rejected", "no"), id="a refusal"),
]


@pytest.mark.parametrize("harm", HARMS)
def test_a_broken_alternate_never_harms_a_good_answer(harm: str | Setback) -> None:
    told = choose(USUAL, "Root Two", bad=harm, two=TWO)
    assert (told.leads_to, told.remark, told.asked) == ("Root Two", "", ["bad", "two"])
    assert choose(USUAL, "Root Nine", bad=harm).leads_to == "Small Root"


def test_a_wait_of_our_own_ends_the_choice() -> None:
    with pytest.raises(NotYet):
        choose(USUAL, "Root One", one=NotYet("NotLeading", "another leads"))


def test_an_alternate_takes_the_place_of_a_chain_whose_ca_certificate_is_over() -> None:
    told = choose(LAPSED, one=ONE, two=TWO)
    assert (told.leads_to, told.asked) == ("Root One", ["one"])
    assert told.remark == (
        "the CA's usual chain has certificate 2, which expired at 2026-11-23T12:00:00Z; the chain to Root One is used"
    )


def test_without_any_better_a_chain_that_is_over_is_stored_with_a_warning() -> None:
    told = choose(LAPSED, one=BROKEN)
    assert told.leads_to == "Old Root"
    assert "expired at 2026-11-23T12:00:00Z, and clients will not trust it" in told.remark


def test_even_the_preferred_chain_is_passed_over_where_it_is_over() -> None:
    told = choose(USUAL, "Old Root", one=LAPSED)
    assert told.leads_to == "Small Root"
    assert "no usable chain leads to Old Root" in told.remark


def test_an_alternate_saves_an_answer_that_cannot_be_used() -> None:
    told = choose(BROKEN, one=ONE)
    assert told.leads_to == "Root One"
    assert "certificate 1 is not signed by certificate 2; the chain to Root One is used" in told.remark


def test_where_nothing_can_be_used_the_flaw_of_the_usual_chain_is_told() -> None:
    with pytest.raises(TryLater, match="not signed by certificate 2") as refused:
        choose(BROKEN, "Root One", one=OTHERS_KEY)
    assert refused.value.reason == "UnusableCertificate"


def test_names_that_a_ca_gives_itself_are_shown_without_tricks() -> None:
    told = choose(USUAL, "Root One", one=LEAF + under("Root\u202eOne\n"))
    assert "Root\\u202eOne\\n" in told.remark
