"""The main job: a Certificate applied with kubectl becomes a Secret with a valid key and chain, and stays valid."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.kit.operator_process import USER
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.conftest import Tenant
    from tests.kit.audit import AuditRequest, Mark
    from tests.kit.bench import Bench
    from tests.kit.operator_process import Operator

pytestmark = pytest.mark.cluster

#: Seconds that twenty certificates may take on a machine that does other things too; a quiet one takes five.
TWENTY_SECONDS = 120
READS = {"get", "list"}
WRITES = {"create", "update", "patch", "delete"}


def chain_of(tenant: Tenant, secret: str) -> list[x509.Certificate]:
    """The certificates of a target Secret, leaf first."""
    return x509.load_pem_x509_certificates(tenant.secret(secret)["tls.crt"])


def names_of(leaf: x509.Certificate) -> set[str]:
    """The DNS names of a certificate."""
    extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return set(extension.value.get_values_for_type(x509.DNSName))


def assert_verifies(chain: list[x509.Certificate], root_pem: str) -> None:
    """Each certificate is signed by the next, and the last by the CA's root."""
    root = x509.load_pem_x509_certificate(root_pem.encode())
    for lower, upper in zip(chain, [*chain[1:], root], strict=True):
        lower.verify_directly_issued_by(upper)


def test_twenty_certificates_at_once(
    tenant: Tenant,
    bench: Bench,
    operator: Operator,  # noqa: ARG001
    tell: Callable[[str], None],
) -> None:
    tenant.await_ready("ca", kind="issuer")
    zone = f"{tenant.namespace}.example.test"
    wanted = {f"web{i}": [f"web{i}.{zone}"] for i in range(15)}
    wanted |= {f"wild{i}": [f"w{i}.{zone}", f"*.w{i}.{zone}"] for i in range(5)}
    before, ca_before = bench.control_plane.audit().mark(), bench.pebble.mark()
    began = time.monotonic()
    tenant.apply(*(tenant.certificate(name, *names) for name, names in wanted.items()))
    tenant.await_ready(*wanted, timeout=TWENTY_SECONDS)
    tell(f"20 certificates took {time.monotonic() - began:.1f} s")

    for name, names in wanted.items():
        chain = chain_of(tenant, f"{name}-tls")
        assert_verifies(chain, bench.pebble.root_pem())
        assert names_of(chain[0]) == set(names)
        key = load_pem_private_key(tenant.secret(f"{name}-tls")["tls.key"], None)
        assert key.public_key() == chain[0].public_key()
        assert chain[0].not_valid_before_utc < datetime.now(UTC) < chain[0].not_valid_after_utc
    eventually(lambda: not tenant.attempts(), "attempts to be gone")
    assert tenant.names_in_use() == set(), "TXT records were left behind"
    assert len(bench.pebble.requests(ca_before).finalized) == len(wanted)
    _assert_frugal(bench, before, tenant.namespace, len(wanted))


def _assert_frugal(bench: Bench, before: Mark, namespace: str, certificates: int) -> None:
    """At most 7 writes and 5 reads a certificate; issuers aside; and none when all is done.

    What the test before left is taken down within seconds, in its own namespace and in the tables of tokens, which
    nothing here needs.
    """
    audit = bench.control_plane.audit()

    def ours(requests: list[AuditRequest]) -> list[AuditRequest]:
        return [
            each
            for each in requests
            if each.namespace in (namespace, "certwright", "")
            and each.resource != "leases"  # a leader says every 1.5 s that it lives
            and not each.name.startswith("certwright-tokens-")
            and not (
                each.resource == "events" and each.name.startswith("ca.")
            )  # the issuer's own, as its account opens
        ]

    # The event is the last thing that is written for a certificate.
    eventually(
        lambda: sum(each.resource == "events" for each in ours(audit.requests(USER, before))) >= certificates,
        "an event for each certificate",
    )
    counted = [
        each
        for each in ours(audit.requests(USER, before))
        if each.resource not in ("issuers", "clusterissuers")
    ]
    writes = [each for each in counted if each.verb in WRITES]
    reads = [each for each in counted if each.verb in READS]
    kinds = Counter(f"{each.verb} {each.resource}/{each.subresource} {each.code}" for each in writes + reads)
    print(*(f"{count:4} {kind}" for kind, count in kinds.most_common()), sep="\n")
    print(f"{len(writes) / certificates:.2f} writes and {len(reads) / certificates:.2f} reads a certificate")
    assert len(writes) <= 7 * certificates
    assert len(reads) <= 5 * certificates
    settled = audit.mark()
    # That nothing happens shows while something else does: all certificates' renewal advice is asked for, twice.
    asked = bench.pebble.mark()
    eventually(
        lambda: bench.pebble.requests(asked).arrived["renewal-info"] >= 2 * certificates,
        "the operator to ask for renewal advice",
        60,
    )
    idle = [each for each in ours(audit.requests(USER, settled)) if each.verb != "watch"]
    assert idle == []


