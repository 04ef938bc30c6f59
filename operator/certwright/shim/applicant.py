"""What asks for certificates, whatever its kind: annotations, and the Secrets that it wants filled for some hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from certwright.resources.metadata import Metadata
    from certwright.resources.names import ApiNames, Ref

#: The older operator whose objects are left to it, as the API group of its annotations.
CERT_MANAGER = "cert-manager.io"
#: Asks for the default issuer (Kubernetes, "Well-Known Labels, Annotations and Taints").
TLS_ACME = "kubernetes.io/tls-acme"


@dataclass(frozen=True, slots=True)
class TlsBlock:
    """One Secret that shall hold a certificate, and for what.

    Attributes:
        place: where it stands, such as `spec.tls[0]`.
        secret_name: "" where none is named.
    """

    place: str
    secret_name: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """An object that may ask for certificates.

    Attributes:
        api_version: of its kind.
        annotations: those alone that say something to us: our own, `kubernetes.io/tls-acme` and cert-manager's.
        going: whether it is being deleted.
    """

    ref: Ref
    api_version: str
    meta: Metadata
    annotations: Mapping[str, str]
    blocks: tuple[TlsBlock, ...]
    going: bool

    @property
    def secret_names(self) -> frozenset[str]:
        """The Secrets that it names."""
        return frozenset(block.secret_name for block in self.blocks if block.secret_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What counts as asking.

    Attributes:
        tls_acme: whether `kubernetes.io/tls-acme: "true"` asks for the default issuer.
        cluster_issuers: whether ClusterIssuers are served, and so may be the default.
    """

    names: ApiNames
    tls_acme: bool = False
    cluster_issuers: bool = True

    def speaks_to_us(self, annotation: str) -> bool:
        """Whether we read an annotation of this name, if only to see whose object it is."""
        return annotation == TLS_ACME or self.is_ours(annotation) or self.is_of_cert_manager(annotation)

    def is_ours(self, annotation: str) -> bool:
        """Whether its name has our prefix."""
        return annotation.startswith(f"{self.names.group}/")

    def is_of_cert_manager(self, annotation: str) -> bool:
        """Whether it has cert-manager's prefix, or that of one of its parts; never where we serve its API group."""
        prefix = annotation.partition("/")[0]
        return self.names.group != CERT_MANAGER and (
            prefix == CERT_MANAGER or prefix.endswith(f".{CERT_MANAGER}")
        )

    def wants_default(self, annotations: Mapping[str, str]) -> bool:
        """Whether the default issuer is asked for, and we were told to hear that."""
        return self.tls_acme and annotations.get(TLS_ACME) == "true"

    def is_left_to_cert_manager(self, annotations: Mapping[str, str]) -> bool:
        """Whether cert-manager is spoken to, so that we keep away."""
        return any(map(self.is_of_cert_manager, annotations))

    def concern_us(self, annotations: Mapping[str, str]) -> bool:
        """Whether there is anything to do or to say; whatever has none of these is not remembered."""
        if any(map(self.is_ours, annotations)):
            return True
        return self.wants_default(annotations) and not self.is_left_to_cert_manager(annotations)


def merged(blocks: tuple[TlsBlock, ...]) -> Iterator[TlsBlock]:
    """One block for each Secret, in the order in which they are first named, with the hosts of all in their order."""
    by_secret: dict[str, TlsBlock] = {}
    hosts: dict[str, dict[str, None]] = {}
    for block in blocks:
        if block.secret_name:
            by_secret.setdefault(block.secret_name, block)
            hosts.setdefault(block.secret_name, {}).update(dict.fromkeys(block.hosts))
    for name, block in by_secret.items():
        yield TlsBlock(block.place, name, tuple(hosts[name]))
