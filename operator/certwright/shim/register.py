"""Who asks for certificates, and what was made for them, as the watches have shown it."""

from __future__ import annotations

from collections import defaultdict
from threading import RLock
from typing import TYPE_CHECKING, TypeAlias

from certwright.shim.plan import asks_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certwright.resources.metadata import Metadata
    from certwright.resources.names import Ref
    from certwright.shim.applicant import Applicant, Options
    from certwright.shim.made import Made

#: Namespace and name of a Secret, and so of the Certificate that is made for it.
Key: TypeAlias = tuple[str, str]


class Register:
    """Thread-safe; holds only what concerns us, and a look costs the same whatever the size of the cluster."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._lock = RLock()
        self._applicants: dict[Ref, Applicant] = {}
        self._claims: dict[Ref, frozenset[str]] = {}
        self._claimants: dict[Key, set[Ref]] = defaultdict(set)
        self._defaulters: set[Ref] = set()
        self._made: dict[Key, Made] = {}
        self._by_owner: dict[Ref, dict[str, Made]] = defaultdict(dict)
        self._cluster_issuers: dict[str, bool] = {}

    # What asks

    def put_applicant(self, applicant: Applicant) -> bool:
        """Remember what asks; whether anything that concerns us is new."""
        ref = applicant.ref
        with self._lock:
            known = self._applicants.get(ref)
            if known and _is_older(applicant.meta, known.meta):
                return False
            self._applicants[ref] = applicant
            self._claim(ref, asks_for(applicant, self._options))
            if self._options.wants_default(applicant.annotations):
                self._defaulters.add(ref)
            else:
                self._defaulters.discard(ref)
            return known is None or not _says_what(known, applicant)

    def drop_applicant(self, ref: Ref) -> bool:
        """Forget what asks no more or is gone; whether it was known."""
        with self._lock:
            self._claim(ref, frozenset())
            self._defaulters.discard(ref)
            return self._applicants.pop(ref, None) is not None

    def applicant(self, ref: Ref) -> Applicant | None:
        """What asks, as last seen."""
        with self._lock:
            return self._applicants.get(ref)

    def applicants(self) -> list[Ref]:
        """All that ask; for re-lists, never for a turn."""
        with self._lock:
            return list(self._applicants)

    def claims(self, ref: Ref) -> frozenset[str]:
        """The Secrets that it asks for."""
        with self._lock:
            return self._claims.get(ref, frozenset())

    def claimants(self, key: Key) -> tuple[Ref, ...]:
        """All that ask for one Secret."""
        with self._lock:
            return tuple(self._claimants.get(key, ()))

    def first_claimant(self, applicant: Applicant, name: str) -> Ref | None:
        """Who goes before it for a Secret: the oldest, and of those of one second the first by name; None: nobody."""
        with self._lock:
            refs = self._claimants.get((applicant.ref.namespace, name), ())
            first = min((self._applicants[ref] for ref in refs), key=_age, default=applicant)
            return first.ref if _age(first) < _age(applicant) else None

    def defaulters(self) -> tuple[Ref, ...]:
        """All that ask for the default issuer."""
        with self._lock:
            return tuple(self._defaulters)

    def _claim(self, ref: Ref, names: Iterable[str]) -> None:
        for name in self._claims.pop(ref, ()):
            key = ref.namespace, name
            self._claimants[key].discard(ref)
            if not self._claimants[key]:
                del self._claimants[key]
        if claimed := frozenset(names):
            self._claims[ref] = claimed
            for name in claimed:
                self._claimants[ref.namespace, name].add(ref)

    # What was made

    def put_made(self, made: Made) -> Made | None:
        """Remember a Certificate of something that asks; returns what was known of it, itself if nothing is new."""
        key = made.ref.namespace, made.ref.name
        with self._lock:
            known = self._made.get(key)
            if known and _is_older(made.meta, known.meta):
                return made
            self._forget(known)
            self._made[key] = made
            self._by_owner[made.owner][made.ref.name] = made
            return made if known and known.says_what(made) else known

    def drop_made(self, ref: Ref) -> Made | None:
        """Forget a Certificate that is gone or was made for nobody; returns what was known of it."""
        with self._lock:
            known = self._made.get((ref.namespace, ref.name))
            self._forget(known)
            return known

    def made(self, key: Key) -> Made | None:
        """The Certificate of this name, if it was made for something that asks."""
        with self._lock:
            return self._made.get(key)

    def all_made(self) -> list[Ref]:
        """All Certificates that were made for something that asks; for re-lists, never for a turn."""
        with self._lock:
            return [each.ref for each in self._made.values()]

    def made_for(self, owner: Ref) -> dict[str, Made]:
        """Certificates by name that something of this name controls, whatever its UID."""
        with self._lock:
            return dict(self._by_owner.get(owner, {}))

    def _forget(self, made: Made | None) -> None:
        if made is None:
            return
        del self._made[made.ref.namespace, made.ref.name]
        of_owner = self._by_owner[made.owner]
        del of_owner[made.ref.name]
        if not of_owner:
            del self._by_owner[made.owner]

    # The default

    def put_cluster_issuer(self, name: str, *, is_default: bool) -> bool:
        """Remember a ClusterIssuer; whether that is new."""
        with self._lock:
            known = self._cluster_issuers.get(name)
            self._cluster_issuers[name] = is_default
            return known is not is_default

    def drop_cluster_issuer(self, name: str) -> bool:
        """Forget one that is gone; whether it was known."""
        with self._lock:
            return self._cluster_issuers.pop(name, None) is not None

    def cluster_issuers(self) -> dict[str, bool]:
        """By name, whether it is marked as the default."""
        with self._lock:
            return dict(self._cluster_issuers)


def _age(applicant: Applicant) -> tuple[str, Ref]:
    return applicant.meta.created, applicant.ref


def _says_what(one: Applicant, other: Applicant) -> bool:
    """Whether nothing that concerns us differs: the addresses in a status do not."""
    return (one.meta.uid, one.annotations, one.blocks, one.going) == (
        other.meta.uid,
        other.annotations,
        other.blocks,
        other.going,
    )


def _is_older(new: Metadata, known: Metadata) -> bool:
    """By resourceVersion, which counts etcd's revisions (KEP-5504)."""
    comparable = new.uid == known.uid and new.resource_version.isdigit() and known.resource_version.isdigit()
    return comparable and int(new.resource_version) < int(known.resource_version)
