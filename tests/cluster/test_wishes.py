"""Profiles, preferred chains and durations against a real CA with four roots and several profiles."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from certwright.pki.leaf import issuer_common_name, topmost_issuer
from tests.kit.operator_process import NAMESPACE
from tests.kit.pebble import Pebble
from tests.kit.pebble_settings import PebbleSettings
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench
    from tests.kit.operator_process import Operator

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

SHORT, LONG = timedelta(days=6), timedelta(days=90)
#: As a shell reports SIGKILL.
KILLED = 137
WISH_HASH = "certwright.dev/wish-hash"


@pytest.fixture(scope="module")
def ca(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """A CA with two profiles and three alternates for each chain."""
    settings = PebbleSettings(
        dns_server=f"{bench.nameserver.host}:{bench.nameserver.port}",
        certificate_validity=LONG,
        profiles={"shortlived": SHORT, "brief": timedelta(minutes=5)},
        alternate_roots=3,
    )
    with Pebble.start(tmp_path_factory.mktemp("ca-with-profiles"), settings) as pebble:
        yield pebble


@pytest.fixture(scope="module")
def roots(ca: Pebble) -> list[x509.Certificate]:
    return [x509.load_pem_x509_certificate(ca.root_pem(number).encode()) for number in range(4)]


def issuer_of(tenant: Tenant, ca: Pebble, **acme: Any) -> dict[str, Any]:
    bundle = base64.b64encode(ca.ca_pem.encode()).decode()
    return tenant.issuer("own", server=ca.directory_url, caBundle=bundle, **acme)


def certificate(tenant: Tenant, name: str, **spec: Any) -> dict[str, Any]:
    return tenant.certificate(name, issuer="own", **spec)


def life(tenant: Tenant, secret: str) -> timedelta:
    leaf = tenant.leaf(secret)
    return leaf.not_valid_after_utc - leaf.not_valid_before_utc


def is_about(found: timedelta, wanted: timedelta) -> bool:
    return abs(found - wanted) < timedelta(minutes=5)


def test_each_of_four_roots_is_chosen_by_its_name(
    tenant: Tenant, ca: Pebble, roots: list[x509.Certificate]
) -> None:
    names = [issuer_common_name(root) for root in roots]
    assert len(set(names)) == 4
    chosen = [certificate(tenant, f"root-{at}", preferredChain=name) for at, name in enumerate(names)]
    other = certificate(tenant, "other", preferredChain="Nobody's Root")
    tenant.apply(issuer_of(tenant, ca), *chosen, other)
    tenant.await_ready("other", *(f"root-{at}" for at in range(4)))
    for at, (name, root) in enumerate(zip(names, roots, strict=True)):
        chain = tenant.secret(f"root-{at}-tls")["tls.crt"]
        assert topmost_issuer(chain) == name
        x509.load_pem_x509_certificates(chain)[-1].verify_directly_issued_by(root)
        (told,) = tenant.events(f"root-{at}", "Issued")
        assert told["type"] == "Normal"
    usual = topmost_issuer(tenant.secret("other-tls")["tls.crt"])
    assert usual == names[0]
    (told,) = tenant.events("other", "Issued")
    assert told["type"] == "Warning"
    assert all(name in told["note"] for name in names)
    assert (
        "the CA offered none to Nobody's Root" in tenant.condition("certificate", "other", "Ready")["message"]
    )


def test_a_profile_is_ordered_and_another_one_is_ordered_anew(tenant: Tenant, ca: Pebble) -> None:
    tenant.apply(
        issuer_of(tenant, ca, profile="shortlived"),
        certificate(tenant, "of-issuer"),
        certificate(tenant, "own-word", profile="default"),
    )
    tenant.await_ready("of-issuer", "own-word")
    assert is_about(life(tenant, "of-issuer-tls"), SHORT)
    assert is_about(life(tenant, "own-word-tls"), LONG)
    kept = tenant.leaf("own-word-tls").serial_number
    eventually(lambda: not tenant.attempts(), "the attempts to be gone", 30)
    mark = ca.mark()
    tenant.apply(issuer_of(tenant, ca, profile="default"))
    eventually(lambda: is_about(life(tenant, "of-issuer-tls"), LONG), "the other profile", 60)
    tenant.await_ready("of-issuer", "own-word")
    assert tenant.leaf("own-word-tls").serial_number == kept
    assert len(ca.requests(mark).orders) == 1
    annotations = [
        tenant.get("secret", f"{name}-tls")["metadata"]["annotations"] for name in ("of-issuer", "own-word")
    ]
    assert annotations[0][WISH_HASH] == annotations[1][WISH_HASH]


def test_an_unknown_profile_is_told_with_the_choice_before_any_order(tenant: Tenant, ca: Pebble) -> None:
    mark = ca.mark()
    tenant.apply(issuer_of(tenant, ca), certificate(tenant, "web", profile="tlsclient"))
    stalled = tenant.await_condition("web", "Stalled", lambda found: found.get("reason") == "UnknownProfile")
    assert "shortlived: the bench's shortlived profile" in stalled["message"]
    assert "default: the bench's default profile" in stalled["message"]
    assert ca.requests(mark).arrived["new-order"] == 0
    assert tenant.attempts() == []
    advertised = tenant.get("issuer", "own")["status"]["acme"]["profiles"]
    assert set(advertised) == {"default", "shortlived", "brief"}
    tenant.apply(certificate(tenant, "web", profile="shortlived"))
    tenant.await_ready("web")
    assert is_about(life(tenant, "web-tls"), SHORT)


def test_a_duration_is_asked_where_the_issuer_says_so(tenant: Tenant, ca: Pebble) -> None:
    tenant.apply(
        issuer_of(tenant, ca, enableDurationFeature=True, profile="default"),
        certificate(tenant, "web", duration="10d", renewBeforePercentage=50),
    )
    tenant.await_ready("web")
    left = tenant.leaf("web-tls").not_valid_after_utc - datetime.now(UTC)
    assert is_about(left, timedelta(days=10))
    renews = datetime.fromisoformat(tenant.get("certificate", "web")["status"]["renewalTime"])
    assert renews < datetime.now(UTC) + timedelta(days=7), "reckoned from the certificate that came"


def test_an_attempt_noted_by_the_version_before_is_finished(
    tenant: Tenant, ca: Pebble, mortal: Operator
) -> None:
    tenant.apply(issuer_of(tenant, ca))
    tenant.await_ready("own", kind="issuer")
    mark = ca.mark()
    mortal.stop()
    mortal.begin({"CERTWRIGHT_KILL_AT": "after:note-order"}, wait=False)
    tenant.apply(certificate(tenant, "web"))
    assert mortal.process.wait(60) == KILLED
    (name,) = tenant.attempts()
    place = ("secret", name, f"--namespace={NAMESPACE}")
    data = tenant.plane.kubectl_json("get", *place)["data"]
    journal = json.loads(base64.b64decode(data["attempt.json"]))
    assert journal.pop("wish") == {"profile": "", "preferred_chain": ""}
    older = base64.b64encode(json.dumps(journal).encode()).decode()
    tenant.plane.kubectl(
        "patch", *place, "--type=merge", f"--patch={json.dumps({'data': {'attempt.json': older}})}"
    )
    mortal.begin()
    tenant.await_ready("web")
    assert len(ca.requests(mark).orders) == 1


def test_a_profile_that_the_ca_withdraws_leaves_the_certificate_ready(tenant: Tenant, ca: Pebble) -> None:
    # A lead as long as its life is held at nine tenths of it: due half a minute after it was issued.
    tenant.apply(issuer_of(tenant, ca), certificate(tenant, "web", profile="brief", renewBefore="5m"))
    tenant.await_ready("web")
    ca.restart(replace(ca.settings, profiles={"sixdays": SHORT}))
    serial = tenant.leaf("web-tls").serial_number
    failing = tenant.await_condition(
        "web", "RenewalFailing", lambda found: found.get("reason") == "UnknownProfile", timeout=90
    )
    assert "sixdays: the bench's sixdays profile" in failing["message"]
    assert tenant.condition("certificate", "web", "Ready")["status"] == "True"
    assert tenant.condition("certificate", "web", "Stalled") == {}
    assert tenant.leaf("web-tls").serial_number == serial
