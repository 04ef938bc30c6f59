"""Renewals that somebody asks for by annotation: once for each new value, whatever happens in between. Pure.

Which value was answered last is noted beside the certificate that answered it, in the same write, so that no crash
can come between; and in the status, for a Secret whose notes somebody took away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.reconcile.ownership import is_ours

if TYPE_CHECKING:
    from certwright.reconcile.observed import Observed


def is_pending(seen: Observed) -> bool:
    """Whether a value stands there that the certificate in the Secret does not answer.

    A certificate that is made anyway answers it too, so nothing is pending without one; and one that is just being
    taken over from somebody else is answered with the value that stands there by then.
    """
    target, asked = seen.target, seen.certificate.renew
    if not asked or target is None or target.leaf is None or not is_ours(seen, target):
        return False
    return asked != handled_value(seen)


def handled_value(seen: Observed) -> str:
    """The value that was answered last, "" for none.

    Where note and status differ, a crash came between the two writes, or one of them is from a backup: a value that
    either knows was answered.
    """
    told, asked = seen.certificate.status.last_handled_renew, seen.certificate.renew
    noted = _noted(seen)
    return asked if asked and asked in (noted, told) else noted or told


def taken_over_value(seen: Observed) -> str:
    """What is noted beside a certificate that is kept: for one that was not ours, the value counts as answered."""
    target = seen.target
    ours = target is not None and is_ours(seen, target)
    return handled_value(seen) if ours else seen.certificate.renew or handled_value(seen)


def _noted(seen: Observed) -> str:
    """The note beside the certificate; that of another Certificate is none of ours."""
    target = seen.target
    if target is None or not is_ours(seen, target):
        return ""
    return target.handled_renew
