"""What helps against each refusal of a CA, as data (RFC 8555 §6.7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING

from certwright.acme.limits import Limit, Scope, limits_met, names_paused
from certwright.acme.wording import TEXT_LIMIT, clean_text
from certwright.failures import NeedsPerson, NotYet, Schedule, Setback, TryLater
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import timedelta

    from certwright.acme.messages import Problem


class ProblemKind(Enum):
    """Types of problem documents; RFC 8555 §6.7 unless said otherwise."""

    ACCOUNT_DOES_NOT_EXIST = "accountDoesNotExist"
    ALREADY_REPLACED = "alreadyReplaced"
    """RFC 9773 §7.4."""
    ALREADY_REVOKED = "alreadyRevoked"
    BAD_CSR = "badCSR"
    BAD_NONCE = "badNonce"
    BAD_PUBLIC_KEY = "badPublicKey"
    BAD_REVOCATION_REASON = "badRevocationReason"
    BAD_SIGNATURE_ALGORITHM = "badSignatureAlgorithm"
    CAA = "caa"
    COMPOUND = "compound"
    """Only its subproblems say anything."""
    CONFLICT = "conflict"
    """Boulder's own: the object changed under the request."""
    CONNECTION = "connection"
    DNS = "dns"
    DNSSEC = "dnssec"
    """Once in drafts, and still said by some CAs."""
    EXTERNAL_ACCOUNT_REQUIRED = "externalAccountRequired"
    INCORRECT_RESPONSE = "incorrectResponse"
    INVALID_CONTACT = "invalidContact"
    INVALID_PROFILE = "invalidProfile"
    """draft-ietf-acme-profiles."""
    MALFORMED = "malformed"
    ORDER_NOT_READY = "orderNotReady"
    RATE_LIMITED = "rateLimited"
    REJECTED_IDENTIFIER = "rejectedIdentifier"
    SERVER_INTERNAL = "serverInternal"
    TLS = "tls"
    UNAUTHORIZED = "unauthorized"
    UNSUPPORTED_CONTACT = "unsupportedContact"
    UNSUPPORTED_IDENTIFIER = "unsupportedIdentifier"
    USER_ACTION_REQUIRED = "userActionRequired"
    UNKNOWN = ""
    """A type that we do not know; the HTTP status decides."""

    @classmethod
    def _missing_(cls, value: object) -> ProblemKind | None:
        return cls.UNKNOWN if value else None


class Refused(Setback):
    """The CA refused. Every instance is also one of `NotYet`, `TryLater`, `NeedsPerson`.

    Whoever has an answer to one kind catches `Refused` and looks at `kind`; for all others it is the setback
    that says what helps.
    """

    problem: Problem
    status: int | None
    """Of HTTP; None when the problem stood inside an order or an authorization."""

    @property
    def kind(self) -> ProblemKind:
        """The type of the problem."""
        return ProblemKind(self.problem.type)

    @property
    def is_about_account(self) -> bool:
        """Whether the account should be looked up again: the CA does not know it, or says that it may not."""
        kinds = (ProblemKind.ACCOUNT_DOES_NOT_EXIST, ProblemKind.UNAUTHORIZED)
        return self.status is not None and self.kind in kinds


class RefusedForNow(Refused, NotYet):
    """Refused because it is too early."""


class RefusedUntilLater(Refused, TryLater):
    """Refused in a way that time may heal."""


class RefusedForGood(Refused, NeedsPerson):
    """Refused until a person changes something."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What helps.

    Attributes:
        by: the class of setback.
        reason: the word for users.
        schedule: the pace of new tries if it is `TryLater`.
        scope: who is held back besides whoever asked: nobody, or what the CA's words say where it is `ACCOUNT`.
    """

    by: type[Setback]
    reason: Reason
    schedule: Schedule = Schedule.TRANSIENT
    scope: Scope | None = None


_NO_PROOF = Remedy(TryLater, Reason.VALIDATION_FAILED, Schedule.VALIDATION)
_REJECTED = Remedy(NeedsPerson, Reason.REJECTED)
_BAD_ACCOUNT = Remedy(NeedsPerson, Reason.ACCOUNT_REFUSED)
#: Whatever the account signs is refused in the same way.
_WRONG_KEY = Remedy(NeedsPerson, Reason.ACCOUNT_KEY_INVALID, scope=Scope.ACCOUNT)
#: An account that is found when it is looked up, and not known again when it orders.
_FORGOTTEN = Remedy(TryLater, Reason.ACCOUNT_REFUSED, Schedule.THROTTLE)
_CA_FAILS = Remedy(TryLater, Reason.CA_ERROR)
#: After so many tries that it is no chance any more.
_NO_NONCE_TAKEN = Remedy(TryLater, Reason.CA_ERROR, Schedule.THROTTLE)
_CA_IS_BUSY = Remedy(TryLater, Reason.CA_ERROR, Schedule.THROTTLE, Scope.DIRECTORY)
_TOO_MANY = Remedy(TryLater, Reason.RATE_LIMITED, Schedule.THROTTLE, Scope.ACCOUNT)
_PAUSED = Remedy(NeedsPerson, Reason.PAUSED_BY_CA, scope=Scope.NAME)
_ASKS_FOR_PERSON = Remedy(NeedsPerson, Reason.USER_ACTION_REQUIRED, scope=Scope.ACCOUNT)
_NOT_THIS_WAY = Remedy(TryLater, Reason.CA_ERROR, Schedule.SLOW)
_NOT_KNOWN = Remedy(TryLater, Reason.CA_ERROR, Schedule.RARE)

