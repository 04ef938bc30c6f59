"""Issuers: one account each, whose key is stored first, and which outlives operators, edits and forgetful CAs."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

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

#: One for the spec, one for the key that was stored meanwhile, and some for refused nonces.
FEW_TRIES = 6
#: Of an account that a CA does not know sooner than this after it opened it, it never will.
SETTLED = timedelta(seconds=11)
MAC_KEY = base64.urlsafe_b64encode(b"a key that the CA gave to a customer").rstrip(b"=").decode()


@pytest.fixture(scope="module")
def own_ca(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """A CA that only serves its customers (external account binding), and that tests may restart."""
    resolver = f"{bench.nameserver.host}:{bench.nameserver.port}"
    settings = PebbleSettings(dns_server=resolver, eab={"customer-1": MAC_KEY})
    with Pebble.start(tmp_path_factory.mktemp("own-ca"), settings) as pebble:
        yield pebble


def issuer_of(tenant: Tenant, ca: Pebble, name: str, **acme: Any) -> dict[str, Any]:
    """An Issuer for another CA than the bench's."""
    bundle = base64.b64encode(ca.ca_pem.encode()).decode()
    return tenant.issuer(name, server=ca.directory_url, caBundle=bundle, **acme)


def labelled(name: str) -> dict[str, Any]:
    """Metadata of a credential in the operator's namespace; the label makes it be noticed at once."""
    return {"name": name, "namespace": NAMESPACE, "labels": {"certwright.dev/secret": "credential"}}


def account_url(tenant: Tenant, name: str) -> str:
    return str(tenant.get("issuer", name)["status"]["acme"]["accountURL"])


def account_age(tenant: Tenant, name: str) -> timedelta:
    """For how long an issuer's account has worked."""
    since = datetime.fromisoformat(tenant.condition("issuer", name, "Ready")["lastTransitionTime"])
    return datetime.now(UTC) - since


def mac_secret(tenant: Tenant, text: str) -> dict[str, Any]:
    """The Secret with a MAC key."""
    return tenant.dns_key("mac", stringData={"secret": text})


def binding() -> dict[str, Any]:
    return {"keyID": "customer-1", "keySecretRef": {"name": "mac", "key": "secret"}}


def test_an_account_outlives_the_operator(tenant: Tenant, bench: Bench, mortal: Operator) -> None:
    tenant.await_ready("ca", kind="issuer")
    before, key = account_url(tenant, "ca"), tenant.secret("ca-account")
    mark = bench.pebble.mark()
    mortal.stop()
    mortal.begin()
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    assert bench.pebble.requests(mark).accounts_added == 0
    assert account_url(tenant, "ca") == before
    assert tenant.secret("ca-account") == key


def test_the_status_of_an_issuer_names_its_account(tenant: Tenant) -> None:
    tenant.await_ready("ca", kind="issuer")
    status = tenant.get("issuer", "ca")["status"]
    assert status["acme"]["accountURL"].startswith("https://127.0.0.1:")
    assert status["acme"]["lastRegisteredEmail"] == "certificates@example.test"
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "Ready": "True",
        "AccountReady": "True",
        "Accepted": "True",
    }


def test_two_issuers_with_one_key_register_once(tenant: Tenant, bench: Bench) -> None:
    tenant.await_ready("ca", kind="issuer")
    mark = bench.pebble.mark()
    shared = {"name": "shared-account"}
    tenant.apply(*(tenant.issuer(name, privateKeySecretRef=shared) for name in ("one", "two")))
    tenant.await_ready("one", "two", kind="issuer")
    assert account_url(tenant, "one") == account_url(tenant, "two")
    assert bench.pebble.requests(mark).accounts_added == 1


