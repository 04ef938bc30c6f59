"""Situations for tests of decisions: a Certificate that is as it should be, and what may differ from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from certwright.acme.messages import Order, OrderStatus
from certwright.pki.keys import KeyFacts
from certwright.pki.leaf import LeafFacts
from certwright.reconcile.observed import Observed, OrderProgress, ReadyIssuer, UnreadyIssuer
from certwright.reconcile.target import Target
from certwright.resources.attempt import Attempt
from certwright.resources.certificate import Certificate, read_certificate
from certwright.resources.issuer import Issuer, read_issuer
from certwright.resources.names import FIELD_MANAGER, ApiNames, Ref
from certwright.secret_text import SecretText

NAMES = ApiNames()
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ISSUER = Ref("Issuer", "shop", "ca")
DIRECTORY = "https://ca.example/dir"
ACCOUNT = "https://ca.example/account/1"
KEY_HASH = "aa" * 32


def certificate(status: dict[str, Any] | None = None, *, generation: int = 1, **spec: Any) -> Certificate:
    """The Certificate shop/web with changed spec fields, by their names in YAML."""
    body = {
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "uid-1",
            "generation": generation,
            "resourceVersion": "7",
            "labels": {"team": "a"},
        },
        "spec": {"secretName": "web-tls", "dnsNames": ["www.example.org"], "issuerRef": {"name": "ca"}}
        | spec,
        "status": {"observedGeneration": generation} | (status or {}),
    }
    read = read_certificate(body, NAMES)
    assert isinstance(read, Certificate), read
    return read


def issuer(**acme: Any) -> Issuer:
    """The Issuer shop/ca with changed fields of spec.acme."""
    solver = {"name": "dns", "dns01": {"rfc2136": {"nameserver": "192.0.2.53:53"}}}
    body = {
        "kind": "Issuer",
        "metadata": {
            "name": "ca",
            "namespace": "shop",
            "uid": "uid-ca",
            "generation": 1,
            "resourceVersion": "3",
        },
        "spec": {
            "acme": {"server": DIRECTORY, "privateKeySecretRef": {"name": "ca-account"}, "solvers": [solver]}
            | acme
        },
    }
    read = read_issuer(body, NAMES)
    assert isinstance(read, Issuer), read
    return read


READY = ReadyIssuer(
    ref=ISSUER,
    spec=issuer().spec,
    directory_url=DIRECTORY,
    account_url=ACCOUNT,
    offers_renewal_info=True,
)
UNREADY = UnreadyIssuer(ref=ISSUER, reason="IssuerNotFound", message="Issuer shop/ca does not exist")

LEAF = LeafFacts(
    dns_names=frozenset({"www.example.org"}),
    common_name=None,
    not_before=NOW - timedelta(days=10),
    not_after=NOW + timedelta(days=80),
    serial_number="1234",
    fingerprint_sha256="ff" * 32,
    issuer_common_name="Test CA",
    public_key_sha256=KEY_HASH,
    renewal_id="a.b",
)
KEY = KeyFacts("ECDSA", 256, "PKCS8", KEY_HASH)
_BARE = Target(
    uid="uid-secret",
    resource_version="5",
    type="kubernetes.io/tls",
    immutable=False,
    label="target",
    stamps={},
    certificate_name="web",
    issuer_name="ca",
    issuer_kind="Issuer",
    directory=DIRECTORY,
    attempt_id="",
    wish_hash=None,
    handled_renew="",
    leads_to="Test Root",
    adopt=False,
    controller="",
    crt_manager=FIELD_MANAGER,
    key_manager=FIELD_MANAGER,
    vouched=True,
    chain_flaw="",
    has_certificate=True,
    has_key=True,
    leaf=LEAF,
    key=KEY,
)


def _stamps(bare: Target) -> dict[str, str]:
    """Annotations that say what the other facts do."""
    said = {
        NAMES.certificate_name: bare.certificate_name,
        NAMES.certificate_uid: "uid-1",
        NAMES.issuer_name: bare.issuer_name,
        NAMES.issuer_kind: bare.issuer_kind,
        NAMES.directory: bare.directory,
        NAMES.serial_number: bare.leaf.serial_number if bare.leaf else "",
        NAMES.alt_names: "www.example.org",
        NAMES.attempt_id: bare.attempt_id,
        NAMES.wish_hash: bare.wish_hash or "",
        NAMES.last_handled_renew: bare.handled_renew,
    }
    return {name: text for name, text in said.items() if text}


TARGET = replace(_BARE, stamps=_stamps(_BARE))
ATTEMPT = Attempt(
    certificate=Ref("Certificate", "shop", "web"),
    certificate_uid="uid-1",
    issuer=ISSUER,
    directory_url=DIRECTORY,
    account_url=ACCOUNT,
    names=("www.example.org",),
    common_name=None,
    key_spec=certificate().spec.private_key,
    private_key=SecretText("PEM"),
    public_key_sha256="bb" * 32,
    reason="DoesNotExist",
    number=1,
    started_at=NOW - timedelta(seconds=30),
    order_url="https://ca.example/order/1",
    uid="uid-attempt",
    resource_version="9",
)


def leaf(**changed: Any) -> LeafFacts:
    """The usual leaf with changed facts."""
    return replace(LEAF, **changed)


def target(**changed: Any) -> Target:
    """The usual Secret with changed facts, and the annotations to them unless they are told."""
    bare = replace(_BARE, **changed)
    return bare if "stamps" in changed else replace(bare, stamps=_stamps(bare))


def unstamped(*names: str, **edited: str) -> dict[str, str]:
    """The usual annotations without some, and with others edited, by the names of `ApiNames`."""
    gone = {getattr(NAMES, name) for name in names}
    put = {getattr(NAMES, name): text for name, text in edited.items()}
    return {name: text for name, text in TARGET.stamps.items() if name not in gone} | put


def attempt(**changed: Any) -> Attempt:
    """The usual attempt with changed fields."""
    return replace(ATTEMPT, **changed)


def progress(status: OrderStatus, *, answered: bool = False, **order: Any) -> OrderProgress:
    """An order in this state."""
    return OrderProgress(
        order=Order(ATTEMPT.order_url, status, (), (), "https://ca.example/finalize/1", **order),
        answered=answered,
        look_at=None,
    )


def seen(**changed: Any) -> Observed:
    """All is well: a certificate as asked, not due, nothing under way."""
    usual = Observed(certificate=certificate(), issuer=READY, target=TARGET)
    return replace(usual, **changed)
