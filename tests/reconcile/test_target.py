"""The target Secret as facts; whatever somebody put there is an observation."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from certwright.pki.keys import encode_key, public_key_sha256
from certwright.reconcile.target import our_data, read_target
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


RECORD = {
    NAMES.certificate_name: "web",
    NAMES.certificate_uid: "uid-1",
    NAMES.issuer_name: "ca",
    NAMES.issuer_kind: "Issuer",
    NAMES.directory: "https://ca.example/dir",
    NAMES.serial_number: "87654321",
    NAMES.attempt_id: "uid-attempt",
}


def recorded(*ours: str, crt_by: str = "certwright", **edited: str) -> dict[str, Any]:
    """A Secret with some annotations edited, and those that the API server says are still as we wrote them."""
    entries: list[dict[str, Any]] = [
        {
            "manager": "certwright",
            "operation": "Apply",
            "fieldsV1": {"f:metadata": {"f:annotations": {f"f:{name}": {} for name in ours}}},
        },
        {"manager": crt_by, "fieldsV1": {"f:data": {"f:tls.crt": {}}}},
    ]
    record = RECORD | {getattr(NAMES, name): text for name, text in edited.items()}
    return secret(metadata={"annotations": record, "managedFields": entries})


def test_a_record_that_we_wrote_vouches_for_the_certificate_that_we_wrote() -> None:
    facts = read_target(recorded(*RECORD), NAMES)
    assert (facts.vouched, facts.chain_flaw) == (True, "")
    assert facts.stamps == RECORD
    assert not read_target(recorded(*RECORD, directory=""), NAMES).vouched


def test_what_somebody_wrote_over_our_record_is_no_evidence() -> None:
    ours = set(RECORD) - {NAMES.directory, NAMES.issuer_name, NAMES.serial_number}
    edited = recorded(*ours, directory="https://x/dir", issuer_name="x", serial_number="1")
    facts = read_target(edited, NAMES)
    assert (facts.directory, facts.issuer_name, facts.issuer_kind) == ("", "", "Issuer")
    assert facts.stamps[NAMES.directory] == "https://x/dir"
    assert not facts.vouched


def test_a_record_that_came_with_its_certificate_from_a_backup_stands() -> None:
    facts = read_target(recorded(directory="https://x/dir", crt_by="velero"), NAMES)
    assert (facts.directory, facts.vouched) == ("https://x/dir", True)


def test_a_record_of_another_certificate_than_the_one_that_was_put_there_says_nothing() -> None:
    facts = read_target(recorded(*RECORD, serial_number="1", crt_by="kubectl"), NAMES)
    assert (facts.directory, facts.issuer_name, facts.vouched) == ("", "", False)


def test_a_record_that_names_no_certificate_is_believed_and_vouches_for_nothing() -> None:
    facts = read_target(recorded(*RECORD, serial_number="", crt_by="kubectl"), NAMES)
    assert (facts.directory, facts.vouched) == ("https://ca.example/dir", False)


def test_a_certificate_that_nobody_vouches_for_is_looked_at() -> None:
    lone = pem_of(issue(KEY, ["a.example.org"]))
    bare = secret(metadata={}, data={"tls.crt": b64(lone)})
    assert read_target(bare, NAMES).chain_flaw == "is self-signed, and not by a CA"
    assert read_target(secret(metadata={}), NAMES).chain_flaw == ""


def test_the_latest_writer_is_told_unless_we_are_among_them() -> None:
    def entry(manager: str, time: str) -> dict[str, Any]:
        return {"manager": manager, "time": time, "fieldsV1": {"f:data": {"f:tls.key": {}}}}

    two = [entry("velero", "2026-11-24T12:00:00Z"), entry("argo", "2026-11-24T11:00:00Z")]
    assert read_target(secret(metadata={"managedFields": two}), NAMES).key_manager == "velero"
    ours = [*two, entry("certwright", "2026-11-20T11:00:00Z")]
    assert read_target(secret(metadata={"managedFields": ours}), NAMES).key_manager == "certwright"


def test_an_apply_carries_key_and_certificate_and_what_else_of_the_data_is_ours() -> None:
    entries = [
        {"manager": "certwright", "fieldsV1": {"f:data": {".": {}, "f:ca.crt": {}, "f:gone": {}}}},
        {"manager": "kubectl", "fieldsV1": {"f:data": {"f:extra": {}}}},
    ]
    body = secret(metadata={"managedFields": entries})
    body["data"] |= {"ca.crt": "", "extra": ""}
    assert our_data(body) == {"tls.crt", "tls.key", "ca.crt"}


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
