"""The catalog says what is served, and the page says what the catalog does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from certwright.acme.limits import Scope
from certwright.metrics.catalog import ALIASES, OPERATOR, RESPONDER, SCOPES, Kind, Series
from tests.metrics.examples import operator_registry, responder_registry
from tests.metrics.metrics_page import PAGE, page

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PROGRAMS = [
    pytest.param(OPERATOR, operator_registry(), id="operator"),
    pytest.param((*OPERATOR, *ALIASES), operator_registry(aliases=True), id="operator with aliases"),
    pytest.param(RESPONDER, responder_registry(), id="solver pod"),
]
#: How a name ends tells the unit; the first that fits counts.
UNIT_OF_NAME = {"_timestamp_seconds": "Unix seconds", "_seconds": "seconds"}


def test_the_page_tells_the_catalog() -> None:
    assert PAGE.read_text() == page(), "run `make format`"


def scraped(registry: CollectorRegistry) -> dict[str, tuple[str, str, set[tuple[str, ...]]]]:
    """Type, meaning and sets of labels of every series that a scrape shows, by its name in the catalog."""
    found = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {tuple(label for label in sample.labels if label != "le") for sample in samples}
        if samples:
            found[name] = (family.type, family.documentation, labels)
    return found


@pytest.mark.parametrize(("catalog", "registry"), PROGRAMS)
def test_what_is_served_is_what_is_documented_and_nothing_else(
    catalog: tuple[Series, ...], registry: CollectorRegistry
) -> None:
    shown = scraped(registry)
    assert set(shown) == {series.name for series in catalog}
    for series in catalog:
        kind, meaning, labels = shown[series.name]
        assert (kind, meaning) == (series.kind.value, series.meaning)
        assert {frozenset(each) for each in labels} == {frozenset(series.labels)}, series.name


@pytest.mark.parametrize("series", [*OPERATOR, *RESPONDER], ids=lambda series: series.name)
def test_every_series_has_our_prefix_a_meaning_and_a_unit(series: Series) -> None:
    assert re.fullmatch(r"certwright_[a-z_]+", series.name)
    assert series.name.endswith("_total") == (series.kind is Kind.COUNTER)
    assert series.meaning.endswith(".")
    assert series.unit
    told = next((unit for end, unit in UNIT_OF_NAME.items() if series.name.endswith(end)), series.unit)
    assert series.unit == told


@pytest.mark.parametrize("series", ALIASES, ids=lambda series: series.name)
def test_every_alias_has_the_prefix_of_cert_manager(series: Series) -> None:
    assert re.fullmatch(r"certmanager_[a-z_]+", series.name)
    assert series.meaning.endswith(".")
    assert series.unit


def test_names_are_unique() -> None:
    names = [series.name for series in (*OPERATOR, *ALIASES, *RESPONDER)]
    assert len(set(names)) == len(names)


def test_limits_are_told_by_the_scopes_that_there_are() -> None:
    assert tuple(scope.value for scope in Scope) == SCOPES
