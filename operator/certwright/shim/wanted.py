"""The Certificate that a TLS block asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certwright.resources.certificate import read_certificate
from certwright.resources.metadata import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.resources.names import ApiNames
    from certwright.shim.annotations import Request
    from certwright.shim.applicant import Applicant, TlsBlock
    from certwright.shim.made import Made


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A Certificate as it shall be; it has the name of its Secret.

    Attributes:
        by_default: whether the issuer is the default one, and was named by nobody.
        replaces: the Certificate as it is, None where there is none.
    """

    name: str
    spec: Mapping[str, Any]
    by_default: bool
    replaces: Made | None

    @property
    def is_there(self) -> bool:
        """Whether the Certificate is like that already."""
        made = self.replaces
        return made is not None and (made.spec, made.by_default) == (dict(self.spec), self.by_default)


def wanted(
    block: TlsBlock, request: Request, issuer: Mapping[str, str], made: Made | None, *, by_default: bool
) -> Wanted:
    """What a block of one Secret asks for, whether or not it can be had."""
    names = list(dict.fromkeys((*block.hosts, *request.more_names)))
    spec = {
        **request.spec,
        "secretName": block.secret_name,
        "dnsNames": names,
        "issuerRef": dict(issuer),
    }
    return Wanted(name=block.secret_name, spec=spec, by_default=by_default, replaces=made)


def flaw(it: Wanted, namespace: str, names: ApiNames) -> str:
    """Why this cannot be a Certificate, as `place: sentence`, or ""."""
    body = {"metadata": {"name": it.name, "namespace": namespace}, "spec": it.spec}
    read = read_certificate(body, names)
    return read.problem if isinstance(read, Unreadable) else ""


def manifest(it: Wanted, applicant: Applicant, names: ApiNames) -> dict[str, Any]:
    """All that we say of the Certificate; what we do not say is left to others (Kubernetes, server-side apply).

    Nobody's deletion waits for it: that would ask for rights on the owner (OwnerReferencesPermissionEnforcement).
    """
    owner = {
        "apiVersion": applicant.api_version,
        "kind": applicant.ref.kind,
        "name": applicant.ref.name,
        "uid": applicant.meta.uid,
        "controller": True,
    }
    metadata: dict[str, Any] = {
        "name": it.name,
        "namespace": applicant.ref.namespace,
        "ownerReferences": [owner],
    }
    if it.by_default:
        metadata["annotations"] = {names.issuer_by_default: "true"}
    return {
        "apiVersion": names.api_version,
        "kind": "Certificate",
        "metadata": metadata,
        "spec": dict(it.spec),
    }
