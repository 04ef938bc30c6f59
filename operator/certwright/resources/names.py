"""Names of our API: group, kinds, labels, annotations. Nothing else in the code spells them.

They are values, not constants, because a cluster may be served under another group.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Under which we write (Kubernetes, server-side apply): fields that it owns are ours.
FIELD_MANAGER = "certwright"

PLURALS: Mapping[str, str] = MappingProxyType(
    {"Certificate": "certificates", "Issuer": "issuers", "ClusterIssuer": "clusterissuers"}
)

#: Kinds of others that ask for certificates: API version, and the kind in URLs.
FOREIGN_KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"Ingress": ("networking.k8s.io/v1", "ingresses")}
)


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One object that we work on; the namespace of a ClusterIssuer is ""."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"


@dataclass(frozen=True, slots=True)
class ApiNames:
    """All names that begin with the group."""

    group: str = "certwright.dev"

    #: Values of `secret_label`: what we use a Secret for.
    target = "target"
    account = "account"
    credential = "credential"
    attempt = "attempt"

    #: Value of `table_label`.
    tokens = "tokens"
    #: Value of `ledger_label`.
    holds = "holds"
    #: Value of `solver_label`.
    http01 = "http-01"

    @property
    def api_version(self) -> str:
        """Of our kinds."""
        return f"{self.group}/v1"

    @property
    def secret_label(self) -> str:
        """Label that says what a Secret is to us; the only one we watch by."""
        return f"{self.group}/secret"

    @property
    def names_label(self) -> str:
        """Label of attempts: hash of account and names."""
        return f"{self.group}/names"

    @property
    def table_label(self) -> str:
        """Label of ConfigMaps that hold token tables, with the value `tokens`."""
        return f"{self.group}/table"

    @property
    def ledger_label(self) -> str:
        """Label of ConfigMaps that hold ledgers, with the value `holds`."""
        return f"{self.group}/ledger"

    @property
    def solver_label(self) -> str:
        """Label of everything that routes HTTP-01 requests to the solver pods, with the value `http-01`."""
        return f"{self.group}/solver"

    @property
    def attempt_label(self) -> str:
        """Label of a route: name of the attempt Secret that it was made for."""
        return f"{self.group}/attempt"

    @property
    def process(self) -> str:
        """Annotation of the Lease: which process of the holder took it."""
        return f"{self.group}/process"

    @property
    def certificate_name(self) -> str:
        """Annotation of a target Secret: the Certificate it belongs to."""
        return f"{self.group}/certificate-name"

    @property
    def certificate_uid(self) -> str:
        """Annotation of a target Secret: that object's UID."""
        return f"{self.group}/certificate-uid"

    @property
    def issuer_name(self) -> str:
        """Annotation of a target Secret: who signed."""
        return f"{self.group}/issuer-name"

    @property
    def issuer_kind(self) -> str:
        """Annotation of a target Secret: Issuer or ClusterIssuer."""
        return f"{self.group}/issuer-kind"

    @property
    def directory(self) -> str:
        """Annotation: the ACME directory that a target Secret came from, or that an account key was made for."""
        return f"{self.group}/directory"

    @property
    def serial_number(self) -> str:
        """Annotation of a target Secret: of the certificate, in hex."""
        return f"{self.group}/serial-number"

    @property
    def alt_names(self) -> str:
        """Annotation of a target Secret: the names that were asked."""
        return f"{self.group}/alt-names"

    @property
    def proven_by(self) -> str:
        """Annotation of a target Secret: which solvers proved the names, with commas between."""
        return f"{self.group}/proven-by"

    @property
    def wish_hash(self) -> str:
        """Annotation of a target Secret: hash of profile and preferred chain that were asked for."""
        return f"{self.group}/wish-hash"

    @property
    def attempt_id(self) -> str:
        """Annotation of a target Secret: UID of the attempt that wrote it."""
        return f"{self.group}/attempt"

    @property
    def renew(self) -> str:
        """Annotation of a Certificate: each new value asks for one renewal."""
        return f"{self.group}/renew"

    @property
    def last_handled_renew(self) -> str:
        """Annotation of a target Secret: the value of `renew` that was answered last."""
        return f"{self.group}/last-handled-renew"

    @property
    def issuer_by_default(self) -> str:
        """Annotation of a Certificate made for an Ingress: its issuer was the default one; with the value "true"."""
        return f"{self.group}/issuer-by-default"

    @property
    def adopt(self) -> str:
        """Annotation that hands a foreign Secret over to us, with the value "true"."""
        return f"{self.group}/adopt"

    @property
    def controller(self) -> str:
        """Who we are in Events (`reportingController`)."""
        return f"{self.group}/certwright"

    @property
    def stamps(self) -> tuple[str, ...]:
        """All annotations that we write on a target Secret."""
        return (
            self.certificate_name,
            self.certificate_uid,
            self.issuer_name,
            self.issuer_kind,
            self.directory,
            self.serial_number,
            self.alt_names,
            self.attempt_id,
            self.proven_by,
            self.wish_hash,
            self.last_handled_renew,
        )

    def plural(self, kind: str) -> str:
        """The kind in URLs."""
        return PLURALS[kind]
