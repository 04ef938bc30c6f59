"""Every phase of a Certificate and of an issuer as an object that GitOps tools read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from certwright.failures import NeedsPerson, NotYet, Setback, TryLater
from certwright.reconcile.issuers import issuer_verdict
from certwright.reconcile.unreadable import tell_unreadable
from certwright.reconcile.verdict import Turn, verdict
from certwright.resources.certificate import read_certificate
from certwright.resources.certificate_status import status_to_dict
from certwright.resources.issuer_status import issuer_status_to_dict
from certwright.resources.metadata import Unreadable
from certwright.resources.names import ApiNames, Ref
from tests.reconcile.fakes import FakeObjects
from tests.reconcile.situations import NOW, issuer
from tests.reconcile.test_verdict import PHASES
from tests.reconcile.world import CA, World

if TYPE_CHECKING:
    from certwright.reconcile.observed import Observed

NAMES = ApiNames()
UNSEEN = {"observedGeneration": -1}


@dataclass(frozen=True)
class Phase:
    """One row of the table.

    Attributes:
        sentence: what goes on.
        body: the object, as far as health is concerned.
        flux: what kstatus makes of it.
    """

    sentence: str
    body: dict[str, Any]
    flux: str


def body_of(kind: str, generation: int, status: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """An object of ours."""
    return {
        "apiVersion": NAMES.api_version,
        "kind": kind,
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "uid-web",
            "generation": generation,
            "resourceVersion": "7",
        },
        "spec": spec,
        "status": status,
    }


def _certificate(situation: Observed, turn: Turn) -> dict[str, Any]:
    generation = situation.certificate.meta.generation
    status = status_to_dict(verdict(situation, turn, NOW))
    return body_of("Certificate", generation, status, suspend=situation.certificate.spec.suspend)


def _misspelt() -> dict[str, Any]:
    body = body_of("Certificate", 2, dict(UNSEEN), secretName="web-tls", dnsNames=["not a name"])
    read = read_certificate(body, NAMES)
    assert isinstance(read, Unreadable)
    tell_unreadable(read, FakeObjects(bodies={Ref("Certificate", "shop", "web"): body}), NOW)
    return body


def _edited(body: dict[str, Any]) -> dict[str, Any]:
    """The object when somebody has just changed its spec."""
    metadata = body["metadata"]
    return body | {"metadata": metadata | {"generation": metadata["generation"] + 1}}


def certificates() -> list[Phase]:
    """The phases of the status tests, and those before the operator has looked."""
    told = [
        Phase(str(each.id), _certificate(*each.values[:2]), each.values[3])  # type: ignore[arg-type]
        for each in PHASES
    ]
    issued = next(each.body for each in told if each.sentence == "issued")
    return [
        Phase("created, and unseen", body_of("Certificate", 1, dict(UNSEEN)), "InProgress"),
        Phase("edited, and the edit unseen", _edited(issued), "InProgress"),
        Phase("a spec that cannot be used", _misspelt(), "Failed"),
        *told,
    ]


def _failing(setback: Setback) -> dict[str, Any]:
    again = NOW + timedelta(minutes=1)
    status = issuer_verdict(issuer(), None, setback, again, NOW)
    return body_of("Issuer", 1, issuer_status_to_dict(status))


def issuers() -> list[Phase]:
    """The phases of an Issuer; a ClusterIssuer has the same."""
    working = World().ready().disk.objects.bodies[CA]
    return [
        Phase("created, and unseen", body_of("Issuer", 1, dict(UNSEEN)), "InProgress"),
        Phase("the account works", working, "Current"),
        Phase("edited, and the edit unseen", _edited(working), "InProgress"),
        Phase(
            "a credential that comes later is waited for",
            _failing(NotYet("CredentialMissing", "Secret shop/eab does not exist")),
            "InProgress",
        ),
        Phase("the CA fails", _failing(TryLater("CAError", "the CA answers 500")), "InProgress"),
        Phase("the CA is away", _failing(TryLater("CAUnreachable", "nobody answers")), "InProgress"),
        Phase("only a person can help", _failing(NeedsPerson("TermsNotAgreed", "agree to terms")), "Failed"),
    ]
