"""Runs kopf as a source of watch events, in a thread of its own, for as long as the process lives.

kopf exits on several faults of the API server by design (its watchers are crash-only), so it is restarted with
a pause that grows; queue, workers and caches are made before it and outlive it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

import kopf

from certwright.handlers.cancellation import run_to_the_end
from certwright.handlers.connection import open_session
from certwright.shim.ingress import GROUP as INGRESS_GROUP
from certwright.shim.ingress import PLURAL as INGRESSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kubernetes.client import Configuration

    from certwright.handlers.source import Source
    from certwright.resources.names import ApiNames

log = logging.getLogger(__name__)

#: Seconds between two runs of kopf, growing while they fail at once; and how long a run must last to count as good.
FIRST_PAUSE, LAST_PAUSE, GOOD_RUN = 1.0, 30.0, 60.0
#: Seconds between two logins: a storm of 401 must not become a storm of ours.
LOGIN_PAUSE = 1.0


class _Endless:
    """Pauses between kopf's retries: re-iterable, and without an end, at which its watchers would die."""

    def __init__(self, dice: Callable[[], float]) -> None:
        self._dice = dice

    def __iter__(self) -> Iterator[float]:
        pause = 0.5
        while True:
            yield pause * (0.8 + 0.4 * self._dice())
            pause = min(pause * 2, 15.0)


class _NoDiffBase(kopf.DiffBaseStorage):
    """kopf would keep a copy of the object in an annotation, which for a Secret is the private key."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """There are no handlers with progress."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: Any) -> Any:
        return essence


class Watch:
    """kopf's thread, for all namespaces or for one.

    Args:
        source: is told of every event.
        configuration, token: of the connection to the API server.
        dice: numbers in [0, 1), for pauses.
        seconds: monotonic clock.
        namespace: the only one that is watched, then without ClusterIssuers; "" for all of them.
    """

    def __init__(
        self,
        *,
        source: Source,
        names: ApiNames,
        configuration: Configuration,
        token: Callable[[], str | None],
        dice: Callable[[], float],
        seconds: Callable[[], float],
        namespace: str = "",
    ) -> None:
        self._namespace = namespace
        self._source = source
        self._names = names
        self._configuration = configuration
        self._token = token
        self._dice = dice
        self._seconds = seconds
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_flag: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._keep_running, name="kopf", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs; it does between `start` and `stop`, whatever happens to kopf."""
        return self._thread.is_alive()

    def stop(self, grace_seconds: float) -> None:
        """Stop watching; returns when the thread has ended or the grace is over."""
        self.ask_to_stop()
        self._thread.join(grace_seconds)

    def ask_to_stop(self) -> None:
        """Stop watching, without waiting for it."""
        self._stopping.set()
        loop, flag = self._loop, self._stop_flag
        if loop is not None and flag is not None and not loop.is_closed():
            loop.call_soon_threadsafe(flag.set)

    def _keep_running(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            began = self._seconds()
            try:
                run_to_the_end(self._run())
            except BaseException:  # even SystemExit and CancelledError: without this thread we are blind
                log.exception("the watch layer ended; it is started again", extra=self._where())
            if self._stopping.is_set():
                return
            pause = FIRST_PAUSE if self._seconds() - began > GOOD_RUN else min(pause * 2, LAST_PAUSE)
            self._stopping.wait(pause)

    def _where(self) -> dict[str, str]:
        return {"namespace": self._namespace} if self._namespace else {}

    async def _run(self) -> None:
        self._loop, self._stop_flag = asyncio.get_running_loop(), asyncio.Event()
        if self._stopping.is_set():
            return
        tasks = await kopf.spawn_tasks(
            registry=self._registry(),
            settings=self._settings(),
            clusterwide=not self._namespace,
            namespaces=[self._namespace] if self._namespace else (),
            standalone=True,
            stop_flag=self._stop_flag,
        )
        # kopf's own end of this (1.45, `run_tasks`) cancels what is left once, and then waits without a limit; but a
        # watcher whose pause ends in the same moment takes that for its own and goes on. `run_to_the_end` does not.
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    def _settings(self) -> kopf.OperatorSettings:
        settings = kopf.OperatorSettings()
        settings.process.ultimate_exiting_timeout = None  # our own shutdown has a deadline
        settings.networking.error_backoffs = _Endless(self._dice)
        settings.networking.request_timeout = 30
        settings.networking.connect_timeout = 5
        settings.watching.connect_timeout = 10
        settings.watching.reconnect_backoff = 1.0
        settings.watching.chunk_size = 500
        settings.watching.label_selectors["", "v1", "secrets"] = (
            f"{self._names.secret_label} in ({self._names.target},{self._names.account},{self._names.credential})"
        )
        settings.queueing.idle_timeout = 0.2  # with the default each object holds its worker for 5 s
        settings.queueing.error_delays = (1, 2, 5, 10, 30, 60)
        settings.posting.enabled = False
        settings.posting.loggers = False
        settings.scanning.disabled = True
        settings.persistence.diffbase_storage = _NoDiffBase()
        settings.persistence.progress_storage = _NoProgress()
        return settings

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        names, source = self._names, self._source

        @kopf.on.login(registry=registry, id="login")
        async def login(**_: Any) -> kopf.AiohttpSession:
            await asyncio.sleep(LOGIN_PAUSE * self._dice())
            return open_session(self._configuration, self._token)

        def watched(kind: str, group: str, plural: str, tell: Callable[..., None]) -> None:
            @kopf.on.event(group, "v1", plural, registry=registry, id=f"{kind}-seen")
            def seen(event: Any, **_: Any) -> None:
                tell(event["object"], deleted=event["type"] == "DELETED")

        watched("certificate", names.group, "certificates", source.certificate)
        watched("issuer", names.group, "issuers", source.issuer)
        if not self._namespace:
            watched("clusterissuer", names.group, "clusterissuers", source.issuer)
        watched("secret", "", "secrets", source.secret)
        watched("ingress", INGRESS_GROUP, INGRESSES, source.ingress)
        return registry


class Watches:
    """One watch for all namespaces, or one for each that is named.

    Each is a kopf of its own, because a kopf ends as a whole when one of its lists is refused: a namespace that was
    deleted, and its Role with it, must not blind us for the others.
    """

    def __init__(self, watches: Sequence[Watch], seconds: Callable[[], float]) -> None:
        self._watches = tuple(watches)
        self._seconds = seconds

    def start(self) -> None:
        """Begin to watch."""
        for watch in self._watches:
            watch.start()

    @property
    def alive(self) -> bool:
        """Whether every thread runs."""
        return all(watch.alive for watch in self._watches)

    def stop(self, grace_seconds: float) -> None:
        """Stop all at once; returns when the threads have ended or the grace is over."""
        for watch in self._watches:
            watch.ask_to_stop()
        until = self._seconds() + grace_seconds
        for watch in self._watches:
            watch.stop(max(0.0, until - self._seconds()))