def test_a_cluster_issuer_reads_the_operators_namespace_only(tenant: Tenant) -> None:
    name = f"all-of-{tenant.namespace}"
    key = {"name": f"{name}-key", "key": "secret"}
    solvers = [{"dns01": {"rfc2136": tenant.rfc2136(tsigSecretSecretRef=key)}}]
    tenant.apply(
        tenant.issuer(name, "ClusterIssuer", solvers=solvers),
        tenant.dns_key(f"{name}-key"),  # in the wrong namespace
        tenant.certificate("web", issuerRef={"name": name, "kind": "ClusterIssuer"}),
    )
    try:
        missing = tenant.await_condition(
            "web", "Ready", lambda found: found.get("reason") == "CredentialMissing"
        )
        assert f"Secret {name}-key in namespace {NAMESPACE} does not exist" in missing["message"]
        right = tenant.dns_key() | {"metadata": labelled(f"{name}-key")}
        tenant.apply(right)
        tenant.await_ready("web")
        assert not tenant.exists("secret", f"{name}-account")
        account = tenant.plane.kubectl("get", "secret", f"{name}-account", f"--namespace={NAMESPACE}")
        assert account
    finally:
        tenant.plane.kubectl("delete", "clusterissuers.certwright.dev", name)
        tenant.plane.kubectl("delete", "secret", f"{name}-key", f"--namespace={NAMESPACE}", check=False)


def test_a_changed_contact_reaches_the_ca(tenant: Tenant, bench: Bench) -> None:
    tenant.await_ready("ca", kind="issuer")
    before, mark = account_url(tenant, "ca"), bench.pebble.mark()
    tenant.apply(tenant.issuer(email="others@example.test"))
    eventually(
        lambda: tenant.get("issuer", "ca")["status"]["acme"]["lastRegisteredEmail"] == "others@example.test",
        "the new contact",
        30,
    )
    seen = bench.pebble.requests(mark)
    assert seen.arrived["account"] >= 1
    assert seen.accounts_added == 0
    assert account_url(tenant, "ca") == before


def test_a_binding_that_the_ca_wants_is_asked_for(tenant: Tenant, own_ca: Pebble) -> None:
    tenant.apply(issuer_of(tenant, own_ca, "customer"))
    said = tenant.await_condition(
        "customer", "Ready", lambda found: found.get("reason") == "ExternalAccountRequired", kind="issuer"
    )
    assert "set spec.acme.externalAccountBinding" in said["message"]
    tenant.apply(
        mac_secret(tenant, MAC_KEY), issuer_of(tenant, own_ca, "customer", externalAccountBinding=binding())
    )
    tenant.await_ready("customer", kind="issuer")


def test_a_refused_binding_names_what_to_correct(tenant: Tenant, own_ca: Pebble) -> None:
    wrong = base64.urlsafe_b64encode(b"not the key that the CA gave anybody").decode()
    mark = own_ca.mark()
    tenant.apply(
        mac_secret(tenant, wrong), issuer_of(tenant, own_ca, "customer", externalAccountBinding=binding())
    )
    said = tenant.await_condition(
        "customer", "Ready", lambda found: found.get("reason") == "ExternalAccountRequired", kind="issuer"
    )
    assert "spec.acme.externalAccountBinding" in said["message"]
    assert wrong not in said["message"]
    tenant.apply(tenant.certificate("web", issuer="customer"))
    tenant.await_condition("web", "Ready", lambda found: found.get("reason") == "IssuerNotReady")
    assert own_ca.requests(mark).arrived["new-account"] <= FEW_TRIES
    tenant.apply(mac_secret(tenant, MAC_KEY))
    tenant.await_ready("customer", kind="issuer", timeout=40)


def test_a_ca_that_forgot_everything_gets_the_account_again(tenant: Tenant, own_ca: Pebble) -> None:
    tenant.apply(
        mac_secret(tenant, MAC_KEY),
        issuer_of(tenant, own_ca, "customer", externalAccountBinding=binding()),
        tenant.certificate("web", issuer="customer"),
    )
    tenant.await_ready("web")
    key = tenant.secret("customer-account")
    eventually(lambda: account_age(tenant, "customer") > SETTLED, "the account to be an old one", 20)
    own_ca.restart(replace(own_ca.settings, nonce_reject_percent=20))
    mark = own_ca.mark()
    names = [f"web.{tenant.namespace}.example.test", f"new.{tenant.namespace}.example.test"]
    tenant.apply(tenant.certificate("web", *names, issuer="customer"))
    eventually(lambda: tenant.get("certificate", "web")["status"]["revision"] == 2, "a new certificate", 60)
    assert own_ca.requests(mark).accounts_added == 1
    assert tenant.secret("customer-account") == key
    tenant.assert_pair("web-tls")
