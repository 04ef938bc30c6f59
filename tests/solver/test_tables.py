"""Token tables as text, and which table a row stands in."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.failures import NeedsPerson, TryLater
from certwright.resources.names import ApiNames
from certwright.solver.tables import (
    MOST_BYTES,
    MOST_ROWS,
    Row,
    arrange,
    decode_rows,
    table_body,
    table_index,
    table_name,
)

NAMES = ApiNames()
BASE64URL = string.ascii_letters + string.digits + "-_"

hosts = st.text(string.ascii_lowercase + string.digits + ".-_:", min_size=1, max_size=253)
tokens = st.text(BASE64URL, min_size=1, max_size=200)
values = st.text(BASE64URL + ".", min_size=1, max_size=250)
tables = st.dictionaries(st.tuples(hosts, tokens), values, max_size=30)


def body(rows: dict[tuple[str, str], str], **over: Any) -> dict[str, Any]:
    return table_body(NAMES, "certwright", 0, rows, **over)


@given(tables)
def test_what_is_written_is_read(rows: dict[tuple[str, str], str]) -> None:
    assert decode_rows(body(rows)) == rows


@given(hosts, tokens, values)
def test_every_row_can_stand_in_a_table(host: str, token: str, value: str) -> None:
    row = Row(host, token, value)
    assert decode_rows(body({row.key: row.key_authorization})) == {row.key: value}


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_text_gets_more_into_a_table_than_one_row(host: str, token: str, value: str) -> None:
    try:
        row = Row(host, token, value)
    except (NeedsPerson, TryLater):
        return
    assert decode_rows(body({row.key: row.key_authorization})) == {(host, token): value}


@pytest.mark.parametrize(
    ("host", "token", "value"),
    [
        pytest.param("Example.test", "token", "value", id="a host in capitals"),
        pytest.param("", "token", "value", id="no host"),
        pytest.param("*.example.test", "token", "value", id="a wildcard"),
        pytest.param("a b", "token", "value", id="a space in the host"),
        pytest.param("example.test\n", "token", "value", id="a line's end in the host"),
        pytest.param("münchen.test", "token", "value", id="a host in Unicode"),
        pytest.param("a" * 254, "token", "value", id="a host too long"),
        pytest.param("example.test", "../x", "value", id="a path in the token"),
        pytest.param("example.test", "", "value", id="no token"),
        pytest.param("example.test", "token\x00", "value", id="a control character in the token"),
        pytest.param("example.test", "token", "two words", id="a space in the value"),
        pytest.param("example.test", "token", "value\nother.test token value", id="a row in the value"),
        pytest.param("example.test", "token", "", id="no value"),
        pytest.param("example.test", "t" * 1025, "value", id="a token too long"),
    ],
)
def test_what_is_no_row_is_refused_and_not_read(host: str, token: str, value: str) -> None:
    with pytest.raises((NeedsPerson, TryLater)):
        Row(host, token, value)
    assert (host, token) not in decode_rows({"data": {"rows": f"{host} {token} {value}\n"}}) or "\n" in value


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param({}, id="no data"),
        pytest.param({"data": None}, id="data is null"),
        pytest.param({"data": "x"}, id="data is a text"),
        pytest.param({"data": {}}, id="no rows"),
        pytest.param({"data": {"rows": 7}}, id="rows are a number"),
        pytest.param({"data": {"rows": ""}}, id="nothing in it"),
        pytest.param({"data": {"rows": "\n \n\x0b\n"}}, id="white space"),
        pytest.param(
            {"data": {"rows": "host token\nhost token value more"}}, id="too few and too many fields"
        ),
    ],
)
def test_a_damaged_table_has_no_rows(damaged: dict[str, Any]) -> None:
    assert decode_rows(damaged) == {}


def test_one_bad_line_does_not_take_the_others_along() -> None:
    rows = "a.test t1 v1\nHANDS OFF\nb.test t2 v2\n"
    assert decode_rows({"data": {"rows": rows}}) == {("a.test", "t1"): "v1", ("b.test", "t2"): "v2"}


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert decode_rows(body(decode_rows({"data": {"rows": text}}))) == decode_rows({"data": {"rows": text}})


def test_a_table_is_a_labelled_configmap_with_sorted_lines() -> None:
    assert body({("b.test", "t"): "v", ("a.test", "t"): "v"}) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "certwright-tokens-0",
            "namespace": "certwright",
            "labels": {"certwright.dev/table": "tokens"},
        },
        "data": {"rows": "a.test t v\nb.test t v\n"},
    }


def test_a_table_that_is_replaced_keeps_what_others_noted_on_it() -> None:
    standing = body({}) | {"data": {"rows": "a.test t v\n"}}
    standing["metadata"] |= {
        "uid": "u",
        "resourceVersion": "7",
        "labels": {"team": "web"},
        "annotations": {"note": "x"},
        "managedFields": [{}],
    }
    assert body({}, over=standing)["metadata"] == {
        "name": "certwright-tokens-0",
        "namespace": "certwright",
        "uid": "u",
        "resourceVersion": "7",
        "labels": {"team": "web", "certwright.dev/table": "tokens"},
        "annotations": {"note": "x"},
    }
    assert standing["metadata"]["labels"] == {"team": "web"}, "what was read is left as it was"


NO_TABLES = [
    "",
    "tokens",
    "7",
    *(f"certwright-tokens-{end}" for end in ("", "01", "-1", "x", "1x", "²", "٣", "9999999")),
]


@pytest.mark.parametrize("name", NO_TABLES)
def test_other_names_are_no_tables(name: str) -> None:
    assert table_index(name) is None


@given(st.integers(0, 999_999))
def test_a_name_leads_back_to_its_table(index: int) -> None:
    assert table_index(table_name(index)) == index


def wanted(*numbers: int) -> dict[tuple[str, str], str]:
    return {(f"h{number}.test", "t"): f"v{number}" for number in numbers}


def test_1200_rows_make_three_tables() -> None:
    assert [len(rows) for rows in arrange({}, wanted(*range(1200)), shrink=True).values()] == [500, 500, 200]


def test_a_row_stays_where_it_is_and_a_new_one_fills_the_first_gap() -> None:
    before = arrange({}, wanted(*range(1200)), shrink=True)
    after = arrange(before, wanted(*range(100, 1300)), shrink=True)
    assert set(after[1]) == set(before[1])
    assert set(after[2]) == set(before[2])
    assert set(after[0]) == set(wanted(*range(100, 500), *range(1200, 1300)))


def test_without_shrinking_everything_is_kept() -> None:
    assert arrange({0: wanted(1, 2)}, wanted(2, 3), shrink=False) == {0: wanted(1, 2, 3)}


def test_a_row_in_two_tables_stays_in_the_first_once_tables_may_shrink() -> None:
    standing = {1: wanted(1), 0: wanted(1, 2)}
    assert arrange(standing, wanted(1), shrink=False) == {0: wanted(1, 2), 1: wanted(1)}
    assert arrange(standing, wanted(1), shrink=True) == {0: wanted(1), 1: {}}


def test_a_value_that_changed_is_changed_in_place() -> None:
    assert arrange({0: wanted(1)}, {("h1.test", "t"): "new"}, shrink=True) == {0: {("h1.test", "t"): "new"}}


def test_a_missing_table_in_the_middle_is_made_again() -> None:
    standing = {0: wanted(*range(500)), 2: wanted(1000)}
    assert set(arrange(standing, wanted(*range(500), 1000, 1001), shrink=True)[1]) == set(wanted(1001))


def test_long_rows_fill_a_table_by_their_bytes() -> None:
    long = {(f"{number}.test", "t" * 1024): "v" * 2048 for number in range(600)}
    arranged = arrange({}, long, shrink=True)
    texts = [table_body(NAMES, "x", index, rows)["data"]["rows"] for index, rows in arranged.items()]
    assert len(arranged[0]) < MOST_ROWS
    assert all(len(text.encode()) <= MOST_BYTES for text in texts)
    assert sum(len(rows) for rows in arranged.values()) == 600


numbers = st.sets(st.integers(0, 1500))


@given(numbers, numbers, st.booleans())
def test_arranging_is_stable_complete_and_bounded(
    first: set[int],
    second: set[int],
    shrink: bool,  # noqa: FBT001  drawn
) -> None:
    before = arrange({}, wanted(*first), shrink=True)
    after = arrange(before, wanted(*second), shrink=shrink)
    assert arrange(after, wanted(*second), shrink=shrink) == after
    held = [key for rows in after.values() for key in rows]
    expected = wanted(*second) if shrink else wanted(*second, *first)
    assert sorted(held) == sorted(expected)
    assert all(len(rows) <= MOST_ROWS for rows in after.values())
    for index, rows in before.items():
        assert set(rows) & set(wanted(*second)) <= set(after[index])
