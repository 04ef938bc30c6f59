"""Whose a target Secret is, as a table of sentences."""

from __future__ import annotations

from typing import Any

import pytest

from certwright.reconcile.ownership import foreign_owner
from tests.reconcile.situations import seen, target

SOMEBODY = {"certificate_name": "", "crt_manager": "kubectl"}
OWNERS = [
    pytest.param({}, {}, "", id="ours"),
    pytest.param(
        SOMEBODY | {"has_certificate": False, "has_key": False}, {}, "", id="an empty Secret of our type"
    ),
    pytest.param({"certificate_name": ""}, {}, "", id="what we wrote, without its annotations"),
    pytest.param({"crt_manager": "velero"}, {}, "", id="ours, as a backup restored it"),
    pytest.param({"certificate_name": "gone"}, {}, "", id="that of a Certificate that is gone"),
    pytest.param({"controller": "Vault/x", "adopt": True}, {}, "", id="handed over"),
    pytest.param({}, {"older": "first"}, "", id="one that names us, whoever is older"),
    pytest.param({}, {"used_by": "Issuer shop/ca"}, "", id="ours, when an issuer asks for it later"),
    pytest.param(
        SOMEBODY | {"has_certificate": False},
        {},
        "its content was written by kubectl; choose another secretName, or hand it over: `kubectl annotate secret "
        "--namespace shop web-tls certwright.dev/adopt=true`",
        id="somebody's own key without a certificate",
    ),
    pytest.param(SOMEBODY, {}, "its content was written by kubectl", id="somebody's own"),
    pytest.param(SOMEBODY | {"crt_manager": ""}, {}, "written by somebody else", id="of unknown origin"),
    pytest.param({"controller": "Vault/x"}, {}, "it is controlled by Vault/x", id="a controller's"),
    pytest.param(
        {"type": ""},
        {},
        "its type is Opaque, which cannot become kubernetes.io/tls; choose another secretName, or delete the Secret "
        "if nothing needs it: `kubectl delete secret --namespace shop web-tls`",
        id="a Secret without type",
    ),
    pytest.param({"type": "Opaque", "adopt": True}, {}, "its type is Opaque", id="another type, handed over"),
    pytest.param(
        {"immutable": True},
        {},
        "it is immutable; choose another secretName, or delete",
        id="an immutable one",
    ),
    pytest.param({"label": "account"}, {}, "it is marked as account of an issuer", id="an account key"),
    pytest.param({"label": "credential"}, {}, "it is marked as credential", id="a credential"),
    pytest.param(
        {"label": "attempt", "adopt": True}, {}, "it is marked as attempt", id="an attempt, adopted"
    ),
    pytest.param(
        {"certificate_name": "other", "adopt": True},
        {"owner_lives": True},
        "it belongs to Certificate other; choose another secretName",
        id="another living Certificate's, whatever the annotation says",
    ),
    pytest.param(
        {"certificate_name": "other"},
        {"owner_lives": True, "older": "first"},
        "it belongs to Certificate other",
        id="another living Certificate's, though a third is older than both",
    ),
    pytest.param(
        {"certificate_name": "gone"},
        {"older": "first"},
        "Certificate first names the same Secret, is older and goes first",
        id="free, but an older Certificate goes first",
    ),
    pytest.param(
        SOMEBODY | {"adopt": True}, {"older": "first"}, "Certificate first", id="handed over to the older one"
    ),
    pytest.param(
        SOMEBODY | {"adopt": True},
        {"used_by": "Issuer shop/ca"},
        "Issuer shop/ca keeps a key or credential there; choose another secretName",
        id="an issuer's own, whatever its label",
    ),
]


@pytest.mark.parametrize(("facts", "around", "why"), OWNERS)
def test_a_secret_is_ours_to_write_or_says_why_not(facts: Any, around: Any, why: str) -> None:
    told = foreign_owner(seen(target=target(**facts), **around))
    assert bool(told) == bool(why)
    assert why in told
    assert not why or "choose another secretName" in told


SYSTEM = [
    ("kubernetes.io/service-account-token", "it is the token of a service account"),
    ("bootstrap.kubernetes.io/token", "it is a bootstrap token of the cluster"),
    ("helm.sh/release.v1", "it is a release record of Helm"),
    ("kubernetes.io/dockerconfigjson", "it is a credential for an image registry"),
]


@pytest.mark.parametrize(("kind", "what"), SYSTEM)
def test_nobody_is_told_to_delete_what_something_lives_on(kind: str, what: str) -> None:
    told = foreign_owner(seen(target=target(type=kind, adopt=True)))
    assert told == f"{what}; choose another secretName"


def test_a_secret_that_is_not_there_may_still_be_spoken_for() -> None:
    assert foreign_owner(seen(target=None)) == ""
    assert "Certificate first" in foreign_owner(seen(target=None, older="first"))
    assert "Issuer shop/ca keeps a key" in foreign_owner(seen(target=None, used_by="Issuer shop/ca"))
