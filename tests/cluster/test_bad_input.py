"""Bad input ends in a condition that names the fix; nothing is lost or overwritten; mended, it goes on by itself."""

from __future__ import annotations

import base64
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.authority import Authority
from tests.kit.nameserver import new_tsig_secret
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

#: Shorter than the shortest hold after a failure: whoever is Ready sooner did not sit it out.
BEFORE_THE_HOLD_ENDS = 40


def message_for(tenant: Tenant, reason: str, *, stalled: bool = False, name: str = "web") -> str:
    """Wait until a Certificate is not Ready for this reason; checks how GitOps tools see it; what it says."""
    ready = tenant.await_condition(
        name, "Ready", lambda found: found.get("reason") == reason and found["status"] == "False"
    )
    assert bool(tenant.condition("certificate", name, "Stalled")) == stalled
    assert bool(tenant.condition("certificate", name, "Reconciling")) != stalled
    return str(ready["message"])


def issuer_message(tenant: Tenant, reason: str, name: str = "ca") -> str:
    """The same of an Issuer."""
    ready = tenant.await_condition(
        name,
        "Ready",
        lambda found: found.get("reason") == reason and found["status"] == "False",
        kind="issuer",
    )
    return str(ready["message"])


def through(tenant: Tenant, **rfc2136: Any) -> dict[str, Any]:
    """The Issuer with other fields of its DNS solver."""
    return tenant.issuer(solvers=[{"dns01": {"rfc2136": tenant.rfc2136(**rfc2136)}}])


def test_an_issuer_may_come_later(tenant: Tenant) -> None:
    tenant.apply(tenant.certificate("web", issuer="later"))
    message = message_for(tenant, "IssuerNotFound")
    assert f"Issuer {tenant.namespace}/later does not exist; create it" in message
    tenant.apply(tenant.issuer("later"))
    tenant.await_ready("web")


def test_a_missing_cluster_issuer_is_named(tenant: Tenant) -> None:
    tenant.apply(tenant.certificate("web", issuerRef={"name": "nowhere", "kind": "ClusterIssuer"}))
    assert "ClusterIssuer nowhere does not exist; create it" in message_for(tenant, "IssuerNotFound")


def test_a_credential_may_come_later(tenant: Tenant, bench: Bench) -> None:
    tenant.apply(through(tenant, tsigSecretSecretRef={"name": "late", "key": "secret"}))
    tenant.await_ready("ca", kind="issuer")
    mark = bench.pebble.mark()
    tenant.apply(tenant.certificate("web"))
    message = message_for(tenant, "CredentialMissing")
    assert (
        f'Secret late in namespace {tenant.namespace} does not exist; create it with the key "secret"'
        in message
    )
    assert bench.pebble.requests(mark).orders == ()
    tenant.apply(tenant.dns_key("late") | {"metadata": labelled(tenant, "late")})
    tenant.await_ready("web")


def labelled(tenant: Tenant, name: str) -> dict[str, Any]:
    """Metadata of a credential."""
    return {"name": name, "namespace": tenant.namespace, "labels": {"certwright.dev/secret": "credential"}}


def test_the_printed_command_labels_a_credential(tenant: Tenant, bench: Bench) -> None:
    bare = {"metadata": {"name": "bare", "namespace": tenant.namespace}}
    tenant.apply(
        tenant.dns_key() | bare, through(tenant, tsigSecretSecretRef={"name": "bare", "key": "secret"})
    )
    tenant.await_ready("ca", kind="issuer")
    mark = bench.pebble.mark()
    tenant.apply(tenant.certificate("web"))
    message = message_for(tenant, "CredentialUnlabelled")
    assert bench.pebble.requests(mark).orders == ()
    command = message.split("`")[1]
    assert command == (
        f"kubectl label secret --namespace {tenant.namespace} bare certwright.dev/secret=credential"
    )
    tenant.plane.kubectl(*shlex.split(command)[1:])
    tenant.await_ready("web")


