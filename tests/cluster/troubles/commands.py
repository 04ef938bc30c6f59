"""Troubles of the command itself, by what an API server answers it; `tests/cli/test_troubles.py` runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.cluster.troubles.trouble import TOLD
from tests.kube.scripted_server import Answer, refusal

if TYPE_CHECKING:
    from pathlib import Path

CHAPTER = "certwright status itself fails, or shows nothing new"
NOT_FOUND = Answer(404)
_FORBIDDEN = 'certificates.certwright.dev "web" is forbidden: User "me" cannot get resource "certificates"'
_METADATA = {"name": "web", "namespace": "shop", "uid": "uid", "generation": 1}
_ISSUER = {"spec": {"acme": {"server": "https://acme.example.com/dir"}}}


def _new() -> dict[str, Any]:
    """A Certificate that nobody has looked at, as the API server defaults it."""
    spec = {"secretName": "web-tls", "dnsNames": ["www.example.test"], "issuerRef": {"name": "ca"}}
    return {"metadata": _METADATA, "spec": spec, "status": {"observedGeneration": -1}}


@dataclass(frozen=True, kw_only=True)
class CommandTrouble:
    """A row of the table.

    Attributes:
        name: of its file in `told/`.
        title: what is wrong, in the user's words.
        answers: of the API server, in their order.
        cause: words of the output that say why.
        step: words of the output that say what to do.
        fix: more for the page.
    """

    name: str
    title: str
    answers: tuple[Answer, ...]
    cause: str
    step: str
    fix: str

    @property
    def golden(self) -> Path:
        """The file with what was printed."""
        return TOLD / f"{self.name}.txt"


COMMANDS = (
    CommandTrouble(
        name="operator-not-running",
        title="The operator does not run",
        answers=(Answer(body=_new()), Answer(body=_ISSUER), NOT_FOUND, Answer(body={"items": []})),
        cause="not looked at by the operator yet",
        step="kubectl get pods --namespace certwright",
        fix="No pod: install the chart. A pod that is not ready: `kubectl describe` and `kubectl logs` say why. With "
        "`watchNamespaces` set, the namespace must be among them.",
    ),
    CommandTrouble(
        name="certificate-not-there",
        title="There is no such Certificate",
        answers=(NOT_FOUND, Answer(body={"kind": "APIResourceList"})),
        cause="Certificate shop/web does not exist",
        step="kubectl describe ingress -n shop",
        fix="`certwright list -A` shows all of them. [What an Ingress asks for](INGRESS.md) gets no Certificate before "
        "its mistakes are mended.",
    ),
    CommandTrouble(
        name="crds-missing",
        title="The CRDs are not installed",
        answers=(NOT_FOUND, NOT_FOUND),
        cause="This cluster does not know Certificates of certwright.dev",
        step="install the CRDs of Certwright first",
        fix="The chart brings them; `kubectl get crd certificates.certwright.dev` says whether they are there. Or the "
        "kubeconfig's context is another cluster: `kubectl config current-context`.",
    ),
    CommandTrouble(
        name="not-permitted",
        title="You may not read Certificates",
        answers=(refusal(403, "Forbidden", _FORBIDDEN),),
        cause="No permission: certificates",
        step="the role view allows it where the chart made its roles for users",
        fix="The chart adds Certificates and issuers to the cluster's roles `view`, `edit` and `admin`, but not with "
        "`watchNamespaces`: there a Role with `get` and `list` of Certificates and Issuers is somebody's own.",
    ),
    CommandTrouble(
        name="credentials-expired",
        title="The kubeconfig's credentials have expired",
        answers=(refusal(401, "Unauthorized", "Unauthorized"),),
        cause="does not accept the kubeconfig's credentials",
        step="log in again",
        fix="As for kubectl: it would be refused as well.",
    ),
)
