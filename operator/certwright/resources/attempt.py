"""The attempt: what one Certificate's order in progress must remember, as a value.

It lives in a Secret in the operator's namespace and is the fence and the journal of an order: it exists before
the CA is asked for anything, and it holds the next private key before any CSR is made from it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime  # noqa: TC003  msgspec reads the type of the note's fields
from enum import Enum
from typing import TYPE_CHECKING

from certwright.resources.wish import Wish

if TYPE_CHECKING:
    from certwright.resources.certificate import PrivateKeySpec
    from certwright.resources.names import Ref
    from certwright.resources.solver_spec import SolverSpec
    from certwright.secret_text import SecretText


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What we publish so that the CA believes one name, and where its challenge is answered.

    Attributes:
        identifier: the DNS name without `*.` (RFC 8555 §7.1.4).
        wildcard: whether it was asked as `*.identifier`.
        solver: position of the solver in `Attempt.solvers`.
        type: of the challenge, `dns-01` or `http-01`.
        fqdn: DNS-01: where the TXT record goes, CNAMEs followed; no trailing dot.
        value: DNS-01: the TXT value (RFC 8555 §8.4); HTTP-01: the key authorization (RFC 8555 §8.3).
        token: HTTP-01: last part of the path that the CA asks for.
    """

    identifier: str
    wildcard: bool
    authorization_url: str
    challenge_url: str
    solver: int
    value: str
    type: str = "dns-01"
    fqdn: str = ""
    token: str = ""

    @property
    def name(self) -> str:
        """The name as it was asked."""
        return f"*.{self.identifier}" if self.wildcard else self.identifier


class Stage(Enum):
    """What an order waits for at the CA."""

    VALIDATION = "validation"
    """The CA was told of the proofs and checks them."""
    READINESS = "readiness"
    """All names are proven; the CA has yet to say so of the order."""
    SIGNING = "signing"
    """The CSR was sent."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Since when a CA has been waited for, and until when it is."""

    stage: Stage
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at one certificate.

    Attributes:
        certificate: who asked.
        certificate_uid: of that object; a recreated one has another, and so another attempt.
        issuer: whose account and solvers are used; its credentials are read again from its namespace.
        names: what was asked, sorted A-labels.
        private_key: PEM, as it will stand in tls.key.
        public_key_sha256: hex, of the key's SubjectPublicKeyInfo.
        reason: why a certificate was needed, a word of the Reason table.
        number: 1 for the first try since the last success.
        wish: profile and chain that were asked for; none in the notes of versions that knew of none.
        replaces: RFC 9773 identifier of the certificate this one renews, or "".
        key_spec: what spec.privateKey asked when the key was made.
        solvers: as they were chosen, so that proofs are taken down the way they were put up.
        wait: for the CA, once it has lasted long enough to be noted.
        rank: resourceVersion at which it was created: the order among attempts for the same names.
        name: of the Secret; `uid` and `resource_version` are empty until it is stored.
    """

    certificate: Ref
    certificate_uid: str
    issuer: Ref
    directory_url: str
    account_url: str
    names: tuple[str, ...]
    common_name: str | None
    key_spec: PrivateKeySpec
    private_key: SecretText = field(repr=False)
    public_key_sha256: str
    reason: str
    number: int
    started_at: datetime
    wish: Wish = field(default_factory=Wish)
    replaces: str = ""
    order_url: str = ""
    proofs: tuple[Proof, ...] = ()
    solvers: tuple[SolverSpec, ...] = ()
    wait: Wait | None = None
    rank: int = 0
    uid: str = ""
    resource_version: str = ""

    @property
    def name(self) -> str:
        """Name of the Secret, found again from the Certificate's UID alone."""
        return attempt_name(self.certificate_uid)

    @property
    def names_hash(self) -> str:
        """The lock between Certificates that ask the same names of the same account."""
        return names_hash(self.account_url, self.names, self.wish.profile)

    def stored_as(self, *, uid: str, resource_version: str) -> Attempt:
        """The same attempt as the API server answered it."""
        rank = self.rank or (int(resource_version) if resource_version.isdigit() else 0)
        return replace(self, uid=uid, resource_version=resource_version, rank=rank)

    def with_order(
        self, order_url: str, proofs: tuple[Proof, ...], solvers: tuple[SolverSpec, ...]
    ) -> Attempt:
        """The same attempt after its order was placed."""
        return replace(self, order_url=order_url, proofs=proofs, solvers=solvers)


def attempt_name(certificate_uid: str) -> str:
    """Name of the attempt Secret of the Certificate with this UID."""
    return f"certwright-attempt-{hashlib.sha256(certificate_uid.encode()).hexdigest()[:20]}"


def names_hash(account_url: str, names: tuple[str, ...], profile: str = "") -> str:
    """Label value (63 characters at most) for one account, one set of names and one profile.

    Orders with different profiles are different orders to a CA. Without a profile the value is that of versions which
    knew of none, so that the two keep out of each other's way.
    """
    text = "\n".join((account_url, *((f"profile {profile}",) if profile else ()), *sorted(names)))
    return hashlib.sha256(text.encode()).hexdigest()[:40]