def test_a_wrong_tsig_secret_is_told_and_mended_without_waiting(tenant: Tenant, bench: Bench) -> None:
    tenant.apply(tenant.dns_key(stringData={"secret": new_tsig_secret()}))
    mark = bench.pebble.mark()
    tenant.apply(tenant.certificate("web"))
    message = message_for(tenant, "DNSCredentialsRefused", stalled=True)
    assert "has another secret for TSIG key" in message
    assert "Next attempt at" in message
    tenant.apply(tenant.dns_key())
    tenant.await_ready("web", timeout=BEFORE_THE_HOLD_ENDS)
    assert len(bench.pebble.requests(mark).orders) == 1
    assert "failure" not in tenant.get("certificate", "web")["status"]


def test_a_wrong_tsig_key_name_is_told_and_mended_without_waiting(tenant: Tenant) -> None:
    tenant.apply(through(tenant, tsigKeyName="nobody"), tenant.certificate("web"))
    assert "nobody" in message_for(tenant, "DNSCredentialsRefused", stalled=True)
    tenant.apply(tenant.issuer())
    tenant.await_ready("web", timeout=BEFORE_THE_HOLD_ENDS)


def test_a_tsig_secret_that_is_not_base64_costs_nothing_at_the_ca(tenant: Tenant, bench: Bench) -> None:
    tenant.apply(tenant.dns_key(stringData={"secret": "*** not base64 ***"}))
    tenant.await_ready("ca", kind="issuer")
    mark = bench.pebble.mark()
    tenant.apply(tenant.certificate("web"))
    message = message_for(tenant, "CredentialInvalid", stalled=True)
    assert "base64" in message
    assert "***" not in message
    assert bench.pebble.requests(mark).orders == ()
    tenant.apply(tenant.dns_key())
    tenant.await_ready("web", timeout=BEFORE_THE_HOLD_ENDS)


def test_a_name_that_no_solver_may_prove_is_told_without_an_order(tenant: Tenant, bench: Bench) -> None:
    narrow = {"selector": {"dnsZones": ["other.test"]}, "dns01": {"rfc2136": tenant.rfc2136()}}
    tenant.apply(tenant.issuer(solvers=[narrow]))
    tenant.await_ready("ca", kind="issuer")
    mark = bench.pebble.mark()
    tenant.apply(tenant.certificate("web"))
    message = message_for(tenant, "NoMatchingSolver", stalled=True)
    assert f"web.{tenant.namespace}.example.test" in message
    assert "widen a selector" in message
    assert bench.pebble.requests(mark).orders == ()
    tenant.apply(tenant.issuer())
    tenant.await_ready("web", timeout=BEFORE_THE_HOLD_ENDS)


def test_somebody_elses_secret_is_kept_until_it_is_handed_over_or_deleted(
    tenant: Tenant, bench: Bench, tmp_path: Path
) -> None:
    foreign = Authority.found(tmp_path / "theirs").serving("theirs", "theirs.example.test")
    for name in ("given-tls", "gone-tls"):
        tenant.kubectl(
            "create", "secret", "tls", name, f"--cert={foreign.certificate}", f"--key={foreign.key}"
        )
    before = {name: tenant.get("secret", name)["data"] for name in ("given-tls", "gone-tls")}
    tenant.await_ready("ca", kind="issuer")
    mark = bench.pebble.mark()
    tenant.apply(tenant.certificate("given"), tenant.certificate("gone"))
    for name in ("given", "gone"):
        message = message_for(tenant, "SecretConflict", stalled=True, name=name)
        assert "written by kubectl" in message
        assert "certwright.dev/adopt=true" in message
    assert {name: tenant.get("secret", name)["data"] for name in before} == before
    assert bench.pebble.requests(mark).orders == ()
    tenant.kubectl("annotate", "secret", "given-tls", "certwright.dev/adopt=true")
    tenant.kubectl("delete", "secret", "gone-tls")
    tenant.await_ready("given", "gone", timeout=60)
    for name in before:
        tenant.assert_pair(name)
        assert tenant.get("secret", name)["data"]["tls.key"] != before[name]["tls.key"]


