"""Events beside what asks: what was done, and, for as long as it lasts, what cannot be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.failures import Setback
from certwright.resources.conditions import Reason
from certwright.shim.plan import Remark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from certwright.resources.names import Ref
    from certwright.shim.applicant import Applicant
    from certwright.shim.ports import Events

#: The API server forgets events after an hour (kube-apiserver, --event-ttl); a mistake that lasts is then told again.
RETOLD = timedelta(hours=1, minutes=1)
#: How many mistakes of one object are told one by one.
AT_MOST = 10
ACTION = "Requesting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Tells each mistake once an hour, whatever the number of turns; best effort, as with all events."""

    events: Events
    clock: Callable[[], datetime]
    told: dict[Ref, dict[Remark, datetime]] = field(default_factory=dict)

    def forget(self, ref: Ref) -> None:
        """The object is gone, or asks no more."""
        self.told.pop(ref, None)

    def tell_mistakes(self, it: Applicant, remarks: Iterable[Remark]) -> None:
        """Tell those that were not told of late; one that was mended and comes back is told at once."""
        now, before = self.clock(), self.told.get(it.ref, {})
        told = {}
        for remark in _bounded(list(remarks)):
            since = before.get(remark)
            if since is None or now - since >= RETOLD:
                since = now if self._post(it, remark) else None
            if since is not None:
                told[remark] = since
        if told:
            self.told[it.ref] = told
        else:
            self.forget(it.ref)

    def tell_done(self, it: Applicant, reason: Reason, names: list[str]) -> None:
        """Tell of Certificates that were made, changed or deleted: one event for all of a turn."""
        if not names:
            return
        done = {
            Reason.CREATE_CERTIFICATE: "Made",
            Reason.UPDATE_CERTIFICATE: "Changed",
            Reason.DELETE_CERTIFICATE: "Deleted",
        }[reason]
        what = f"Certificate {names[0]}" if len(names) == 1 else f"{len(names)} Certificates"
        listed = "" if len(names) == 1 else f": {', '.join(names)}"
        self._post(it, Remark(reason.word, f"{done} {what}{listed}", warning=False))

    def _post(self, it: Applicant, remark: Remark) -> bool:
        post = self.events.post_once if remark.warning else self.events.post
        try:
            post(
                it.ref,
                it.meta,
                warning=remark.warning,
                reason=remark.reason,
                message=_as_sentence(remark.message),
                action=ACTION,
            )
        except Setback:
            return False
        return True


def _as_sentence(message: str) -> str:
    """With a capital in front, unless that would change a name such as `spec.tls`."""
    first = message.partition(" ")[0]
    return message[:1].upper() + message[1:] if first.isalpha() else message


def _bounded(remarks: list[Remark]) -> list[Remark]:
    if len(remarks) <= AT_MOST:
        return remarks
    rest = f"{len(remarks) - AT_MOST + 1} more mistakes are not told here; correct those that are told first"
    return [*remarks[: AT_MOST - 1], Remark(Reason.BAD_CONFIG.word, rest)]
