"""The target Secret as facts; whatever somebody put there is an observation."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from certwright.pki.keys import encode_key, public_key_sha256
from certwright.reconcile.target import read_target
from certwright.resources.names import ApiNames
from tests.pki.issuing import found, issue, pem_of

NAMES = ApiNames()
KEY = ec.generate_private_key(ec.SECP256R1())
CHAIN = pem_of(issue(KEY, ["a.example.org"], found("CA")))


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(**changed: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "web-tls",
            "namespace": "shop",
            "uid": "u",
            "resourceVersion": "5",
            "labels": {NAMES.secret_label: "target"},
            "annotations": {
                NAMES.certificate_name: "web",
                NAMES.issuer_name: "ca",
                NAMES.issuer_kind: "Issuer",
                NAMES.directory: "https://ca.example/dir",
                NAMES.attempt_id: "uid-attempt",
            },
        },
        "type": "kubernetes.io/tls",
        "data": {"tls.crt": b64(CHAIN), "tls.key": b64(encode_key(KEY, "PKCS8").reveal())},
    } | changed


def test_a_secret_of_ours_is_understood() -> None:
    facts = read_target(secret(), NAMES)
    assert (facts.uid, facts.resource_version, facts.type) == ("u", "5", "kubernetes.io/tls")
    assert (facts.label, facts.certificate_name, facts.attempt_id) == ("target", "web", "uid-attempt")
    assert (facts.issuer_name, facts.issuer_kind, facts.directory) == (
        "ca",
        "Issuer",
        "https://ca.example/dir",
    )
    assert facts.leaf is not None
    assert facts.leaf.dns_names == {"a.example.org"}
    assert facts.key is not None
    assert facts.key.public_key_sha256 == facts.leaf.public_key_sha256 == public_key_sha256(KEY)
    assert (facts.has_certificate, facts.has_key, facts.immutable, facts.adopt) == (True, True, False, False)


def test_the_key_goes_no_further() -> None:
    assert "PRIVATE KEY" not in repr(read_target(secret(), NAMES))
    assert CHAIN.splitlines()[1] not in repr(read_target(secret(), NAMES))


def test_who_set_the_certificate_is_read_from_the_api_servers_bookkeeping() -> None:
    fields = [
        {"manager": "kubectl", "fieldsV1": {"f:metadata": {}}},
        {"manager": "helm", "fieldsV1": {"f:data": {".": {}, "f:tls.crt": {}}}},
    ]
    assert read_target(secret(metadata={"managedFields": fields}), NAMES).crt_manager == "helm"


def test_only_a_controller_is_an_owner() -> None:
    owners = [{"kind": "A", "name": "x"}, {"kind": "B", "name": "y", "controller": True}]
    assert read_target(secret(metadata={"ownerReferences": owners}), NAMES).controller == "B/y"
    assert read_target(secret(metadata={"ownerReferences": owners[:1]}), NAMES).controller == ""


@pytest.mark.parametrize(("value", "adopted"), [("true", True), ("True", False), ("yes", False), ("", False)])
def test_a_secret_is_handed_over_by_one_word_only(value: str, *, adopted: bool) -> None:
    facts = read_target(secret(metadata={"annotations": {NAMES.adopt: value}}), NAMES)
    assert facts.adopt is adopted


GARBAGE = [
    {},
    {"data": None, "metadata": None},
    {"data": [], "metadata": "x", "type": None},
    secret(data={"tls.crt": "%%%", "tls.key": 7}),
    secret(data={"tls.crt": b64("no certificate"), "tls.key": b64("no key")}),
    secret(metadata={"ownerReferences": {"a": 1}, "managedFields": [None, "x", {"fieldsV1": []}]}),
    secret(metadata={"ownerReferences": [None, 3], "labels": [], "annotations": 5}),
    secret(data={"tls.crt": b64("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}),
]


@pytest.mark.parametrize("body", GARBAGE)
def test_garbage_is_an_observation(body: dict[str, Any]) -> None:
    facts = read_target(body, NAMES)
    assert facts.key is None or facts.leaf is not None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "metadata", "labels", "tls.crt", "f:data"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["metadata", "data", "type", "immutable"]), anything))
def test_no_shape_of_a_secret_is_an_error(body: dict[str, Any]) -> None:
    read_target(body, NAMES)
