"""The decoder judges the table as the CRDs do, says it with the same words, and survives whatever comes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.resources.certificate import Certificate, read_certificate
from certwright.resources.certificate_status import status_to_dict
from certwright.resources.issuer import Issuer, read_issuer
from certwright.resources.issuer_status import issuer_status_to_dict
from certwright.resources.metadata import Unreadable
from certwright.resources.names import ApiNames
from tests.resources.objects import ONLY_OURS, ROWS, Row, certificate, issuer
from tests.resources.solver_objects import ONLY_OUR_SOLVERS, SOLVERS, annotated, ingress

NAMES = ApiNames()
JUDGED = [*ROWS, *SOLVERS]

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def read(body: dict[str, Any]) -> Certificate | Issuer | Unreadable:
    return read_certificate(body, NAMES) if body["kind"] == "Certificate" else read_issuer(body, NAMES)


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row.sentence) for row in [*JUDGED, *ONLY_OURS, *ONLY_OUR_SOLVERS]]
)
def test_the_decoder_judges_like_the_crds(row: Row) -> None:
    found = read(row.body)
    if not row.fragment:
        assert not isinstance(found, Unreadable), found.problem
        return
    assert isinstance(found, Unreadable)
    assert row.fragment.lower() in found.problem.lower()


def test_every_row_has_its_own_sentence() -> None:
    sentences = [(row.body["kind"], row.sentence) for row in JUDGED]
    assert len(sentences) == len(set(sentences))


def test_an_unknown_word_is_named_beside_those_that_are_known() -> None:
    found = read(certificate(privateKey={"algorithm": "DSA"}))
    assert isinstance(found, Unreadable)
    assert found.problem == "spec.privateKey.algorithm: 'DSA' is not known; write RSA, ECDSA or Ed25519"


def test_fields_of_a_newer_crd_are_passed_over() -> None:
    found = read(certificate(fallbackIssuerRefs=[{"name": "b"}], privateKey={"curve": "x"}))
    assert isinstance(found, Certificate)


def test_fields_of_cert_manager_that_have_no_meaning_here_are_passed_over() -> None:
    assert read(ingress(serviceType="NodePort", podTemplate={"spec": {}})) == read(ingress())


def test_keys_of_the_group_in_use_are_refused() -> None:
    body = annotated("acme.cert-manager.io/http01-edit-in-place", "true")
    assert isinstance(read_issuer(body, NAMES), Issuer)
    found = read_issuer(body, ApiNames("cert-manager.io"))
    assert isinstance(found, Unreadable)
    assert "keys under cert-manager.io are the operator's own" in found.problem


def places(body: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to everything in an object."""
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def put(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The object with something else at a path."""
    if not path:
        return value
    if isinstance(body, dict):
        return body | {path[0]: put(body[path[0]], path[1:], value)}
    return [put(each, path[1:], value) if at == path[0] else each for at, each in enumerate(body)]


GOOD = [row.body for row in JUDGED if not row.fragment]


@given(data=st.data(), value=json)
def test_whatever_stands_in_an_object_is_read_without_raising(data: st.DataObject, value: Any) -> None:
    good = data.draw(st.sampled_from(GOOD))
    where = data.draw(st.sampled_from([place for place in places(good) if place and place != ("kind",)]))
    read(put(good, where, value))


@given(spec=json, status=json, metadata=json)
def test_whatever_comes_is_read_without_raising(spec: Any, status: Any, metadata: Any) -> None:
    for kind in ("Certificate", "Issuer"):
        read({"kind": kind, "metadata": metadata, "spec": spec, "status": status})


@given(
    status=st.dictionaries(st.sampled_from(["conditions", "failure", "attempt", "acme", "revision"]), json)
)
def test_a_status_of_garbage_can_be_written_again(status: Any) -> None:
    known = read(certificate() | {"status": status})
    assert isinstance(known, Certificate)
    assert read_certificate(certificate() | {"status": status_to_dict(known.status)}, NAMES) == known
    account = read(issuer() | {"status": status})
    assert isinstance(account, Issuer)
    assert read_issuer(issuer() | {"status": issuer_status_to_dict(account.status)}, NAMES) == account
