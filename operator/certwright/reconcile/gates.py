"""Gates: what a CA asked to hold back holds for everybody whom it concerns, and is tried by one first.

A refusal that counts more than one order (a limit of the account, of a domain, of the whole CA) closes a gate. Whoever
would meet the same refusal waits at it and sends nothing. When its time is over one may pass; if that goes well, two,
then four, and then the gate is gone. Gates outlive the process in ledgers. Behind them is what we hold back by our own
count: names that fail validation (`validations.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from certwright.acme.limits import Limit, Scope, limits_for
from certwright.acme.refusals import limits_of
from certwright.failures import NotYet
from certwright.reconcile.backoff import LONGEST_HOLD, gate_time
from certwright.reconcile.books import Books
from certwright.reconcile.validations import Validations
from certwright.resources.conditions import Reason
from certwright.resources.ledger import MOST_HOLDS, Hold, shortened

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from certwright.acme.refusals import Refused
    from certwright.reconcile.accounts import Account
    from certwright.reconcile.ports import Clock, Ledgers, Wake
    from certwright.resources.certificate import Certificate
    from certwright.resources.issuer import Issuer
    from certwright.resources.names import Ref

#: Whoever waits at a gate is woken; it looks by itself so long after the gate's time only in case nobody tried.
NET = timedelta(minutes=1)
#: A gate through which so many passed at the same time is gone.
WIDE = 16
#: A gate that nobody came to is forgotten so long after its time.
IDLE = timedelta(minutes=10)
#: Answers of several requests that were under way together name moments that differ by no more.
SAME = timedelta(seconds=10)
#: Most holds that an issuer's status shows.
MOST_SHOWN = 20

#: What is counted for all accounts of a directory together.
OF_DIRECTORY = (Scope.DIRECTORY, Scope.REGISTRATION)

#: Reasons of gates that wait for a person as well as for their time.
FOR_PEOPLE = frozenset(
    reason.word for reason in (Reason.USER_ACTION_REQUIRED, Reason.PAUSED_BY_CA, Reason.ACCOUNT_KEY_INVALID)
)

#: URL of a directory or account, and what is limited there.
Place: TypeAlias = "tuple[str, Limit]"


class Held(NotYet):
    """A gate is closed, or somebody else is just trying it. Its sentence does not change with the time."""


@dataclass(frozen=True, slots=True)
class Traveller:
    """Who wants to pass: one turn for one object.

    Attributes:
        issuer: whose status tells until when a gate is closed.
        account: URL of its account, "" while there is none.
        names: that it would order; none where it orders nothing.
    """

    ref: Ref
    uid: str
    issuer: Ref
    directory: str
    account: str = ""
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, certificate: Certificate, account: Account, *, orders: bool) -> Traveller:
        """A turn for a Certificate that asks its issuer's CA for something, or orders there."""
        return cls(
            ref=certificate.ref,
            uid=certificate.meta.uid,
            issuer=account.issuer,
            directory=account.authority.url,
            account=account.url,
            names=certificate.spec.dns_names if orders else (),
        )

    @classmethod
    def registering(cls, issuer: Issuer) -> Traveller:
        """A turn for an issuer, which looks up or makes its account."""
        return cls(ref=issuer.ref, uid=issuer.meta.uid, issuer=issuer.ref, directory=issuer.spec.server)


@dataclass(slots=True)
class _Gate:
    """One gate.

    Attributes:
        width: how many may pass at the same time once its time is over.
        eased: whether somebody passed and met no refusal since it was closed: the next refusal begins a new row.
    """

    hold: Hold
    width: int = 1
    eased: bool = False
    passing: set[str] = field(default_factory=set)
    waiting: dict[Ref, None] = field(default_factory=dict)

    def lets(self, uid: str, now: datetime) -> bool:
        return uid in self.passing or (now >= self.hold.until and len(self.passing) < self.width)

    def next_in_line(self, most: int) -> list[Ref]:
        """Those who waited longest, who wait no more."""
        woken = list(self.waiting)[: max(most, 0)]
        for ref in woken:
            del self.waiting[ref]
        return woken