def test_a_deleted_secret_comes_back(tenant: Tenant, operator: Operator) -> None:  # noqa: ARG001
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    first = chain_of(tenant, "web-tls")[0]
    tenant.plane.kubectl("delete", "secret", "web-tls", "--namespace", tenant.namespace)
    eventually(lambda: tenant.exists("secret", "web-tls"), "the Secret to come back", 60)
    assert chain_of(tenant, "web-tls")[0].serial_number != first.serial_number
    tenant.await_ready("web")


def test_edited_names_are_ordered_anew(tenant: Tenant, operator: Operator) -> None:  # noqa: ARG001
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    names = [f"web.{tenant.namespace}.example.test", f"new.{tenant.namespace}.example.test"]
    tenant.apply(tenant.certificate("web", *names))
    eventually(lambda: names_of(chain_of(tenant, "web-tls")[0]) == set(names), "the new names", 60)
    tenant.await_ready("web")


def test_a_damaged_secret_is_mended(tenant: Tenant, operator: Operator) -> None:  # noqa: ARG001
    """A key that is not the certificate's, put there by hand, does not stay."""
    tenant.apply(tenant.certificate("web"), tenant.certificate("other"))
    tenant.await_ready("web", "other")
    foreign = tenant.get("secret", "other-tls")["data"]["tls.key"]
    patch = f'{{"data":{{"tls.key":"{foreign}"}}}}'
    tenant.plane.kubectl("patch", "secret", "web-tls", "--namespace", tenant.namespace, f"--patch={patch}")

    def fits() -> bool:
        secret = tenant.secret("web-tls")
        leaf = x509.load_pem_x509_certificate(secret["tls.crt"])
        return load_pem_private_key(secret["tls.key"], None).public_key() == leaf.public_key()

    eventually(fits, "key and certificate to match again", 60)


def test_a_deleted_certificate_leaves_the_secret_and_nothing_else(
    tenant: Tenant,
    bench: Bench,
    operator: Operator,  # noqa: ARG001
) -> None:
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    tenant.plane.kubectl("delete", "certificates.certwright.dev", "web", "--namespace", tenant.namespace)
    eventually(lambda: not tenant.attempts(), "attempts to be gone")
    assert tenant.exists("secret", "web-tls")
    assert bench.nameserver.txt(f"_acme-challenge.web.{tenant.namespace}.example.test") == set()
    assert "ownerReferences" not in tenant.get("secret", "web-tls")["metadata"]


def test_the_ca_can_ask_for_a_renewal(tenant: Tenant, bench: Bench, operator: Operator) -> None:  # noqa: ARG001
    """A window in the past (RFC 9773) renews at once, and tells the CA what was replaced."""
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    first = chain_of(tenant, "web-tls")[0]
    mark = bench.pebble.mark()
    bench.pebble.call_for_renewal(tenant.secret("web-tls")["tls.crt"].decode())
    eventually(lambda: chain_of(tenant, "web-tls")[0].serial_number != first.serial_number, "the renewal", 60)
    eventually(lambda: tenant.get("certificate", "web")["status"].get("revision") == 2, "the status", 30)
    assert len(bench.pebble.requests(mark).replacements) == 1
    assert tenant.condition("certificate", "web", "Ready")["status"] == "True"


def test_the_kept_key_is_kept_and_the_usual_one_is_not(tenant: Tenant, operator: Operator) -> None:  # noqa: ARG001
    keep: dict[str, Any] = {
        "privateKey": {"algorithm": "RSA", "size": 2048, "encoding": "PKCS1", "rotationPolicy": "Never"}
    }
    tenant.apply(tenant.certificate("kept", **keep), tenant.certificate("usual"))
    tenant.await_ready("kept", "usual")
    keys = {name: tenant.secret(f"{name}-tls")["tls.key"] for name in ("kept", "usual")}
    assert keys["kept"].startswith(b"-----BEGIN RSA PRIVATE KEY")
    assert keys["usual"].startswith(b"-----BEGIN PRIVATE KEY")
    zone = f"{tenant.namespace}.example.test"
    tenant.apply(
        tenant.certificate("kept", f"kept2.{zone}", **keep), tenant.certificate("usual", f"usual2.{zone}")
    )
    for name in ("kept", "usual"):
        eventually(
            lambda name=name: names_of(chain_of(tenant, f"{name}-tls")[0]) == {f"{name}2.{zone}"},  # type: ignore[misc]
            "the new name",
            60,
        )
    assert tenant.secret("kept-tls")["tls.key"] == keys["kept"]
    assert tenant.secret("usual-tls")["tls.key"] != keys["usual"]
