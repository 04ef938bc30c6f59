"""What solving asks of each way to prove names; one file beside this for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from certwright.reconcile.memory import Progress
    from certwright.resources.attempt import Attempt
    from certwright.resources.names import Ref
    from certwright.resources.solver_spec import SolverSpec

#: Whether the turn has used up its time.
TimeIsUp: TypeAlias = Callable[[], bool]


class Prover(Protocol):
    """Puts up the proofs of one type of challenge, sees that they can be seen, and takes them down."""

    @property
    def awaiting(self) -> str:
        """Reason word of the wait for a proof to be seen."""

    def check(self, issuer: Ref, solver: SolverSpec) -> None:
        """See that a solver could work before the CA is asked for anything; raises a `Setback`."""

    def locate(self, solver: SolverSpec, identifier: str) -> str:
        """Name at which the proof for `identifier` is to be put, "" if it is the identifier itself."""

    def put_up(
        self, attempt: Attempt, positions: Sequence[int], progress: Progress, time_is_up: TimeIsUp
    ) -> None:
        """Put up the proofs at these positions of `Attempt.proofs`; repeatable.

        Raises:
            NotYet: the time is used up, or what carries the proofs is not ready yet.
        """

    def missing(self, attempt: Attempt, position: int) -> str:
        """Why the CA could not see this proof now, as a sentence, or "" if it could."""

    def take_down(self, attempt: Attempt, solver: int, successors: Sequence[SolverSpec] | None) -> None:
        """Remove the proofs of the solver at this position of `Attempt.solvers`; gone already is success.

        Args:
            successors: the issuer's present solvers, None while the issuer is not known.
        """

    def forget(self, attempt: Attempt) -> None:
        """The attempt is gone: keep nothing up for it, without asking anybody."""
