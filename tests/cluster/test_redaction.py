"""The canary: no key and no credential is ever seen outside Secrets, whatever goes right or wrong."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.kit.nameserver import new_tsig_secret
from tests.kit.pebble import Pebble
from tests.kit.pebble_settings import PebbleSettings
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench
    from tests.kit.operator_process import Operator

pytestmark = pytest.mark.cluster

MAC_KEY = base64.urlsafe_b64encode(b"canary canary canary canary canary").rstrip(b"=").decode()
#: Shorter pieces of a secret are words like BEGIN, and would be found everywhere.
SHORTEST = 16
#: Everything of a cluster that is not a Secret and that the operator may write to.
KINDS = ("certificates.certwright.dev", "issuers.certwright.dev", "clusterissuers.certwright.dev")
OBJECTS = ",".join(("events.events.k8s.io", "configmaps", *KINDS))


@dataclass
class Canary:
    """Collects secrets in all forms in which they could leak."""

    markers: dict[str, str] = field(default_factory=dict)

    def note(self, what: str, value: bytes) -> None:
        """Remember a secret: as it is, line by line, and as base64 of both kinds."""
        whole = [base64.b64encode(value), base64.urlsafe_b64encode(value)]
        lines = [line for line in value.splitlines() if not line.startswith(b"-----")]
        for form in (*whole, *lines):
            text = form.decode(errors="replace").strip().rstrip("=")
            if len(text) >= SHORTEST:
                self.markers[text] = what

    def seen_in(self, text: str) -> set[str]:
        """What is found in a text, by name."""
        return {what for marker, what in self.markers.items() if marker in text}


@pytest.fixture(scope="module")
def strict_ca(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """A CA that wants an external account binding."""
    resolver = f"{bench.nameserver.host}:{bench.nameserver.port}"
    settings = PebbleSettings(dns_server=resolver, eab={"canary": MAC_KEY})
    with Pebble.start(tmp_path_factory.mktemp("strict-ca"), settings) as pebble:
        yield pebble


def customer(tenant: Tenant, ca: Pebble, name: str, secret: str) -> dict[str, Any]:
    """An Issuer with an external account binding."""
    return tenant.issuer(
        name,
        server=ca.directory_url,
        caBundle=base64.b64encode(ca.ca_pem.encode()).decode(),
        externalAccountBinding={"keyID": "canary", "keySecretRef": {"name": secret, "key": "secret"}},
    )


def await_failure(tenant: Tenant, kind: str, name: str) -> None:
    """Wait until something of ours says that it is not well."""
    tenant.await_condition(
        name,
        "Ready",
        lambda found: found.get("status") == "False" and found["reason"] not in ("Issuing", "Registering"),
        kind=kind,
    )


def token_of(operator: Operator) -> str:
    """What the operator shows the API server."""
    prefix = "--kubeconfig="
    file = next(flag for flag in operator._command if flag.startswith(prefix)).removeprefix(prefix)
    return str(yaml.safe_load(Path(file).read_text())["users"][0]["user"]["token"])


def note_attempts(tenant: Tenant, canary: Canary) -> None:
    """Remember the keys of this tenant's attempts."""
    for name in tenant.attempts():
        attempt = tenant.plane.kubectl_json("get", "secret", name, "--namespace=certwright")
        canary.note("the key of an attempt", base64.b64decode(attempt["data"]["tls.key"]))


