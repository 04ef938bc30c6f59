"""Solving challenges: publish, see that it can be seen, tell the CA; and take down afterwards."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from certwright.acme.messages import AuthorizationStatus, ChallengeStatus
from certwright.failures import NeedsPerson, NotYet, Setback
from certwright.reconcile.observe import FIRST_LOOK
from certwright.resources.conditions import Reason
from certwright.resources.issuer import SelfCheckMode
from certwright.solver.choice import choose_solver, is_replaced
from certwright.solver.dns01 import record_of

if TYPE_CHECKING:
    from certwright.dns.provider import TxtProvider
    from certwright.reconcile.accounts import Account
    from certwright.reconcile.credentials import Credentials
    from certwright.reconcile.memory import Memory, Progress
    from certwright.reconcile.ports import Checkpoint, Clock, Seconds
    from certwright.resources.attempt import Attempt, Proof
    from certwright.resources.certificate import Certificate
    from certwright.resources.issuer import SolverSpec
    from certwright.resources.names import Ref
    from certwright.solver.dns01 import Dns01

#: For each name as it is asked: the solver that proves it, and where its TXT record goes.
Plan: TypeAlias = "dict[str, tuple[SolverSpec, str]]"
log = logging.getLogger(__name__)

#: With `selfCheck: Advise` the CA is told after this long, whatever our own check saw.
ADVISED_WAIT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Solving:
    """The proofs of one attempt, put up and taken down."""

    dns01: Dns01
    credentials: Credentials
    memory: Memory
    clock: Clock
    checkpoint: Checkpoint

    def plan(self, account: Account, certificate: Certificate) -> Plan:
        """Solver and place of the proof for each name, all of it seen to work before the CA is asked.

        Raises:
            Setback: a credential is missing or unusable, or a name could not be looked up.
        """
        solvers = account.spec.solvers
        plan: Plan = {}
        opened: set[int] = set()
        for name in certificate.spec.dns_names:
            position = choose_solver(solvers, name, certificate.meta.labels)
            if position is None:
                continue
            if position not in opened:
                self._open(account.issuer, solvers[position])
                opened.add(position)
            fqdn = self.dns01.locate(solvers[position].dns01, name.removeprefix("*."))
            plan[name] = (solvers[position], fqdn)
        return plan

    def solve(self, attempt: Attempt, account: Account, deadline: float, seconds: Seconds) -> None:
        """Bring the proofs of `attempt` to where the CA may look, then say so.

        Raises:
            NotYet: not all servers show the records yet, or the turn's time is used up.
        """
        progress = self.memory.progress(attempt.certificate_uid)
        proofs = self._open_proofs(attempt, account, progress)
        self._publish(attempt, proofs, progress, deadline, seconds)
        self._await_sight(attempt, proofs, progress)
        # From here on an answer may be lost: the next try asks which challenges are still open.
        progress.fresh = False
        for position in proofs:
            self.checkpoint("before:answer-challenge")
            account.authority.ask(
                account.conversation.answer_challenge(attempt.proofs[position].challenge_url)
            )
            self.checkpoint("after:answer-challenge")
        progress.answered = True
        progress.look_at = self.clock() + FIRST_LOOK

    def take_down(self, attempt: Attempt, account: Account | None = None) -> None:
        """Remove the proofs of an attempt, also of one whose Certificate is gone.

        Args:
            account: the issuer's, if it is open. What a solver cannot remove that the issuer does not have any
                more is left: it may never have been able to put it up, and must not hold up its successor.
        """
        for position, solver in enumerate(attempt.solvers):
            proofs = [proof for proof in attempt.proofs if proof.solver == position]
            if not proofs:
                continue
            try:
                self._remove(attempt.issuer, solver, proofs)
            except Setback as setback:
                if account is None or not is_replaced(solver, account.spec.solvers):
                    raise
                self._leave_to_successors(attempt, account, solver, proofs, setback)

    def _leave_to_successors(
        self, attempt: Attempt, account: Account, old: SolverSpec, proofs: list[Proof], why: Setback
    ) -> None:
        server = old.dns01.rfc2136.nameserver
        for solver in account.spec.solvers:
            if solver.dns01.rfc2136.nameserver != server:
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
            provider.remove_txt(record_of(proof))
            self.checkpoint("after:take-down")

    def _open(self, issuer: Ref, solver: SolverSpec) -> TxtProvider:
        return self.dns01.open(solver.dns01, lambda wanted: self.credentials.read(issuer, wanted))

    def _open_proofs(self, attempt: Attempt, account: Account, progress: Progress) -> list[int]:
        """Positions of the proofs whose challenges the CA still waits for."""
        if progress.fresh:
            return list(range(len(attempt.proofs)))
        waiting = []
        for position, proof in enumerate(attempt.proofs):
            authorization = account.authority.ask(
                account.conversation.fetch_authorization(proof.authorization_url)
            )
            challenge = next(
                (each for each in authorization.challenges if each.url == proof.challenge_url), None
            )
            untouched = challenge is None or challenge.status is ChallengeStatus.PENDING
            if authorization.status is AuthorizationStatus.PENDING and untouched:
                waiting.append(position)
        return waiting

    def _publish(
        self,
        attempt: Attempt,
        proofs: list[int],
        progress: Progress,
        deadline: float,
        seconds: Seconds,
    ) -> None:
        providers: dict[int, TxtProvider] = {}
        for position in proofs:
            if position in progress.published:
                continue
            if seconds() > deadline:
                message = f"{len(progress.published)} of {len(proofs)} records are published"
                raise NotYet(Reason.AWAITING_PROPAGATION.word, message, look_again_in=timedelta(0))
            proof = attempt.proofs[position]
            if proof.solver not in providers:
                providers[proof.solver] = self._open(attempt.issuer, attempt.solvers[proof.solver])
            self.checkpoint("before:publish")
            self._ensure(attempt, proof, providers[proof.solver])
            self.checkpoint("after:publish")
            progress.published.add(position)
            progress.published_at = self.clock()

    def _ensure(self, attempt: Attempt, proof: Proof, provider: TxtProvider) -> None:
        try:
            provider.ensure_txt(record_of(proof))
        except NeedsPerson:
            # Perhaps the credential was just corrected: read it again next time.
            secret = attempt.solvers[proof.solver].dns01.rfc2136.tsig_secret
            if secret:
                self.credentials.forget(self.credentials.namespace_of(attempt.issuer), secret.name)
            raise

    def _await_sight(self, attempt: Attempt, proofs: list[int], progress: Progress) -> None:
        """End the turn while a proof cannot be seen where its solver wants it seen."""
        since = progress.published_at or self.clock()
        waited = self.clock() - since
        for position in proofs:
            proof = attempt.proofs[position]
            spec = attempt.solvers[proof.solver].dns01
            mode, wait = spec.self_check.mode, spec.self_check.wait
            if mode is SelfCheckMode.WAIT:
                if wait and waited < wait:
                    message = (
                        f"waiting {wait.total_seconds():.0f} s before the CA is told, as the solver asks"
                    )
                    raise NotYet(Reason.AWAITING_PROPAGATION.word, message, look_again_in=wait - waited)
                continue
            if mode is SelfCheckMode.ADVISE and waited >= ADVISED_WAIT:
                continue
            if unseen := self.dns01.unseen(spec, proof):
                message = f"TXT record {proof.fqdn} is not visible yet on {', '.join(unseen)}"
                raise NotYet(Reason.AWAITING_PROPAGATION.word, message, identifier=proof.identifier)
