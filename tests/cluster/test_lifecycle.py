"""A Certificate's life as its users see it: status, events, suspending, deleting, GitOps tools, company at one name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.name
import dns.query
import dns.tsigkeyring
import dns.update
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.kit.kstatus import kstatus
from tests.kit.nameserver import new_tsig_secret, start_nameserver
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench
    from tests.kit.nameserver import NameServer

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]


def seen_by_gitops(tenant: Tenant, name: str, since: str) -> list[str]:
    """What kstatus said of each version of a Certificate since then, repetitions left out."""
    said: list[str] = []
    for version in tenant.history(name, since):
        verdict = kstatus(version)
        if said[-1:] != [verdict]:
            said.append(verdict)
    return said


def ask_for_renewal(tenant: Tenant, bench: Bench, secret: str) -> None:
    """Let the CA suggest to renew now (RFC 9773 §4.2)."""
    bench.pebble.call_for_renewal(tenant.secret(secret)["tls.crt"].decode())


def test_the_status_says_what_is_in_the_secret(tenant: Tenant) -> None:
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    certificate, leaf = tenant.get("certificate", "web"), tenant.leaf("web-tls")
    status = certificate["status"]
    signer = leaf.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    assert status["notBefore"] == leaf.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert status["notAfter"] == leaf.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert status["serialNumber"] == f"{leaf.serial_number:x}"
    assert status["fingerprintSHA256"].replace(":", "").lower() == leaf.fingerprint(hashes.SHA256()).hex()
    assert status["issuer"] == {"kind": "Issuer", "name": "ca", "commonName": signer}
    assert status["solver"] == "dns"
    assert status["revision"] == 1
    assert status["observedGeneration"] == certificate["metadata"]["generation"]
    assert status["notBefore"] < status["renewalTime"] < status["notAfter"]
    assert not {"attempt", "failure", "nextAttemptTime"} & set(status)


def test_kubectl_shows_a_row_for_people(tenant: Tenant) -> None:
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    expires = tenant.get("certificate", "web")["status"]["notAfter"]
    row = tenant.kubectl("get", "cw", "web", "--no-headers").split()
    assert row[:5] == ["web", "True", "Issued", "web-tls", expires]


def test_one_event_tells_that_a_certificate_was_issued(tenant: Tenant) -> None:
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    told = eventually(lambda: tenant.events("web", "Issued"), "the event")
    assert len(told) == 1
    assert told[0]["type"] == "Normal"
    assert f"web.{tenant.namespace}.example.test" in told[0]["note"]
    assert "Secret web-tls" in told[0]["note"]


def test_a_suspended_certificate_rests_until_it_is_resumed(tenant: Tenant, bench: Bench) -> None:
    tenant.await_ready("ca", kind="issuer")
    mark = bench.pebble.mark()
    tenant.apply(tenant.certificate("web", suspend=True))
    said = tenant.await_condition("web", "Suspended", lambda found: found.get("status") == "True")
    assert "spec.suspend" in said["message"]
    assert tenant.condition("certificate", "web", "Ready")["status"] == "False"
    assert bench.pebble.requests(mark).orders == ()
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    assert tenant.condition("certificate", "web", "Suspended") == {}


def test_suspending_an_issued_certificate_leaves_it_ready(tenant: Tenant, bench: Bench) -> None:
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    tenant.apply(tenant.certificate("web", suspend=True))
    tenant.await_condition("web", "Suspended", lambda found: found.get("status") == "True")
    mark = bench.pebble.mark()
    tenant.kubectl("delete", "secret", "web-tls")
    tenant.await_condition("web", "Ready", lambda found: found["status"] == "False")
    assert bench.pebble.requests(mark).orders == ()
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    assert tenant.exists("secret", "web-tls")


def test_deleting_in_the_middle_of_an_order_leaves_nothing(tenant: Tenant, bench: Bench) -> None:
    """Stuck where the record is published but never seen, because the solver looks at a server without it."""
    blind = start_nameserver(bench.nameserver.zones)
    try:
        solver = {
            "dns01": {"rfc2136": tenant.rfc2136(), "nameservers": [f"{blind.host}:{blind.port}"]},
        }
        name = f"web.{tenant.namespace}.example.test"
        challenge = f"_acme-challenge.{name}"
        tenant.apply(tenant.issuer(solvers=[solver]), tenant.certificate("web", name, f"*.{name}"))
        eventually(lambda: len(bench.nameserver.txt(challenge)) == 2, "both records to be published", 30)
        assert len(tenant.attempts()) == 1
        tenant.kubectl("delete", "certificates.certwright.dev", "web")
        eventually(lambda: not tenant.attempts(), "the attempt to be gone", 30)
        assert bench.nameserver.txt(challenge) == set()
        assert not tenant.exists("secret", "web-tls")
    finally:
        blind.stop()


def test_a_certificate_made_again_under_its_name_starts_anew(tenant: Tenant, bench: Bench) -> None:
    tenant.apply(tenant.certificate("web"))
    eventually(tenant.attempts, "the first to be ordered", 30)
    tenant.kubectl("delete", "certificates.certwright.dev", "web")
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    eventually(lambda: not tenant.attempts(), "all attempts to be gone", 30)
    assert tenant.names_in_use() == set()
    tenant.assert_pair("web-tls")
    uid = tenant.get("certificate", "web")["metadata"]["uid"]
    annotations = tenant.get("secret", "web-tls")["metadata"]["annotations"]
    assert annotations["certwright.dev/certificate-uid"] == uid
    assert bench.nameserver.txt(f"_acme-challenge.web.{tenant.namespace}.example.test") == set()


def test_equal_names_at_once_get_a_key_each(tenant: Tenant, bench: Bench) -> None:
    tenant.await_ready("ca", kind="issuer")
    mark = bench.pebble.mark()
    names = [f"same.{tenant.namespace}.example.test", f"too.{tenant.namespace}.example.test"]
    tenant.apply(tenant.certificate("one", *names), tenant.certificate("two", *reversed(names)))
    tenant.await_ready("one", "two")
    for secret in ("one-tls", "two-tls"):
        tenant.assert_pair(secret)
    assert tenant.secret("one-tls")["tls.key"] != tenant.secret("two-tls")["tls.key"]
    seen = bench.pebble.requests(mark)
    assert len(seen.orders) == len(set(seen.finalized)) == len(seen.finalized) == 2
    eventually(lambda: not tenant.attempts(), "the attempts to be gone")
    assert tenant.names_in_use() == set()


def add_cname(server: NameServer, owner: str, target: str) -> None:
    """Point one name of example.test at another, as an administrator would."""
    keyring = dns.tsigkeyring.from_text({server.tsig_name: server.tsig_secret})
    update = dns.update.UpdateMessage(
        "example.test", keyring=keyring, keyalgorithm=dns.name.from_text("hmac-sha256")
    )
    update.add(f"{owner}.", 60, "CNAME", f"{target}.")
    answer = dns.query.tcp(update, server.host, port=server.port, timeout=5)
    assert answer.rcode() == 0


def test_a_cname_leads_the_proof_to_another_zone(tenant: Tenant, bench: Bench) -> None:
    name = f"led.{tenant.namespace}.example.test"
    beyond = f"proofs-of-{tenant.namespace}.other.test"
    add_cname(bench.nameserver, f"_acme-challenge.{name}", beyond)
    solver = {"dns01": {"rfc2136": tenant.rfc2136(), "cnameStrategy": "Follow"}}
    tenant.apply(tenant.issuer(solvers=[solver]), tenant.certificate("web", name))
    eventually(lambda: bench.nameserver.txt(beyond), "the proof in the other zone", 30)
    tenant.await_ready("web")
    eventually(lambda: not tenant.attempts(), "the attempt to be gone")
    assert bench.nameserver.txt(beyond) == set()


def test_gitops_tools_wait_for_the_first_certificate_and_never_for_a_renewal(
    tenant: Tenant, bench: Bench
) -> None:
    tenant.await_ready("ca", kind="issuer")
    born = tenant.now()
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    assert seen_by_gitops(tenant, "web", born) == ["InProgress", "Current"]
    issued = tenant.now()
    ask_for_renewal(tenant, bench, "web-tls")
    eventually(lambda: tenant.get("certificate", "web")["status"]["revision"] == 2, "the renewal", 60)
    eventually(lambda: not tenant.attempts(), "the attempt to be gone")
    assert seen_by_gitops(tenant, "web", issued) == ["Current"]


def test_gitops_tools_stop_waiting_for_what_needs_a_person(tenant: Tenant) -> None:
    tenant.kubectl("create", "secret", "generic", "web-tls", "--from-literal=a=b")
    born = tenant.now()
    tenant.apply(tenant.certificate("web"))
    tenant.await_condition("web", "Stalled", lambda found: found.get("status") == "True")
    assert seen_by_gitops(tenant, "web", born)[-1] == "Failed"


def test_gitops_tools_hear_of_a_refused_credential_once(tenant: Tenant) -> None:
    """It stays failed while the next try is held back, and moves again when the credential does."""
    tenant.apply(tenant.dns_key(stringData={"secret": new_tsig_secret()}))
    tenant.await_ready("ca", kind="issuer")
    born = tenant.now()
    tenant.apply(tenant.certificate("web"))
    tenant.await_condition("web", "Stalled", lambda found: found.get("status") == "True")
    tenant.apply(tenant.dns_key())
    tenant.await_ready("web", timeout=40)
    said = seen_by_gitops(tenant, "web", born)
    assert said in (["InProgress", "Failed", "Current"], ["InProgress", "Failed", "InProgress", "Current"])


def test_gitops_tools_wait_again_for_edited_names(tenant: Tenant) -> None:
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    issued = tenant.now()
    tenant.apply(tenant.certificate("web", f"new.{tenant.namespace}.example.test"))
    eventually(lambda: tenant.get("certificate", "web")["status"]["revision"] == 2, "the new names", 60)
    assert seen_by_gitops(tenant, "web", issued) == ["InProgress", "Current"]