class Gates:
    """All gates of this process. Threads may share it; it costs nothing where no gate is.

    Attributes:
        validations: what our own count holds back.
    """

    def __init__(self, ledgers: Ledgers, clock: Clock, wake: Wake) -> None:
        self._clock = clock
        self._wake = wake
        self._lock = Lock()
        self._gates: dict[str, dict[Limit, _Gate]] = {}
        self._passages: dict[str, set[Place]] = {}
        self.validations = Validations(clock, wake, changed=self._write)
        self._books = Books(ledgers, wake, holds=self._holds, failing=self.validations.rows)

    def begin_term(self) -> None:
        """We lead from now on: what whoever led before wrote down is what holds.

        Raises:
            Setback: the ledgers could not be read.
        """
        ledgers = self._books.read()
        self.validations.begin_term(ledgers)
        # No hold is longer, whoever wrote what stands there.
        latest = self._clock() + LONGEST_HOLD
        with self._lock:
            self._passages.clear()
            self._gates = {
                ledger.holder: {
                    limit: _Gate(msgspec.structs.replace(hold, until=min(hold.until, latest)))
                    for hold in ledger.holds
                    if (limit := _limit(hold))
                }
                for ledger in ledgers
                if ledger.holds
            }

    # Passing

    def enter(self, who: Traveller, *, registers: bool = False) -> None:
        """Pass every gate on the way, or none.

        Args:
            registers: whether an account is to be made.

        Raises:
            Held: one is closed.
            NotYet: one of the names fails too often.
        """
        self._pass(who, registers=registers)
        if who.names:
            self.validations.admit(who.ref, who.uid, who.account, who.names)

    def _pass(self, who: Traveller, *, registers: bool) -> None:
        if not self._gates:
            return
        now = self._clock()
        with self._lock:
            way = [
                (place, gate)
                for place in _way(who, registers=registers)
                if (gate := self._gates.get(place[0], {}).get(place[1]))
            ]
            for (_, limit), gate in way:
                if not gate.lets(who.uid, now):
                    gate.waiting[who.ref] = None
                    raise _held(who, limit, gate.hold, now)
            for place, gate in way:
                gate.passing.add(who.uid)
                gate.waiting.pop(who.ref, None)
                self._passages.setdefault(who.uid, set()).add(place)

    def passed(self, uid: str) -> None:
        """What was asked went well: the gates that were passed on the way open wider, or are gone."""
        woken: list[Ref] = []
        gone: set[str] = set()
        now = self._clock()
        with self._lock:
            for holder, limit in self._passages.pop(uid, ()):
                gate = self._gates.get(holder, {}).get(limit)
                if gate is None or uid not in gate.passing:
                    continue
                gate.passing.discard(uid)
                if now < gate.hold.until:
                    continue  # closed again behind whoever passed: what was sent before says nothing
                gate.width, gate.eased = gate.width * 2, True
                if gate.width <= WIDE:
                    woken += gate.next_in_line(gate.width - len(gate.passing))
                    continue
                woken += gate.waiting
                self._remove(holder, limit)
                gone.add(holder)
        self._tell(gone)
        for ref in woken:
            self._wake(ref)

    def leave(self, uid: str) -> None:
        """The turn is over; where nothing was learnt of a gate, another one may try it."""
        if not self._passages:
            return
        woken: list[Ref] = []
        with self._lock:
            for holder, limit in self._passages.pop(uid, ()):
                gate = self._gates.get(holder, {}).get(limit)
                if gate is not None and uid in gate.passing:
                    gate.passing.discard(uid)
                    if self._clock() >= gate.hold.until:
                        woken += gate.next_in_line(1)
        for ref in woken:
            self._wake(ref)

    def refused(self, who: Traveller, refusal: Refused) -> timedelta | None:
        """Close what a refusal concerns; returns for how long, None where it concerns nobody else."""
        limits = limits_of(refusal, who.names)
        now = self._clock()
        until: datetime | None = None
        holders: set[str] = set()
        with self._lock:
            for limit in limits:
                holder = who.directory if limit.scope in OF_DIRECTORY else who.account
                if not holder:
                    continue
                gate, changed = self._close(holder, limit, refusal, now)
                gate.passing.discard(who.uid)
                until = max(until or gate.hold.until, gate.hold.until)
                if changed:
                    holders.add(holder)
        self._tell(holders)
        return until - now if until else None

    def _close(self, holder: str, limit: Limit, refusal: Refused, now: datetime) -> tuple[_Gate, bool]:
        gates = self._gates.setdefault(holder, {})
        gate = gates.get(limit)
        count = 1 if gate is None or gate.eased else gate.hold.count
        if gate is not None and now >= gate.hold.until and not gate.eased:
            count += 1
        hold = Hold(
            scope=limit.scope.value,
            subject=limit.subject,
            until=_whole_second(now + gate_time(refusal, count, now)),
            since=gate.hold.since if gate else now.replace(microsecond=0),
            reason=refusal.reason,
            detail=shortened(refusal.message),
            count=count,
        )
        if gate is not None and now < gate.hold.until and hold.until <= gate.hold.until + SAME:
            return gate, False  # asked before the gate was closed
        if gate is None:
            gate = gates[limit] = _Gate(hold)
            if len(gates) > MOST_HOLDS:
                del gates[min(gates, key=lambda each: gates[each].hold.until)]
        gate.hold, gate.width, gate.eased = hold, 1, False
        return gate, True

    # Telling

    def shown(self, issuer: Ref, directory: str, account: str) -> tuple[Hold, ...]:
        """What holds an issuer's Certificates back; it is woken when that changes.

        What the CA asked for comes before names that fail, and in both what lasts longest comes first.
        """
        for holder in filter(None, (directory, account)):
            self._books.watch(holder, issuer)
        asked_by_ca = _longest_first([*self._holds(directory), *self._holds(account)])
        return (*asked_by_ca, *_longest_first(self.validations.shown(account)))[:MOST_SHOWN]

    def _holds(self, holder: str) -> tuple[Hold, ...]:
        with self._lock:
            return tuple(gate.hold for gate in self._gates.get(holder, {}).values())

    def forget_idle(self, directory: str, account: str) -> datetime | None:
        """Forget gates to which nobody came after their time; returns when to look again, None if there are none."""
        now = self._clock()
        gone: set[str] = set()
        next_look = self.validations.forget_old(account)
        with self._lock:
            for holder in (directory, account):
                for limit, gate in list(self._gates.get(holder, {}).items()):
                    over = gate.hold.until + IDLE
                    if now >= over and not gate.passing:
                        self._remove(holder, limit)
                        gone.add(holder)
                    else:
                        over = max(over, now + NET)
                        next_look = min(next_look or over, over)
        self._tell(gone)
        return next_look

    def relent(self, holder: str) -> None:
        """Somebody acted: what waits for a person at this account may be tried now."""
        now = self._clock()
        woken: list[Ref] = []
        with self._lock:
            for gate in self._gates.get(holder, {}).values():
                if gate.hold.reason in FOR_PEOPLE and gate.hold.until > now:
                    gate.hold = msgspec.structs.replace(gate.hold, until=now.replace(microsecond=0))
                    woken += gate.next_in_line(1)
        for ref in woken:
            self._wake(ref)
        self.validations.pardon(holder)

    def forget(self, issuer: Ref) -> None:
        """The issuer is gone."""
        self._books.forget(issuer)

    def _remove(self, holder: str, limit: Limit) -> None:
        gates = self._gates[holder]
        del gates[limit]
        if not gates:
            del self._gates[holder]

    def _tell(self, holders: Collection[str]) -> None:
        """Write ledgers, and have the issuers say what changed."""
        for holder in holders:
            self._write(holder)

    def _write(self, holder: str) -> None:
        self._books.write(holder)


