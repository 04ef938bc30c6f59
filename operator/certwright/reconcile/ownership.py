"""Whose a target Secret is. Pure.

In this order: kinds of Secrets that are never anybody's target, the Certificate that the Secret names and that
lives, the oldest Certificate that names the Secret, whoever else wrote or controls it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.reconcile.target import TLS_TYPE
from certwright.resources.names import FIELD_MANAGER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.reconcile.observed import Observed
    from certwright.reconcile.target import Target

#: Secrets that an issuer uses are never targets, whatever a spec says.
NEVER_TARGETS = frozenset({"account", "credential", "attempt"})
#: Secrets that something else lives on; nobody is told to delete them (Kubernetes, "Types of Secret"; Helm).
KEPT_TYPES: Mapping[str, str] = {
    "kubernetes.io/service-account-token": "it is the token of a service account",
    "bootstrap.kubernetes.io/token": "it is a bootstrap token of the cluster",
    "kubernetes.io/dockercfg": "it is a credential for an image registry",
    "kubernetes.io/dockerconfigjson": "it is a credential for an image registry",
    "helm.sh/release.v1": "it is a release record of Helm",
}
OTHER_NAME = "choose another secretName"


def foreign_owner(seen: Observed) -> str:
    """Why the target Secret is not ours to write, with what helps, or "" if it is."""
    target = seen.target
    if target is None:
        return _of_issuer(seen) or _older(seen)
    return _unsuitable(seen, target) or _taken(seen, target) or _others(seen, target)


def is_named(seen: Observed, target: Target) -> bool:
    """Whether the Secret says that it belongs to this Certificate; one made again under its name is meant too."""
    return target.certificate_name == seen.certificate.meta.name


def is_ours(seen: Observed, target: Target) -> bool:
    """Whether we wrote it for this Certificate, as far as it can still be told."""
    unnamed = not target.certificate_name and target.crt_manager == FIELD_MANAGER
    return is_named(seen, target) or unnamed


def _unsuitable(seen: Observed, target: Target) -> str:
    """What no owner could change."""
    namespace, name = seen.certificate.ref.namespace, seen.certificate.spec.secret_name
    free = f"{OTHER_NAME}, or delete the Secret if nothing needs it: "
    command = f"`kubectl delete secret --namespace {namespace} {name}`"
    if target.type in KEPT_TYPES:
        return f"{KEPT_TYPES[target.type]}; {OTHER_NAME}"
    if target.type != TLS_TYPE:
        return f"its type is {target.type or 'Opaque'}, which cannot become {TLS_TYPE}; {free}{command}"
    if target.immutable:
        return f"it is immutable; {free}{command}"
    if target.label in NEVER_TARGETS:
        return f"it is marked as {target.label} of an issuer; {OTHER_NAME}"
    return ""


def _taken(seen: Observed, target: Target) -> str:
    """Who has it already, or goes first; handing it over would only have two of us write over each other."""
    if is_named(seen, target):
        return ""
    if target.certificate_name and seen.owner_lives:
        return f"it belongs to Certificate {target.certificate_name}; {OTHER_NAME}"
    return _of_issuer(seen) or _older(seen)


def _others(seen: Observed, target: Target) -> str:
    """Who else writes or controls it, unless somebody handed it over."""
    if target.adopt:
        return ""
    filled = target.has_certificate or target.has_key
    if target.controller:
        return f"it is controlled by {target.controller}; {_hand_over(seen)}"
    if not target.certificate_name and filled and target.crt_manager != FIELD_MANAGER:
        return f"its content was written by {target.crt_manager or 'somebody else'}; {_hand_over(seen)}"
    return ""


def _of_issuer(seen: Observed) -> str:
    return f"{seen.used_by} keeps a key or credential there; {OTHER_NAME}" if seen.used_by else ""


def _older(seen: Observed) -> str:
    if not seen.older:
        return ""
    return f"Certificate {seen.older} names the same Secret, is older and goes first; {OTHER_NAME}"


def _hand_over(seen: Observed) -> str:
    namespace, name = seen.certificate.ref.namespace, seen.certificate.spec.secret_name
    command = f"`kubectl annotate secret --namespace {namespace} {name} {seen.names.adopt}=true`"
    return f"{OTHER_NAME}, or hand it over: {command}"
