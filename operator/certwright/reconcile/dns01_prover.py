"""DNS-01 within an attempt: TXT records by the solver's provider, with the issuer's credentials."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.failures import NeedsPerson, NotYet, Setback
from certwright.resources.conditions import Reason
from certwright.solver.choice import is_replaced
from certwright.solver.dns01 import record_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certwright.dns.provider import TxtProvider
    from certwright.reconcile.credentials import Credentials
    from certwright.reconcile.memory import Progress
    from certwright.reconcile.ports import Checkpoint, Clock
    from certwright.reconcile.provers import TimeIsUp
    from certwright.resources.attempt import Attempt, Proof
    from certwright.resources.dns01_spec import Dns01Spec
    from certwright.resources.names import Ref
    from certwright.resources.solver_spec import SolverSpec
    from certwright.solver.dns01 import Dns01

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns01Prover:
    """Fits `provers.Prover`."""

    dns01: Dns01
    credentials: Credentials
    clock: Clock
    checkpoint: Checkpoint

    @property
    def awaiting(self) -> str:
        """Reason word of the wait for authoritative servers."""
        return Reason.AWAITING_PROPAGATION.word

    def check(self, issuer: Ref, solver: SolverSpec) -> None:
        """Credentials are there and can be used."""
        self._open(issuer, solver)

    def locate(self, solver: SolverSpec, identifier: str) -> str:
        """Where the TXT record goes, CNAMEs followed where the solver asks for it."""
        return self.dns01.locate(_dns01(solver), identifier)

    def put_up(
        self, attempt: Attempt, positions: Sequence[int], progress: Progress, time_is_up: TimeIsUp
    ) -> None:
        """Write the TXT records that this process has not written yet."""
        providers: dict[int, TxtProvider] = {}
        for position in positions:
            if position in progress.published:
                continue
            if time_is_up():
                message = f"{len(progress.published)} of {len(positions)} records are published"
                raise NotYet(self.awaiting, message, look_again_in=timedelta(0))
            proof = attempt.proofs[position]
            if proof.solver not in providers:
                providers[proof.solver] = self._open(attempt.issuer, attempt.solvers[proof.solver])
            self.checkpoint("before:publish")
            self._ensure(attempt, proof, providers[proof.solver])
            self.checkpoint("after:publish")
            progress.published.add(position)
            progress.published_at = self.clock()

    def missing(self, attempt: Attempt, position: int) -> str:
        """The servers that do not show the record yet."""
        proof = attempt.proofs[position]
        unseen = self.dns01.unseen(_dns01(attempt.solvers[proof.solver]), proof)
        return f"TXT record {proof.fqdn} is not visible yet on {', '.join(unseen)}" if unseen else ""

    def take_down(self, attempt: Attempt, solver: int, successors: Sequence[SolverSpec] | None) -> None:
        """Remove the records.

        What a solver cannot remove that the issuer does not have any more is left: it may never have been able to
        put it up, and must not hold up its successor.
        """
        spec = attempt.solvers[solver]
        proofs = [proof for proof in attempt.proofs if proof.solver == solver]
        try:
            self._remove(attempt.issuer, spec, proofs)
        except Setback as setback:
            if successors is None or not is_replaced(spec, successors):
                raise
            self._leave_to_successors(attempt, successors, spec, proofs, setback)

    def forget(self, attempt: Attempt) -> None:
        """Nothing is kept up here: records stand at the name server."""

    def _leave_to_successors(
        self,
        attempt: Attempt,
        successors: Sequence[SolverSpec],
        old: SolverSpec,
        proofs: list[Proof],
        why: Setback,
    ) -> None:
        server = _dns01(old).rfc2136.nameserver
        for solver in successors:
            if solver.dns01 is None or solver.dns01.rfc2136.nameserver != server:
                continue
            try:
                self._remove(attempt.issuer, solver, proofs)
            except Setback:
                continue
            return
        log.warning(
            "leaving proofs of a solver that the issuer does not have any more",
            extra={
                "object": str(attempt.certificate),
                "names": ", ".join(proof.fqdn for proof in proofs),
                "why": why.message,
            },
        )

    def _remove(self, issuer: Ref, solver: SolverSpec, proofs: list[Proof]) -> None:
        provider = self._open(issuer, solver)
        for proof in proofs:
            self.checkpoint("before:take-down")
            try:
                provider.remove_txt(record_of(proof))
            except NeedsPerson:
                self._forget_credential(issuer, solver)
                raise
            self.checkpoint("after:take-down")

    def _open(self, issuer: Ref, solver: SolverSpec) -> TxtProvider:
        try:
            return self.dns01.open(_dns01(solver), lambda wanted: self.credentials.read(issuer, wanted))
        except NeedsPerson:
            self._forget_credential(issuer, solver)
            raise

    def _ensure(self, attempt: Attempt, proof: Proof, provider: TxtProvider) -> None:
        try:
            provider.ensure_txt(record_of(proof))
        except NeedsPerson:
            self._forget_credential(attempt.issuer, attempt.solvers[proof.solver])
            raise

    def _forget_credential(self, issuer: Ref, solver: SolverSpec) -> None:
        """Perhaps it was just corrected: read it again next time."""
        secret = _dns01(solver).rfc2136.tsig_secret
        if secret:
            self.credentials.forget(self.credentials.namespace_of(issuer), secret.name)


def _dns01(solver: SolverSpec) -> Dns01Spec:
    if solver.dns01 is None:
        raise AssertionError("a DNS-01 proof was given to a solver of another type")
    return solver.dns01