def _longest_first(holds: Iterable[Hold]) -> list[Hold]:
    return sorted(holds, key=lambda hold: hold.until, reverse=True)[:MOST_SHOWN]


def _way(who: Traveller, *, registers: bool) -> Iterator[Place]:
    yield who.directory, Limit(Scope.DIRECTORY)
    if registers:
        yield who.directory, Limit(Scope.REGISTRATION)
    if who.account and who.names:
        for limit in limits_for(who.names):
            yield who.account, limit


def _whole_second(moment: datetime) -> datetime:
    """The first full second that is not before `moment`: ledgers and statuses keep no fractions."""
    return moment if moment.microsecond == 0 else moment.replace(microsecond=0) + timedelta(seconds=1)


def _limit(hold: Hold) -> Limit | None:
    """Where a hold of a ledger belongs; one of a scope that we do not know holds nothing."""
    try:
        return Limit(Scope(hold.scope), hold.subject)
    except ValueError:
        return None


def _held(who: Traveller, limit: Limit, hold: Hold, now: datetime) -> Held:
    what = {
        Scope.DIRECTORY: "the CA asked everybody to wait",
        Scope.REGISTRATION: "the CA takes no new accounts from here for a while",
        Scope.ACCOUNT: "the CA takes no more orders of this account for a while",
        Scope.REGISTERED_DOMAIN: f"the CA takes no more orders for names of {limit.subject} for a while",
        Scope.NAME_SET: "the CA takes no more orders for exactly these names for a while",
        Scope.NAME: f"the CA takes no more orders for {limit.subject} for a while",
    }[limit.scope]
    message = f"{what}; the status of {who.issuer} says why and until when, and this goes on by itself then"
    if hold.reason in FOR_PEOPLE and limit.scope is Scope.ACCOUNT:
        message = (
            f"{hold.detail}; this is so for the whole account of {who.issuer}, is tried again now and then, and at "
            "once when that is changed"
        )
    named = limit.subject if limit.scope is Scope.NAME else ""
    # A minute behind the gate's own time: until then one of those who wait has tried it.
    pause = max(hold.until - now, timedelta()) + NET
    return Held(hold.reason, message, look_again_in=pause, identifier=named)
