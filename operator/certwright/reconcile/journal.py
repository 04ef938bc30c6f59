"""Writing an attempt down: whoever is overtaken goes on with what stands in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.failures import NotYet

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.reconcile.memory import Memory
    from certwright.reconcile.ports import Attempts
    from certwright.resources.attempt import Attempt


def write_down(
    attempt: Attempt, write: Callable[[Attempt], Attempt], *, attempts: Attempts, memory: Memory
) -> Attempt:
    """The attempt as it was written, by `write`, and is remembered from now on.

    Raises:
        NotYet: somebody else wrote meanwhile; what stands there now is remembered, since that is what counts.
        Setback: it could not be written.
    """
    try:
        saved = write(attempt)
    except NotYet:
        existing = attempts.read(attempt.name)
        if existing is None:
            memory.drop_attempt(attempt.certificate_uid)
        else:
            memory.put_attempt(existing)
        raise
    memory.put_attempt(saved)
    return saved
