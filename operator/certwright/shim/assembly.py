"""How the parts of the room fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.shim.backlog import Backlog
from certwright.shim.intake import Intake
from certwright.shim.loop import ShimLoop
from certwright.shim.register import Register
from certwright.shim.teller import Teller

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from certwright.engine.retries import Retries
    from certwright.resources.names import Ref
    from certwright.shim.applicant import Options
    from certwright.shim.ports import Cluster


class Shim:
    """What Ingresses that ask for certificates are worked on with.

    Attributes:
        intake: hears what the watches show.
        loop: whose `turn` is the work.
    """

    def __init__(
        self,
        options: Options,
        cluster: Cluster,
        *,
        checkpoint: Callable[[str], None],
        clock: Callable[[], datetime],
        seconds: Callable[[], float],
        wake: Callable[[Ref], None],
        leaving: Callable[[], bool],
        retries: Retries[Ref],
    ) -> None:
        """Build every part once; `retries` counts turns that got nothing done."""
        register = Register(options)
        self.intake = Intake(register, options, wake)
        self.loop = ShimLoop(
            register=register,
            options=options,
            objects=cluster.objects,
            certificates=cluster.certificates,
            secrets=cluster.secrets,
            teller=Teller(events=cluster.events, clock=clock),
            backlog=Backlog(retries=retries),
            checkpoint=checkpoint,
            clock=clock,
            seconds=seconds,
            leaving=leaving,
        )