#: Every kind but UNKNOWN, wherever it stands.
REMEDIES: Mapping[ProblemKind, Remedy] = MappingProxyType(
    {
        ProblemKind.ACCOUNT_DOES_NOT_EXIST: _FORGOTTEN,
        ProblemKind.ALREADY_REPLACED: Remedy(TryLater, Reason.ORDER_FAILED),
        ProblemKind.ALREADY_REVOKED: _REJECTED,
        ProblemKind.BAD_CSR: _REJECTED,
        ProblemKind.BAD_NONCE: _NO_NONCE_TAKEN,
        ProblemKind.BAD_PUBLIC_KEY: _REJECTED,
        ProblemKind.BAD_REVOCATION_REASON: _REJECTED,
        ProblemKind.BAD_SIGNATURE_ALGORITHM: _WRONG_KEY,
        ProblemKind.CAA: Remedy(TryLater, Reason.CAA_FORBIDS, Schedule.SLOW),
        ProblemKind.COMPOUND: Remedy(TryLater, Reason.ORDER_FAILED, Schedule.VALIDATION),
        ProblemKind.CONFLICT: _CA_FAILS,
        ProblemKind.CONNECTION: _NO_PROOF,
        ProblemKind.DNS: _NO_PROOF,
        ProblemKind.DNSSEC: _NO_PROOF,
        ProblemKind.EXTERNAL_ACCOUNT_REQUIRED: Remedy(NeedsPerson, Reason.EXTERNAL_ACCOUNT_REQUIRED),
        ProblemKind.INCORRECT_RESPONSE: _NO_PROOF,
        ProblemKind.INVALID_CONTACT: _BAD_ACCOUNT,
        ProblemKind.INVALID_PROFILE: _REJECTED,
        ProblemKind.MALFORMED: _NOT_THIS_WAY,
        ProblemKind.ORDER_NOT_READY: Remedy(NotYet, Reason.AWAITING_VALIDATION),
        ProblemKind.RATE_LIMITED: _TOO_MANY,
        ProblemKind.REJECTED_IDENTIFIER: _REJECTED,
        ProblemKind.SERVER_INTERNAL: _CA_FAILS,
        ProblemKind.TLS: _NO_PROOF,
        ProblemKind.UNAUTHORIZED: _NO_PROOF,
        ProblemKind.UNSUPPORTED_CONTACT: _BAD_ACCOUNT,
        ProblemKind.UNSUPPORTED_IDENTIFIER: _REJECTED,
        ProblemKind.USER_ACTION_REQUIRED: _ASKS_FOR_PERSON,
    }
)

#: Kinds that mean something else as the answer to a request than inside an authorization: there
#: "unauthorized" says that the proof was not seen, here that the account may not do this.
REMEDIES_FOR_ANSWERS: Mapping[ProblemKind, Remedy] = MappingProxyType(
    {ProblemKind.UNAUTHORIZED: Remedy(TryLater, Reason.ACCOUNT_REFUSED, Schedule.SLOW)}
)

#: The same the other way round: a name that the CA would not sign is refused to the order. Inside a challenge
#: step-ca says so of a proof that is not the one it wanted.
REMEDIES_FOR_PROOFS: Mapping[ProblemKind, Remedy] = MappingProxyType(
    {ProblemKind.REJECTED_IDENTIFIER: _NO_PROOF}
)

#: For problems without a type that we know.
REMEDIES_BY_STATUS: Mapping[int, Remedy] = MappingProxyType(
    {408: _CA_FAILS, 429: _TOO_MANY, 503: _CA_IS_BUSY}
)

#: Let's Encrypt pauses names that failed a thousand times: type `rateLimited`, no useful time, and a link.
_PAUSE_WORDS = ("/unpause", "temporarily prevented", "is paused", "are paused")
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = 500
_SERVICE_UNAVAILABLE = 503


