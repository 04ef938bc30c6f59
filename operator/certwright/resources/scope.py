"""Where the operator works: in all namespaces, or in those that were named and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Scope:
    """The namespaces of Certificates and Issuers.

    Attributes:
        namespaces: their names; empty means all, and only then objects outside of namespaces are read.
    """

    namespaces: tuple[str, ...] = ()

    @property
    def is_whole_cluster(self) -> bool:
        """Whether all namespaces are served, and ClusterIssuers with them."""
        return not self.namespaces

    def holds(self, namespace: str) -> bool:
        """Whether objects of this namespace are worked on; "" stands for objects outside of namespaces."""
        return self.is_whole_cluster or namespace in self.namespaces

    def collections(self, group: str, plural: str) -> Iterator[tuple[str, str]]:
        """Namespace and URL path of every LIST that together show all; one with namespace "" for all at once.

        Args:
            group: path of the API group and version, such as `/api/v1`.
            plural: the kind in URLs.
        """
        if self.is_whole_cluster:
            yield "", f"{group}/{plural}"
        for namespace in self.namespaces:
            yield namespace, f"{group}/namespaces/{namespace}/{plural}"


EVERYWHERE = Scope()
