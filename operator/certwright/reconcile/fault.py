"""Saying of an object that the operator itself failed on it; what the object made before is not touched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from certwright.failures import Setback
from certwright.resources.certificate import Certificate, read_certificate
from certwright.resources.certificate_status import read_status, status_to_dict
from certwright.resources.condition import Condition
from certwright.resources.conditions import Reason
from certwright.resources.issuer import Issuer, read_issuer
from certwright.resources.issuer_status import issuer_status_to_dict, read_issuer_status

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from certwright.reconcile.cache import Cache
    from certwright.reconcile.ports import Clock, Events, Objects
    from certwright.resources.names import ApiNames, Ref

#: Conditions that go on to say what they said: facts, and what somebody asked for.
LASTING = frozenset({"Accepted", "RenewalOverdue", "Suspended"})


def fault_message(error: BaseException) -> str:
    """What a person is told. The text of `error` is left out: nobody knows what stands in it."""
    return (
        f"The operator met a fault of its own ({type(error).__name__}) while it worked on this object. It tries again, "
        "five minutes later at most; what exists stays in use. The operator's log has the traceback: please report it."
    )


def fault_conditions(
    old: tuple[Condition, ...], message: str, *, usable: bool, generation: int, now: datetime
) -> tuple[Condition, ...]:
    """The conditions of an object whose turns end in a fault of the operator.

    Args:
        usable: it is a Certificate that is Ready: it stays so, and only its renewal is in doubt.
    """
    before = {each.type: each for each in old}
    said = {"RenewalFailing": "True"} if usable else {"Ready": "False", "Reconciling": "True"}
    kept = [each for each in old if each.type not in said and (usable or each.type in LASTING)]
    told = []
    for kind, value in said.items():
        known = before.get(kind)
        progress = Reason.PROGRESSING_WITH_RETRY if kind == "Reconciling" else Reason.INTERNAL_ERROR
        told.append(
            Condition(
                type=kind,
                status=value,
                reason=progress.word,
                message=message,
                last_transition_time=known.last_transition_time
                if known and known.status == value
                else now.replace(microsecond=0),
                observed_generation=generation,
            )
        )
    return (*told, *kept) if not usable else (*kept, *told)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultTeller:
    """Writes a fault into the status of the object that met it, once however often it comes back."""

    cache: Cache
    objects: Objects
    events: Events
    names: ApiNames
    clock: Clock

    def __call__(self, ref: Ref, error: BaseException) -> None:
        """Tell it by conditions and an event. Best effort: a cluster that does not take them is no second fault."""
        try:
            known = self.cache.certificate(ref) if ref.kind == "Certificate" else self.cache.issuer(ref)
            if isinstance(known, Certificate):
                self._tell_certificate(known, fault_message(error))
            elif isinstance(known, Issuer):
                self._tell_issuer(known, fault_message(error))
        except Setback:
            return

    def _tell_certificate(self, certificate: Certificate, message: str) -> None:
        old = certificate.status
        usable = any(each.type == "Ready" and each.status == "True" for each in old.conditions)
        conditions = self._conditions(certificate, message, usable=usable)
        if conditions == old.conditions:
            return
        status = status_to_dict(replace(old, conditions=conditions))
        written = self._write(certificate, status, message, lambda live: read_status(live) == old)
        if written is not None:
            self.cache.put_certificate(read_certificate(written, self.names))

    def _tell_issuer(self, issuer: Issuer, message: str) -> None:
        old = issuer.status
        conditions = self._conditions(issuer, message, usable=False)
        if conditions == old.conditions:
            return
        status = issuer_status_to_dict(replace(old, conditions=conditions))
        written = self._write(issuer, status, message, lambda live: read_issuer_status(live) == old)
        if written is not None:
            self.cache.note_issuer(read_issuer(written, self.names))

    def _conditions(
        self, known: Certificate | Issuer, message: str, *, usable: bool
    ) -> tuple[Condition, ...]:
        return fault_conditions(
            known.status.conditions,
            message,
            usable=usable,
            generation=known.meta.generation,
            now=self.clock(),
        )

    def _write(
        self,
        known: Certificate | Issuer,
        status: dict[str, Any],
        message: str,
        unchanged: Callable[[object], bool],
    ) -> dict[str, Any] | None:
        written = self.objects.write_status(known.ref, known.meta, status, unchanged=unchanged)
        if written is not None:
            self.events.post(
                known.ref,
                known.meta,
                warning=True,
                reason=Reason.INTERNAL_ERROR.word,
                message=message,
                action="Reconciling",
            )
        return written
