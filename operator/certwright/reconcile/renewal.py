"""When a certificate is renewed. Pure: the same facts give the same moment, at every look."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.pki.leaf import LeafFacts
    from certwright.reconcile.observed import Window
    from certwright.resources.certificate import CertificateSpec

#: Without advice or wish, a certificate is renewed this long before it expires, if its life allows.
USUAL_LEAD = timedelta(days=30)
#: Certificates that live shorter than this are renewed at half of their life, as CAs of such profiles advise.
SHORT_LIFE = timedelta(days=10)
#: RFC 9773 §4.3.2: both bounds are ours, the RFC only asks for sanity.
SOONEST_POLL, LATEST_POLL, USUAL_POLL = timedelta(minutes=1), timedelta(hours=24), timedelta(hours=6)
#: After the nth question in a row that failed for a while (RFC 9773 §4.3.3); then as usual.
FAILED_POLLS = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20, 40, 80, 160))
#: A moment that was over when it was heard of is now: within so long, since it may be now for many (a mass revocation).
RUSH = timedelta(minutes=10)


def renewal_time(spec: CertificateSpec, leaf: LeafFacts, window: Window | None, uid: str) -> datetime:
    """The moment from which on this certificate is due.

    1. The CA's window, mapped by a hash: drawn once, never lost, spread evenly (RFC 9773 §4.2). Where that moment
       was over when it was heard of: within ten minutes from then.
    2. The user's renewBefore or renewBeforePercentage; where the CA speaks too, the earlier of both.
    3. Neither: 30 days or a third of the life before the end, half for short lives, with stable jitter.
    4. Whatever the above say: when a twentieth of the life is left, it is due.
    """
    wishes = [moment for moment in (_advised(leaf, window, uid), _wished(spec, leaf)) if moment is not None]
    moment = min(wishes) if wishes else _usual(leaf, uid)
    return min(moment, last_call(leaf))


def last_call(leaf: LeafFacts) -> datetime:
    """The fuse: when a twentieth of the life is left, everything else gives way."""
    return leaf.not_after - _life(leaf) / 20


def overdue_time(leaf: LeafFacts, renews_at: datetime) -> datetime:
    """When a renewal that has not happened becomes worth a warning: two thirds of the slack are gone."""
    return renews_at + (leaf.not_after - renews_at) * 2 / 3


def next_poll(retry_after: timedelta | None, ceiling: timedelta) -> timedelta:
    """How long to wait before the CA's advice is asked again (RFC 9773 §4.3: Retry-After is a wish for both bounds)."""
    wish = USUAL_POLL if retry_after is None else retry_after
    return min(max(wish, min(SOONEST_POLL, ceiling)), LATEST_POLL, ceiling)


def failed_poll(failures: int, ceiling: timedelta, *, passing: bool) -> timedelta:
    """How long to wait after the nth question in a row that was not answered.

    Args:
        failures: how many there were, this one included.
        passing: whether the trouble is one that passes; any other is asked about again as usual.
    """
    usual = next_poll(None, ceiling)
    return min(FAILED_POLLS[failures - 1], usual) if passing and failures <= len(FAILED_POLLS) else usual


def _life(leaf: LeafFacts) -> timedelta:
    return leaf.not_after - leaf.not_before


def _advised(leaf: LeafFacts, window: Window | None, uid: str) -> datetime | None:
    if window is None or not is_sane(window, leaf):
        return None
    return window.due_at or _drawn(leaf, window, uid)


def _drawn(leaf: LeafFacts, window: Window, uid: str) -> datetime:
    where = fraction(uid, leaf.serial_number, window.start.isoformat(), window.end.isoformat())
    start = max(window.start, leaf.not_before)
    return start + (window.end - start) * where


def heard(
    window: Window, before: Window | None, leaf: LeafFacts, uid: str, now: datetime, *, rush: timedelta = RUSH
) -> Window:
    """A window that was just heard of; if its moment was over by then, with another, within `rush` from now.

    CAs that want a certificate renewed at once move the window along with each question; the moment stays.
    """
    if not is_sane(window, leaf) or _drawn(leaf, window, uid) > now:
        return window
    known = before.due_at if before else None
    return replace(window, due_at=known or now + rush * fraction(uid, leaf.serial_number, "rush"))


def told_before(window: Window, leaf: LeafFacts, uid: str, renews_at: datetime | None) -> Window:
    """A window of the status, with the moment that an earlier process gave it where it was over."""
    if renews_at is None or not is_sane(window, leaf) or _drawn(leaf, window, uid) >= renews_at:
        return window
    return replace(window, due_at=renews_at)


def is_sane(window: Window, leaf: LeafFacts) -> bool:
    """Whether a window is advice at all.

    Its end must be after its start (RFC 9773 §4.2). One that was over before the certificate began, or goes on after
    it ends, is a fault of the CA: obeying the former would renew without end, obeying the latter too late.
    """
    return window.start < window.end <= leaf.not_after and leaf.not_before < window.end


def _wished(spec: CertificateSpec, leaf: LeafFacts) -> datetime | None:
    life = _life(leaf)
    if spec.renew_before is not None:
        lead = spec.renew_before
    elif spec.renew_before_percentage is not None:
        lead = life * spec.renew_before_percentage / 100
    else:
        return None
    # A lead as long as the life itself would reissue for ever: it is held below nine tenths.
    return leaf.not_after - min(lead, life * 9 / 10)


def _usual(leaf: LeafFacts, uid: str) -> datetime:
    life = _life(leaf)
    lead = life / 2 if life < SHORT_LIFE else min(USUAL_LEAD, life / 3)
    return leaf.not_after - lead - life / 60 * fraction(uid, leaf.serial_number)


def fraction(*parts: str) -> float:
    """A number in [0, 1) that is stable for the same parts and evenly spread over different ones."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64