def test_a_secret_of_another_type_is_told_and_kept(tenant: Tenant, bench: Bench) -> None:
    tenant.kubectl("create", "secret", "generic", "web-tls", "--from-literal=password=hunter2")
    tenant.await_ready("ca", kind="issuer")
    before, mark = tenant.get("secret", "web-tls"), bench.pebble.mark()
    tenant.apply(tenant.certificate("web"))
    message = message_for(tenant, "SecretConflict", stalled=True)
    assert "Opaque" in message
    assert "choose another secretName, or delete the Secret if nothing needs it" in message
    assert tenant.get("secret", "web-tls") == before
    assert bench.pebble.requests(mark).orders == ()


def test_a_second_certificate_for_one_secret_is_told_whose_it_is(tenant: Tenant, bench: Bench) -> None:
    tenant.apply(tenant.certificate("first", secretName="shared-tls"))
    tenant.await_ready("first")
    before, mark = tenant.get("secret", "shared-tls"), bench.pebble.mark()
    tenant.apply(tenant.certificate("second", secretName="shared-tls"))
    message = message_for(tenant, "SecretConflict", stalled=True, name="second")
    assert "belongs to Certificate first" in message
    assert tenant.get("secret", "shared-tls") == before
    assert bench.pebble.requests(mark).orders == ()
    assert tenant.condition("certificate", "first", "Ready")["status"] == "True"


def test_of_two_certificates_that_race_for_one_secret_one_wins_for_good(tenant: Tenant, bench: Bench) -> None:
    tenant.await_ready("ca", kind="issuer")
    mark = bench.pebble.mark()
    names = ("left", "right")
    tenant.apply(*(tenant.certificate(name, secretName="shared-tls") for name in names))

    def loser() -> str:
        stalled = [name for name in names if tenant.condition("certificate", name, "Stalled")]
        return stalled[0] if len(stalled) == 1 else ""

    lost = eventually(loser, "one of the two to be told of the conflict", 60)
    won = next(name for name in names if name != lost)
    tenant.await_ready(won)
    eventually(lambda: not tenant.attempts(), "the attempts to be gone")
    owner = tenant.get("secret", "shared-tls")["metadata"]["annotations"]["certwright.dev/certificate-name"]
    assert owner == won
    assert len(bench.pebble.requests(mark).orders) <= len(names)
    assert tenant.get("certificate", won)["status"]["revision"] == 1
    assert tenant.get("certificate", lost)["status"].get("revision", 0) == 0
    tenant.assert_pair("shared-tls")


def test_garbage_in_our_own_secret_is_replaced(tenant: Tenant) -> None:
    tenant.apply(tenant.certificate("crt"), tenant.certificate("key"), tenant.certificate("half"))
    tenant.await_ready("crt", "key", "half")
    # While an attempt is there, its order's certificate is stored once more, and nothing is ordered.
    eventually(lambda: not tenant.attempts(), "the attempts to be gone")
    serials = {name: tenant.leaf(f"{name}-tls").serial_number for name in ("crt", "key", "half")}
    garbage = b"-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"
    tenant.patch_secret("crt-tls", tls_crt=garbage)
    tenant.patch_secret("key-tls", tls_key=b"\xff\x00 garbage")
    tenant.patch_secret("half-tls", tls_key=b"")

    def mended(name: str) -> bool:
        try:
            return tenant.leaf(f"{name}-tls").serial_number != serials[name]
        except ValueError:
            return False

    for name in serials:
        eventually(lambda name=name: mended(name), f"{name}-tls to be mended", 60)  # type: ignore[misc]
        tenant.assert_pair(f"{name}-tls")


