"""In which lanes a key is worked on, and what goes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.engine.lanes import Lanes
from certwright.engine.queue import Priority
from certwright.resources.certificate import Certificate
from certwright.resources.names import FOREIGN_KINDS

if TYPE_CHECKING:
    from certwright.reconcile.cache import Cache
    from certwright.resources.names import Ref


def priority_of(ref: Ref) -> Priority:
    """Issuers first: everything else waits for them."""
    waits = ref.kind == "Certificate" or ref.kind in FOREIGN_KINDS
    return Priority.NORMAL if waits else Priority.URGENT


def lanes_of(ref: Ref, cache: Cache) -> Lanes:
    """Certificates by their issuer, issuers each by itself; what asks for certificates has the API server in common."""
    if ref.kind in FOREIGN_KINDS:
        return Lanes(issuer=ref.kind, namespace=ref.namespace)
    if ref.kind != "Certificate":
        return Lanes(issuer=str(ref), namespace=ref.namespace)
    known = cache.certificate(ref)
    issuer = str(known.spec.issuer_ref) if isinstance(known, Certificate) else ""
    return Lanes(issuer=issuer, namespace=ref.namespace)
