"""What a process remembers between turns to save requests. Losing it costs requests, never correctness."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.acme.messages import Authorization, Order
    from certwright.reconcile.observed import RenewalAdvice, Restamped
    from certwright.resources.attempt import Attempt, Wait
    from certwright.resources.names import Ref

#: Longest time until a CSR is sent again.
LONGEST_PAUSE = timedelta(hours=1)


#: How long the directory of a CA that answers, where nothing else does, is not taken for the end of an outage again;
#: twice as long each time.
RELIEF = timedelta(minutes=1)


@dataclass(slots=True)
class Progress:
    """How far one attempt got in this process. Touched only by the worker that has the Certificate in hand.

    Attributes:
        order: as last reported, None before the first answer.
        fresh: whether this process placed the order, so that its authorizations are known to be untouched.
        published: positions in `Attempt.proofs` that were published.
        routed: those of them that need a route of their own.
        seen: those of them that were seen where the CA will look.
        open: by position, whether the CA still waits for an answer; what is missing was not asked yet.
        placed: the order that was placed and is not noted yet, and `authorizations` what was read of it so far.
        published_at: when the last of them was.
        answered: whether the CA was told.
        look_at: when the CA may be asked again.
        wait: for the CA, and `noted` whether it was found in the attempt and the CA was not asked since.
        finalizes: how often the CSR was sent, and `finalize_at` when it may be sent again.
        standing: authorizations as last reported, by address; `settled` whether what came of them was counted.
        waiting_for: reason of the wait, `waiting_since` its begin, `looks` how often it was looked at.
    """

    order: Order | None = None
    fresh: bool = False
    published: set[int] = field(default_factory=set)
    routed: set[int] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)
    open: dict[int, bool] = field(default_factory=dict)
    placed: Order | None = None
    authorizations: dict[str, Authorization] = field(default_factory=dict)
    published_at: datetime | None = None
    answered: bool = False
    look_at: datetime | None = None
    wait: Wait | None = None
    noted: bool = False
    finalizes: int = 0
    finalize_at: datetime | None = None
    standing: dict[str, Authorization] = field(default_factory=dict)
    settled: bool = False
    waiting_for: str = ""
    waiting_since: datetime | None = None
    looks: int = 0

    def doubt(self) -> None:
        """An answer was lost or was a refusal: what is remembered of the order may not be so any more."""
        self.order, self.fresh, self.noted = None, False, False
        self.open.clear()

    def note_finalize(self, now: datetime, pause: timedelta, wish: timedelta | None) -> None:
        """The CSR was sent: it may be sent again after `pause`, doubled each time, or after the CA's longer `wish`."""
        grown = min(pause * 2 ** min(self.finalizes, 12), LONGEST_PAUSE)
        self.finalizes += 1
        self.finalize_at = now + max(grown, min(wish or grown, LONGEST_PAUSE))

    @classmethod
    def resumed(cls, attempt: Attempt | None) -> Progress:
        """Progress of an attempt that this process has not touched: where a wait was noted, the CA knows all."""
        wait = attempt.wait if attempt else None
        return cls(wait=wait, noted=wait is not None, answered=wait is not None)


