"""From an object that asks and what is known beside it to Certificates that are to be applied or removed. Pure.

What cannot be done is told and changes nothing: a Certificate that is there stays as it is, and one that was not made
for this very object is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from certwright.resources.certificate import MOST_NAMES
from certwright.resources.conditions import Reason
from certwright.shim.annotations import (
    CLUSTER_ISSUER,
    ISSUER,
    Request,
    is_about_names,
    read_request,
    told_by_annotations,
    too_many,
)
from certwright.shim.applicant import TLS_ACME, merged
from certwright.shim.wanted import Wanted, flaw, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from certwright.resources.names import Ref
    from certwright.shim.applicant import Applicant, Options, TlsBlock
    from certwright.shim.made import Made


#: Secrets that one object may have filled; the API server takes tens of thousands, and a turn looks at each.
MOST_SECRETS = 1_000


class Remark(NamedTuple):
    """One Event beside the object that asks."""

    reason: str
    message: str
    warning: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known beside the object that asks.

    Attributes:
        made: by name, Certificates that it controls.
        taken: by name, who has a Certificate of that name that it does not control, in words.
        older: by name of a Secret, who asks for the same Secret and goes first.
        cert_managers: Secrets that cert-manager manages.
        cluster_issuers: by name, whether it is marked as the default.
    """

    made: Mapping[str, Made] = field(default_factory=dict)
    taken: Mapping[str, str] = field(default_factory=dict)
    older: Mapping[str, Ref] = field(default_factory=dict)
    cert_managers: frozenset[str] = frozenset()
    cluster_issuers: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done and said.

    Attributes:
        apply: Certificates that are not there yet, or differ.
        remove: Certificates that the object controls and does not ask for any more.
        remarks: mistakes, and what stands in the way.
    """

    apply: tuple[Wanted, ...] = ()
    remove: tuple[Made, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether anything is to be changed."""
        return bool(self.apply or self.remove)


def plan(applicant: Applicant, facts: Facts, options: Options) -> Plan:
    """Make up our mind about one object that asks."""
    if applicant.going:
        return Plan()  # what it controls is deleted with it
    planner = _Planner(applicant, facts, options, read_request(applicant.annotations, options))
    planner.consider()
    return Plan(apply=tuple(planner.apply), remove=tuple(planner.remove), remarks=tuple(planner.remarks))


def asks_for(applicant: Applicant, options: Options) -> frozenset[str]:
    """The Secrets that an object lays a claim to, by which it may go before others: none that it cannot have filled."""
    if applicant.going or options.is_left_to_cert_manager(applicant.annotations):
        return frozenset()
    request = read_request(applicant.annotations, options)
    asks = request.issuer or options.wants_default(applicant.annotations)
    if not asks or request.contradiction or request.problem:
        return frozenset()
    return frozenset(
        block.secret_name for block in _served(applicant) if 0 < _count(block, request) <= MOST_NAMES
    )


def _served(applicant: Applicant) -> Iterator[TlsBlock]:
    return islice(merged(applicant.blocks), MOST_SECRETS)


def _count(block: TlsBlock, request: Request) -> int:
    """How many names its certificate would have."""
    return len({*block.hosts, *request.more_names})


def _stays(made: object) -> str:
    return "; until then the Certificate stays as it is" if made else ""


def _ours(made: Iterable[Made]) -> tuple[Made, ...]:
    """Those that we wrote and that are not being deleted already."""
    return tuple(each for each in made if each.spec and not each.going)


