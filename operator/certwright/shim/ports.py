"""What the shim needs of the cluster: small Protocols, fitted by `kube/`, introduced by `app.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from certwright.resources.metadata import Metadata
    from certwright.resources.names import Ref

Json: TypeAlias = dict[str, Any]


class Objects(Protocol):
    """Certificates, ClusterIssuers, and what asks."""

    def read(self, ref: Ref) -> Json | None:
        """The live object, or None."""


class Certificates(Protocol):
    """Certificates that are made for others; each write is for the very object that was seen."""

    def apply(self, body: Json, *, replaces: Metadata | None) -> Json:
        """Apply over the version that was seen, or make it; raises NotYet where that is not what stands there."""

    def delete(self, ref: Ref, *, meta: Metadata) -> None:
        """Remove the version that was seen; gone already is success; raises NotYet where another stands there."""


class Secrets(Protocol):
    """Secrets that are to be filled."""

    def read(self, namespace: str, name: str) -> Json | None:
        """The live Secret, or None."""


class Cluster(Protocol):
    """All of these as one."""

    @property
    def objects(self) -> Objects:
        """Reads what there is."""

    @property
    def certificates(self) -> Certificates:
        """Writes Certificates."""

    @property
    def secrets(self) -> Secrets:
        """Reads Secrets."""

    @property
    def events(self) -> Events:
        """Tells."""


class Events(Protocol):
    """Events beside an object."""

    def post(
        self, ref: Ref, meta: Metadata, *, warning: bool, reason: str, message: str, action: str
    ) -> None:
        """Tell what happened to an object."""

    def post_once(
        self, ref: Ref, meta: Metadata, *, warning: bool, reason: str, message: str, action: str
    ) -> None:
        """The same; nothing happens where the very same sentence stands beside it already."""
