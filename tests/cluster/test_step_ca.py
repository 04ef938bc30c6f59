"""A private CA beside the public one: the same operator, another Issuer, and certificates that live for a day.

step-ca is nothing like Pebble: it validates and signs while it is asked, offers no renewal information, and says
neither `processing` nor `Retry-After`.
"""

from __future__ import annotations

import base64
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from tests.kit.examples import EXAMPLES, Servers, filled_in
from tests.kit.step_ca import USUAL_LIFE, StepCa
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

#: step-ca's certificates begin so long before they are made, as long as nobody says otherwise.
BACKDATED = timedelta(minutes=1)
#: Of the provisioner "brief": half of it, with what is dated back, is over after half a minute.
BRIEF = timedelta(minutes=2)


@pytest.fixture(scope="module")
def step_ca(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StepCa]:
    resolver = f"{bench.nameserver.host}:{bench.nameserver.port}"
    with StepCa.start(
        tmp_path_factory.mktemp("step-ca"),
        resolver=resolver,
        http_port=bench.pebble.settings.http_port,
        lifetimes={"acme": USUAL_LIFE, "brief": BRIEF},
    ) as ca:
        yield ca


def private_issuer(tenant: Tenant, ca: StepCa, provisioner: str = "acme", **acme: Any) -> dict[str, Any]:
    """An Issuer for step-ca, under the name "private"."""
    bundle = base64.b64encode(ca.root_pem.encode()).decode()
    url = ca.directory_url(provisioner)
    return tenant.issuer("private", server=url, caBundle=bundle, termsOfServiceAgreed=False, **acme)


def chain_of(tenant: Tenant, secret: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(tenant.secret(secret)["tls.crt"])


def test_the_example_for_a_private_ca_gives_a_certificate_for_a_day_and_renews_it_after_half(
    tenant: Tenant, bench: Bench, step_ca: StepCa, tell: Callable[[str], None]
) -> None:
    server = bench.nameserver
    servers = Servers(
        directory_url=step_ca.directory_url("acme"),
        ca_pem=step_ca.root_pem,
        nameserver=f"{server.host}:{server.port}",
        tsig_name=server.tsig_name,
        tsig_secret=server.tsig_secret,
    )
    example = filled_in((EXAMPLES / "4-private-ca.yaml").read_text(), servers)
    here = example.replace("namespace: default", f"namespace: {tenant.namespace}")
    tenant.plane.kubectl("apply", "--filename", "-", input=here)
    tenant.await_ready("private-ca", kind="issuer")

    zone = f"apps.{tenant.namespace}.example.test"
    before, began = Counter(step_ca.requests()), time.monotonic()
    tenant.apply(tenant.certificate("web", zone, f"*.{zone}", issuer="private-ca"))
    tenant.await_ready("web")
    took = time.monotonic() - began
    tenant.assert_pair("web-tls")
    leaf, issuing = chain_of(tenant, "web-tls")
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(x509.load_pem_x509_certificate(step_ca.root_pem.encode()))
    life = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert life == USUAL_LIFE + BACKDATED

    status = tenant.get("certificate", "web")["status"]
    due = datetime.fromisoformat(status["renewalTime"])
    half = leaf.not_valid_before_utc + life / 2
    assert half - life / 60 <= due <= half, "spread over a sixtieth of the life, so that not all come at once"
    eventually(lambda: not tenant.attempts(), "the attempt to be gone")
    assert tenant.names_in_use() == set()
    asked = Counter(step_ca.requests()) - before
    tell(f"step-ca: two names in {took:.1f} s; {sum(asked.values())} requests: {dict(asked)}")
    assert (asked["new-order"], asked["challenge"], asked["finalize"]) == (1, 2, 1)


def test_a_name_is_proven_over_http(tenant: Tenant, step_ca: StepCa) -> None:
    tenant.apply(
        private_issuer(tenant, step_ca, solvers=[tenant.http01()]),
        tenant.certificate("web", issuer="private"),
    )
    tenant.await_ready("web")
    tenant.assert_pair("web-tls")
    assert tenant.get("certificate", "web")["status"]["solver"] == "web"
    assert "Company Issuing CA" in tenant.leaf("web-tls").issuer.rfc4514_string()


def test_a_certificate_is_renewed_at_half_of_its_life(
    tenant: Tenant, step_ca: StepCa, tell: Callable[[str], None]
) -> None:
    tenant.apply(
        private_issuer(tenant, step_ca, "brief"),
        tenant.certificate("web", issuer="private"),
    )
    tenant.await_ready("web")
    first, since = tenant.leaf("web-tls"), tenant.now()
    due = datetime.fromisoformat(tenant.get("certificate", "web")["status"]["renewalTime"])
    eventually(lambda: tenant.leaf("web-tls").serial_number != first.serial_number, "the renewal", 120)
    second = tenant.leaf("web-tls")
    # Whole seconds, and what begins is dated back.
    made = second.not_valid_after_utc - BRIEF
    late, left = made - due, first.not_valid_after_utc - made
    tell(f"step-ca: renewed {late.total_seconds():.0f} s after it was due, {left} before the end")
    assert timedelta(seconds=-1) <= late <= timedelta(seconds=15)
    assert made < first.not_valid_after_utc, "it was still good"
    eventually(lambda: tenant.get("certificate", "web")["status"]["revision"] >= 2, "the status", 30)
    seen = tenant.history("web", since)
    ready = [each for version in seen for each in version["status"]["conditions"] if each["type"] == "Ready"]
    assert {each["status"] for each in ready} == {"True"}, "a renewal makes nothing unhealthy"
    tenant.assert_pair("web-tls")


def test_a_proof_that_was_not_found_is_told_and_a_mended_issuer_goes_on(
    tenant: Tenant, step_ca: StepCa
) -> None:
    """step-ca leaves such an order pending for a day."""
    nowhere = {"ingress": {"ingressClassName": "nobody"}, "selfCheck": "Wait=1s"}
    tenant.apply(
        private_issuer(tenant, step_ca, solvers=[{"name": "web", "http01": nowhere}]),
        tenant.certificate("web", issuer="private"),
    )
    name = f"web.{tenant.namespace}.example.test"
    said = tenant.await_condition("web", "Ready", lambda found: found.get("reason") == "ValidationFailed")
    assert f"{name}: the CA refused" in said["message"]
    assert tenant.get("certificate", "web")["status"]["failure"]["count"] == 1
    tenant.apply(private_issuer(tenant, step_ca, solvers=[tenant.http01()]))
    tenant.await_ready("web")
    eventually(lambda: not tenant.attempts(), "the attempt to be gone")


def test_an_account_that_the_ca_does_not_know_yet_is_opened_without_terms(
    tenant: Tenant, step_ca: StepCa
) -> None:
    tenant.apply(private_issuer(tenant, step_ca))
    tenant.await_ready("private", kind="issuer")
    status = tenant.get("issuer", "private")["status"]["acme"]
    assert status["accountURL"].startswith(step_ca.directory_url("acme").removesuffix("directory"))
    assert not status.get("renewalInfo")
