"""Which solver of an issuer proves a name, and what is said where none may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.solver.choice import choose_solver, is_replaced, unsolvable_names, why_unsolvable
from tests.reconcile.situations import issuer

if TYPE_CHECKING:
    from certwright.resources.solver_spec import SolverSpec

DNS = {"dns01": {"rfc2136": {"nameserver": "192.0.2.53:53"}}}
HTTP: dict[str, Any] = {"http01": {"ingress": {}}}


def solvers(*selectors: dict[str, Any] | None) -> tuple[SolverSpec, ...]:
    """Solvers with these selectors and `proof`, read as from a manifest; DNS-01 where it does not matter."""
    read = []
    for each in selectors:
        selector = dict(each or {})
        proof, name = selector.pop("proof", DNS), selector.pop("name", None)
        said = {} if each is None or (each and not selector) else {"selector": selector}
        read.append(proof | said | ({"name": name} if name else {}))
    return issuer(solvers=read).spec.solvers


ALL: dict[str, Any] = {}
ZONE, SUBZONE = {"dnsZones": ["example.org"]}, {"dnsZones": ["eu.example.org"]}
ZONES = {"dnsZones": ["example.org", "eu.example.org"]}
NAME = {"dnsNames": ["www.example.org"]}
NAMES = {"dnsNames": ["www.example.org", "mail.example.org"]}
STAR = {"dnsNames": ["*.example.org"]}
LABEL, LABELS = {"matchLabels": {"team": "a"}}, {"matchLabels": {"team": "a", "tier": "b"}}
EMPTY_LABEL = {"matchLabels": {"team": ""}}
BOTH = {"team": "a", "tier": "b"}
BY_HTTP: dict[str, Any] = {"proof": HTTP}
WWW, APEX, WILD = "www.example.org", "example.org", "*.example.org"

CHOICES = [
    pytest.param((None,), WWW, {}, 0, id="without a selector: any name"),
    pytest.param((None, None), WWW, {}, 0, id="the earlier of two equals"),
    pytest.param((None, ALL), WWW, {}, 0, id="an empty selector is none"),
    pytest.param((ALL, None), WWW, {}, 0, id="no selector is an empty one"),
    pytest.param((None, ZONE), WWW, {}, 1, id="a zone beats none"),
    pytest.param((ZONE, None), WWW, {}, 0, id="a zone beats none that comes later"),
    pytest.param((None, LABEL), WWW, BOTH, 1, id="a label beats none"),
    pytest.param((ZONE, SUBZONE), "a.eu.example.org", {}, 1, id="the longer zone"),
    pytest.param((SUBZONE, ZONE), "a.eu.example.org", {}, 0, id="the longer zone that comes first"),
    pytest.param((SUBZONE, ZONES), "a.eu.example.org", {}, 0, id="the longest of a selector's zones counts"),
    pytest.param((ZONE, ZONES), "a.eu.example.org", {}, 1, id="not only its first zone"),
    pytest.param((ZONE, ZONES), WWW, {}, 0, id="zones that do not cover the name do not count"),
    pytest.param((ZONE, SUBZONE), "a.example.org", {}, 0, id="a zone that does not cover the name is out"),
    pytest.param((SUBZONE, NAME), WWW, {}, 1, id="the exact name"),
    pytest.param((ZONE, NAME), WWW, {}, 1, id="an exact name beats a zone"),
    pytest.param((NAME, ZONE), WWW, {}, 0, id="an exact name beats a zone that comes later"),
    pytest.param((NAME, NAMES), WWW, {}, 0, id="more names do not count more"),
    pytest.param((LABELS, ZONE), WWW, BOTH, 1, id="a zone beats any number of labels"),
    pytest.param((NAME, LABELS), WWW, BOTH, 0, id="a name beats any number of labels"),
    pytest.param((LABEL, LABELS), WWW, BOTH, 1, id="more labels beat fewer"),
    pytest.param((NAME, NAME | LABEL), WWW, BOTH, 1, id="of equal names the one with labels"),
    pytest.param((ZONE, ZONE | LABEL), WWW, BOTH, 1, id="of equal zones the one with labels"),
    pytest.param((SUBZONE, ZONE | LABELS), "a.eu.example.org", BOTH, 0, id="a longer zone beats labels"),
    pytest.param((LABELS, LABEL), WWW, {"team": "a"}, 1, id="all labels must match"),
    pytest.param((LABEL,), WWW, {"team": "x"}, None, id="a label of another value is out"),
    pytest.param((EMPTY_LABEL,), WWW, {}, None, id="a label with an empty value must be there"),
    pytest.param((EMPTY_LABEL,), WWW, {"team": ""}, 0, id="and is then enough"),
    pytest.param((ZONE | LABEL, None), WWW, {}, 1, id="all parts must match"),
    pytest.param((NAME, NAME | ZONE), WWW, {}, 1, id="a name with its zone beats the name alone"),
    pytest.param((NAME | LABELS, NAME | ZONE), WWW, BOTH, 1, id="by the zone, even against labels"),
    pytest.param((NAME | SUBZONE,), WWW, {}, None, id="a name outside the zone beside it is never proven"),
    pytest.param((NAME | SUBZONE,), "a.eu.example.org", {}, None, id="nor is the zone beside that name"),
    pytest.param((ZONE | STAR, None), WWW, {}, 1, id="a zone with names is for those names only"),
    pytest.param((ZONE,), APEX, {}, 0, id="the apex is in its zone"),
    pytest.param((ZONE,), WILD, {}, 0, id="the wildcard too"),
    pytest.param((SUBZONE,), WILD, {}, None, id="a wildcard above the zone is not in it"),
    pytest.param((ZONE, SUBZONE), "*.eu.example.org", {}, 1, id="a wildcard in the longer zone"),
    pytest.param((ZONE,), "badexample.org", {}, None, id="a zone ends at a dot"),
    pytest.param(({"dnsZones": ["org"]},), WWW, {}, 0, id="a zone of one label"),
    pytest.param(({"dnsZones": [WWW]}, ZONE), WWW, {}, 0, id="a zone that is the name itself"),
    pytest.param(
        ({"dnsZones": ["EXAMPLE.org."]},), WWW, {}, 0, id="case and a final dot of a zone do not matter"
    ),
    pytest.param(({"dnsNames": ["WWW.Example.org."]},), WWW, {}, 0, id="nor do they of a name"),
    pytest.param((NAME,), APEX, {}, None, id="another name is out"),
    pytest.param((STAR, None), WILD, {}, 0, id="a wildcard is chosen by its own name"),
    pytest.param((STAR, None), WWW, {}, 1, id="a wildcard is one name, not a pattern"),
    pytest.param((NAME, None), WILD, {}, 1, id="a name is not its wildcard"),
    pytest.param((), WWW, {}, None, id="no solvers at all"),
    pytest.param((BY_HTTP, None), WWW, {}, 0, id="HTTP-01 is as good as DNS-01 for a name"),
    pytest.param((BY_HTTP, None), WILD, {}, 1, id="but never for a wildcard"),
    pytest.param((BY_HTTP | STAR, None), WILD, {}, 1, id="however exactly it is named"),
    pytest.param((BY_HTTP, BY_HTTP | ZONE), WILD, {}, None, id="a wildcard without DNS-01 is not proven"),
    pytest.param((BY_HTTP | ZONE, None), APEX, {}, 0, id="its apex may well be by HTTP-01"),
]


@pytest.mark.parametrize(("selectors", "name", "labels", "position"), CHOICES)
def test_the_most_specific_solver_proves_a_name(
    selectors: tuple[dict[str, Any] | None, ...], name: str, labels: dict[str, str], position: int | None
) -> None:
    assert choose_solver(solvers(*selectors), name, labels) == position


OLD, NEW = {"name": "old"}, {"name": "new"}
REMEMBERED = [
    pytest.param((NEW, OLD), {"old"}, 1, id="a solver that is put in front does not move a name that works"),
    pytest.param((NEW, OLD), set(), 0, id="for a new name the list decides"),
    pytest.param((NEW, OLD), {"gone"}, 0, id="and where the solver is gone"),
    pytest.param((None, OLD), {"old"}, 1, id="a solver without name is never remembered"),
    pytest.param((NEW, OLD), {"old", "new"}, 0, id="of two that are remembered the earlier"),
    pytest.param((NEW | ZONE, OLD), {"old"}, 0, id="a more specific one is meant to take over"),
    pytest.param((NEW | NAME, OLD | ZONE), {"old"}, 0, id="by an exact name too"),
    pytest.param((NEW | NAME, OLD | NAME), {"old"}, 1, id="an equally specific one is not"),
    pytest.param((NEW | LABEL, OLD | ZONE), {"new"}, 1, id="what is less specific is not kept"),
    pytest.param((BY_HTTP | NEW, OLD), {"old"}, 1, id="a name stays with DNS-01"),
    pytest.param((OLD, BY_HTTP | NEW), {"new"}, 1, id="or with HTTP-01"),
]


@pytest.mark.parametrize(("selectors", "remembered", "position"), REMEMBERED)
def test_among_equals_the_one_that_worked_goes_first(
    selectors: tuple[dict[str, Any] | None, ...], remembered: set[str], position: int
) -> None:
    assert choose_solver(solvers(*selectors), WWW, BOTH, remembered=remembered) == position


def test_a_wildcard_is_not_remembered_by_http_01() -> None:
    assert choose_solver(solvers(NEW, BY_HTTP | OLD), WILD, {}, remembered={"old"}) == 0


def test_unsolvable_names_are_named_in_the_users_order() -> None:
    names = ("b.test", WWW, "a.test")
    assert unsolvable_names(solvers(ZONE), names, {}) == ("b.test", "a.test")


def test_a_wildcard_cannot_be_solved_by_http_01_and_its_apex_can() -> None:
    assert unsolvable_names(solvers(BY_HTTP), (APEX, WILD), {}) == (WILD,)


def test_an_issuer_without_solvers_has_its_names_proven_already() -> None:
    assert unsolvable_names((), ("a.test",), {}) == ()


WHY = [
    pytest.param((), WWW, "the issuer has no solver; add a solver for it", id="no solver"),
    pytest.param(
        (BY_HTTP, BY_HTTP | ZONE),
        WILD,
        "wildcards can only be proven by DNS-01, and every solver of the issuer is for HTTP-01; "
        "add a solver with dns01 for it",
        id="a wildcard where all is HTTP-01",
    ),
    pytest.param(
        (BY_HTTP, SUBZONE | OLD),
        WILD,
        "wildcards can only be proven by DNS-01, and only solvers for HTTP-01 match it: old is for the zone "
        "eu.example.org; add a solver with dns01 for it, or widen a selector",
        id="a wildcard that DNS-01 does not match",
    ),
    pytest.param(
        (BY_HTTP | SUBZONE, NAME),
        WILD,
        "no selector matches: solvers[1] is for the name www.example.org; add a solver with dns01 for it, or "
        "widen a selector",
        id="a wildcard that nothing matches",
    ),
    pytest.param(
        (SUBZONE | OLD, LABELS | NEW),
        WWW,
        "no selector matches: old is for the zone eu.example.org; new is for Certificates with the label team=a, "
        "tier=b; add a solver for it, or widen a selector",
        id="selectors that do not match, each with what it is for",
    ),
    pytest.param(
        (SUBZONE | LABEL, LABEL),
        WWW,
        "no selector matches: solvers[1] is for Certificates with the label team=a; solvers[0] is for Certificates "
        "with the label team=a and the zone eu.example.org; add a solver for it, or widen a selector",
        id="the nearest miss comes first",
    ),
    pytest.param(
        ({"dnsZones": ["a.test", "b.test", "c.test", "d.test"]}, *[SUBZONE] * 4),
        WWW,
        "no selector matches: solvers[0] is for the zone a.test, b.test, c.test, …; solvers[1] is for the zone "
        "eu.example.org; solvers[2] is for the zone eu.example.org; and 2 more; add a solver for it, or widen a "
        "selector",
        id="not all of many",
    ),
]


@pytest.mark.parametrize(("selectors", "name", "sentence"), WHY)
def test_why_no_solver_proves_a_name(
    selectors: tuple[dict[str, Any] | None, ...], name: str, sentence: str
) -> None:
    assert why_unsolvable(solvers(*selectors), name, {}) == sentence


HTTP_NGINX = {"http01": {"ingress": {"ingressClassName": "nginx"}}}
DNS_OTHER = {"dns01": {"rfc2136": {"nameserver": "192.0.2.54:53"}}}
REPLACED = [
    pytest.param(OLD | ZONE, (NEW,), False, id="name and selector aside"),
    pytest.param(ALL, (), True, id="nothing is left"),
    pytest.param(ALL, ({"proof": DNS_OTHER},), True, id="another name server"),
    pytest.param(ALL, ({"proof": DNS_OTHER}, ALL), False, id="another and the same"),
    pytest.param(ALL, (BY_HTTP,), True, id="HTTP-01 in its place"),
    pytest.param(BY_HTTP, (ALL,), True, id="DNS-01 in its place"),
    pytest.param(BY_HTTP | OLD, (ALL, BY_HTTP | ZONE), False, id="the same Ingress"),
    pytest.param(BY_HTTP, ({"proof": HTTP_NGINX},), True, id="an Ingress of another class"),
    pytest.param(
        BY_HTTP,
        ({"proof": {"http01": {"ingress": {"pathType": "Exact"}, "selfCheck": "Require"}}},),
        False,
        id="defaults written out",
    ),
]


@pytest.mark.parametrize(("before", "after", "replaced"), REPLACED)
def test_a_solver_is_replaced_where_names_are_proven_in_another_way(
    before: dict[str, Any],
    after: tuple[dict[str, Any], ...],
    replaced: bool,  # noqa: FBT001  a column
) -> None:
    assert is_replaced(solvers(before)[0], solvers(*after)) is replaced


parts = st.fixed_dictionaries(
    {},
    optional={
        "dnsNames": st.sampled_from([[WWW], [WILD], [WWW, APEX]]),
        "dnsZones": st.sampled_from([["org"], ["example.org"], ["eu.example.org"], ["example.org", "test"]]),
        "matchLabels": st.sampled_from([{"team": "a"}, {"team": "x"}, {"team": "a", "tier": "b"}]),
        "proof": st.sampled_from([HTTP, DNS]),
    },
)
offers = st.lists(st.none() | parts, max_size=6)
names = st.sampled_from([APEX, WILD, WWW, "a.eu.example.org", "*.eu.example.org", "x.test"])
certificate_labels = st.sampled_from([{}, {"team": "a"}, BOTH])


def beats(one: SolverSpec, other: SolverSpec, name: str) -> bool:
    """Whether `one` is more specific about `name`, where both may prove it: three questions, one after the other."""

    def longest(solver: SolverSpec) -> int:
        bare = f".{name.removeprefix('*.')}"
        return max((len(zone) for zone in solver.selector.dns_zones if bare.endswith(f".{zone}")), default=0)

    if bool(one.selector.dns_names) != bool(other.selector.dns_names):
        return bool(one.selector.dns_names)
    if longest(one) != longest(other):
        return longest(one) > longest(other)
    return len(one.selector.match_labels) > len(other.selector.match_labels)


@given(offers, names, certificate_labels)
def test_nothing_that_may_prove_a_name_beats_what_is_chosen(
    selected: list[dict[str, Any] | None], name: str, labels: dict[str, str]
) -> None:
    offered = solvers(*selected)
    able = [at for at, each in enumerate(offered) if choose_solver((each,), name, labels) == 0]
    chosen = choose_solver(offered, name, labels)
    if chosen is None:
        assert able == []
        return
    assert chosen in able
    assert not [at for at in able if beats(offered[at], offered[chosen], name)]
    assert all(beats(offered[chosen], offered[at], name) for at in able if at < chosen)


@given(offers, names, certificate_labels)
def test_a_reason_is_told_exactly_where_no_solver_proves_a_name(
    selected: list[dict[str, Any] | None], name: str, labels: dict[str, str]
) -> None:
    offered = solvers(*selected)
    told = why_unsolvable(offered, name, labels)
    assert bool(told) == (choose_solver(offered, name, labels) is None)


@given(offers, names, st.booleans())
def test_an_added_solver_of_the_same_rank_never_moves_a_name(
    selected: list[dict[str, Any] | None],
    name: str,
    in_front: bool,  # noqa: FBT001  a column
) -> None:
    named = [(each or {}) | {"name": f"s{at}"} for at, each in enumerate(selected)]
    before = solvers(*named)
    chosen = choose_solver(before, name, BOTH)
    if chosen is None:
        return
    twin = named[chosen] | {"name": "twin"}
    after = solvers(*([twin, *named] if in_front else [*named, twin]))
    again = choose_solver(after, name, BOTH, remembered={f"s{chosen}"})
    assert again is not None
    assert after[again].name == f"s{chosen}"
