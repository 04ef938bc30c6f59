"""The rules about the target Secret, on a real API server: whose it is, what is put back, what costs an order."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

GROUP = "certwright.dev"
LABEL = f"{GROUP}/secret"


def metadata(tenant: Tenant, secret: str) -> dict[str, Any]:
    """Metadata of a Secret; {} if it is not there."""
    if not tenant.exists("secret", secret):
        return {}
    found: dict[str, Any] = tenant.get("secret", secret)["metadata"]
    return found


def record(tenant: Tenant, secret: str) -> dict[str, str]:
    """Our annotations on a Secret."""
    found = metadata(tenant, secret).get("annotations") or {}
    return {name: text for name, text in found.items() if name.startswith(GROUP)}


def issued(tenant: Tenant, *names: str, **spec: Any) -> None:
    """Certificates that are Ready and at rest."""
    tenant.apply(*(tenant.certificate(name, **spec) for name in names))
    tenant.await_ready(*names)
    eventually(lambda: not tenant.attempts(), "the attempts to be gone")


def serial(tenant: Tenant, name: str) -> str:
    """Of the certificate that a status tells of."""
    return str(tenant.get("certificate", name)["status"].get("serialNumber", ""))


def messages(tenant: Tenant, name: str, since: str) -> list[str]:
    """Every message of Ready since then."""
    versions = tenant.history(name, since)
    conditions = [each for version in versions for each in version.get("status", {}).get("conditions", [])]
    return [each["message"] for each in conditions if each["type"] == "Ready"]


def create_tls(tenant: Tenant, name: str, data: dict[str, bytes], directory: Path) -> None:
    """Make a TLS Secret as people do."""
    paths = {key: directory / f"{name}-{key}" for key in ("tls.crt", "tls.key")}
    for key, path in paths.items():
        path.write_bytes(data[key])
    tenant.kubectl("create", "secret", "tls", name, f"--cert={paths['tls.crt']}", f"--key={paths['tls.key']}")


def test_a_secret_made_elsewhere_is_adopted_without_an_order(
    tenant: Tenant, bench: Bench, tmp_path: Path
) -> None:
    issued(tenant, "origin")
    create_tls(tenant, "copied-tls", tenant.secret("origin-tls"), tmp_path)
    tenant.kubectl("annotate", "secret", "copied-tls", f"{GROUP}/adopt=true", "team=a")
    before, mark = tenant.get("secret", "copied-tls"), bench.pebble.mark()
    names = [f"origin.{tenant.namespace}.example.test"]
    tenant.apply(tenant.certificate("copied", *names))
    tenant.await_ready("copied", timeout=30)
    eventually(lambda: metadata(tenant, "copied-tls")["labels"] == {LABEL: "target"}, "the label", 20)
    after = tenant.get("secret", "copied-tls")
    assert after["data"] == before["data"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["annotations"]["team"] == "a"
    adopted = record(tenant, "copied-tls")
    assert adopted[f"{GROUP}/certificate-name"] == "copied"
    assert adopted[f"{GROUP}/serial-number"] == serial(tenant, "copied") == serial(tenant, "origin")
    assert bench.pebble.requests(mark).orders == ()


def test_a_certificate_made_again_finds_its_secret_and_writes_its_uid(tenant: Tenant, bench: Bench) -> None:
    issued(tenant, "web")
    mark, before = bench.pebble.mark(), tenant.get("secret", "web-tls")["data"]
    tenant.kubectl("delete", "certificates.certwright.dev", "web")
    tenant.apply(tenant.certificate("web"))
    uid = tenant.get("certificate", "web")["metadata"]["uid"]
    eventually(lambda: record(tenant, "web-tls")[f"{GROUP}/certificate-uid"] == uid, "the new UID", 20)
    tenant.await_ready("web")
    assert tenant.get("secret", "web-tls")["data"] == before
    assert bench.pebble.requests(mark).orders == ()


def test_a_label_that_was_removed_comes_back_without_an_order(tenant: Tenant, bench: Bench) -> None:
    issued(tenant, "web")
    before, mark = tenant.get("secret", "web-tls"), bench.pebble.mark()
    tenant.kubectl("label", "secret", "web-tls", f"{LABEL}-")
    eventually(lambda: metadata(tenant, "web-tls").get("labels") == {LABEL: "target"}, "the label", 20)
    after = tenant.get("secret", "web-tls")
    assert (after["data"], after["metadata"]["uid"]) == (before["data"], before["metadata"]["uid"])
    assert bench.pebble.requests(mark).orders == ()
    assert "losses" not in tenant.get("certificate", "web")["status"]


def test_annotations_that_were_edited_are_put_right_without_an_order(tenant: Tenant, bench: Bench) -> None:
    issued(tenant, "web")
    before, data = record(tenant, "web-tls"), tenant.get("secret", "web-tls")["data"]
    known = [name for name in before if name != f"{GROUP}/attempt"]
    assert len(known) == 8
    mark = bench.pebble.mark()
    edits = [f"{name}=nonsense" for name in known]
    tenant.kubectl("annotate", "--overwrite", "secret", "web-tls", *edits, "mine=stays")
    eventually(lambda: record(tenant, "web-tls") == before, "all annotations to be put right", 20)
    tenant.kubectl("annotate", "secret", "web-tls", *[f"{name}-" for name in known])
    eventually(lambda: record(tenant, "web-tls") == before, "all annotations", 20)
    assert metadata(tenant, "web-tls")["annotations"]["mine"] == "stays"
    assert tenant.get("secret", "web-tls")["data"] == data
    assert bench.pebble.requests(mark).orders == ()


def test_foreign_keys_labels_and_annotations_stay_through_a_renewal(tenant: Tenant, bench: Bench) -> None:
    issued(tenant, "web")
    tenant.patch_secret("web-tls", extra=b"stays")
    tenant.kubectl("label", "secret", "web-tls", "team=a")
    tenant.kubectl("annotate", "secret", "web-tls", "note=b")
    first = serial(tenant, "web")
    bench.pebble.call_for_renewal(tenant.secret("web-tls")["tls.crt"].decode())
    eventually(lambda: serial(tenant, "web") != first, "the renewal", 60)
    eventually(lambda: not tenant.attempts(), "the attempt to be gone")
    tenant.assert_pair("web-tls")
    assert tenant.secret("web-tls")["extra"] == b"stays"
    assert metadata(tenant, "web-tls")["labels"] == {"team": "a", LABEL: "target"}
    assert metadata(tenant, "web-tls")["annotations"]["note"] == "b"


def test_a_swapped_key_is_made_good_once_and_the_editor_is_named(tenant: Tenant, bench: Bench) -> None:
    issued(tenant, "web", "other")
    mark, since = bench.pebble.mark(), tenant.now()
    first = serial(tenant, "web")
    stolen = tenant.secret("other-tls")["tls.key"]
    tenant.patch_secret("web-tls", tls_key=stolen)
    eventually(lambda: serial(tenant, "web") not in ("", first), "another certificate", 60)
    tenant.await_ready("web")
    eventually(lambda: not tenant.attempts(), "the attempt to be gone")
    tenant.assert_pair("web-tls")
    assert tenant.secret("web-tls")["tls.key"] != stolen
    told = "tls.key in Secret web-tls does not belong to its tls.crt (last written by kubectl-patch)"
    assert any(told in message for message in messages(tenant, "web", since))
    assert len(bench.pebble.requests(mark).finalized) == 1
    assert len(tenant.get("certificate", "web")["status"]["losses"]) == 1


def test_an_older_certificate_from_a_backup_is_accepted(tenant: Tenant, bench: Bench) -> None:
    issued(tenant, "web")
    backup, first = tenant.get("secret", "web-tls"), serial(tenant, "web")
    old = tenant.secret("web-tls")["tls.crt"]
    bench.pebble.call_for_renewal(old.decode())
    eventually(lambda: serial(tenant, "web") not in ("", first), "the renewal", 60)
    eventually(lambda: not tenant.attempts(), "the attempt to be gone")
    later = datetime.now(UTC) + timedelta(days=1)
    bench.pebble.set_renewal_info(old.decode(), later, later + timedelta(hours=1))
    mark = bench.pebble.mark()
    kept = {key: backup["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
    whole = {"apiVersion": "v1", "kind": "Secret", "metadata": kept} | {
        key: backup[key] for key in ("type", "data")
    }
    tenant.plane.kubectl("replace", "--filename", "-", input=json.dumps(whole))
    eventually(lambda: serial(tenant, "web") == first, "the status to follow", 20)
    tenant.await_ready("web")
    assert tenant.secret("web-tls")["tls.crt"] == old
    assert tenant.get("certificate", "web")["status"]["revision"] == 2
    assert bench.pebble.requests(mark).orders == ()


def older_first(tenant: Tenant, *names: str) -> list[str]:
    """Names of Certificates, the older first; those of one second by UID."""
    found = [tenant.get("certificate", name)["metadata"] for name in names]
    return [each["name"] for each in sorted(found, key=lambda each: (each["creationTimestamp"], each["uid"]))]


def test_of_two_certificates_for_one_secret_the_older_wins_and_one_is_finalized(
    tenant: Tenant, bench: Bench
) -> None:
    tenant.await_ready("ca", kind="issuer")
    mark = bench.pebble.mark()
    tenant.apply(*(tenant.certificate(name, secretName="shared-tls") for name in ("left", "right")))
    older, newer = older_first(tenant, "left", "right")
    tenant.await_ready(older)
    stalled = tenant.await_condition(newer, "Stalled", lambda found: found.get("status") == "True")
    assert stalled["reason"] == "SecretConflict"
    assert f"Certificate {older}" in stalled["message"]
    eventually(lambda: not tenant.attempts(), "the attempts to be gone")
    assert record(tenant, "shared-tls")[f"{GROUP}/certificate-name"] == older
    assert len(bench.pebble.requests(mark).finalized) == 1
    assert len(bench.pebble.requests(mark).orders) <= 2
    tenant.assert_pair("shared-tls")

    # A minute of peace: neither asks the CA for anything, neither writes.
    settled = (metadata(tenant, "shared-tls")["resourceVersion"], bench.pebble.mark())
    time.sleep(25)
    assert metadata(tenant, "shared-tls")["resourceVersion"] == settled[0]
    assert bench.pebble.requests(settled[1]).orders == ()

    began = time.monotonic()
    tenant.kubectl("delete", "certificates.certwright.dev", older)
    tenant.await_ready(newer, timeout=30)
    assert time.monotonic() - began < 30
    eventually(
        lambda: record(tenant, "shared-tls")[f"{GROUP}/certificate-name"] == newer, "the newer's name", 20
    )
    tenant.assert_pair("shared-tls")
    assert tenant.condition("certificate", newer, "Stalled") == {}


def test_the_newer_takes_over_when_the_older_names_another_secret(tenant: Tenant) -> None:
    issued(tenant, "first", secretName="shared-tls")
    tenant.apply(
        tenant.certificate("second", f"first.{tenant.namespace}.example.test", secretName="shared-tls")
    )
    tenant.await_condition("second", "Stalled", lambda found: found.get("status") == "True")
    tenant.patch("certificate", "first", {"spec": {"secretName": "first-tls"}})
    tenant.await_ready("second", timeout=30)
    eventually(
        lambda: record(tenant, "shared-tls")[f"{GROUP}/certificate-name"] == "second", "the new name", 20
    )
    tenant.await_ready("first")


def test_a_secret_that_keeps_vanishing_comes_back_twice_and_then_waits(tenant: Tenant, bench: Bench) -> None:
    issued(tenant, "web")
    mark = bench.pebble.mark()
    for number in (1, 2):
        before, began = serial(tenant, "web"), time.monotonic()
        tenant.kubectl("delete", "secret", "web-tls")
        eventually(lambda before=before: serial(tenant, "web") not in ("", before), "a new certificate", 60)  # type: ignore[misc]
        assert time.monotonic() - began < 30
        tenant.await_ready("web")
        eventually(lambda: not tenant.attempts(), "the attempt to be gone")
        assert len(bench.pebble.requests(mark).finalized) == number
    tenant.kubectl("delete", "secret", "web-tls")
    ready = tenant.await_condition("web", "Ready", lambda found: found.get("reason") == "SecretVanishing")
    assert ready["status"] == "False"
    assert "lost 3 times within seven days" in ready["message"]
    assert "Find out who does it" in ready["message"]
    assert tenant.condition("certificate", "web", "Stalled") == {}
    (warned,) = eventually(lambda: tenant.events("web", "SecretVanishing"), "the event")
    assert warned["type"] == "Warning"
    assert len(tenant.get("certificate", "web")["status"]["losses"]) == 3
    time.sleep(5)
    assert len(bench.pebble.requests(mark).orders) == 2
    assert not tenant.exists("secret", "web-tls")


REFUSED = [
    pytest.param({"type": "Opaque", "stringData": {"a": "b"}}, "its type is Opaque", id="Opaque"),
    pytest.param(
        {"type": "bootstrap.kubernetes.io/token", "stringData": {"token-id": "abcdef"}},
        "it is a bootstrap token of the cluster; choose another secretName",
        id="bootstrap token",
    ),
    pytest.param(
        {"type": "helm.sh/release.v1", "stringData": {"release": "x"}},
        "it is a release record of Helm",
        id="Helm",
    ),
    pytest.param(
        {"type": "kubernetes.io/tls", "stringData": {"tls.crt": "", "tls.key": ""}, "immutable": True},
        "it is immutable",
        id="immutable",
    ),
    pytest.param(
        {
            "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": "x", "tls.key": "y"},
            "labels": {LABEL: "credential"},
        },
        "it is marked as credential of an issuer",
        id="credential",
    ),
]


@pytest.mark.parametrize(("body", "why"), REFUSED)
def test_what_can_never_be_a_target_is_refused_before_an_order(
    body: dict[str, Any], why: str, tenant: Tenant, bench: Bench
) -> None:
    body = dict(body)
    meta = {"name": "web-tls", "namespace": tenant.namespace, "labels": body.pop("labels", {})}
    tenant.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta} | body)
    tenant.kubectl("annotate", "secret", "web-tls", f"{GROUP}/adopt=true")
    tenant.await_ready("ca", kind="issuer")
    before, mark = tenant.get("secret", "web-tls"), bench.pebble.mark()
    tenant.apply(tenant.certificate("web"))
    stalled = tenant.await_condition("web", "Stalled", lambda found: found.get("status") == "True")
    assert stalled["reason"] == "SecretConflict"
    assert why in stalled["message"]
    assert "choose another secretName" in stalled["message"]
    assert tenant.get("secret", "web-tls") == before
    assert bench.pebble.requests(mark).orders == ()
    assert not tenant.attempts()


@pytest.mark.parametrize("name", ["ca-account", "dns-key", "not-yet-account"])
def test_what_an_issuer_lives_on_is_no_target_even_before_it_is_there(
    name: str, tenant: Tenant, bench: Bench
) -> None:
    careful = tenant.issuer("not-yet", termsOfServiceAgreed=False)
    tenant.apply(careful)
    tenant.await_ready("ca", kind="issuer")
    tenant.await_condition(
        "not-yet", "Ready", lambda found: found.get("reason") == "TermsNotAgreed", kind="issuer"
    )
    mark = bench.pebble.mark()
    tenant.apply(tenant.certificate("web", secretName=name))
    stalled = tenant.await_condition("web", "Stalled", lambda found: found.get("status") == "True")
    assert stalled["reason"] == "SecretConflict"
    assert bench.pebble.requests(mark).orders == ()


def test_a_service_accounts_token_is_refused_and_nobody_is_told_to_delete_it(
    tenant: Tenant, bench: Bench
) -> None:
    tenant.kubectl("create", "serviceaccount", "robot")
    meta = {
        "name": "web-tls",
        "namespace": tenant.namespace,
        "annotations": {"kubernetes.io/service-account.name": "robot"},
    }
    kind = "kubernetes.io/service-account-token"
    tenant.apply({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": meta})
    tenant.await_ready("ca", kind="issuer")
    mark = bench.pebble.mark()
    tenant.apply(tenant.certificate("web"))
    stalled = tenant.await_condition("web", "Stalled", lambda found: found.get("status") == "True")
    assert "it is the token of a service account; choose another secretName" in stalled["message"]
    assert "kubectl delete" not in stalled["message"]
    assert bench.pebble.requests(mark).orders == ()
