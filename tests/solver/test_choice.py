"""Which solver of an issuer proves a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.solver.choice import choose_solver, unsolvable_names
from tests.reconcile.situations import issuer

if TYPE_CHECKING:
    from certwright.resources.issuer import SolverSpec


def solvers(*selectors: dict[str, Any] | None) -> tuple[SolverSpec, ...]:
    """Solvers with these selectors, read as from a manifest."""
    block = {"rfc2136": {"nameserver": "192.0.2.53:53"}}
    read = [{"dns01": block} | ({"selector": each} if each is not None else {}) for each in selectors]
    return issuer(solvers=read).spec.solvers


ZONE, SUBZONE = {"dnsZones": ["example.org"]}, {"dnsZones": ["eu.example.org"]}
NAME = {"dnsNames": ["www.example.org"]}
STAR = {"dnsNames": ["*.example.org"]}
LABEL, LABELS = {"matchLabels": {"team": "a"}}, {"matchLabels": {"team": "a", "tier": "b"}}
BOTH = {"team": "a", "tier": "b"}

CHOICES = [
    pytest.param((None,), "www.example.org", {}, 0, id="without a selector: any name"),
    pytest.param((None, None), "www.example.org", {}, 0, id="the earlier of two equals"),
    pytest.param((None, ZONE), "www.example.org", {}, 1, id="a zone beats none"),
    pytest.param((ZONE, SUBZONE), "a.eu.example.org", {}, 1, id="the longer zone"),
    pytest.param((ZONE, SUBZONE), "a.example.org", {}, 0, id="a zone that does not cover the name is out"),
    pytest.param((SUBZONE, NAME), "www.example.org", {}, 1, id="the exact name"),
    pytest.param((ZONE, NAME), "www.example.org", {}, 1, id="an exact name beats a zone"),
    pytest.param((LABELS, ZONE), "www.example.org", BOTH, 1, id="a zone beats any number of labels"),
    pytest.param((LABEL, LABELS), "www.example.org", BOTH, 1, id="more labels beat fewer"),
    pytest.param((LABELS, LABEL), "www.example.org", {"team": "a"}, 1, id="all labels must match"),
    pytest.param((LABEL,), "www.example.org", {"team": "x"}, None, id="a label of another value is out"),
    pytest.param((ZONE | LABEL, None), "www.example.org", {}, 1, id="all parts must match"),
    pytest.param((ZONE,), "example.org", {}, 0, id="the apex is in its zone"),
    pytest.param((ZONE,), "*.example.org", {}, 0, id="the wildcard too"),
    pytest.param((SUBZONE,), "*.example.org", {}, None, id="a wildcard above the zone is not in it"),
    pytest.param((ZONE,), "badexample.org", {}, None, id="a zone ends at a dot"),
    pytest.param((NAME,), "example.org", {}, None, id="another name is out"),
    pytest.param((STAR, None), "*.example.org", {}, 0, id="a wildcard is chosen by its own name"),
    pytest.param((STAR, None), "www.example.org", {}, 1, id="a wildcard is one name, not a pattern"),
    pytest.param((), "www.example.org", {}, None, id="no solvers at all"),
]


@pytest.mark.parametrize(("selectors", "name", "labels", "position"), CHOICES)
def test_the_most_specific_solver_proves_a_name(
    selectors: tuple[dict[str, Any] | None, ...], name: str, labels: dict[str, str], position: int | None
) -> None:
    assert choose_solver(solvers(*selectors), name, labels) == position


def test_unsolvable_names_are_named_in_the_users_order() -> None:
    names = ("b.test", "www.example.org", "a.test")
    assert unsolvable_names(solvers(ZONE), names, {}) == ("b.test", "a.test")


def test_an_issuer_without_solvers_has_its_names_proven_already() -> None:
    assert unsolvable_names((), ("a.test",), {}) == ()


selectors = st.sampled_from([None, ZONE, SUBZONE, NAME, STAR, LABEL, LABELS, ZONE | LABEL])
names = st.sampled_from(["example.org", "*.example.org", "www.example.org", "a.eu.example.org", "x.test"])


@given(st.lists(selectors, max_size=5), names, st.sampled_from([{}, {"team": "a"}, BOTH]))
def test_a_chosen_solver_would_be_chosen_alone_too(
    selected: list[dict[str, Any] | None], name: str, labels: dict[str, str]
) -> None:
    offered = solvers(*selected)
    position = choose_solver(offered, name, labels)
    alone = [choose_solver((each,), name, labels) for each in offered]
    if position is None:
        assert set(alone) <= {None}
    else:
        assert alone[position] == 0
