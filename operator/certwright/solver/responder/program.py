"""The composition root of `certwright respond`: builds every part once, owns clock and dice, starts and stops it.

The main thread answers requests; one other thread watches the token tables.
"""

from __future__ import annotations

import logging
import random
import signal
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright import __version__
from certwright.kube.connection import load_configuration
from certwright.kube.table_watch import KubeTableWatch
from certwright.resources.names import ApiNames
from certwright.solver.responder.answers import Answer, Dates, challenge_answer
from certwright.solver.responder.conversation import House
from certwright.solver.responder.doors import open_door
from certwright.solver.responder.figures import Figures
from certwright.solver.responder.listener import Listener
from certwright.solver.responder.pages import Pages
from certwright.solver.responder.standing import StandingTables
from certwright.solver.responder.watching import Watching

if TYPE_CHECKING:
    from http import HTTPStatus

    from certwright.solver.responder.requests import Request

log = logging.getLogger(__name__)

#: What asks this process to end.
ENDING = (signal.SIGTERM, signal.SIGINT)
#: Connections for challenges, and for health. Together they fit into 1024 open files, the usual limit of a process.
MOST_CONNECTIONS, MOST_HEALTH_CONNECTIONS = 900, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponderSettings:
    """All that can be set.

    Attributes:
        namespace: where the token tables are: the operator's own.
        kubeconfig: file to use instead of the pod's service account, or None.
        port: answers challenges.
        health_port: of health, metrics and what is served.
        drain: how long requests are still answered after SIGTERM: until every router knows that this pod is leaving.
    """

    namespace: str
    kubeconfig: str | None = None
    port: int = 8089
    health_port: int = 8090
    drain: timedelta = timedelta(seconds=10)


class ResponderProgram:
    """The responder as one object: `run()` returns when it was told to stop.

    Raises:
        NeedsPerson: there is no way to the API server.
        OSError: a port cannot be used.
    """

    def __init__(self, settings: ResponderSettings) -> None:
        self._settings = settings
        self._leaving = False
        self._tables = StandingTables()
        self._watching = Watching(
            KubeTableWatch(load_configuration(settings.kubeconfig), ApiNames(), settings.namespace),
            self._tables,
            seconds=time.monotonic,
            dice=random.SystemRandom().random,
        )
        self._listener = Listener(time.monotonic)
        self._figures = Figures(
            rows=lambda: self._tables.row_count,
            connections=lambda: self._listener.connections,
            restarts=lambda: self._watching.restarts,
            dropped=lambda: self._listener.dropped,
        )
        self._open_doors()

    def _open_doors(self) -> None:
        date = Dates(time.time)
        pages = Pages(
            self._figures.registry,
            alive=self._watching.wrong,
            ready=self._unready,
            served=self._tables.versions,
        )
        self._challenges = House(self._answer, date, self._figures.count)
        self._listener.serve(open_door(self._settings.port), self._challenges, MOST_CONNECTIONS)
        health = House(pages.answer, date, _not_counted)
        self._listener.serve(open_door(self._settings.health_port), health, MOST_HEALTH_CONNECTIONS)

    def run(self) -> int:
        """Answer until SIGTERM or SIGINT and for the drain time after it; returns the exit code."""
        # Asked for, not handled: Python takes handlers away before the process has ended, and a signal that comes then
        # would kill it; nor can one handler come in the middle of another. Threads inherit the mask.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        self._watching.start()
        log.info("started", extra={"version": __version__, "namespace": self._settings.namespace})
        self._listener.run(until=self._is_told_to_end)
        log.info("stopping", extra={"drain_seconds": self._settings.drain.total_seconds()})
        self._challenges.leaving = True
        end = time.monotonic() + self._settings.drain.total_seconds()
        self._listener.run(until=lambda: time.monotonic() >= end)
        self._watching.stop()
        self._listener.close()
        log.info("stopped")
        return 0

    def _answer(self, request: Request) -> Answer:
        answer = challenge_answer(request, self._tables.find)
        if log.isEnabledFor(logging.DEBUG):
            facts = {"status": int(answer.status), "host": request.host, "path": request.path}
            log.debug("answered", extra=facts)
        return answer

    def _unready(self) -> str:
        """Why no requests should come here, or ""."""
        return "stopping" if self._is_told_to_end() else self._watching.unready()

    def _is_told_to_end(self) -> bool:
        """Whether SIGTERM or SIGINT came; only the main thread asks."""
        self._leaving = self._leaving or signal.sigtimedwait(ENDING, 0) is not None
        return self._leaving


def _not_counted(status: HTTPStatus) -> None:
    """Probes are no challenges."""
