"""The composition root: builds every part once, owns the clock and the dice, starts and stops the whole.

Nothing else knows more than its neighbours; whoever wants to see how the parts fit reads this file.
"""

from __future__ import annotations

import logging
import random
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from certwright import __version__
from certwright.acme.flow import permitted
from certwright.acme.proxies import read_ways
from certwright.acme.transport import HttpTransport
from certwright.engine.checkpoints import guarded, killer
from certwright.engine.elector import Elector
from certwright.engine.fence import Fence
from certwright.engine.queue import KeyedQueue, Priority
from certwright.engine.retries import Retries
from certwright.engine.workers import WorkerPool
from certwright.handlers.relist import Relister
from certwright.handlers.source import Source
from certwright.handlers.watch import Watch, Watches
from certwright.kube.api import KubeApi
from certwright.kube.cluster import Cluster
from certwright.kube.connection import load_configuration
from certwright.kube.leases import LEASE_TIMEOUT, KubeLeases
from certwright.metrics.exposition import Exposition
from certwright.metrics.health import Health
from certwright.metrics.registry import Metrics
from certwright.reconcile.assembly import Reconcilers, Surroundings
from certwright.reconcile.leading import Leading
from certwright.reconcile.shares import lanes_of, priority_of
from certwright.reconcile.turns import Turns
from certwright.resources.names import FIELD_MANAGER, ApiNames, Ref
from certwright.resources.scope import Scope
from certwright.shim.applicant import Options
from certwright.shim.assembly import Shim
from certwright.solver.dns01 import Dns01
from certwright.solver.http01 import Http01
from certwright.solver.keeper import RouteKeeper
from certwright.solver.publisher import TokenTables
from certwright.solver.self_check import Http01Check
from certwright.solver.served import AskServedByHttp

if TYPE_CHECKING:
    from certwright.acme.flow import Transport
    from certwright.engine.lanes import Lanes
    from certwright.settings import Settings

log = logging.getLogger(__name__)

#: What asks this process to end.
ENDING = (signal.SIGTERM, signal.SIGINT)
#: Seconds from SIGTERM to the end: below the 45 s that the pod is given.
GRACE = 30.0
#: How long a DNS question may take, and our own look at a proof over HTTP: what is slower will hardly do for a CA.
DNS_TIMEOUT, LOOK_TIMEOUT = timedelta(seconds=5), timedelta(seconds=6)
#: Name of the Lease that replicas share.
LEASE_NAME = "certwright"
#: Seconds that steps under way are waited for at the end: with what a standby takes to look at the Lease again (1.5)
#: and to begin, a successor works within five.
LAST_STEPS = 2.0
#: Who asks, and where whoever is asked finds out more (RFC 8555 §6.1).
USER_AGENT = f"certwright/{__version__} (+https://{ApiNames().group})"


