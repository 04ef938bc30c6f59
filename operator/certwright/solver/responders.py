"""What the publisher needs of the cluster and of the solver pods: small Protocols, fitted elsewhere. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from certwright.resources.responder import Responder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["AskServed", "Responder", "Responders", "Tables"]

Json: TypeAlias = dict[str, Any]


class Tables(Protocol):
    """ConfigMaps that hold token tables; fitted by `kube/tables.py`. Every failure is a Setback."""

    def read_all(self) -> Iterable[Json]:
        """Every ConfigMap with our label, live."""

    def read(self, name: str) -> Json | None:
        """The live ConfigMap of this name, labelled or not, or None."""

    def create(self, body: Json) -> Json:
        """Make it; raises NotYet ChangedMeanwhile if there is one of this name."""

    def replace(self, body: Json) -> Json:
        """Write it over the version that it names; raises NotYet ChangedMeanwhile if that is not the present one."""


class Responders(Protocol):
    """The solver pods; fitted by `kube/responders.py`."""

    def read(self) -> tuple[Responder, ...]:
        """Those that are ready."""


class AskServed(Protocol):
    """Asks one solver pod which tables it serves; fitted by `solver/served.py`. Never raises."""

    def __call__(self, address: str, port: int) -> Mapping[str, str] | None:
        """The resourceVersion of each table by name, or None if it could not be asked."""
