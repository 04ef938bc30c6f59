"""Reading what issuers may read, and nothing else."""

from __future__ import annotations

import pytest

from certwright.failures import NeedsPerson, NotYet, Setback
from certwright.reconcile.credentials import FRESH, Credentials, secret_bytes
from certwright.resources.names import Ref
from certwright.resources.secret_refs import SecretKeyRef
from tests.reconcile.fakes import NAMES, Clock, FakeSecrets

ISSUER, CLUSTER = Ref("Issuer", "shop", "ca"), Ref("ClusterIssuer", "", "ca")
WANTED = SecretKeyRef("tsig", "key")


class Bench:
    def __init__(self) -> None:
        self.clock, self.secrets = Clock(), FakeSecrets()
        self.credentials = Credentials(self.secrets, NAMES, "certwright", self.clock)

    def read(self, issuer: Ref = ISSUER) -> str:
        return self.credentials.read(issuer, WANTED).reveal()

    def refusal(self, issuer: Ref = ISSUER) -> Setback:
        with pytest.raises(Setback) as caught:
            self.read(issuer)
        return caught.value


def test_an_issuer_reads_labelled_secrets_of_its_own_namespace() -> None:
    bench = Bench()
    bench.secrets.put("shop", "tsig", {"key": " c2VjcmV0\n"}, "credential")
    bench.secrets.put("certwright", "tsig", {"key": "operators"}, "credential")
    assert bench.read() == "c2VjcmV0"
    assert bench.read(CLUSTER) == "operators"


def test_a_cluster_issuer_reads_unlabelled_secrets_of_the_operators_namespace() -> None:
    bench = Bench()
    bench.secrets.put("certwright", "tsig", {"key": "x"})
    assert bench.read(CLUSTER) == "x"
    assert bench.refusal().reason == "CredentialMissing"


def test_an_unlabelled_secret_is_waited_for_with_the_command_that_labels_it() -> None:
    bench = Bench()
    bench.secrets.put("shop", "tsig", {"key": "x"})
    refusal = bench.refusal()
    assert isinstance(refusal, NotYet)
    assert refusal.reason == "CredentialUnlabelled"
    assert "kubectl label secret --namespace shop tsig certwright.dev/secret=credential" in refusal.message
    bench.secrets.put("shop", "tsig", {"key": "x"}, "credential")
    assert bench.read() == "x"


@pytest.mark.parametrize("label", ["target", "account", "attempt"])
@pytest.mark.parametrize("issuer", [ISSUER, CLUSTER])
def test_what_we_use_otherwise_is_never_a_credential(label: str, issuer: Ref) -> None:
    bench = Bench()
    bench.secrets.put(issuer.namespace or "certwright", "tsig", {"key": "x"}, label)
    refusal = bench.refusal(issuer)
    assert isinstance(refusal, NeedsPerson)
    assert f"is marked as {label}" in refusal.message


LABEL = "certwright.dev/secret=credential"
NO_SECRET = (
    f'Secret tsig in namespace shop does not exist; create it with the key "key" and the label {LABEL}'
)
NO_KEY = (
    'Secret tsig in namespace shop has no key "key", or nothing in it; add it, or have the issuer name the key that '
    "holds the credential"
)
MISSING = [
    pytest.param(None, NO_SECRET, id="no Secret"),
    pytest.param({}, NO_KEY, id="no such key"),
    pytest.param({"key": ""}, NO_KEY, id="an empty key"),
]


def test_where_a_cluster_issuers_secret_is_missing_is_told() -> None:
    refusal = Bench().refusal(CLUSTER)
    assert refusal.message == (
        "Secret tsig in namespace certwright does not exist; a ClusterIssuer's Secrets are in the operator's "
        'namespace; create it with the key "key"'
    )


@pytest.mark.parametrize(("data", "text"), MISSING)
def test_what_is_missing_is_waited_for(data: dict[str, str | bytes] | None, text: str) -> None:
    bench = Bench()
    if data is not None:
        bench.secrets.put("shop", "tsig", data, "credential")
    refusal = bench.refusal()
    assert isinstance(refusal, NotYet)
    assert (refusal.reason, refusal.message) == ("CredentialMissing", text)
    bench.secrets.put("shop", "tsig", {"key": "there"}, "credential")
    bench.clock.move(seconds=FRESH.total_seconds())
    assert bench.read() == "there"


def test_a_secret_that_is_no_text_is_a_persons_business() -> None:
    bench = Bench()
    bench.secrets.put("shop", "tsig", {"key": b"\xff\xfe"}, "credential")
    refusal = bench.refusal()
    assert isinstance(refusal, NeedsPerson)
    assert refusal.reason == "CredentialInvalid"


def test_a_credential_is_read_once_and_again_when_it_changed_or_was_refused() -> None:
    bench = Bench()
    bench.secrets.put("shop", "tsig", {"key": "one"}, "credential")
    assert [bench.read(), bench.read()] == ["one", "one"]
    assert bench.secrets.reads == ["tsig"]
    bench.secrets.put("shop", "tsig", {"key": "two"}, "credential")
    bench.credentials.forget("shop", "tsig")
    assert bench.read() == "two"
    bench.secrets.put("shop", "tsig", {"key": "three"}, "credential")
    bench.clock.move(seconds=FRESH.total_seconds())
    assert bench.read() == "three"


def test_no_message_and_no_repr_shows_what_a_secret_holds() -> None:
    bench = Bench()
    bench.secrets.put("shop", "tsig", {"key": "marker-in-key", "other": "marker-in-other"}, "credential")
    found = bench.credentials.read(ISSUER, WANTED)
    assert "marker" not in f"{found} {found!r}"
    bench.secrets.put("shop", "tsig", {"key": b"marker\xff"}, "credential")
    bench.credentials.forget("shop", "tsig")
    assert "marker" not in str(bench.refusal())


def test_bytes_of_a_secret_are_decoded_strictly() -> None:
    assert secret_bytes({"data": {"a": "eA=="}}, "a") == b"x"
    for damaged in ({}, {"data": None}, {"data": {"a": 1}}, {"data": {"a": "%"}}, {"data": {"b": "eA=="}}):
        assert secret_bytes(damaged, "a") is None