def remedy_for(problem: Problem, status: int | None) -> Remedy:
    """What helps against `problem`.

    Args:
        problem: in the CA's words.
        status: of the HTTP answer; None when the problem stood inside an order or an authorization.
    """
    kind = ProblemKind(problem.type)
    if kind is ProblemKind.RATE_LIMITED and any(word in problem.detail.lower() for word in _PAUSE_WORDS):
        return _PAUSED
    if kind is ProblemKind.COMPOUND and problem.subproblems:
        remedies = [remedy_for(each, status) for each in problem.subproblems]
        return next((each for each in remedies if each.by is NeedsPerson), remedies[0])
    if kind is ProblemKind.SERVER_INTERNAL and status == _SERVICE_UNAVAILABLE:
        return _CA_IS_BUSY
    elsewhere = REMEDIES_FOR_PROOFS if status is None else REMEDIES_FOR_ANSWERS
    if kind in elsewhere:
        return elsewhere[kind]
    return REMEDIES.get(kind) or _remedy_by_status(status, problem.status)


def _remedy_by_status(status: int | None, stated: int | None) -> Remedy:
    """A remedy where no type helps; inside an authorization a new kind of failed proof is likeliest."""
    if status is None:
        return _NO_PROOF if stated is None or stated < _SERVER_ERRORS else _CA_FAILS
    return REMEDIES_BY_STATUS.get(status) or (_CA_FAILS if status >= _SERVER_ERRORS else _NOT_KNOWN)


def limits_of(refused: Refused, names: Collection[str]) -> tuple[Limit, ...]:
    """What a refusal holds back besides whoever met it; empty where it concerns nobody else.

    Args:
        names: that were asked for; none where no order was.
    """
    remedy = remedy_for(refused.problem, refused.status)
    if refused.status is None or remedy.scope is None:
        return ()
    if remedy is _PAUSED:
        return names_paused(refused.problem, names)
    if remedy.reason is Reason.RATE_LIMITED:
        return limits_met(refused.problem, names)
    if remedy.scope is Scope.DIRECTORY and getattr(refused, "retry_after", None) is None:
        return ()  # a proxy or load balancer in trouble: nobody asked to wait
    return (Limit(remedy.scope),)


def setback_from_problem(
    problem: Problem,
    *,
    status: int | None = None,
    retry_after: timedelta | None = None,
    links: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    identifier: str = "",
) -> Refused:
    """`problem` as the setback to raise.

    Args:
        problem: in the CA's words.
        status: of the HTTP answer; None when the problem stood inside an order or an authorization.
        retry_after: what the answer's Retry-After asked for.
        links: the answer's Link header by relation.
        identifier: the name that it is about, if the caller knows; else the problem's only one.
    """
    remedy = remedy_for(problem, status)
    words = {
        "reason": remedy.reason.word,
        "message": _sentence(problem, status, links),
        "identifier": identifier or _only_name(problem),
    }
    kind = clean_text(problem.type, 100)
    refused: Refused
    if remedy.by is NeedsPerson:
        refused = RefusedForGood(**words, problem_type=kind)
    elif remedy.by is NotYet:
        refused = RefusedForNow(**words, look_again_in=retry_after)
        refused.problem_type = kind
    else:
        refused = RefusedUntilLater(
            **words, problem_type=kind, schedule=remedy.schedule, retry_after=retry_after
        )
    refused.problem, refused.status = problem, status
    return refused


def _sentence(problem: Problem, status: int | None, links: Mapping[str, tuple[str, ...]]) -> str:
    """The CA's words, each name's own words, and the link that a person needs."""
    said = problem.detail or problem.type
    answered = f" (HTTP {status})" if status is not None and not problem.type else ""
    parts = [f"the CA refused{answered}: {said}" if said else f"the CA answered{_status_told(status)}"]
    parts += [
        f"{each.identifier.value if each.identifier else 'one name'}: {each.detail or each.type}"
        for each in problem.subproblems
    ]
    if problem.algorithms:
        parts += [f"it takes signatures by {', '.join(problem.algorithms)}"]
    if ProblemKind(problem.type) is ProblemKind.USER_ACTION_REQUIRED:
        # What a person must do stands at the one address, and what changed at the other (RFC 8555 §7.3.3).
        terms = next(iter(links.get("terms-of-service", ())), None)
        parts += [f"see {problem.instance}"] if problem.instance and problem.instance not in said else []
        is_told = not terms or terms in said or terms == problem.instance
        parts += [] if is_told else [f"the terms of service are at {terms}"]
    if ProblemKind(problem.type) is ProblemKind.RATE_LIMITED or status == _TOO_MANY_REQUESTS:
        rules = next(iter(links.get("help", ())), None)  # RFC 8555 §6.6
        parts += [f"see {rules}"] if rules and rules not in said else []
    return clean_text("; ".join(parts), TEXT_LIMIT)


def _status_told(status: int | None) -> str:
    """An answer of which nothing is known but its number."""
    if status is None:
        return " no, and gave no reason"
    known = next((each.phrase for each in HTTPStatus if each == status), "")
    return f" HTTP {status}{f' ({known})' if known else ''} and gave no reason"


def _only_name(problem: Problem) -> str:
    if problem.identifier:
        return problem.identifier.value
    names = {each.identifier.value for each in problem.subproblems if each.identifier}
    return names.pop() if len(names) == 1 else ""
