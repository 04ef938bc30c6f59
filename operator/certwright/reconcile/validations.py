"""Validations: which names are being looked at by a CA, which failed of late, and who may have one more try.

A name is counted at an account, whichever Certificates ask for it; a Certificate that is deleted and made again begins
with what is known of its names. As many validations may be under way as may fail: whoever would be one too many waits
before the CA is told. What failed outlives the process in the account's ledger (`books.py`); `failing_names.py` has the
rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from certwright.failures import NotYet
from certwright.reconcile.failing_names import (
    HOUR,
    believed,
    failed,
    is_forgotten,
    is_held,
    room,
    unheard,
    why_held,
)
from certwright.resources.conditions import Reason
from certwright.resources.ledger import MOST_FAILING, FailingName, Hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from certwright.reconcile.ports import Clock, Wake
    from certwright.resources.attempt import Attempt
    from certwright.resources.ledger import Ledger
    from certwright.resources.names import Ref

#: URL of an account, and a name as it is asked there.
Place: TypeAlias = "tuple[str, str]"

#: Who waits for a validation of somebody else is woken when it is over, and looks by itself after this long.
NET = timedelta(minutes=1)
#: A validation of which nothing was heard for so long is over, and an hour has passed since.
SEAT_LIFE = HOUR + timedelta(minutes=10)


@dataclass(slots=True)
class _Seat:
    """One of the few validations of a name that may be under way.

    Attributes:
        taken_at: when, or when the CA was told.
        told: whether the CA was told, as far as is known.
        inherited: whether it is an attempt of an earlier process, which may have told the CA.
    """

    taken_at: datetime
    told: bool = False
    inherited: bool = False


@dataclass(frozen=True, slots=True)
class CameOf:
    """What came of the proofs of one attempt.

    Attributes:
        failed: names, and what the CA said of each.
        unheard: names of which nobody will hear what the CA found.
        proven: names.
    """

    failed: Mapping[str, str]
    unheard: Iterable[str] = ()
    proven: Iterable[str] = ()


class Validations:
    """What is known of all names. Threads may share it; nothing in it grows with the number of Certificates at rest."""

    def __init__(self, clock: Clock, wake: Wake, *, changed: Callable[[str], None]) -> None:
        """Args: changed: called with the URL of an account whose rows are others now, to be written down."""
        self._clock = clock
        self._wake = wake
        self._changed = changed
        self._lock = Lock()
        self._rows: dict[str, dict[str, FailingName]] = {}
        self._seats: dict[Place, dict[str, _Seat]] = {}
        self._places: dict[str, set[Place]] = {}
        self._pardoned: set[Place] = set()
        self._waiting: dict[Place, dict[Ref, None]] = {}

    def begin_term(self, ledgers: Iterable[Ledger]) -> None:
        """We lead from now on: what whoever led before wrote down is what holds."""
        now = self._clock()
        with self._lock:
            for known in (self._seats, self._places, self._pardoned, self._waiting):
                known.clear()
            self._rows = {
                ledger.holder: {each.name: believed(each, now) for each in ledger.failing}
                for ledger in ledgers
                if ledger.failing
            }

    def inherit(self, attempt: Attempt) -> None:
        """An attempt of an earlier process may have its proofs looked at just now."""
        if not attempt.order_url:
            return
        with self._lock:
            for proof in attempt.proofs:
                place = attempt.account_url, proof.name
                self._sit(place, attempt.certificate_uid, _Seat(self._clock(), told=True, inherited=True))

    # Before the CA looks

    def admit(self, ref: Ref, uid: str, account: str, names: Iterable[str]) -> None:
        """Somebody would place an order: names that failed of late get no more of them than may fail.

        Raises:
            NotYet: one of them rests, or is just being tried.
        """
        with self._lock:
            failing = self._rows.get(account)
            if failing:
                self._take(ref, uid, [(account, name) for name in names if name in failing], told=False)

    def tell(self, attempt: Attempt, names: Iterable[str]) -> None:
        """The CA is about to be told to look at the proofs of these names.

        Raises:
            NotYet: one of them rests, or as many proofs of it as may fail are being looked at.
        """
        places = [(attempt.account_url, name) for name in names]
        with self._lock:
            self._take(attempt.certificate, attempt.certificate_uid, places, told=True)

    def looked_at(self, attempt: Attempt) -> None:
        """An attempt of an earlier process was looked at: its CA is not looking at what it still waits for.

        Boulder calls a challenge `pending` while it looks, so that it is believed only after a while.
        """
        uid, now = attempt.certificate_uid, self._clock()
        with self._lock:
            for place in list(self._places.get(uid, ())):
                seat = self._seats[place][uid]
                if seat.inherited and now - seat.taken_at >= NET:
                    self._rise(place, uid)

    def is_told(self, attempt: Attempt, name: str) -> bool:
        """Whether the CA was told of this proof, or may have been, and what came of it is not known yet."""
        with self._lock:
            seat = self._seats.get((attempt.account_url, name), {}).get(attempt.certificate_uid)
            return seat is not None and seat.told

    def _take(self, ref: Ref, uid: str, places: list[Place], *, told: bool) -> None:
        """Take a seat at each place, or none."""
        now = self._clock()
        for place in places:
            row, others = self._row(place), self._others(place, uid, now)
            own = self._seats.get(place, {}).get(uid)
            if own is not None and not own.inherited:
                continue
            if others >= room(row, now, pardoned=place in self._pardoned):
                self._waiting.setdefault(place, {})[ref] = None
                raise _held(row, place, now)
        for place in places:
            known = self._seats.get(place, {}).get(uid)
            if known is None or known.inherited:
                self._pardoned.discard(place)
            if known is None or known.inherited or (told and not known.told):
                self._sit(place, uid, _Seat(now, told=told))
            self._waiting.get(place, {}).pop(ref, None)

    def _others(self, place: Place, uid: str, now: datetime) -> int:
        """How many seats others have there."""
        for other, seat in list(self._seats.get(place, {}).items()):
            if now - seat.taken_at >= SEAT_LIFE:
                self._rise(place, other)
        return len(self._seats.get(place, {}).keys() - {uid})

    # Afterwards

    def settle(self, attempt: Attempt, came: CameOf) -> None:
        """Count what came of an attempt's proofs: one write at most, and none where nothing changed."""
        account, uid, now = attempt.account_url, attempt.certificate_uid, self._clock()
        with self._lock:
            rows = dict(self._rows.get(account, {}))
            for name, said in came.failed.items():
                rows[name] = failed(self._row((account, name)), name, now, said)
            for name in came.unheard:
                rows[name] = unheard(self._row((account, name)), name, now)
            freed = [
                ref
                for name in came.proven
                if rows.pop(name, None)
                for ref in self._waiting_for(account, name)
            ]
            changed = rows != self._rows.get(account, {})
            if changed:
                self._put_rows(account, rows)
            names = {*came.failed, *came.unheard, *came.proven}
            woken = [*freed, *self._let_go(uid, [(account, name) for name in names], now)]
        if changed:
            self._changed(account)
        for ref in woken:
            self._wake(ref)

    def proven(self, attempt: Attempt) -> None:
        """The CA has seen the proofs of all names of an attempt."""
        self.settle(attempt, CameOf(failed={}, proven=attempt.names))

    def release(self, uid: str) -> None:
        """Whoever has this UID will not have the CA look after all, or nothing more is to be heard of it."""
        with self._lock:
            woken = self._let_go(uid, list(self._places.get(uid, ())), self._clock())
        for ref in woken:
            self._wake(ref)

    def pardon(self, account: str, changed_at: datetime | None = None) -> None:
        """Somebody changed what names may have failed for: each that rests may be tried once more now.

        Args:
            changed_at: only names that failed last before that; None for all.
        """
        now = self._clock()
        woken: list[Ref] = []
        with self._lock:
            for name, row in self._rows.get(account, {}).items():
                if is_held(row, now) and (changed_at is None or row.last <= changed_at):
                    self._pardoned.add((account, name))
                    woken += self._next_in_line((account, name), now)
        for ref in woken:
            self._wake(ref)

    def _let_go(self, uid: str, places: Iterable[Place], now: datetime) -> list[Ref]:
        """Leave these seats; returns who may take them."""
        woken: list[Ref] = []
        for place in places:
            self._rise(place, uid)
            woken += self._next_in_line(place, now)
        return woken

    def _next_in_line(self, place: Place, now: datetime) -> list[Ref]:
        """Those who waited longest and may try now, who wait no more."""
        waiting, row = self._waiting.get(place, {}), self._row(place)
        free = room(row, now, pardoned=place in self._pardoned) - self._others(place, "", now)
        woken = list(waiting)[: max(free, 0)]
        for ref in woken:
            del waiting[ref]
        if not waiting:
            self._waiting.pop(place, None)
        return woken

    def _waiting_for(self, account: str, name: str) -> Iterable[Ref]:
        """Who waits there, and does so no more."""
        return self._waiting.pop((account, name), ())

    # Seats and rows

    def _sit(self, place: Place, uid: str, seat: _Seat) -> None:
        self._seats.setdefault(place, {})[uid] = seat
        self._places.setdefault(uid, set()).add(place)

    def _rise(self, place: Place, uid: str) -> None:
        seats, places = self._seats.get(place, {}), self._places.get(uid, set())
        seats.pop(uid, None)
        places.discard(place)
        if not seats:
            self._seats.pop(place, None)
        if not places:
            self._places.pop(uid, None)

    def _row(self, place: Place) -> FailingName | None:
        row = self._rows.get(place[0], {}).get(place[1])
        return None if row is None or is_forgotten(row, self._clock()) else row

    def _put_rows(self, account: str, rows: dict[str, FailingName]) -> None:
        """Keep these, but for those that are too many: whoever failed longest ago goes."""
        kept = sorted(rows.values(), key=lambda row: row.last)[-MOST_FAILING:]
        self._rows[account] = {row.name: row for row in kept}
        if not kept:
            del self._rows[account]

    def rows(self, account: str) -> tuple[FailingName, ...]:
        """What the account's ledger holds of names that fail."""
        with self._lock:
            return tuple(self._rows.get(account, {}).values())

    def shown(self, account: str) -> tuple[Hold, ...]:
        """The names that rest, as an issuer's status tells of them."""
        now = self._clock()
        return tuple(
            Hold(
                scope="name",
                subject=row.name,
                until=row.until.replace(microsecond=0),
                since=(row.since or row.failed_at[0]).replace(microsecond=0),
                reason=Reason.NAME_HELD_BACK.word,
                detail=row.said,
                count=max(row.count, 1),
            )
            for row in self.rows(account)
            if row.until is not None and is_held(row, now)
        )

    def forget_old(self, account: str) -> datetime | None:
        """Forget what failed long ago; returns when the next rest is over, None where no name rests."""
        now = self._clock()
        with self._lock:
            rows = self._rows.get(account, {})
            if old := [name for name, row in rows.items() if is_forgotten(row, now)]:
                self._put_rows(account, {name: row for name, row in rows.items() if name not in old})
            ends = [row.until for row in rows.values() if row.until is not None and is_held(row, now)]
        return max(min(ends), now + NET) if ends else None


def _held(row: FailingName | None, place: Place, now: datetime) -> NotYet:
    account, name = place
    if row is not None and row.until is not None and is_held(row, now):
        message = why_held(row, account, now)
        pause = row.until - now
        return NotYet(Reason.NAME_HELD_BACK.word, message, look_again_in=pause, identifier=name)
    message = f"proofs of {name} for other Certificates are being looked at; this goes on when that is over"
    return NotYet(Reason.PROGRESSING.word, message, look_again_in=NET, identifier=name)
