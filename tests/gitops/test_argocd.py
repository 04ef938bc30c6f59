"""The health that Argo CD shows of every phase, and what its menu does to a Certificate."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from certwright.failures import NotYet
from certwright.reconcile.verdict import Turn, verdict
from certwright.resources.certificate_status import status_to_dict
from certwright.resources.names import PLURALS, ApiNames
from tests.gitops.argocd import Customizations
from tests.gitops.phases import Phase, body_of, certificates, issuers
from tests.reconcile.situations import NOW, UNREADY, seen
from tests.reconcile.test_verdict import DUE, EXPIRED, FAILED_TURN

CONFIG_MAP = Path(__file__).parents[2] / "crds" / "argocd" / "argocd-cm.yaml"
DATA: dict[str, str] = yaml.safe_load(CONFIG_MAP.read_text())["data"]
ARGO = Customizations(DATA)

#: What Argo CD shows where kstatus says this.
LIKE_FLUX = {"Current": "Healthy", "InProgress": "Progressing", "Failed": "Degraded"}
#: Phases of which it says more: Argo CD waits for ever for what is Progressing, Flux until its own timeout.
UNLIKE_FLUX = {
    "transient failure, will retry": "Degraded",
    "expired": "Degraded",
    "suspended with a valid certificate": "Suspended",
    "suspended without a certificate: nothing claims to be under way": "Suspended",
}


@pytest.mark.parametrize("phase", certificates(), ids=lambda phase: phase.sentence)
def test_a_certificate(phase: Phase) -> None:
    expected = UNLIKE_FLUX.get(phase.sentence, LIKE_FLUX[phase.flux])
    found = ARGO.health(phase.body)
    assert found.status == expected
    assert found.message


@pytest.mark.parametrize("kind", ["Issuer", "ClusterIssuer"])
@pytest.mark.parametrize("phase", issuers(), ids=lambda phase: phase.sentence)
def test_an_issuer(phase: Phase, kind: str) -> None:
    body = phase.body | {"apiVersion": ApiNames().api_version, "kind": kind}
    found = ARGO.health(body)
    assert found.status == LIKE_FLUX[phase.flux]
    assert found.message


def test_the_phases_that_differ_exist() -> None:
    assert set(UNLIKE_FLUX) <= {phase.sentence for phase in certificates()}


def test_an_expired_certificate_is_degraded_whatever_holds_up_the_next_one() -> None:
    waits = Turn(setback=NotYet("IssuerNotFound", "Issuer shop/ca does not exist"))
    status = verdict(seen(target=EXPIRED, issuer=UNREADY), waits, NOW)
    found = ARGO.health(body_of("Certificate", 1, status_to_dict(status)))
    assert found.status == "Degraded"
    assert "Issuer shop/ca does not exist" in found.message


def test_a_renewal_that_fails_is_told_beside_the_health() -> None:
    status = verdict(seen(target=DUE), FAILED_TURN, NOW)
    found = ARGO.health(body_of("Certificate", 1, status_to_dict(status)))
    assert found.status == "Healthy"
    assert "valid until" in found.message
    assert "Its renewal fails: the CA saw another TXT record." in found.message


@pytest.mark.parametrize("status", [None, {}, {"conditions": []}], ids=str)
@pytest.mark.parametrize("kind", PLURALS)
def test_an_object_that_says_nothing_is_progressing(kind: str, status: dict[str, Any] | None) -> None:
    """As one that was made before the CRD had its default."""
    body = body_of(kind, 1, {})
    del body["status"]
    found = ARGO.health(body | ({} if status is None else {"status": status}))
    assert found.status == "Progressing"


def test_both_issuers_are_judged_by_one_script() -> None:
    scripts = [
        DATA[f"resource.customizations.health.certwright.dev_{kind}"] for kind in ("Issuer", "ClusterIssuer")
    ]
    assert scripts[0] == scripts[1]


# The menu

#: As the API server gives it, with what Lua could damage: empty mappings, also in lists, and numbers.
LIVE = body_of("Certificate", 3, {"observedGeneration": 3}, secretName="web-tls", dnsNames=["a.example"])
LIVE["metadata"]["labels"] = {}
LIVE["metadata"]["managedFields"] = [
    {"manager": "argocd-controller", "fieldsV1": {"f:spec": {".": {}, "f:secretName": {}}}},
    {"manager": "certwright", "fieldsV1": {}, "subresource": "status"},
]
LIVE["spec"]["privateKey"] = {}


def edited(**spec: Any) -> dict[str, Any]:
    return LIVE | {"spec": LIVE["spec"] | spec}


@pytest.mark.parametrize(
    ("body", "offered"),
    [
        (LIVE, {"renew", "suspend"}),
        (edited(suspend=False), {"renew", "suspend"}),
        (edited(suspend=True), {"resume"}),
    ],
)
def test_the_menu_offers_what_can_be_done(body: dict[str, Any], offered: set[str]) -> None:
    menu = ARGO.actions(body)
    assert set(menu) == {"renew", "suspend", "resume"}
    assert {name for name, enabled in menu.items() if enabled} == offered


def test_every_action_of_the_menu_has_a_script() -> None:
    for action in ARGO.actions(LIVE):
        ARGO.patch(action, LIVE)


def test_renewing_writes_one_annotation_with_the_time() -> None:
    patch = ARGO.patch("renew", LIVE)
    value = patch["metadata"]["annotations"].pop("certwright.dev/renew")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", value)
    assert patch == {"metadata": {"annotations": {}}}


def test_renewing_again_leaves_other_annotations_alone() -> None:
    annotations = {"certwright.dev/renew": "2020-01-01T00:00:00Z", "team": "a"}
    body = LIVE | {"metadata": LIVE["metadata"] | {"annotations": annotations}}
    patch = ARGO.patch("renew", body)
    assert list(patch["metadata"]["annotations"]) == ["certwright.dev/renew"]
    assert patch["metadata"]["annotations"]["certwright.dev/renew"] > "2026"


def test_suspending_and_resuming_change_one_field() -> None:
    """Resuming takes it out, so that an object without it in Git is in sync again."""
    assert ARGO.patch("suspend", LIVE) == {"spec": {"suspend": True}}
    assert ARGO.patch("suspend", edited(suspend=False)) == {"spec": {"suspend": True}}
    assert ARGO.patch("resume", edited(suspend=True)) == {"spec": {"suspend": None}}


# The sandbox


@pytest.mark.parametrize("reach", ["os.time()", "string.len('a')", "math.pi", "io.open('x')", "('a'):len()"])
def test_a_script_that_reaches_beyond_its_sandbox_would_fail(reach: str) -> None:
    greedy = {"resource.customizations.health.certwright.dev_Issuer": f"return {{status = {reach}}}"}
    with pytest.raises(Exception, match="attempt to index"):
        Customizations(greedy).health(body_of("Issuer", 1, {}))