@dataclass(slots=True)
class _Planner:
    """Collects what is found; the same sentence is said once, however many blocks it concerns."""

    applicant: Applicant
    facts: Facts
    options: Options
    request: Request
    apply: list[Wanted] = field(default_factory=list)
    remove: tuple[Made, ...] = ()
    remarks: dict[Remark, None] = field(default_factory=dict)

    def consider(self) -> None:
        """Look at the whole object, and at one Secret after the other."""
        applicant, options, request = self.applicant, self.options, self.request
        ours = any(map(options.is_ours, applicant.annotations))
        if options.is_left_to_cert_manager(applicant.annotations):
            if ours:
                self._tell_left_alone()
            else:
                self._take_back()  # handed over: two operators would renew one Secret
            return
        for sentence in request.unknown:
            self._tell(Reason.BAD_CONFIG, sentence)
        if request.contradiction:
            self._tell(Reason.BAD_CONFIG, f"{request.contradiction}; until then nothing is made or changed")
        elif request.issuer or options.wants_default(applicant.annotations):
            self._consider_all()
        else:
            self._consider_nothing(has_ours=ours)

    def _consider_all(self) -> None:
        """What would go wrong with each Secret in the same way is looked for once."""
        self._tell_blocks()
        kept = self.applicant.secret_names
        self.remove = _ours(made for name, made in self.facts.made.items() if name not in kept)
        if self.request.problem:
            stays = _stays(self.facts.made.keys() & kept)
            self._tell(Reason.BAD_CONFIG, f"{self.request.problem}{stays}")
            return
        for block in _served(self.applicant):
            self._consider(block)

    def _consider_nothing(self, *, has_ours: bool) -> None:
        """No issuer is asked for; a misspelt annotation may be meant to, and then nothing goes."""
        near = self.request.near_issuer
        if has_ours:
            group = self.options.names.group
            names = f"{group}/{ISSUER} or {group}/{CLUSTER_ISSUER}"
            stay = (
                f"; the Certificates that are there stay until {near} is corrected"
                if near and self.facts.made
                else ""
            )
            self._tell(
                Reason.BAD_CONFIG, f"no issuer is named, so no certificate is asked for; add {names}{stay}"
            )
        if not near:
            self._take_back()

    def _take_back(self) -> None:
        """What was made goes, but for what a default chose for tls-acme, whose switch may be off for now."""
        asks = self.applicant.annotations.get(TLS_ACME) == "true"
        self.remove = _ours(made for made in self.facts.made.values() if not (asks and made.by_default))

    def _consider(self, block: TlsBlock) -> None:
        """One Secret: have its Certificate applied, or say why not."""
        made = self.facts.made.get(block.secret_name)
        if made is not None and made.going:
            return  # its end wakes us
        if made is None and (trouble := self._obstacle(block.secret_name)):
            self.remarks[trouble] = None
            return
        names = _count(block, self.request)
        if not names:
            message = f"{block.place} names no hosts; write those that the certificate shall be for"
            self._tell(Reason.BAD_CONFIG, message)
            return
        issuer = self.request.issuer or self._default_issuer(made)
        if not issuer:
            return
        if names > MOST_NAMES:
            message = f"the certificate for Secret {block.secret_name}: {too_many(names)}"
            self._tell(Reason.BAD_CONFIG, f"{message}{_stays(made)}")
            return
        it = wanted(block, self.request, issuer, made, by_default=not self.request.issuer)
        if it.is_there:
            return
        if problem := self._flaw(it):
            self._tell(Reason.BAD_CONFIG, f"{problem}{_stays(made)}")
        else:
            self.apply.append(it)

    def _flaw(self, it: Wanted) -> str:
        found = flaw(it, self.applicant.ref.namespace, self.options.names)
        if not found:
            return ""
        told = told_by_annotations(found, self.options.names.group)
        return f"the certificate for Secret {it.name}: {told}" if is_about_names(found) else told

    def _obstacle(self, name: str) -> Remark | None:
        """Why the Certificate of this name is not for us to make."""
        facts, other = self.facts, "write another secretName"
        if name in facts.cert_managers:
            namespace, adopt = self.applicant.ref.namespace, self.options.names.adopt
            message = (
                f"Secret {name} is managed by cert-manager and left to it; {other}, or remove cert-manager's "
                "Certificate and hand the Secret over: "
                f"`kubectl annotate secret --namespace {namespace} {name} {adopt}=true`"
            )
            return Remark(Reason.MANAGED_BY_CERT_MANAGER.word, message)
        if name in facts.taken:
            message = f"Certificate {name} exists already ({facts.taken[name]}) and is left as it is; {other}"
            return Remark(Reason.CERTIFICATE_CONFLICT.word, message)
        if name in facts.older:
            message = f"{facts.older[name]} asks for Secret {name} too and goes first; {other}"
            return Remark(Reason.CERTIFICATE_CONFLICT.word, message)
        return None

    def _default_issuer(self, made: Made | None) -> Mapping[str, str]:
        """What a default chose is kept for as long as it exists, so that another default reissues nothing."""
        known = self.facts.cluster_issuers
        if made is not None and made.by_default:
            kind, name = made.issuer
            if kind == "ClusterIssuer" and name in known:
                return {"name": name, "kind": kind}
        marked = sorted(name for name, is_default in known.items() if is_default)
        if len(marked) == 1:
            return {"name": marked[0], "kind": "ClusterIssuer"}
        self._tell(Reason.NO_DEFAULT_ISSUER, self._no_default(marked))
        return {}

    def _no_default(self, marked: list[str]) -> str:
        group = self.options.names.group
        if not self.options.cluster_issuers:
            return (
                f"{TLS_ACME} asks for the default ClusterIssuer, and the operator works in named namespaces only, "
                f"where there is none; name an Issuer with {group}/{ISSUER}"
            )
        if marked:
            names = ", ".join(marked)
            return (
                f"the ClusterIssuers {names} are all marked as the default; leave spec.default at one of them"
            )
        return (
            f"{TLS_ACME} asks for the default ClusterIssuer and there is none; set spec.default to true at one, or "
            f"name an issuer with {group}/{CLUSTER_ISSUER} or {group}/{ISSUER}"
        )

    def _tell_blocks(self) -> None:
        if not self.applicant.blocks:
            advice = (
                "add a block with the hosts, and as secretName the Secret that shall hold the certificate"
            )
            self._tell(Reason.BAD_CONFIG, f"spec.tls is empty, so no certificate is asked for; {advice}")
        if (count := len(self.applicant.secret_names)) > MOST_SECRETS:
            kind = self.applicant.ref.kind
            message = f"this {kind} names {count} Secrets, of which the first {MOST_SECRETS} are served"
            self._tell(Reason.BAD_CONFIG, f"{message}; spread them over several objects")
        for block in self.applicant.blocks:
            if not block.secret_name:
                advice = "write the name of the Secret that shall hold the certificate"
                self._tell(Reason.BAD_CONFIG, f"{block.place} has no secretName; {advice}")

    def _tell_left_alone(self) -> None:
        theirs = min(filter(self.options.is_of_cert_manager, self.applicant.annotations))
        message = (
            f"this {self.applicant.ref.kind} also speaks to cert-manager ({theirs}) and is left alone; remove the "
            f"annotations of cert-manager, or those of {self.options.names.group}"
        )
        self._tell(Reason.MANAGED_BY_CERT_MANAGER, message)

    def _tell(self, reason: Reason, message: str) -> None:
        self.remarks[Remark(reason.word, message)] = None