def test_no_secret_is_seen_outside_secrets(
    tenant: Tenant, bench: Bench, mortal: Operator, strict_ca: Pebble
) -> None:
    canary = Canary()
    canary.note("the TSIG key", bench.nameserver.tsig_secret.encode())
    canary.note("the MAC key", MAC_KEY.encode())
    _work(tenant, strict_ca, mortal, canary)
    _fail(tenant, strict_ca, canary)
    for name in ("web-tls", "eab-tls", "torn-tls"):
        canary.note(f"the key in {name}", tenant.secret(name)["tls.key"])
    for name in ("ca-account", "eab-account"):
        canary.note(f"the key in {name}", tenant.secret(name)["tls.key"])
    canary.note("the operator's token", token_of(mortal).encode())

    secrets = tenant.plane.kubectl("get", "secrets", "--all-namespaces", "--output=yaml")
    assert {"the key in web-tls", "the TSIG key"} <= canary.seen_in(secrets), "the canary is blind"
    assert canary.seen_in(mortal.log.read_text(errors="replace")) == set()
    assert canary.seen_in(mortal.page("/metrics")) == set()
    objects = tenant.plane.kubectl(
        "get", OBJECTS, "--all-namespaces", "--output=yaml", "--show-managed-fields"
    )
    assert "certwright" in objects
    assert canary.seen_in(objects) == set()


def _work(tenant: Tenant, ca: Pebble, operator: Operator, canary: Canary) -> None:
    """Everything that goes right, with a crash in the middle."""
    tenant.await_ready("ca", kind="issuer")
    operator.stop()
    tenant.apply(
        tenant.dns_key("mac", stringData={"secret": MAC_KEY}),
        customer(tenant, ca, "eab", "mac"),
        tenant.certificate("web"),
        tenant.certificate("eab", issuer="eab"),
    )
    operator.begin({"CERTWRIGHT_KILL_AT": "before:finalize"}, wait=False)
    operator.process.wait(60)
    note_attempts(tenant, canary)
    operator.begin()
    tenant.await_ready("web", "eab")


def _fail(tenant: Tenant, ca: Pebble, canary: Canary) -> None:
    """Everything that goes wrong: credentials that are refused, and ones that cannot even be read."""
    wrong_tsig, wrong_mac = new_tsig_secret(), base64.urlsafe_b64encode(b"a canary in a coal mine").decode()
    garbage = {name: f"!!! a canary's song, number {name} !!!" for name in ("tsig", "mac", "account", "key")}
    for what, text in {"a wrong TSIG key": wrong_tsig, "a wrong MAC key": wrong_mac, **garbage}.items():
        canary.note(what, text.encode())
    account = tenant.dns_key("odd-account", stringData={"tls.key": garbage["account"]})
    account["metadata"]["labels"] = {"certwright.dev/secret": "account"}
    tenant.apply(
        tenant.dns_key("wrong-tsig", stringData={"secret": wrong_tsig}),
        tenant.dns_key("wrong-mac", stringData={"secret": wrong_mac}),
        tenant.dns_key("garbage-tsig", stringData={"secret": garbage["tsig"]}),
        tenant.dns_key("garbage-mac", stringData={"secret": garbage["mac"]}),
        account,
        _with_key(tenant, "wrong-tsig"),
        _with_key(tenant, "garbage-tsig"),
        customer(tenant, ca, "wrong-mac", "wrong-mac"),
        customer(tenant, ca, "garbage-mac", "garbage-mac"),
        tenant.issuer("odd"),
        tenant.certificate("refused", issuer="wrong-tsig"),
        tenant.certificate("unread", issuer="garbage-tsig"),
        tenant.certificate("torn"),
    )
    for issuer in ("wrong-mac", "garbage-mac", "odd"):
        await_failure(tenant, "issuer", issuer)
    for certificate in ("refused", "unread"):
        await_failure(tenant, "certificate", certificate)
    note_attempts(tenant, canary)
    tenant.await_ready("torn")
    serial = tenant.leaf("torn-tls").serial_number
    canary.note("the key that was torn", tenant.secret("torn-tls")["tls.key"])
    tenant.patch_secret("torn-tls", tls_key=garbage["key"].encode())
    eventually(lambda: tenant.leaf("torn-tls").serial_number != serial, "a new certificate", 60)


def _with_key(tenant: Tenant, name: str) -> dict[str, Any]:
    """An Issuer whose DNS credential is the Secret of the same name."""
    return tenant.issuer(
        name,
        solvers=[{"dns01": {"rfc2136": tenant.rfc2136(tsigSecretSecretRef={"name": name, "key": "secret"})}}],
    )