class App:
    """The operator as one object: `run()` returns when it was told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._beginning_since: float | None = None
        self._names, self._scope = ApiNames(), Scope(settings.watch_namespaces)
        self._ways = read_ways(settings.proxy, settings.no_proxy)
        self._metrics = Metrics(aliases=settings.cert_manager_metrics)
        self._random = random.SystemRandom()
        self._dice = self._random.random
        self._configuration = load_configuration(settings.kubeconfig)
        self._build_election()
        self._build_cluster()
        self._build_http01()
        self._reconcilers = Reconcilers(self._surroundings())
        self._build_shim()
        self._build_engine()
        self._build_doors()
        self._build_leading()

    def run(self) -> int:
        """Start everything, wait for SIGTERM or SIGINT, stop everything; returns the exit code."""
        # Waited for, not handled: a handler may come while this thread holds the lock that it needs, or just before
        # it falls asleep, and then nobody would hear of it. Threads inherit the mask.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        self._exposition.start()
        self._watch.start()
        self._relister.start()
        log.info("started", extra={"version": __version__, "namespace": self._settings.namespace})
        while not self._relister.complete.is_set():
            if signal.sigtimedwait(ENDING, 0.2):
                return self._shut_down()
        self._workers.start()
        self._tables.start()
        self._keeper.start()
        self._elector.start()
        log.info("standing by", extra={"instance": self._settings.instance})
        signal.sigwait(ENDING)
        return self._shut_down()

    def _shut_down(self) -> int:
        """Finish the steps under way, then give the lead back, so that a successor need not wait for it.

        A step that a slow CA holds up is left: it is as if the process had died there, and the fence lets nothing
        follow.
        """
        self._stop.set()
        log.info("stopping")
        began = time.monotonic()
        self._relister.stop()
        clean = self._workers.stop(LAST_STEPS)
        self._keeper.stop()
        self._tables.stop()
        clean = self._elector.stop() and clean
        self._watch.stop(max(1.0, GRACE - (time.monotonic() - began)))
        self._exposition.stop()
        log.info("stopped", extra={"clean": clean})
        return 0

    # Building

    def _build_election(self) -> None:
        """The elector has a connection of its own: nothing that the rest does may hold up a renewal."""
        api = KubeApi(
            load_configuration(self._settings.kubeconfig),
            pool_size=1,
            field_manager=FIELD_MANAGER,
            timeout=LEASE_TIMEOUT,
        )
        self._elector = Elector(
            KubeLeases(api, self._names, self._settings.namespace, LEASE_NAME),
            identity=self._settings.instance,
            process=f"{self._random.getrandbits(64):016x}",
            seconds=_since_boot,
            clock=_now,
            dice=self._dice,
            on_lead=self._lead,
            on_loss=self._lose,
            restarts=self._settings.restarts,
        )
        self._fence = Fence(self._elector)

    def _build_cluster(self) -> None:
        self._cluster = Cluster.of(
            self._configuration,
            self._settings,
            self._names,
            self._scope,
            permit=self._fence.check,
            seconds=time.monotonic,
            clock=_now,
        )

    def _build_http01(self) -> None:
        settings, cluster, seconds = self._settings, self._cluster, time.monotonic
        self._checkpoint = guarded(self._fence, killer(settings.kill_at))
        self._tables = TokenTables(
            tables=cluster.tables,
            responders=cluster.responders,
            ask=AskServedByHttp(seconds),
            names=self._names,
            namespace=settings.namespace,
            checkpoint=self._checkpoint,
            seconds=seconds,
            status_addresses=settings.responder_status,
        )
        self._routes = Http01(
            routes=cluster.routes,
            responders=cluster.responders,
            names=self._names,
            checkpoint=self._checkpoint,
            seconds=seconds,
            linger=settings.route_linger,
            owner=cluster.route_owner.of,
        )

    def _surroundings(self) -> Surroundings:
        settings, cluster = self._settings, self._cluster
        return Surroundings(
            objects=cluster.objects,
            secrets=cluster.secrets,
            attempts=cluster.attempts,
            ledgers=cluster.ledgers,
            events=cluster.events,
            connect=self._connect,
            dns01=Dns01(
                nameservers=settings.nameservers,
                authoritative_port=settings.authoritative_dns_port,
                timeout=DNS_TIMEOUT,
                seconds=time.monotonic,
            ),
            tables=self._tables,
            routes=self._routes,
            look=Http01Check(
                nameservers=settings.nameservers,
                timeout=LOOK_TIMEOUT,
                http_port=settings.self_check_http_port,
                https_port=settings.self_check_https_port,
                permitted=settings.self_check_networks,
                user_agent=USER_AGENT,
                seconds=time.monotonic,
            ),
            names=self._names,
            namespace=settings.namespace,
            advice_ceiling=settings.renewal_info_interval,
            clock=_now,
            seconds=time.monotonic,
            dice=self._dice,
            checkpoint=self._checkpoint,
            wake=self._wake,
            hasten=self._hasten,
            leaving=self._stop.is_set,
            metrics=self._metrics,
            scope=self._scope,
        )

    def _build_shim(self) -> None:
        everywhere = self._scope.is_whole_cluster
        self._shim = Shim(
            Options(names=self._names, tls_acme=self._settings.tls_acme, cluster_issuers=everywhere),
            self._cluster,
            checkpoint=self._checkpoint,
            clock=_now,
            seconds=time.monotonic,
            wake=self._wake,
            leaving=self._stop.is_set,
            retries=Retries(self._random),
        )

    def _build_engine(self) -> None:
        self._queue: KeyedQueue[Ref] = KeyedQueue(
            clock=time.monotonic, lanes=self._lanes, workers=self._settings.workers
        )
        self._queue.pause()
        turns = Turns(
            loops=self._reconcilers,
            fence=self._fence,
            refused=Retries(self._random),
            faults=Retries(self._random),
            metrics=self._metrics,
            clock=_now,
            seconds=time.monotonic,
            others={"Ingress": self._shim.loop.turn},
        )
        self._workers = WorkerPool(
            self._queue,
            turns,
            count=self._settings.workers,
            on_crash=turns.crashed,
            clock=time.monotonic,
        )

    def _build_doors(self) -> None:
        source = Source(
            cache=self._reconcilers.cache,
            memory=self._reconcilers.memory,
            credentials=self._reconcilers.credentials,
            names=self._names,
            wake=self._wake,
            credential_changed=self._reconcilers.credential_changed,
            intake=self._shim.intake,
        )
        self._watch = Watches(
            [
                Watch(
                    source=source,
                    names=self._names,
                    configuration=self._configuration,
                    token=self._bearer,
                    dice=self._dice,
                    seconds=time.monotonic,
                    namespace=namespace,
                )
                for namespace in self._scope.namespaces or ("",)
            ],
            time.monotonic,
        )
        self._relister = Relister(
            api=self._cluster.api,
            names=self._names,
            cache=self._reconcilers.cache,
            memory=self._reconcilers.memory,
            attempts=self._cluster.attempts,
            source=source,
            intake=self._shim.intake,
            wake=self._wake,
            hasten=self._hasten,
            clock=_now,
            seconds=time.monotonic,
            scope=self._scope,
        )
        self._metrics.watch(
            queue=self._queue.stats,
            leading=lambda: (self._elector.valid(), self._elector.transitions),
            tokens=self._tables.figures,
            relist_age=self._relister.age_seconds,
            certificates=self._reconcilers.cache.certificates,
            issuers=self._reconcilers.cache.issuers,
            clock=_now,
        )
        health = Health(
            longest_turn=self._workers.longest_turn_seconds,
            watching=lambda: self._watch.alive,
            last_round=lambda: self._relister.last_round,
            listed=self._relister.complete.is_set,
            trouble=lambda: self._relister.trouble,
            beginning_since=lambda: self._beginning_since,
            seconds=time.monotonic,
        )
        self._exposition = Exposition(
            self._settings.listen_port, self._metrics.registry, alive=health.alive, ready=health.ready
        )

    def _build_leading(self) -> None:
        self._keeper = RouteKeeper(
            self._routes,
            lives=self._reconcilers.memory.is_under_way,
            linger=self._settings.route_linger,
            clock=_now,
            seconds=time.monotonic,
            round_of_term=self._fence.turn,
        )
        self._leading = Leading(
            cache=self._reconcilers.cache,
            memory=self._reconcilers.memory,
            tables=self._tables,
            keeper=self._keeper,
            busy=lambda: self._queue.stats().processing,
            pause=self._queue.pause,
            resume=self._queue.resume,
            learn=self._learn,
            republish=self._reconcilers.republish,
            wake=self._wake,
            wait=self._stop.wait,
            seconds=time.monotonic,
        )

    # Running

    def _lead(self, term: int) -> None:
        self._beginning_since = self._beginning_since or time.monotonic()
        self._leading.begin(lambda: self._elector.term == term and not self._stop.is_set())
        self._beginning_since = None

    def _lose(self, _term: int) -> None:
        self._beginning_since = None
        self._leading.end()

    def _learn(self) -> None:
        self._reconcilers.begin_term()
        self._relister.anew()

    def _hasten(self, ref: Ref) -> None:
        self._queue.add(ref, Priority.URGENT)

    def _wake(self, ref: Ref) -> None:
        self._queue.add(ref, priority_of(ref))

    def _lanes(self, ref: Ref) -> Lanes:
        return lanes_of(ref, self._reconcilers.cache)

    def _connect(self, ca_bundle: bytes | None) -> Transport:
        transport = HttpTransport(
            ca_bundle,
            pool_size=self._settings.workers,
            user_agent=USER_AGENT,
            permitted=self._settings.permitted_networks,
            observer=self._metrics.observe_request,
            ways=self._ways,
        )
        return permitted(transport, self._fence.check)

    def _bearer(self) -> str | None:
        """The Authorization header of now: a projected token is read again by the client's own hook."""
        token: str | None = self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        return token


def _since_boot() -> float:
    """Monotonic seconds that go on while the machine is suspended: a woken leader must know that it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _now() -> datetime:
    return datetime.now(UTC)
