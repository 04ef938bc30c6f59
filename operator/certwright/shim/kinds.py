"""The kinds of objects that may ask for certificates; one more is one more file like `ingress.py`, and a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from certwright.shim import ingress

if TYPE_CHECKING:
    from certwright.shim.applicant import Applicant, Options

Body: TypeAlias = Mapping[str, Any]


class Kind(NamedTuple):
    """How objects of one kind are read.

    Attributes:
        group: API group.
        read: an object as the API server sends it; never raises.
        annotations: what says something to us, by metadata alone.
    """

    group: str
    read: Callable[[Body, Options], Applicant]
    annotations: Callable[[Body, Options], Mapping[str, str]]


KINDS: Mapping[str, Kind] = {
    ingress.KIND: Kind(ingress.GROUP, ingress.read_ingress, ingress.ingress_annotations),
}
#: API group of each.
GROUPS: Mapping[str, str] = {name: kind.group for name, kind in KINDS.items()}
