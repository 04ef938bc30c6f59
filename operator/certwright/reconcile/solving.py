"""Solving challenges: put the proofs up, see that they can be seen, tell the CA; and take down afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from certwright.acme.messages import AuthorizationStatus, ChallengeStatus, OrderStatus
from certwright.acme.refusals import Refused
from certwright.failures import NotYet, Setback, TryLater
from certwright.reconcile.failed_proofs import failed_proof, may_be_answered_again
from certwright.reconcile.observe import FIRST_LOOK
from certwright.reconcile.orders import OVER, forgotten, is_forgotten
from certwright.reconcile.validations import CameOf
from certwright.reconcile.waits import LAG_PATIENCE, begun
from certwright.resources.attempt import Stage
from certwright.resources.conditions import Reason
from certwright.resources.self_check import SelfCheckMode
from certwright.solver.choice import choose_solver

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from certwright.acme.messages import Challenge, Problem
    from certwright.reconcile.accounts import Account
    from certwright.reconcile.memory import Memory, Progress
    from certwright.reconcile.ports import Checkpoint, Clock
    from certwright.reconcile.provers import Prover, TimeIsUp
    from certwright.reconcile.validations import Validations
    from certwright.resources.attempt import Attempt
    from certwright.resources.certificate import Certificate
    from certwright.resources.solver_spec import SolverSpec

#: For each name as it is asked: the solver that proves it, and where its proof goes.
Plan: TypeAlias = "dict[str, tuple[SolverSpec, str]]"

#: With `selfCheck: Advise` the CA is told after this long, whatever our own check saw.
ADVISED_WAIT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Solving:
    """The proofs of one attempt, put up and taken down.

    Attributes:
        provers: by type of challenge.
    """

    provers: Mapping[str, Prover]
    memory: Memory
    validations: Validations
    clock: Clock
    checkpoint: Checkpoint

    def plan(self, account: Account, certificate: Certificate) -> Plan:
        """Solver and place of the proof for each name, all of it seen to work before the CA is asked.

        Raises:
            Setback: a credential is missing or unusable, or a name could not be looked up.
        """
        checked: set[int] = set()
        plan: Plan = {}
        for name in certificate.spec.dns_names:
            position = _choose(account.spec.solvers, certificate, name)
            if position is None:
                continue
            solver = account.spec.solvers[position]
            prover = self.provers[solver.challenge_type]
            if position not in checked:
                prover.check(account.issuer, solver)
                checked.add(position)
            plan[name] = (solver, prover.locate(solver, name.removeprefix("*.")))
        return plan

    def plan_offered(
        self, account: Account, certificate: Certificate, name: str, offered: Collection[str]
    ) -> tuple[SolverSpec, str] | None:
        """The same for one name among solvers of the types that the CA offers, None if there is none."""
        solvers = tuple(each for each in account.spec.solvers if each.challenge_type in offered)
        position = _choose(solvers, certificate, name)
        if position is None:
            return None
        prover = self.provers[solvers[position].challenge_type]
        prover.check(account.issuer, solvers[position])
        return solvers[position], prover.locate(solvers[position], name.removeprefix("*."))

    def solve(self, attempt: Attempt, account: Account, time_is_up: TimeIsUp) -> None:
        """Bring the proofs of `attempt` to where the CA may look, then say so.

        Raises:
            NotYet: not everything can be seen yet, a name rests, or the turn's time is used up.
            TryLater: the CA looked at once, did not find a proof, and will look again when it is told again.
        """
        progress = self.memory.progress(attempt.certificate_uid)
        waiting = self._open_proofs(attempt, account, progress, time_is_up)
        self.validations.looked_at(attempt)
        if progress.order is not None and progress.order.status is OrderStatus.INVALID:
            return
        for kind, prover in self.provers.items():
            if positions := [each for each in waiting if attempt.proofs[each].type == kind]:
                prover.put_up(attempt, positions, progress, time_is_up)
        self._await_sight(attempt, waiting, progress, time_is_up)
        self.validations.tell(attempt, [attempt.proofs[position].name for position in waiting])
        # From here on an answer may be lost: the next try asks which challenges are still open.
        progress.fresh = False
        progress.open.update(dict.fromkeys(waiting, True))
        pause = self._answer(attempt, account, waiting, progress, time_is_up)
        progress.answered = True
        progress.wait = begun(None, Stage.VALIDATION, self.clock())
        if not attempt.proofs:
            progress.wait = replace(progress.wait, until=progress.wait.since + LAG_PATIENCE)
        progress.look_at = min(self.clock() + pause, progress.wait.until)

    def _answer(
        self,
        attempt: Attempt,
        account: Account,
        waiting: Sequence[int],
        progress: Progress,
        time_is_up: TimeIsUp,
    ) -> timedelta:
        """Tell the CA to look, and note what it says of that; returns how soon it may be asked what it found."""
        pause = FIRST_LOOK
        failed: dict[str, Problem] = {}
        proven: list[str] = []
        try:
            for answered, position in enumerate(waiting, start=len(attempt.proofs) - len(waiting)):
                if time_is_up():
                    done = f"{answered} of {len(attempt.proofs)} challenges are answered"
                    raise _not_found(failed) or _later(done)
                proof = attempt.proofs[position]
                self.checkpoint("before:answer-challenge")
                challenge = account.authority.ask(account.conversation.answer_challenge(proof.challenge_url))
                self.checkpoint("after:answer-challenge")
                progress.open[position] = False
                pause = max(pause, challenge.retry_after or FIRST_LOOK)
                if challenge.error is not None and may_be_answered_again(challenge):
                    progress.seen.discard(position)
                    failed[proof.name] = challenge.error
                elif challenge.status is ChallengeStatus.VALID:
                    proven.append(proof.name)
                _note_refusal(progress, challenge)
        finally:
            said = {name: problem.detail or problem.type for name, problem in failed.items()}
            self.validations.settle(attempt, CameOf(said, proven=proven))
        if not_found := _not_found(failed):
            raise not_found
        return pause

    def take_down(self, attempt: Attempt, account: Account | None = None) -> None:
        """Remove the proofs of an attempt, also of one whose Certificate is gone.

        Args:
            account: the issuer's, if it is open.
        """
        successors = account.spec.solvers if account else None
        first: Setback | None = None
        for position, solver in enumerate(attempt.solvers):
            if not any(proof.solver == position for proof in attempt.proofs):
                continue
            try:
                self.provers[solver.challenge_type].take_down(attempt, position, successors)
            except Setback as setback:
                first = (
                    first or setback
                )  # one solver's trouble leaves the others' proofs no longer than theirs
        if first is not None:
            raise first

    def forget(self, attempt: Attempt) -> None:
        """The attempt is gone: nothing may be kept up for it any more, whatever could not be taken down."""
        for prover in self.provers.values():
            prover.forget(attempt)

    def _open_proofs(
        self, attempt: Attempt, account: Account, progress: Progress, time_is_up: TimeIsUp
    ) -> list[int]:
        """Positions of the proofs whose challenges the CA still waits for; asked once, until an answer is doubted.

        Where one can never be proven any more, the order is noted as invalid: nothing will come of it.
        """
        if progress.fresh:
            return list(range(len(attempt.proofs)))
        for position, proof in enumerate(attempt.proofs):
            if position in progress.open:
                continue
            if time_is_up():
                raise _later(f"{len(progress.open)} of {len(attempt.proofs)} authorizations were asked about")
            try:
                authorization = account.authority.ask(
                    account.conversation.fetch_authorization(proof.authorization_url)
                )
            except Refused as refused:
                if not is_forgotten(refused, self.clock() - attempt.started_at):
                    raise
                progress.order = forgotten(attempt.order_url)
                return []
            if authorization.status in OVER and progress.order is not None:
                progress.order = replace(progress.order, status=OrderStatus.INVALID)
                return []
            challenge = next(
                (each for each in authorization.challenges if each.url == proof.challenge_url), None
            )
            untouched = challenge is None or challenge.status is ChallengeStatus.PENDING
            progress.open[position] = authorization.status is AuthorizationStatus.PENDING and untouched
            if challenge is not None:
                _note_refusal(progress, challenge)
        return [position for position, is_open in sorted(progress.open.items()) if is_open]

    def _await_sight(
        self,
        attempt: Attempt,
        waiting: Sequence[int],
        progress: Progress,
        time_is_up: TimeIsUp,
    ) -> None:
        """End the turn while a proof cannot be seen where its solver wants it seen."""
        since = progress.published_at or self.clock()
        waited = self.clock() - since
        for position in waiting:
            if position in progress.seen:
                continue
            proof = attempt.proofs[position]
            prover, check = self.provers[proof.type], attempt.solvers[proof.solver].self_check
            if check.mode is SelfCheckMode.WAIT:
                if check.wait and waited < check.wait:
                    pause = f"waiting {check.wait.total_seconds():.0f} s before the CA is told"
                    message = f"{pause}, as the solver asks"
                    raise NotYet(prover.awaiting, message, look_again_in=check.wait - waited)
                continue
            if check.mode is SelfCheckMode.ADVISE and waited >= ADVISED_WAIT:
                continue
            if time_is_up():
                message = f"{len(progress.seen)} of {len(waiting)} proofs were seen"
                raise NotYet(prover.awaiting, message, look_again_in=timedelta(0))
            if difference := prover.missing(attempt, position):
                raise NotYet(prover.awaiting, difference, identifier=proof.identifier)
            progress.seen.add(position)


def _note_refusal(progress: Progress, challenge: Challenge) -> None:
    """Nothing comes of an order one of whose challenges is invalid, whatever the CA calls the order.

    The authorization becomes invalid with it, and the order with that (RFC 8555 §7.1.6). step-ca leaves both
    pending until they expire, a day later.
    """
    if challenge.status is ChallengeStatus.INVALID and progress.order is not None:
        progress.order = replace(progress.order, status=OrderStatus.INVALID, error=challenge.error)


def _not_found(failed: Mapping[str, Problem]) -> TryLater | None:
    """The first proof that a CA looked for at once and did not find."""
    return next((failed_proof(name, problem) for name, problem in failed.items()), None)


def _later(progress: str) -> NotYet:
    """The turn's time is used up; it goes on at once in the next, behind whoever else waits."""
    return NotYet(Reason.PROGRESSING.word, progress, look_again_in=timedelta(0))


def _choose(solvers: Sequence[SolverSpec], certificate: Certificate, name: str) -> int | None:
    """The solver for a name; among equals the one that proved it last."""
    remembered = frozenset(certificate.status.solver.split(",")) - {""}
    return choose_solver(solvers, name, certificate.meta.labels, remembered=remembered)
