"""The composition root: builds every part once, owns the clock and the dice, starts and stops the whole.

Nothing else knows more than its neighbours; whoever wants to see how the parts fit reads this file.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from certwright import __version__
from certwright.acme.transport import HttpTransport
from certwright.engine.lanes import Lanes
from certwright.engine.queue import KeyedQueue, Priority
from certwright.engine.retries import Retries
from certwright.engine.workers import WorkerPool
from certwright.failures import Setback
from certwright.handlers.relist import Relister
from certwright.handlers.source import Source
from certwright.handlers.watch import Watch
from certwright.kube.api import KubeApi
from certwright.kube.attempts import KubeAttempts
from certwright.kube.connection import load_configuration
from certwright.kube.events import KubeEvents
from certwright.kube.secrets import KubeSecrets
from certwright.kube.statuses import KubeObjects
from certwright.metrics.catalog import Metrics
from certwright.metrics.exposition import Exposition
from certwright.reconcile.accounts import Accounts
from certwright.reconcile.advice import Advice
from certwright.reconcile.cache import Cache
from certwright.reconcile.credentials import Credentials
from certwright.reconcile.issuers import IssuerLoop
from certwright.reconcile.loop import CertificateLoop
from certwright.reconcile.memory import Memory
from certwright.reconcile.observe import Observer
from certwright.reconcile.opening import Opening
from certwright.reconcile.ordering import Ordering
from certwright.reconcile.perform import Performer
from certwright.reconcile.record import Recorder
from certwright.reconcile.solving import Solving
from certwright.reconcile.storing import Storing
from certwright.resources.certificate import Certificate
from certwright.resources.names import FIELD_MANAGER, ApiNames, Ref
from certwright.solver.dns01 import Dns01

if TYPE_CHECKING:
    from certwright.reconcile.ports import Checkpoint
    from certwright.settings import Settings

log = logging.getLogger(__name__)

#: Seconds from SIGTERM to the end: below the 45 s that the pod is given.
GRACE = 30.0
#: How long a DNS question may take.
DNS_TIMEOUT = timedelta(seconds=5)
#: Seconds: far above the longest turn that slow servers can cause, which must not have the whole operator restarted.
STUCK_TURN = 900.0
#: Re-lists run every ten minutes; three missed ones mean that the cluster is not seen any more.
DEAF = 1800.0


class App:
    """The operator as one object: `run()` returns when it was told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._names = ApiNames()
        self._metrics = Metrics()
        self._random = random.SystemRandom()
        self._dice = self._random.random
        self._build_cluster()
        self._build_engine()
        self._build_reconcilers()
        self._build_doors()

    def run(self) -> int:
        """Start everything, wait for SIGTERM or SIGINT, stop everything; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        self._exposition.start()
        self._watch.start()
        self._relister.start()
        log.info("started", extra={"version": __version__, "namespace": self._settings.namespace})
        while not self._relister.complete.wait(0.2):
            if self._stop.is_set():
                return self._shut_down()
        self._workers.start()
        log.info("working", extra={"workers": self._settings.workers})
        self._stop.wait()
        return self._shut_down()

    def _shut_down(self) -> int:
        log.info("stopping")
        began = time.monotonic()
        self._relister.stop()
        clean = self._workers.stop(GRACE - 5.0)
        self._watch.stop(max(1.0, GRACE - (time.monotonic() - began)))
        self._exposition.stop()
        log.info("stopped", extra={"clean": clean})
        return 0

    # Building

    def _build_cluster(self) -> None:
        self._configuration = load_configuration(self._settings.kubeconfig)
        api = KubeApi(self._configuration, pool_size=self._settings.workers + 4, field_manager=FIELD_MANAGER)
        self._api = api
        self._objects = KubeObjects(api, self._names)
        self._secrets = KubeSecrets(api, self._names)
        self._attempts = KubeAttempts(api, self._names, self._settings.namespace)
        self._events = KubeEvents(
            api,
            self._names,
            controller=f"{self._names.group}/certwright",
            instance=self._settings.instance,
            clock=_now,
        )

    def _build_engine(self) -> None:
        self._cache, self._memory = Cache(), Memory()
        self._queue: KeyedQueue[Ref] = KeyedQueue(
            clock=time.monotonic, lanes=self._lanes, workers=self._settings.workers
        )
        self._retries: Retries[Ref] = Retries(self._random)
        self._workers = WorkerPool(
            self._queue,
            self._turn,
            count=self._settings.workers,
            on_crash=self._crashed,
            clock=time.monotonic,
        )

    def _build_reconcilers(self) -> None:
        names, clock, cache, memory = self._names, _now, self._cache, self._memory
        checkpoint = killer(self._settings.kill_at)
        self._accounts = Accounts(self._connect, clock)
        self._credentials = Credentials(self._secrets, names, self._settings.namespace, clock)
        observer = Observer(
            cache=cache,
            memory=memory,
            accounts=self._accounts,
            clock=clock,
            names=names,
            started_at=clock(),
            advice_ceiling=self._settings.renewal_info_interval,
        )
        solving = Solving(
            dns01=Dns01(
                nameservers=self._settings.nameservers,
                authoritative_port=self._settings.authoritative_dns_port,
                timeout=DNS_TIMEOUT,
                seconds=time.monotonic,
            ),
            credentials=self._credentials,
            memory=memory,
            clock=clock,
            checkpoint=checkpoint,
        )
        ordering = Ordering(
            objects=self._objects,
            secrets=self._secrets,
            attempts=self._attempts,
            cache=cache,
            memory=memory,
            solving=solving,
            names=names,
            clock=clock,
            checkpoint=checkpoint,
        )
        storing = Storing(
            objects=self._objects,
            secrets=self._secrets,
            attempts=self._attempts,
            cache=cache,
            memory=memory,
            solving=solving,
            names=names,
            clock=clock,
            checkpoint=checkpoint,
        )
        advice = Advice(
            memory=memory,
            clock=clock,
            checkpoint=checkpoint,
            ceiling=self._settings.renewal_info_interval,
        )
        self._certificates = CertificateLoop(
            cache=cache,
            memory=memory,
            accounts=self._accounts,
            objects=self._objects,
            observer=observer,
            performer=Performer(
                accounts=self._accounts,
                memory=memory,
                ordering=ordering,
                solving=solving,
                storing=storing,
                advice=advice,
                clock=clock,
                seconds=time.monotonic,
            ),
            recorder=Recorder(
                objects=self._objects,
                events=self._events,
                cache=cache,
                memory=memory,
                observer=observer,
                names=names,
                clock=clock,
                dice=self._dice,
            ),
            storing=storing,
            names=names,
            clock=clock,
            seconds=time.monotonic,
            wake=self._wake,
            metrics=self._metrics,
        )
        self._issuers = IssuerLoop(
            cache=cache,
            memory=memory,
            accounts=self._accounts,
            opening=Opening(
                accounts=self._accounts,
                secrets=self._secrets,
                credentials=self._credentials,
                names=names,
                clock=clock,
                checkpoint=checkpoint,
            ),
            objects=self._objects,
            events=self._events,
            names=names,
            clock=clock,
            dice=self._dice,
            wake=self._wake,
        )

    def _build_doors(self) -> None:
        source = Source(
            cache=self._cache,
            memory=self._memory,
            credentials=self._credentials,
            names=self._names,
            wake=self._wake,
        )
        self._watch = Watch(
            source=source,
            names=self._names,
            configuration=self._configuration,
            token=self._bearer,
            dice=self._dice,
            seconds=time.monotonic,
        )
        self._relister = Relister(
            api=self._api,
            names=self._names,
            cache=self._cache,
            memory=self._memory,
            attempts=self._attempts,
            source=source,
            wake=self._wake,
            seconds=time.monotonic,
        )
        self._metrics.watch(self._queue.stats, self._figures)
        self._exposition = Exposition(
            self._settings.listen_port, self._metrics.registry, alive=self._alive, ready=self._ready
        )

    # Running

    def _turn(self, ref: Ref) -> float | None:
        """One turn for any kind; returns when the key is due again in monotonic seconds."""
        turn = self._certificates.turn if ref.kind == "Certificate" else self._issuers.turn
        try:
            look_again = turn(ref)
        except Setback as setback:
            # What is left is the cluster's: a status that could not be written, an object that could not be read.
            pause = self._retries.delay_seconds(ref)
            facts = {"object": str(ref), "why": setback.message, "retry_in": round(pause, 1)}
            log.warning("turn could not be finished", extra=facts)
            return time.monotonic() + pause
        self._retries.forget(ref)
        if look_again is None:
            return None
        return time.monotonic() + max(0.0, (look_again - _now()).total_seconds())

    def _wake(self, ref: Ref) -> None:
        """Issuers first: everything else waits for them."""
        self._queue.add(ref, Priority.NORMAL if ref.kind == "Certificate" else Priority.URGENT)

    def _crashed(self, ref: Ref, error: BaseException) -> float:
        """An exception that nobody foresaw: keep its traceback, try again with growing pauses (seconds)."""
        self._metrics.count_crash()
        pause = self._retries.delay_seconds(ref)
        log.error("turn failed", extra={"object": str(ref), "retry_in": round(pause, 1)}, exc_info=error)
        return pause

    def _lanes(self, ref: Ref) -> Lanes:
        if ref.kind != "Certificate":
            return Lanes(issuer=str(ref), namespace=ref.namespace)
        known = self._cache.certificate(ref)
        issuer = str(known.spec.issuer_ref) if isinstance(known, Certificate) else ""
        return Lanes(issuer=issuer, namespace=ref.namespace)

    def _connect(self, ca_bundle: bytes | None) -> HttpTransport:
        return HttpTransport(
            ca_bundle,
            pool_size=self._settings.workers,
            user_agent=f"certwright/{__version__}",
            permitted=self._settings.permitted_networks,
            observer=self._metrics.observe_request,
        )

    def _bearer(self) -> str | None:
        """The Authorization header of now: a projected token is read again by the client's own hook."""
        token: str | None = self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        return token

    def _figures(self) -> tuple[int, int, float | None]:
        known = self._cache.certificates()
        ready = sum(
            1
            for each in known
            if isinstance(each, Certificate)
            and any(one.type == "Ready" and one.status == "True" for one in each.status.conditions)
        )
        ends = [
            each.status.not_after.timestamp()
            for each in known
            if isinstance(each, Certificate) and each.status.not_after
        ]
        return ready, len(known), min(ends, default=None)

    def _alive(self) -> str:
        """What is wrong with this process that a restart may mend, or ""."""
        if (longest := self._workers.longest_turn_seconds()) > STUCK_TURN:
            return f"a turn has been running for {longest:.0f} s"
        if not self._watch.alive:
            return "nothing is watched any more"
        if self._relister.last_success and time.monotonic() - self._relister.last_success > DEAF:
            return "the cluster has not been listed for half an hour"
        return ""

    def _ready(self) -> str:
        if self._relister.complete.is_set():
            return ""
        return f"the cluster is still being listed; {self._relister.trouble or 'this takes some seconds'}"


def killer(kill_at: str) -> Checkpoint:
    """A checkpoint that kills the process at the n-th passing of a named point; does nothing without a name."""
    # Names of points have a colon themselves: only a number behind the last one is a count.
    name, _, count = kill_at.rpartition(":")
    if not count.isdigit():
        name, count = kill_at, "1"
    left = [int(count)]

    def checkpoint(point: str) -> None:
        if point != name:
            return
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return checkpoint


def _now() -> datetime:
    return datetime.now(UTC)
