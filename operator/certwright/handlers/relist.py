"""Finds what watches miss: a delete during a gap, the end of the first list, attempts of a process that died.

A metadata-only LIST of each watched kind at the start and every ten minutes. Before the first one is over nothing
is ordered, unpublished or swept.
"""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from certwright.failures import NeedsPerson, Setback
from certwright.resources.conditions import Reason
from certwright.resources.names import Ref
from certwright.resources.scope import EVERYWHERE, Scope
from certwright.shim.ingress import API_VERSION, KIND, PLURAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from certwright.handlers.source import Source
    from certwright.kube.api import KubeApi
    from certwright.reconcile.cache import Cache
    from certwright.reconcile.memory import Memory
    from certwright.reconcile.ports import Attempts, Clock, Wake
    from certwright.resources.names import ApiNames
    from certwright.shim.intake import Intake

log = logging.getLogger(__name__)

#: Seconds between two re-lists, and between two tries of one that failed.
EVERY, RETRY = 600.0, 5.0
#: Seconds that the watches have to show what the first LIST named, before it is read one by one.
CATCH_UP = 30.0
#: The same for whoever takes the lead.
CATCH_UP_IN_A_HURRY = 1.0
CATCH_UP_STEP = 0.05


class Relister:
    """The re-lister's thread."""

    def __init__(
        self,
        *,
        api: KubeApi,
        names: ApiNames,
        cache: Cache,
        memory: Memory,
        attempts: Attempts,
        source: Source,
        intake: Intake,
        wake: Wake,
        hasten: Wake,
        clock: Clock,
        seconds: Callable[[], float],
        scope: Scope = EVERYWHERE,
    ) -> None:
        """Make one that does not run yet.

        Args:
            wake: puts a key into the queue.
            hasten: the same for Certificates with an order under way, in front of those that may wait.
            clock: wall clock.
            seconds: monotonic.
            scope: what is listed; attempts for Certificates elsewhere are left alone.
        """
        self._api = api
        self._scope = scope
        self._names = names
        self._cache = cache
        self._memory = memory
        self._attempts = attempts
        self._source = source
        self._intake = intake
        self._wake = wake
        self._hasten = hasten
        self._clock = clock
        self._seconds = seconds
        self._stopping = threading.Event()
        self._at_it = threading.Lock()
        self._hurry = threading.Event()
        self.complete = threading.Event()
        self._thread = threading.Thread(target=self._keep_running, name="relist", daemon=True)
        #: When a round ended, also one that the API server did not answer: while rounds end, this thread lives.
        self.last_round = 0.0
        #: When the last one ended well; before the first, when this was made.
        self._compared_at = seconds()
        self.trouble = ""
        self._ingresses_are_closed = False

    def start(self) -> None:
        """Begin; `complete` is set once the first round is over."""
        self._thread.start()

    def stop(self) -> None:
        """End without waiting for a round that is under way."""
        self._stopping.set()

    def _keep_running(self) -> None:
        while not self._stopping.is_set():
            try:
                self.round()
            except Setback as setback:
                self.trouble, self.last_round = _explained(setback), self._seconds()
                log.warning("re-list failed, trying again", extra={"why": self.trouble})
                self._stopping.wait(RETRY)
                continue
            except Exception:
                log.exception("re-list failed, trying again")
                self._stopping.wait(RETRY)
                continue
            self.last_round, self.trouble = self._seconds(), ""
            self.complete.set()
            self._stopping.wait(EVERY)

    def age_seconds(self) -> float:
        """How long ago the caches were compared with the whole cluster; before the first time, how old this is."""
        return self._seconds() - self._compared_at

    def round(self) -> None:
        """Compare the cache with the cluster once, and learn of attempts; one round at a time."""
        with self._at_it:
            self._compare_all()

    def anew(self) -> None:
        """The same for whoever takes the lead: what was remembered of attempts is forgotten first.

        Within one round, so that no page that was read before comes in behind it.
        """
        self._hurry.set()  # a round that waits for a watch waits no longer
        with self._at_it:
            try:
                self._memory.begin_term(self._clock())
                self._compare_all()
            finally:
                self._hurry.clear()

    def _compare_all(self) -> None:
        self._learn_attempts()
        for kind in ("Issuer", "ClusterIssuer", "Certificate"):
            if kind != "ClusterIssuer" or self._scope.is_whole_cluster:
                self._compare(kind)
        self._compare_targets()
        self._compare_ingresses()
        self._compared_at = self._seconds()

    def _learn_attempts(self) -> None:
        for attempt in self._attempts.list_all():
            if not self._scope.holds(attempt.certificate.namespace):
                continue
            if self._memory.attempt(attempt.certificate_uid) is not None:
                continue
            # While turns run, it may have been closed since the page was made.
            live = self._attempts.read(attempt.name) if self._turns_run() else attempt
            if live is not None:
                self._memory.put_attempt(live)
                self._hasten(live.certificate)

    def _turns_run(self) -> bool:
        return self.complete.is_set() and not self._hurry.is_set()

    def _patient_until(self) -> float:
        """How long the watches are given; whoever takes the lead has seen them at work for long."""
        return self._seconds() + (CATCH_UP_IN_A_HURRY if self._hurry.is_set() else CATCH_UP)

    def _waits(self, until: float) -> bool:
        """Wait a moment for the watches, unless the time is up, or somebody has none."""
        if self._seconds() >= until or self._stopping.is_set():
            return False
        if self._hurry.is_set() and until > self._seconds() + CATCH_UP_IN_A_HURRY:
            return False
        self._stopping.wait(CATCH_UP_STEP)
        return True

    def _compare(self, kind: str) -> None:
        known = self._known(kind)
        if kind == "Certificate":
            known |= self._intake.certificates()
        group = f"/apis/{self._names.api_version}"
        found, closed = self._list(group, self._names.plural(kind))
        listed = {Ref(kind, *key) for key in found}
        for ref in known - listed:
            if ref.namespace in closed:
                continue
            # It may have been created after the LIST began: its turn reads it live.
            if kind == "Certificate":
                gone = self._cache.certificate(ref)
                self._cache.drop_certificate(ref)
                self._intake.certificate_gone(ref)
                if gone is not None:
                    self._memory.forget_advice(gone.meta.uid)
            else:
                self._cache.drop_issuer(ref)
                self._intake.issuer_gone(ref)
            self._wake(ref)
        self._await_watch(kind, listed)

    def _known(self, kind: str) -> set[Ref]:
        objects = self._cache.certificates() if kind == "Certificate" else self._cache.issuers()
        return {each.ref for each in objects if each.ref.kind == kind}

    def _list(
        self,
        group: str,
        plural: str,
        selector: str = "",
        wanted: Callable[[Mapping[str, Any]], bool] = lambda _metadata: True,
    ) -> tuple[set[tuple[str, str]], frozenset[str]]:
        """Namespace and name of all that there are, and the namespaces that we may not look into.

        A Role goes with its namespace: one that was named and is gone must not hold up the others.
        """
        found: set[tuple[str, str]] = set()
        closed: set[str] = set()
        for namespace, path in self._scope.collections(group, plural):
            try:
                for page in self._api.pages(path, selector=selector, metadata_only=True):
                    for metadata in filter(wanted, (item["metadata"] for item in page)):
                        found.add((metadata.get("namespace", ""), metadata["name"]))
            except NeedsPerson as refused:
                if not namespace or refused.reason != Reason.FORBIDDEN.word:
                    raise
                closed.add(namespace)
                log.warning("a watched namespace is closed to us", extra=_closed(namespace, refused))
        return found, frozenset(closed)

    def _await_watch(self, kind: str, listed: set[Ref]) -> None:
        """Give the watch time to show what is listed; then read what it still has not shown."""
        until = self._patient_until()
        while (missing := listed - self._known(kind)) and self._waits(until):
            pass
        for ref in missing:
            self._read(ref)

    def _read(self, ref: Ref) -> None:
        where = f"/namespaces/{ref.namespace}" if ref.namespace else ""
        path = f"/apis/{self._names.api_version}{where}/{self._names.plural(ref.kind)}/{ref.name}"
        body = self._api.get(path)
        if body is None:
            return
        tell = self._source.certificate if ref.kind == "Certificate" else self._source.issuer
        tell(body, deleted=False)

    def _compare_targets(self) -> None:
        selector = f"{self._names.secret_label}={self._names.target}"
        known = set(self._cache.target_keys())
        listed, closed = self._list("/api/v1", "secrets", selector)
        for key in known - listed:
            if key[0] in closed:
                continue
            self._cache.drop_target(key)
            for ref in self._cache.certificates_of_secret(key):
                self._wake(ref)
        self._await_targets(listed)

    def _await_targets(self, listed: set[tuple[str, str]]) -> None:
        until = self._patient_until()
        while (missing := listed - set(self._cache.target_keys())) and self._waits(until):
            pass
        for namespace, name in missing:
            body = self._api.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
            if body is not None:
                self._source.secret(body, deleted=False)

    def _compare_ingresses(self) -> None:
        """A role that says nothing of Ingresses, such as one that is older than we are, holds up nothing else."""
        try:
            self._look_for_ingresses()
        except NeedsPerson as refused:
            if refused.reason != Reason.FORBIDDEN.word:
                raise
            if not self._ingresses_are_closed:
                log.warning("Ingresses are closed to us", extra=_without_ingresses(refused))
            self._ingresses_are_closed = True
        else:
            self._ingresses_are_closed = False

    def _look_for_ingresses(self) -> None:
        """Only of those that ask for certificates is anything known, and only they are looked for."""
        known = self._intake.applicants()  # what appears during the LIST may stand in no page of it
        concerns_us = partial(self._intake.concerns_us, KIND)
        found, closed = self._list(f"/apis/{API_VERSION}", PLURAL, wanted=concerns_us)
        listed = {Ref(KIND, *key) for key in found}
        for ref in known - listed:
            if ref.namespace not in closed:
                self._intake.applicant_gone(ref)
        until = self._patient_until()
        while (missing := listed - self._intake.applicants()) and self._waits(until):
            pass
        for ref in missing:
            body = self._api.get(f"/apis/{API_VERSION}/namespaces/{ref.namespace}/{PLURAL}/{ref.name}")
            if body is not None:
                self._source.ingress(body, deleted=False)


def _closed(namespace: str, refused: Setback) -> dict[str, str]:
    advice = "create the namespace with the Role for it, or watch it no longer"
    return {"namespace": namespace, "why": f"{refused.message}; {advice}"}


def _without_ingresses(refused: Setback) -> dict[str, str]:
    advice = (
        "their annotations are not heard until the operator's role lets it get, list and watch ingresses "
        "(networking.k8s.io); Certificates are kept as ever"
    )
    return {"why": f"{refused.message}; {advice}"}


def _explained(setback: Setback) -> str:
    """The API server answers 404 for a whole kind where its CRD was never applied."""
    if "/apis/" in setback.message and "not found" in setback.message:
        return f"{setback.message}; apply the CRDs (kubectl apply -f crds/)"
    return setback.message