class Memory:
    """Attempts, progress and advice by the Certificate's UID."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._attempts: dict[str, Attempt] = {}
        self._names: set[str] = set()
        self._askers: dict[tuple[str, str], set[str]] = {}
        self._progress: dict[str, Progress] = {}
        self._advice: dict[str, RenewalAdvice] = {}
        self._uids: dict[Ref, set[str]] = {}
        self._lifted: set[str] = set()
        self._holds: dict[str, tuple[int, datetime]] = {}
        self._doubted: set[str] = set()
        self._outages: dict[Ref, datetime] = {}
        self._reliefs: dict[Ref, tuple[int, datetime]] = {}
        self._term_began: datetime | None = None
        self._stored_at: dict[str, tuple[datetime, int]] = {}
        self._had_attempt: set[str] = set()
        self._restamped: dict[str, Restamped] = {}
        self._unnoted: dict[str, tuple[str, Order]] = {}
        self._yielded: dict[str, set[Ref]] = {}
        self._replaced: dict[str, str] = {}
        self._remarks: dict[str, str] = {}
        self._wishes: dict[str, tuple[str, str]] = {}

    def begin_term(self, now: datetime) -> None:
        """We lead from now on: whatever was remembered may have been changed by whoever led before.

        Advice too: what was to be asked while another led would all be asked at once. Orders that this process placed
        and could not note yet are kept, each for its very attempt: nobody else knows of them.
        """
        with self._lock:
            for uid, attempt in self._attempts.items():
                progress = self._progress.get(uid)
                if progress is not None and progress.placed is not None:
                    self._unnoted[uid] = (attempt.uid, progress.placed)
            known = (
                self._attempts,
                self._askers,
                self._progress,
                self._uids,
                self._advice,
                self._holds,
                self._stored_at,
            )
            for told in (*known, self._outages, self._reliefs, self._yielded):
                told.clear()
            self._term_began = now
            for noted in (self._names, self._lifted, self._doubted):
                noted.clear()

    def attempts(self) -> list[Attempt]:
        """All attempts under way; never for a turn."""
        with self._lock:
            return list(self._attempts.values())

    @property
    def term_began(self) -> datetime | None:
        """Since when this process leads; None before it ever did."""
        with self._lock:
            return self._term_began

    def is_under_way(self, name: str) -> bool:
        """Whether an attempt Secret of this name is known."""
        with self._lock:
            return name in self._names

    def attempt(self, uid: str) -> Attempt | None:
        """The attempt under way for this Certificate, as last written or listed."""
        with self._lock:
            return self._attempts.get(uid)

    def attempts_of(self, certificate: Ref) -> list[Attempt]:
        """Attempts of all objects of this name: the present one and any that was deleted before it."""
        with self._lock:
            return [self._attempts[uid] for uid in self._uids.get(certificate, ())]

    def put_attempt(self, attempt: Attempt) -> None:
        """Remember an attempt; another one than before begins without progress."""
        with self._lock:
            known = self._attempts.get(attempt.certificate_uid)
            if known is None or known.uid != attempt.uid:
                self._progress.pop(attempt.certificate_uid, None)
                placed_for, placed = self._unnoted.pop(attempt.certificate_uid, ("", None))
                if placed_for == attempt.uid and not attempt.order_url:
                    self._progress[attempt.certificate_uid] = Progress(placed=placed)
            if known is not None:
                self._unask(known)
            for name in attempt.names:
                self._askers.setdefault((attempt.account_url, name), set()).add(attempt.certificate_uid)
            self._attempts[attempt.certificate_uid] = attempt
            self._names.add(attempt.name)
            self._uids.setdefault(attempt.certificate, set()).add(attempt.certificate_uid)

    def drop_attempt(self, uid: str) -> None:
        """Forget an attempt that is over."""
        with self._lock:
            attempt = self._attempts.pop(uid, None)
            self._progress.pop(uid, None)
            self._unnoted.pop(uid, None)
            self._had_attempt.add(uid)
            if attempt is not None:
                self._unask(attempt)
                self._names.discard(attempt.name)
                uids = self._uids.get(attempt.certificate, set())
                uids.discard(uid)
                if not uids:
                    self._uids.pop(attempt.certificate, None)

    def is_asked_by_others(self, attempt: Attempt, name: str) -> bool:
        """Whether another attempt of the same account asks for a name, wildcards with their "*."."""
        with self._lock:
            return bool(self._askers.get((attempt.account_url, name), set()) - {attempt.certificate_uid})

    def _unask(self, attempt: Attempt) -> None:
        for name in attempt.names:
            askers = self._askers.get((attempt.account_url, name), set())
            askers.discard(attempt.certificate_uid)
            if not askers:
                self._askers.pop((attempt.account_url, name), None)

    def note_yielded(self, names_hash: str, certificate: Ref) -> None:
        """A Certificate waits until another's attempt for the same names is over."""
        with self._lock:
            self._yielded.setdefault(names_hash, set()).add(certificate)

    def yielded_to(self, names_hash: str) -> tuple[Ref, ...]:
        """Who waits for an attempt for these names, which is over now; asks once."""
        with self._lock:
            return tuple(sorted(self._yielded.pop(names_hash, ()), key=str))

    def note_replaced(self, uid: str, certificate_id: str) -> None:
        """An order was placed that names this certificate as its predecessor; "" if that came to nothing."""
        with self._lock:
            self._replaced[uid] = certificate_id

    def is_replaced(self, uid: str, certificate_id: str) -> bool:
        """Whether an order that names this certificate as its predecessor was placed and may still stand."""
        with self._lock:
            return self._replaced.get(uid) == certificate_id

    def had_attempt(self, uid: str) -> bool:
        """Whether this process has seen an attempt for this Certificate come to its end."""
        with self._lock:
            return uid in self._had_attempt

    def restamped(self, uid: str) -> Restamped | None:
        """How often in a row label and annotations were put back on this Certificate's Secret."""
        with self._lock:
            return self._restamped.get(uid)

    def put_restamped(self, uid: str, restamped: Restamped) -> None:
        """Remember that they were."""
        with self._lock:
            self._restamped[uid] = restamped

    def note_wish(self, uid: str, serial_number: str, wish_hash: str) -> None:
        """Remember what stood beside a certificate, so that taking the note away is not taken for another wish."""
        with self._lock:
            self._wishes[uid] = (serial_number, wish_hash)

    def noted_wish(self, uid: str) -> tuple[str, str] | None:
        """Serial number of a certificate that was seen, and the hash of what was wished of it."""
        with self._lock:
            return self._wishes.get(uid)

    def put_remark(self, uid: str, remark: str) -> None:
        """Keep what the event of a new certificate shall say beside the usual, "" for nothing."""
        with self._lock:
            self._remarks[uid] = remark

    def take_remark(self, uid: str) -> str:
        """The remark on the certificate that was just stored; asks once."""
        with self._lock:
            return self._remarks.pop(uid, "")

    def progress(self, uid: str) -> Progress:
        """Progress of the attempt under way; a new one for an attempt that this process has not touched."""
        with self._lock:
            return self._progress.setdefault(uid, Progress.resumed(self._attempts.get(uid)))

    def advice(self, uid: str) -> RenewalAdvice | None:
        """The CA's advice for this Certificate."""
        with self._lock:
            return self._advice.get(uid)

    def put_advice(self, uid: str, advice: RenewalAdvice) -> None:
        """Remember the CA's advice."""
        with self._lock:
            self._advice[uid] = advice

    def hold(self, uid: str, generation: int, until: datetime) -> None:
        """The attempt failed: the next one for this spec waits, also where the status could not be written."""
        with self._lock:
            self._holds[uid] = (generation, until)
            self._lifted.discard(uid)

    def hold_of(self, uid: str, generation: int) -> datetime | None:
        """Until when the last failure that this process saw holds the next attempt for this spec."""
        with self._lock:
            of, until = self._holds.get(uid, (None, None))
            return until if of == generation else None

    def lift_hold(self, uid: str) -> None:
        """Something that a failure may have hung on was changed: the next attempt need not wait."""
        with self._lock:
            self._lifted.add(uid)
            self._holds.pop(uid, None)

    def is_lifted(self, uid: str) -> bool:
        """Whether the hold of this Certificate's last failure was lifted."""
        with self._lock:
            return uid in self._lifted

    def note_outage(self, issuer: Ref, now: datetime) -> bool:
        """The CA of an issuer did not answer; whether that is news.

        It is none where the CA's directory was just found to answer, and nothing else has since: then only some of
        its addresses are in trouble, and each Certificate keeps to its own schedule, for ever longer.
        """
        with self._lock:
            count, at = self._reliefs.get(issuer, (0, now))
            if count and now - at < RELIEF * 2 ** min(count - 1, 5):
                return False
            return self._outages.setdefault(issuer, now) == now

    def outage_of(self, issuer: Ref) -> datetime | None:
        """Since when the CA of an issuer has not answered; None if it did when it was last asked."""
        with self._lock:
            return self._outages.get(issuer)

    def end_outage(self, issuer: Ref, now: datetime) -> None:
        """The CA of an issuer answers: its directory does."""
        with self._lock:
            if self._outages.pop(issuer, None) is not None:
                count, _ = self._reliefs.get(issuer, (0, now))
                self._reliefs[issuer] = (count + 1, now)

    def note_answer(self, issuer: Ref) -> None:
        """The CA of an issuer did what it was asked."""
        with self._lock:
            self._reliefs.pop(issuer, None)

    def forget_issuer(self, issuer: Ref) -> None:
        """The issuer is gone."""
        with self._lock:
            self._outages.pop(issuer, None)
            self._reliefs.pop(issuer, None)

    def doubt_target(self, uid: str) -> None:
        """The Secret that this Certificate names is not watched: look at it live next time."""
        with self._lock:
            self._doubted.add(uid)

    def doubts_target(self, uid: str) -> bool:
        """Whether the Secret must be looked at live; asks once."""
        with self._lock:
            if uid not in self._doubted:
                return False
            self._doubted.discard(uid)
            return True

    def note_stored(self, uid: str, now: datetime) -> int:
        """A certificate was stored; returns how many in a row came within a day of the one before."""
        with self._lock:
            before, hasty = self._stored_at.get(uid, (None, 0))
            hasty = hasty + 1 if before is not None and now - before < timedelta(days=1) else 0
            self._stored_at[uid] = (now, hasty)
            self._holds.pop(uid, None)
            return hasty

    def forget_advice(self, uid: str) -> None:
        """The Certificate is gone; an attempt of it stays until its proofs are taken down."""
        with self._lock:
            self._advice.pop(uid, None)
            self._lifted.discard(uid)
            self._holds.pop(uid, None)
            self._doubted.discard(uid)
            self._stored_at.pop(uid, None)
            self._had_attempt.discard(uid)
            self._restamped.pop(uid, None)
            self._replaced.pop(uid, None)
            self._remarks.pop(uid, None)
            self._wishes.pop(uid, None)

    def forget(self, uid: str) -> None:
        """The Certificate is gone, and so is what it left behind."""
        self.drop_attempt(uid)
        self.forget_advice(uid)
