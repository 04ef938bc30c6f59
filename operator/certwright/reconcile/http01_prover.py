"""HTTP-01 within an attempt: a row in the token tables, and a route to the solver pods where there is none yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from certwright.failures import NotYet
from certwright.resources.conditions import Reason
from certwright.resources.self_check import SelfCheckMode
from certwright.solver.tables import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from certwright.reconcile.memory import Progress
    from certwright.reconcile.ports import Clock, Wake
    from certwright.reconcile.provers import TimeIsUp
    from certwright.resources.attempt import Attempt, Proof
    from certwright.resources.http01_spec import Http01IngressSpec, Http01Spec
    from certwright.resources.names import Ref
    from certwright.resources.solver_spec import SolverSpec

#: The publisher wakes whoever waits for the solver pods; looking is only a net below that.
SERVED_LOOK = timedelta(seconds=5)


class Tables(Protocol):
    """What the solver pods answer; fitted by `solver.publisher.TokenTables`."""

    def publish(self, owner: str, rows: Sequence[Row], wake: Callable[[], None]) -> None:
        """Have the solver pods answer for these rows; `wake` is called once they do."""

    def served(self, row: Row) -> bool:
        """Whether every solver pod answers for it."""

    def waiting_for(self, row: Row) -> str:
        """Why it is not answered for yet, for people."""

    def withdraw(self, owner: str) -> None:
        """Have nothing answered for this owner any more."""


class Routes(Protocol):
    """Ways from hosts to the solver pods; fitted by `solver.http01.Http01`."""

    def ensure_route(
        self, namespace: str, owner: str, position: int, spec: Http01IngressSpec, rows: Sequence[Row]
    ) -> None:
        """Have the rows' hosts lead to the solver pods; raises a `Setback`."""

    def remove_route(self, namespace: str, owner: str, position: int) -> None:
        """Take the route away; gone already is success."""


class Look(Protocol):
    """Our own look at a proof; fitted by `solver.self_check.Http01Check`."""

    def difference(self, host: str, token: str, key_authorization: str) -> str:
        """What the CA would find in place of the proof, "" if nothing but the proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Http01Prover:
    """Fits `provers.Prover`."""

    tables: Tables
    routes: Routes
    look: Look
    clock: Clock
    wake: Wake

    @property
    def awaiting(self) -> str:
        """Reason word of the wait for the proof to be reachable."""
        return Reason.AWAITING_REACHABILITY.word

    def check(self, issuer: Ref, solver: SolverSpec) -> None:
        """Nothing can be seen before there is a token."""

    def locate(self, solver: SolverSpec, identifier: str) -> str:  # noqa: ARG002  one signature for all types
        """The identifier's own host is asked."""
        return ""

    def republish(self, attempt: Attempt) -> None:
        """Put the rows of an attempt that another process began back into the tables."""
        if rows := tuple(row_of(proof) for proof in attempt.proofs if proof.type == "http-01"):
            self.tables.publish(attempt.name, rows, partial(self.wake, attempt.certificate))

    def put_up(
        self, attempt: Attempt, positions: Sequence[int], progress: Progress, time_is_up: TimeIsUp
    ) -> None:
        """Have the solver pods answer, then route to them what does not reach them already.

        A look before the route is made shows where a standing route leads everything to the solver pods: there
        nothing is written.
        """
        self.republish(attempt)
        for position in positions:
            row = row_of(attempt.proofs[position])
            if not self.tables.served(row):
                raise NotYet(
                    Reason.AWAITING_SOLVER.word,
                    self.tables.waiting_for(row),
                    look_again_in=SERVED_LOOK,
                    identifier=row.host,
                )
        for position in positions:
            if position in progress.routed or position in progress.seen:
                continue
            if time_is_up():
                message = f"{len(progress.routed | progress.seen)} of {len(positions)} names were looked at"
                raise NotYet(self.awaiting, message, look_again_in=timedelta(0))
            self._place(attempt, position, progress)
        self._route(attempt, positions, progress)
        if not progress.published.issuperset(positions):
            # From here on a name can be reached: a solver's `Wait` counts from its route.
            progress.published.update(positions)
            progress.published_at = self.clock()

    def missing(self, attempt: Attempt, position: int) -> str:
        """What the CA would find in place of the proof."""
        proof = attempt.proofs[position]
        difference = self.look.difference(proof.identifier, proof.token, proof.value)
        way = _way(_http01(attempt.solvers[proof.solver]).ingress)
        told = f"HTTP-01 for {proof.identifier} is not reachable yet{way}: {difference}"
        return told if difference else ""

    def take_down(self, attempt: Attempt, solver: int, successors: Sequence[SolverSpec] | None) -> None:  # noqa: ARG002  needs no credential
        """Remove the route, then the rows."""
        self.routes.remove_route(attempt.certificate.namespace, attempt.name, solver)
        self.tables.withdraw(attempt.name)

    def forget(self, attempt: Attempt) -> None:
        """Its rows are nobody's any more."""
        self.tables.withdraw(attempt.name)

    def _place(self, attempt: Attempt, position: int, progress: Progress) -> None:
        """Find out whether this proof needs a route of its own."""
        spec = _http01(attempt.solvers[attempt.proofs[position].solver])
        if spec.self_check.mode is SelfCheckMode.WAIT or self.missing(attempt, position):
            progress.routed.add(position)
        else:
            progress.seen.add(position)

    def _route(self, attempt: Attempt, positions: Sequence[int], progress: Progress) -> None:
        """Make the routes, or find them as they should be: one for each solver, whatever the number of names.

        Where one name of a solver needs it, all are on it: one that is visible may be so through this very route,
        made by the process before us, and what the CA was told of already may still be looked at.
        """
        for solver in sorted(
            {attempt.proofs[each].solver for each in progress.routed.intersection(positions)}
        ):
            rows = [row_of(proof) for proof in attempt.proofs if proof.solver == solver]
            ingress = _http01(attempt.solvers[solver]).ingress
            self.routes.ensure_route(attempt.certificate.namespace, attempt.name, solver, ingress, rows)


def _way(ingress: Http01IngressSpec) -> str:
    """By which class of Ingress: where nothing serves it, that is the cause."""
    named = ingress.ingress_class_name or ingress.class_
    return f" through an Ingress of class {named}" if named else " through an Ingress of the default class"


def row_of(proof: Proof) -> Row:
    """The token table's row for a proof."""
    return Row(proof.identifier, proof.token, proof.value)


def _http01(solver: SolverSpec) -> Http01Spec:
    if solver.http01 is None:
        raise AssertionError("an HTTP-01 proof was given to a solver of another type")
    return solver.http01
