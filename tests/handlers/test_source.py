"""From a watch event to cache and queue: what each event wakes, and which holds it lifts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from certwright.failures import NotYet
from certwright.handlers.source import Source
from certwright.reconcile.cache import Cache
from certwright.reconcile.credentials import Credentials
from certwright.reconcile.memory import Memory
from certwright.reconcile.observed import RenewalAdvice
from certwright.resources.names import Ref
from certwright.resources.secret_refs import SecretKeyRef
from certwright.shim.intake import Intake
from certwright.shim.register import Register
from tests.reconcile.fakes import NAMES, Clock, FakeSecrets
from tests.reconcile.situations import ATTEMPT, NOW
from tests.reconcile.world import issuer_spec
from tests.shim.situations import ASKS, OPTIONS, SITE, WEB, ingress

if TYPE_CHECKING:
    from datetime import datetime

CA, CLUSTER = Ref("Issuer", "shop", "ca"), Ref("ClusterIssuer", "", "ca")
A, B = Ref("Certificate", "shop", "a"), Ref("Certificate", "shop", "b")
FAILED = {
    "observedGeneration": 1,
    "failure": {"reason": "DNSCredentialsRefused", "detail": "no", "at": "2026-11-24T11:55:00Z", "count": 1},
    "nextAttemptTime": "2026-11-24T12:05:00Z",
}
READY = {
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Issued",
            "message": "x",
            "lastTransitionTime": "2026-11-24T11:00:00Z",
        }
    ]
}


class Bench:
    """A Source over empty caches; `woken` is what it put into the queue since it was last asked."""

    def __init__(self) -> None:
        self.cache, self.memory, self.secrets = Cache(), Memory(), FakeSecrets()
        self.credentials = Credentials(self.secrets, NAMES, "certwright", Clock())
        self._woken: list[Ref] = []
        self.register = Register(OPTIONS)
        self.changed: list[tuple[Ref, datetime]] = []
        self.source = Source(
            cache=self.cache,
            memory=self.memory,
            credentials=self.credentials,
            names=NAMES,
            wake=self._woken.append,
            credential_changed=lambda issuer, at: self.changed.append((issuer, at)),
            intake=Intake(self.register, OPTIONS, self._woken.append),
        )
        self.version = 10

    def woken(self) -> set[Ref]:
        found = set(self._woken)
        self._woken.clear()
        return found

    def certificate(
        self, ref: Ref = A, *, status: Any = None, deleted: bool = False, **spec: Any
    ) -> set[Ref]:
        usual = {"secretName": f"{ref.name}-tls", "dnsNames": ["x.example.org"], "issuerRef": {"name": "ca"}}
        body = self._body(ref, usual | spec) | {"status": status or {}}
        self.source.certificate(body, deleted=deleted)
        return self.woken()

    def issuer(self, ref: Ref = CA, *, deleted: bool = False, **acme: Any) -> set[Ref]:
        rfc2136 = {
            "nameserver": "192.0.2.53:53",
            "tsigKeyName": "key",
            "tsigSecretSecretRef": {"name": "tsig", "key": "secret"},
        }
        usual = {
            "server": "https://ca.example/dir",
            "privateKeySecretRef": {"name": "ca-account"},
            "solvers": [{"dns01": {"rfc2136": rfc2136}}],
        }
        self.source.issuer(self._body(ref, {"acme": usual | acme}), deleted=deleted)
        return self.woken()

    def secret(
        self,
        name: str,
        label: str,
        *,
        namespace: str = "shop",
        deleted: bool = False,
        version: int | None = None,
        written: str = "2026-11-24T11:59:00Z",
    ) -> set[Ref]:
        self.version += 1
        metadata = {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "resourceVersion": str(version or self.version),
            "labels": {NAMES.secret_label: label},
            "creationTimestamp": "2026-11-20T00:00:00Z",
            "managedFields": [{"manager": "kubectl", "time": written}],
        }
        self.source.secret({"metadata": metadata, "data": {}}, deleted=deleted)
        return self.woken()

    def _body(self, ref: Ref, spec: Any) -> dict[str, Any]:
        self.version += 1
        metadata = {"name": ref.name, "uid": f"uid-{ref.name}", "generation": 1}
        metadata |= {"resourceVersion": str(self.version)}
        return {"metadata": metadata | ({"namespace": ref.namespace} if ref.namespace else {}), "spec": spec}


def full() -> Bench:
    """An issuer and two Certificates of it, with everything seen once."""
    bench = Bench()
    bench.issuer()
    bench.certificate(A, status=FAILED)
    bench.certificate(B, status=READY)
    bench.secret("tsig", "credential", written="2026-11-24T10:00:00Z")
    bench.secret("ca-account", "account", written="2026-11-24T10:00:00Z")
    bench.secret("a-tls", "target")
    return bench


def test_a_certificate_wakes_itself() -> None:
    bench = full()
    assert bench.certificate(A) == {A}
    assert bench.certificate(A, deleted=True) == {A}
    assert bench.cache.certificate(A) is None


def test_an_unreadable_certificate_is_kept_and_woken_so_that_it_is_told() -> None:
    bench = full()
    assert bench.certificate(A, dnsNames=[]) == {A}
    assert bench.cache.certificate(A) is not None


def test_a_deleted_certificate_leaves_only_the_attempt_to_clear_up() -> None:
    bench = full()
    bench.memory.put_advice("uid-a", RenewalAdvice(serial_number="1", window=None, ask_again_at=NOW))
    bench.memory.put_attempt(ATTEMPT)
    bench.certificate(A, deleted=True)
    assert bench.memory.advice("uid-a") is None
    assert bench.memory.attempt(ATTEMPT.certificate_uid) == ATTEMPT


def test_a_new_issuer_wakes_those_that_waited_for_it() -> None:
    bench = Bench()
    bench.certificate(A)
    bench.certificate(B, issuerRef={"name": "other"})
    assert bench.issuer() == {CA, A}


def test_a_changed_issuer_wakes_itself_which_then_wakes_the_others() -> None:
    assert full().issuer(email="new@example.org") == {CA}


def test_a_deleted_issuer_is_told_to_its_certificates() -> None:
    bench = full()
    assert bench.issuer(deleted=True) == {CA, A, B}
    assert bench.cache.issuer(CA) is None


def test_a_target_wakes_the_certificates_that_name_it() -> None:
    bench = full()
    assert bench.secret("a-tls", "target") == {A}
    assert bench.secret("a-tls", "target", deleted=True) == {A}
    assert bench.cache.target(("shop", "a-tls")) is None
    assert bench.secret("unknown", "target") == set()
    assert bench.secret("a-tls", "target", namespace="elsewhere") == set()


def test_a_changed_credential_wakes_its_issuer_and_what_failed_and_lifts_the_hold() -> None:
    bench = full()
    bench.changed.clear()
    assert not bench.memory.is_lifted("uid-a")
    assert bench.secret("tsig", "credential") == {CA, A}
    assert bench.memory.is_lifted("uid-a")
    assert not bench.memory.is_lifted("uid-b")
    assert [issuer for issuer, _ in bench.changed] == [CA]


def test_a_credential_that_was_written_before_the_failure_lifts_nothing() -> None:
    """The first look after a start is no change."""
    bench = full()
    assert bench.secret("tsig", "credential", written="2026-11-24T11:54:59Z") == {CA, A}
    assert not bench.memory.is_lifted("uid-a")


def test_a_credential_that_was_mended_while_nobody_looked_lifts_the_hold_at_the_first_look() -> None:
    bench = Bench()
    bench.issuer()
    bench.certificate(A, status=FAILED)
    bench.secret("tsig", "credential", written="2026-11-24T11:56:00Z")
    assert bench.memory.is_lifted("uid-a")


def test_the_same_version_again_is_no_change() -> None:
    bench = full()
    bench.secret("tsig", "credential", version=500)
    assert bench.secret("tsig", "credential", version=500) == set()


def test_a_deleted_credential_wakes_its_issuer_and_lifts_nothing() -> None:
    bench = full()
    bench.changed.clear()
    assert CA in bench.secret("tsig", "credential", deleted=True)
    assert not bench.memory.is_lifted("uid-a")
    assert not bench.changed
    assert CA in bench.secret("tsig", "credential")


def test_a_changed_credential_is_read_again() -> None:
    bench = full()
    wanted = SecretKeyRef("tsig", "secret")
    bench.secrets.put("shop", "tsig", {"secret": "old"}, "credential")
    assert bench.credentials.read(CA, wanted).reveal() == "old"
    bench.secrets.put("shop", "tsig", {"secret": "new"}, "credential")
    bench.secret("tsig", "credential")
    assert bench.credentials.read(CA, wanted).reveal() == "new"
    del bench.secrets.bodies["shop", "tsig"]
    bench.secret("tsig", "credential", deleted=True)
    with pytest.raises(NotYet):
        bench.credentials.read(CA, wanted)


NAMED = [
    ("ca-account", {}),
    ("tsig", {}),
    ("bundle", {"caBundleSecretRef": {"name": "bundle"}}),
    ("eab", {"externalAccountBinding": {"keyID": "k", "keySecretRef": {"name": "eab", "key": "mac"}}}),
]


@pytest.mark.parametrize(("name", "acme"), NAMED)
def test_every_secret_that_an_issuer_names_wakes_it(name: str, acme: dict[str, Any]) -> None:
    bench = Bench()
    bench.issuer(**acme)
    assert bench.secret(name, "credential") == {CA}
    assert bench.secret(name, "credential", namespace="elsewhere") == set()


def test_the_secrets_of_a_cluster_issuer_are_in_the_operators_namespace() -> None:
    bench = Bench()
    bench.issuer(CLUSTER)
    assert bench.secret("tsig", "credential", namespace="certwright") == {CLUSTER}
    assert bench.secret("tsig", "credential") == set()


def test_an_unreadable_issuer_names_no_secrets() -> None:
    bench = full()
    assert bench.issuer(server="http://ca.example") == {CA}
    assert bench.secret("tsig", "credential") == set()


def test_a_secret_that_is_left_behind_wakes_the_certificate_that_waits_for_it() -> None:
    bench = Bench()
    bench.certificate(A, secretName="shared")
    assert bench.certificate(B, secretName="shared") == {B}
    assert bench.certificate(A, secretName="shared") == {A}, "nobody gains anything"
    assert bench.certificate(A, secretName="own") == {A, B}
    bench.certificate(A, secretName="shared")
    assert bench.certificate(A, secretName="shared", deleted=True) == {A, B}


def test_a_target_whose_label_was_changed_is_no_target_any_more_until_it_was_looked_at() -> None:
    bench = Bench()
    bench.certificate(A)
    bench.secret("a-tls", label="target")
    assert bench.cache.target(("shop", "a-tls")) is not None
    assert bench.secret("a-tls", label="credential") >= {A}
    assert bench.cache.target(("shop", "a-tls")) is None


def test_what_asks_and_what_was_made_for_it_goes_to_the_register() -> None:
    bench = Bench()
    bench.source.ingress(ingress(WEB, annotations=ASKS), deleted=False)
    assert bench.woken() == {SITE}
    bench.source.ingress(ingress(WEB), deleted=True)
    assert bench.woken() == {SITE}
    owner = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "name": "site",
        "uid": "u",
        "controller": True,
    }
    body = bench._body(A, {"secretName": "a-tls", "dnsNames": ["x.example.org"], "issuerRef": {"name": "ca"}})
    body["metadata"]["ownerReferences"] = [owner]
    bench.source.certificate(body, deleted=False)
    assert bench.woken() == {A, SITE}
    bench.source.certificate(body, deleted=False)
    assert bench.woken() == {A}, "nothing about it is new"
    bench.source.certificate(body, deleted=True)
    assert bench.woken() == {A, SITE}


def test_a_default_issuer_is_known_by_its_spec() -> None:
    bench = Bench()
    for default in (True, False):
        body = bench._body(Ref("ClusterIssuer", "", "all"), issuer_spec() | {"default": default})
        bench.source.issuer(body, deleted=False)
        assert bench.register.cluster_issuers() == {"all": default}
    bench.source.issuer(bench._body(Ref("ClusterIssuer", "", "all"), issuer_spec()), deleted=True)
    bench.source.issuer(bench._body(CA, issuer_spec() | {"default": True}), deleted=False)
    assert bench.register.cluster_issuers() == {}
