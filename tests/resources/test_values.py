"""Values made of objects: names as ordered, durations, references, and a status that comes back the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.resources.certificate import Certificate, read_certificate
from certwright.resources.certificate_status import (
    AttemptStatus,
    CertificateStatus,
    FailureStatus,
    IssuerStatusRef,
    RenewalInfoStatus,
    read_status,
    status_to_dict,
)
from certwright.resources.condition import Condition
from certwright.resources.dns01_spec import Dns01Spec, Rfc2136Spec, TsigAlgorithm
from certwright.resources.durations import format_duration, parse_duration
from certwright.resources.http01_spec import (
    Http01IngressSpec,
    Http01Spec,
    IngressTemplate,
    PathType,
    TemplateMetadata,
)
from certwright.resources.issuer import Issuer, read_issuer
from certwright.resources.issuer_status import (
    AcmeStatus,
    IssuerStatus,
    issuer_status_to_dict,
    read_issuer_status,
)
from certwright.resources.metadata import read_metadata
from certwright.resources.names import ApiNames, Ref
from certwright.resources.secret_refs import SecretKeyRef
from certwright.resources.self_check import SelfCheck, SelfCheckMode
from certwright.resources.solver_spec import SolverSpec
from tests.resources import objects, solver_objects
from tests.resources.objects import PEM, encoded

NAMES = ApiNames()
NOW = datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC)


def certificate(**spec: Any) -> Certificate:
    read = read_certificate(objects.certificate(**spec), NAMES)
    assert isinstance(read, Certificate), read
    return read


def issuer(body: dict[str, Any]) -> Issuer:
    read = read_issuer(body, NAMES)
    assert isinstance(read, Issuer), read
    return read


@pytest.mark.parametrize(
    ("written", "ordered"),
    [
        pytest.param(["WWW.Example.COM."], ("www.example.com",), id="lower case and no final dot"),
        pytest.param(
            ["b.example", "a.example", "B.example"], ("b.example", "a.example"), id="each once, in order"
        ),
        pytest.param(["BÜCHER.example"], ("xn--bcher-kva.example",), id="Unicode in A-labels"),
        pytest.param(["faß.example"], ("xn--fa-hia.example",), id="a sharp s stays one (non-transitional)"),
        pytest.param(
            ["*.日本語。example"], ("*.xn--wgv71a119e.example",), id="a wildcard and an ideographic dot"
        ),
        pytest.param(["r3---sn-X.example"], ("r3---sn-x.example",), id="hyphens as they are"),
    ],
)
def test_names_as_they_are_ordered(written: list[str], ordered: tuple[str, ...]) -> None:
    assert certificate(dnsNames=written).spec.dns_names == ordered


def test_a_common_name_alone_is_the_only_name() -> None:
    spec = certificate(dnsNames=[], commonName="Bücher.example.").spec
    assert spec.common_name == "xn--bcher-kva.example"
    assert spec.dns_names == ("xn--bcher-kva.example",)


def test_an_issuer_is_looked_for_beside_the_certificate_and_a_cluster_issuer_nowhere() -> None:
    assert certificate().spec.issuer_ref == Ref("Issuer", "default", "ca")
    elsewhere = certificate(issuerRef={"name": "ca", "kind": "ClusterIssuer"})
    assert elsewhere.spec.issuer_ref == Ref("ClusterIssuer", "", "ca")


def test_references_read_well_and_sort() -> None:
    assert str(Ref("Certificate", "shop", "web")) == "Certificate shop/web"
    assert str(Ref("ClusterIssuer", "", "ca")) == "ClusterIssuer ca"
    assert Ref("Issuer", "a", "b") < Ref("Issuer", "b", "a")


def test_all_names_follow_the_group() -> None:
    names = ApiNames("cert-manager.io")
    assert names.api_version == "cert-manager.io/v1"
    assert {names.secret_label, names.adopt} == {"cert-manager.io/secret", "cert-manager.io/adopt"}


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90d", timedelta(days=90)),
        ("2160h0m0s", timedelta(days=90)),
        ("1.5h", timedelta(minutes=90)),
        ("1d12h30m0.5s", timedelta(days=1, hours=12, minutes=30, seconds=0.5)),
        ("250ms", timedelta(milliseconds=250)),
    ],
)
def test_durations_are_read(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "90", "-1h", "1h1h", "1m1h", "1.h", "\u0661h", "1h\n", "10000d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write a duration"):
        parse_duration(text)


@given(duration=st.timedeltas(timedelta(), timedelta(days=9999)))
def test_a_duration_comes_back_the_same(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


def test_what_an_issuer_leaves_out() -> None:
    spec = issuer(objects.issuer(caBundleSecretRef={"name": "roots"})).spec
    assert spec.private_key_secret == SecretKeyRef("account", "tls.key")
    assert spec.ca_bundle_secret == SecretKeyRef("roots", "ca.crt")
    (solver,) = spec.solvers
    assert solver.dns01 is not None
    rfc2136 = solver.dns01.rfc2136
    assert (rfc2136.tsig_algorithm, rfc2136.protocol.value) == (TsigAlgorithm.HMACSHA256, "TCP")
    assert (solver.challenge_type, solver.self_check) == ("dns-01", SelfCheck(SelfCheckMode.REQUIRE))


def test_what_a_solver_for_http_01_leaves_out() -> None:
    (solver,) = issuer(solver_objects.http01()).spec.solvers
    assert (solver.challenge_type, solver.self_check) == ("http-01", SelfCheck(SelfCheckMode.REQUIRE))
    assert solver.http01 == Http01Spec(
        ingress=Http01IngressSpec(
            ingress_class_name=None,
            class_=None,
            path_type=PathType.EXACT,
            ingress_template=IngressTemplate(TemplateMetadata(labels={}, annotations={})),
        )
    )


def test_what_a_solver_for_http_01_says_is_kept() -> None:
    metadata = {"labels": {"team": "web"}, "annotations": {"example.com/Note": "any text"}}
    written = {"class": "nginx", "pathType": "Prefix", "ingressTemplate": {"metadata": metadata}}
    (solver,) = issuer(solver_objects.ingress(**written)).spec.solvers
    assert solver.http01 is not None
    ingress = solver.http01.ingress
    assert (ingress.class_, ingress.path_type) == ("nginx", PathType.PREFIX)
    assert ingress.ingress_template.metadata == TemplateMetadata(metadata["labels"], metadata["annotations"])


@pytest.mark.parametrize(
    "made", [solver_objects.dns01(selfCheck="Wait=1m30s"), solver_objects.http01(selfCheck="Wait=1m30s")]
)
def test_a_self_check_that_waits(made: dict[str, Any]) -> None:
    (solver,) = issuer(made).spec.solvers
    assert solver.self_check == SelfCheck(SelfCheckMode.WAIT, timedelta(seconds=90))


def test_a_solver_proves_names_in_exactly_one_way() -> None:
    http01 = Http01Spec(ingress=Http01IngressSpec())
    dns01 = Dns01Spec(rfc2136=Rfc2136Spec(nameserver="192.0.2.53"))
    with pytest.raises(ValueError, match="add http01 or dns01"):
        SolverSpec()
    with pytest.raises(ValueError, match="make two solvers of it"):
        SolverSpec(http01=http01, dns01=dns01)
    assert [SolverSpec(http01=http01).block, SolverSpec(dns01=dns01).block] == [http01, dns01]


def test_selectors_are_compared_with_names_as_they_are_ordered() -> None:
    selector = {"dnsNames": ["*.BÜCHER.example."], "dnsZones": ["Example.com."]}
    found = issuer(solver_objects.solver(selector=selector)).spec.solvers[0].selector
    assert (found.dns_names, found.dns_zones) == (("*.xn--bcher-kva.example",), ("example.com",))


def test_a_ca_bundle_is_decoded_and_a_server_is_kept_byte_for_byte() -> None:
    spec = issuer(objects.issuer(caBundle=encoded(PEM), server="https://CA.example:443//Dir?x=%2f")).spec
    assert spec.ca_bundle == PEM.encode()
    assert spec.server == "https://CA.example:443//Dir?x=%2f"


CONDITION = Condition(
    type="Ready",
    status="True",
    reason="Issued",
    message="The certificate is valid.",
    last_transition_time=NOW,
    observed_generation=3,
)
FULL = CertificateStatus(
    observed_generation=3,
    conditions=(CONDITION,),
    not_before=NOW,
    not_after=NOW,
    renewal_time=NOW,
    serial_number="ab" * 20,
    fingerprint_sha256="cd" * 32,
    issuer=IssuerStatusRef(kind="Issuer", name="ca", common_name="Test CA"),
    solver="dns",
    revision=2,
    renewal_info=RenewalInfoStatus(start=NOW, end=NOW, explanation_url="https://ca.example/why"),
    attempt=AttemptStatus(number=2, started_at=NOW, reason="Renewing"),
    failure=FailureStatus(
        reason="RateLimited", identifier="a.example", type="rateLimited", detail="Later.", at=NOW, count=2
    ),
    next_attempt_time=NOW,
)
ACCOUNT = IssuerStatus(
    observed_generation=1,
    conditions=(CONDITION,),
    acme=AcmeStatus(
        account_url="https://ca.example/account/1",
        caa_identities=("ca.example",),
        terms_of_service="https://ca.example/terms",
        profiles={"shortlived": "Six days"},
        renewal_info=True,
        external_account_required=True,
        last_registered_email="me@example.com",
        key_thumbprint="abc",
    ),
)


def test_a_status_comes_back_the_same() -> None:
    assert read_status(status_to_dict(FULL)) == FULL
    assert read_issuer_status(issuer_status_to_dict(ACCOUNT)) == ACCOUNT


def test_an_empty_status_keeps_its_generation_and_writes_nothing_else() -> None:
    assert status_to_dict(CertificateStatus()) == {"observedGeneration": -1}
    assert issuer_status_to_dict(IssuerStatus()) == {"observedGeneration": -1, "conditions": []}


def test_metadata_that_is_missing_is_empty() -> None:
    meta = read_metadata({"metadata": {"name": "web", "labels": {"a": "b", "c": 5}}})
    assert (meta.name, meta.namespace, meta.generation) == ("web", "", 0)
    assert meta.labels == {"a": "b"}
