"""Troubles with the annotations of an Ingress, told by events; `tests/shim/test_troubles.py` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certwright.resources.names import Ref
from tests.cluster.troubles.trouble import TOLD
from tests.shim.situations import ASKS, OPTIONS, TLS_ACME, ingress, tls

if TYPE_CHECKING:
    from pathlib import Path

    from certwright.shim.applicant import Options

CHAPTER = "An Ingress asks for certificates"
OTHER = Ref("Ingress", "shop", "other")
WEB = tls("web-tls", "www.example.test")
_GROUP = "certwright.dev"


@dataclass(frozen=True, kw_only=True)
class IngressTrouble:
    """A row of the table.

    Attributes:
        name: of its file in `told/`.
        title: what is wrong, in the user's words.
        made: Ingresses in the order in which they are made; that of the name `site` is looked at.
        cause: words of the events that say why.
        step: words of the events that say what to do.
        fix: more for the page.
        options: of the operator.
    """

    name: str
    title: str
    made: tuple[dict[str, Any], ...]
    cause: str
    step: str
    fix: str
    options: Options = OPTIONS

    @property
    def golden(self) -> Path:
        """The file with what was told."""
        return TOLD / f"{self.name}.txt"


INGRESSES = (
    IngressTrouble(
        name="ingress-annotation-mistyped",
        title="The annotation is mistyped",
        made=(ingress(WEB, annotations={f"{_GROUP}/clusterissuer": "ca"}),),
        cause="certwright.dev/clusterissuer is not known",
        step="did you mean certwright.dev/cluster-issuer?",
        fix="All annotations are in [the list](INGRESS.md#the-annotations).",
    ),
    IngressTrouble(
        name="ingress-two-issuers",
        title="Both issuer annotations are set",
        made=(ingress(WEB, annotations=ASKS | {f"{_GROUP}/cluster-issuer": "everybodys-ca"}),),
        cause="exclude each other",
        step="remove one",
        fix="`issuer` is an Issuer in the namespace of the Ingress, `cluster-issuer` one for all namespaces.",
    ),
    IngressTrouble(
        name="ingress-block-incomplete",
        title="A TLS block has no hosts, or no secretName",
        made=(ingress(tls("web-tls"), tls(None, "www.example.test")),),
        cause="spec.tls[0] names no hosts",
        step="write the name of the Secret",
        fix="The hosts of `spec.rules` are not looked at: the certificate is for those of the TLS block.",
    ),
    IngressTrouble(
        name="ingress-secret-of-another",
        title="Two Ingresses name one Secret",
        made=(
            ingress(tls("web-tls", "other.example.test"), ref=OTHER, created="2026-03-01T11:00:00Z"),
            ingress(WEB, created="2026-03-01T11:59:00Z"),
        ),
        cause="Certificate web-tls exists already (made for Ingress shop/other)",
        step="write another secretName",
        fix="If both shall serve one certificate, name all hosts in a TLS block of one of them, and leave the "
        "annotation out of the other.",
    ),
    IngressTrouble(
        name="ingress-of-cert-manager",
        title="The Ingress has annotations of cert-manager, too",
        made=(ingress(WEB, annotations=ASKS | {"cert-manager.io/cluster-issuer": "letsencrypt"}),),
        cause="also speaks to cert-manager (cert-manager.io/cluster-issuer)",
        step="remove the annotations of cert-manager, or those of certwright.dev",
        fix="An Ingress that is to stay with one of the two keeps the annotations of that one alone: "
        "[who gets what](INGRESS.md#who-gets-what).",
    ),
    IngressTrouble(
        name="ingress-tls-acme-off",
        title="kubernetes.io/tls-acme is not heard",
        made=(ingress(WEB, annotations={"kubernetes.io/tls-acme": "true"}),),
        cause="<none>",
        step="",
        fix="The operator hears it only if it is told to: the chart's value `tlsAcme: true` "
        "([the default issuer](INGRESS.md#the-default-issuer)). Or name an issuer in an annotation.",
    ),
    IngressTrouble(
        name="ingress-no-default",
        title="kubernetes.io/tls-acme is heard, and there is no default issuer",
        made=(ingress(WEB, annotations={"kubernetes.io/tls-acme": "true"}),),
        cause="asks for the default ClusterIssuer and there is none",
        step="set spec.default to true at one",
        fix="`kubectl get cwci` shows the ClusterIssuers.",
        options=TLS_ACME,
    ),
)


def described(events: list[tuple[bool, str, str]]) -> str:
    """The events of an Ingress as `kubectl describe` prints them.

    Args:
        events: of each whether it is a warning, its reason and its message.
    """
    if not events:
        return "Events:  <none>\n"
    width = max(len(reason) for _, reason, _ in events)
    rows = [
        f"  {'Warning' if warning else 'Normal ':7}  {reason:{width}}  1m  certwright  {message}"
        for warning, reason, message in events
    ]
    return "\n".join(("Events:", *rows, ""))
