"""What a Certificate tells of whom it was made for, and what an Ingress tells of what it asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from certwright.resources.names import Ref
from certwright.shim.annotations import ANNOTATIONS
from certwright.shim.ingress import read_ingress
from certwright.shim.made import Made, read_made
from certwright.shim.plan import Facts, plan
from certwright.shim.wanted import manifest
from tests.shim.situations import (
    ASKS,
    KINDS,
    NAMES,
    OPTIONS,
    SITE,
    TLS_ACME,
    WEB,
    applicant,
    ingress,
    made,
    stored,
    tls,
)

CRD = Path(__file__).parents[2] / "crds" / "certificates.yaml"
#: cert-manager's annotations of Ingresses (its documentation, "Supported Annotations"), and the field that each sets.
CERT_MANAGERS = {
    "issuer": "issuerRef.name",
    "cluster-issuer": "issuerRef.name",
    "issuer-kind": "issuerRef.kind",
    "issuer-group": "issuerRef.group",
    "common-name": "commonName",
    "alt-names": "dnsNames",
    "ip-sans": "ipAddresses",
    "email-sans": "emailAddresses",
    "uri-sans": "uris",
    "subject-organizations": "subject.organizations",
    "subject-organizationalunits": "subject.organizationalUnits",
    "subject-countries": "subject.countries",
    "subject-provinces": "subject.provinces",
    "subject-localities": "subject.localities",
    "subject-postalcodes": "subject.postalCodes",
    "subject-streetaddresses": "subject.streetAddresses",
    "subject-serialnumber": "subject.serialNumber",
    "duration": "duration",
    "renew-before": "renewBefore",
    "renew-before-percentage": "renewBeforePercentage",
    "usages": "usages",
    "revision-history-limit": "revisionHistoryLimit",
    "private-key-algorithm": "privateKey.algorithm",
    "private-key-encoding": "privateKey.encoding",
    "private-key-size": "privateKey.size",
    "private-key-rotation-policy": "privateKey.rotationPolicy",
    "secret-template": "secretTemplate",
}


def _is_field(path: str) -> bool:
    (version,) = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    part: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for step in path.split("."):
        part = part.get("properties", {}).get(step, {})
    return bool(part)


def test_the_annotations_are_cert_managers_as_far_as_a_certificate_has_the_field() -> None:
    assert {name: each.field for name, each in ANNOTATIONS.items()} == {
        name: field for name, field in CERT_MANAGERS.items() if _is_field(field)
    }


def _body(**changed: Any) -> dict[str, Any]:
    asking = applicant(WEB)
    (it,) = plan(asking, Facts(), OPTIONS).apply
    body = stored(manifest(it, asking, NAMES))
    return body | {"metadata": body["metadata"] | changed}


def read(body: dict[str, Any]) -> Made | None:
    return read_made(body, NAMES, KINDS)


def test_a_certificate_tells_its_owner_and_what_we_applied() -> None:
    found = read(_body())
    assert found is not None
    assert (found.ref, found.owner, found.owner_uid) == (
        Ref("Certificate", "shop", "web-tls"),
        SITE,
        "uid-site",
    )
    assert found.spec == {
        "secretName": "web-tls",
        "dnsNames": ["www.example.com", "example.com"],
        "issuerRef": {"name": "ca", "kind": "Issuer"},
    }
    assert (found.issuer, found.by_default, found.going) == (("Issuer", "ca"), False, False)


OWNERS = [
    [],
    [{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "site", "uid": "uid-site"}],
    [{"apiVersion": "example.org/v1", "kind": "Ingress", "name": "x", "uid": "u", "controller": True}],
    [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "u", "controller": True}],
    ["nonsense", {"controller": "true"}],
    None,
]


@pytest.mark.parametrize("owners", OWNERS)
def test_one_that_no_ingress_controls_is_somebody_elses(owners: object) -> None:
    assert read(_body(ownerReferences=owners)) is None


OTHERS = [
    [],
    None,
    [{"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": {"f:secretName": {}}}}],
    [{"manager": "certwright", "operation": "Update", "fieldsV1": {"f:spec": {"f:secretName": {}}}}],
    [{"manager": "certwright", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:spec": {}}}],
    [{"manager": "certwright", "operation": "Apply", "fieldsV1": "nonsense"}],
]


@pytest.mark.parametrize("entries", OTHERS)
def test_what_others_set_is_not_what_we_applied(entries: object) -> None:
    found = read(_body(managedFields=entries))
    assert found is not None
    assert found.spec == {}


def test_a_field_that_somebody_else_added_or_took_over_is_not_ours() -> None:
    body = _body()
    body["spec"]["profile"] = "shortlived"
    del body["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:dnsNames"]
    found = read(body)
    assert found is not None
    assert set(found.spec) == {"secretName", "issuerRef"}


def test_a_new_status_says_nothing_new_and_another_spec_does() -> None:
    one, later, other = (
        read(_body()),
        read(_body(resourceVersion="9")),
        read(_body(deletionTimestamp="2026-11-24T12:00:00Z")),
    )
    assert one is not None
    assert later is not None
    assert other is not None
    assert one.says_what(later)
    assert not one.says_what(other)


def test_the_note_of_a_default_counts_only_if_we_wrote_it() -> None:
    asking = applicant(WEB, annotations={"kubernetes.io/tls-acme": "true"})
    (it,) = plan(asking, Facts(cluster_issuers={"all": True}), TLS_ACME).apply
    assert made(it, asking).by_default
    body = _body(annotations={"certwright.dev/issuer-by-default": "true"})
    found = read(body)
    assert found is not None
    assert not found.by_default


def test_the_manifest_holds_up_nobodys_deletion() -> None:
    asking = applicant(WEB)
    (it,) = plan(asking, Facts(), OPTIONS).apply
    (owner,) = manifest(it, asking, NAMES)["metadata"]["ownerReferences"]
    assert owner == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "name": "site",
        "uid": "uid-site",
        "controller": True,
    }


ODD = [
    {},
    {"metadata": None, "spec": None},
    {"metadata": {"annotations": ["x"], "labels": 3}, "spec": {"tls": "x"}},
    {
        "metadata": {"annotations": {"certwright.dev/issuer": 3}},
        "spec": {"tls": [None, {"hosts": "x", "secretName": 3}]},
    },
]


@pytest.mark.parametrize("body", ODD)
def test_an_odd_ingress_asks_for_nothing(body: dict[str, Any]) -> None:
    found = read_ingress(body, OPTIONS)
    assert found.annotations == {}
    assert found.secret_names == frozenset()


CONCERN = [
    (ASKS, OPTIONS, True),
    ({"certwright.dev/isuer": "ca"}, OPTIONS, True),
    (ASKS | {"cert-manager.io/issuer": "ca"}, OPTIONS, True),
    ({"cert-manager.io/issuer": "ca"}, OPTIONS, False),
    ({"example.org/issuer": "ca"}, OPTIONS, False),
    ({"kubernetes.io/tls-acme": "true"}, OPTIONS, False),
    ({"kubernetes.io/tls-acme": "true"}, TLS_ACME, True),
    ({"kubernetes.io/tls-acme": "false"}, TLS_ACME, False),
    ({"kubernetes.io/tls-acme": "true", "cert-manager.io/issuer": "ca"}, TLS_ACME, False),
    ({}, TLS_ACME, False),
]


@pytest.mark.parametrize(("annotations", "options", "concerns"), CONCERN)
def test_an_ingress_concerns_us_by_its_annotations(
    annotations: dict[str, str], options: Any, *, concerns: bool
) -> None:
    assert options.concern_us(applicant(annotations=annotations).annotations) is concerns


def test_only_what_speaks_to_us_is_kept_and_nothing_of_our_own_routes() -> None:
    many = {"nginx.ingress.kubernetes.io/x": "y" * 1000} | ASKS
    assert applicant(WEB, annotations=many).annotations == ASKS
    route = ingress(tls("x"), annotations=ASKS, labels={"certwright.dev/solver": "http-01"})
    assert applicant(annotations=ASKS, labels=route["metadata"]["labels"]).annotations == {}