def test_garbage_in_the_account_secret_is_told_and_kept(tenant: Tenant) -> None:
    key = {"metadata": {"name": "odd-account"} | labelled(tenant, "odd-account")}
    key["metadata"]["labels"] = {"certwright.dev/secret": "account"}
    tenant.apply(tenant.dns_key() | key | {"stringData": {"tls.key": "garbage"}})
    tenant.apply(tenant.issuer("odd"), tenant.certificate("web", issuer="odd"))
    message = issuer_message(tenant, "AccountKeyInvalid", "odd")
    assert "Key tls.key of Secret odd-account" in message
    assert "delete the Secret to have one made" in message
    assert tenant.condition("issuer", "odd", "Stalled")["status"] == "True"
    assert "odd is not ready" in message_for(tenant, "IssuerNotReady")
    assert tenant.secret("odd-account") == {"tls.key": b"garbage"}
    tenant.kubectl("delete", "secret", "odd-account")
    tenant.await_ready("web", timeout=BEFORE_THE_HOLD_ENDS)


def test_a_wrong_ca_bundle_is_told_and_mended_without_waiting(tenant: Tenant, tmp_path: Path) -> None:
    wrong = base64.b64encode(Authority.found(tmp_path / "other").pem.encode()).decode()
    tenant.apply(tenant.issuer(caBundle=wrong), tenant.certificate("web"))
    assert "caBundle" in issuer_message(tenant, "CAUnreachable")
    assert "caBundle" in message_for(tenant, "IssuerNotReady")
    tenant.apply(tenant.issuer())
    tenant.await_ready("web", timeout=BEFORE_THE_HOLD_ENDS)


def test_a_ca_that_is_not_there_is_told_with_the_next_try(tenant: Tenant) -> None:
    tenant.apply(tenant.issuer(server="https://127.0.0.1:1/dir"))
    message = issuer_message(tenant, "CAUnreachable")
    assert "127.0.0.1" in message
    assert "It is asked again every 15 seconds" in message
    assert tenant.condition("issuer", "ca", "Reconciling")["status"] == "True"


def test_terms_are_agreed_to_by_people_only(tenant: Tenant, bench: Bench) -> None:
    mark = bench.pebble.mark()
    tenant.apply(tenant.issuer("careful", termsOfServiceAgreed=False))
    message = issuer_message(tenant, "TermsNotAgreed", "careful")
    assert "data:text/plain,Do%20what%20thou%20wilt" in message
    assert "spec.acme.termsOfServiceAgreed: true" in message
    assert tenant.condition("issuer", "careful", "Stalled")["status"] == "True"
    assert not tenant.exists("secret", "careful-account")
    assert bench.pebble.requests(mark).accounts_added <= 1  # the tenant's usual Issuer
    tenant.apply(tenant.issuer("careful"))
    tenant.await_ready("careful", kind="issuer")


def test_a_failing_renewal_alarms_nobody_but_says_so(tenant: Tenant, bench: Bench) -> None:
    # Pebble takes a valid authorization again for one name of a hundred, though it is told never to.
    names = [f"{part}.{tenant.namespace}.example.test" for part in ("one", "two", "three")]
    tenant.apply(tenant.certificate("web", *names))
    tenant.await_ready("web")
    before = tenant.get("secret", "web-tls")
    tenant.apply(tenant.dns_key(stringData={"secret": new_tsig_secret()}))
    bench.pebble.call_for_renewal(tenant.secret("web-tls")["tls.crt"].decode())
    failing = tenant.await_condition("web", "RenewalFailing", lambda found: found.get("status") == "True")
    assert failing["reason"] == "DNSCredentialsRefused"
    assert tenant.condition("certificate", "web", "Ready")["status"] == "True"
    for alarm in ("Stalled", "Reconciling"):
        assert tenant.condition("certificate", "web", alarm) == {}
    assert tenant.get("secret", "web-tls") == before
    tenant.apply(tenant.dns_key())
    eventually(lambda: tenant.get("certificate", "web")["status"]["revision"] == 2, "the renewal", 40)
    tenant.await_condition("web", "RenewalFailing", lambda found: found == {})
    tenant.assert_pair("web-tls")
