"""How the reconcilers fit together: the same for the operator (`app.py`) and for tests over fakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certwright.reconcile.account_keys import AccountKeys
from certwright.reconcile.accounts import Accounts
from certwright.reconcile.advice import Advice
from certwright.reconcile.authorizations import Authorizations
from certwright.reconcile.cache import Cache
from certwright.reconcile.credentials import Credentials
from certwright.reconcile.dns01_prover import Dns01Prover
from certwright.reconcile.fault import FaultTeller
from certwright.reconcile.gates import Gates
from certwright.reconcile.http01_prover import Http01Prover
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
from certwright.resources.scope import EVERYWHERE, Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from certwright.acme.flow import Transport
    from certwright.metrics.registry import Metrics
    from certwright.reconcile.http01_prover import Look, Routes, Tables
    from certwright.reconcile.ports import (
        Attempts,
        Checkpoint,
        Clock,
        Dice,
        Events,
        Ledgers,
        Objects,
        Seconds,
        Secrets,
        Wake,
    )
    from certwright.resources.attempt import Attempt
    from certwright.resources.names import ApiNames, Ref
    from certwright.solver.dns01 import Dns01


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything outside that the reconcilers touch.

    Attributes:
        namespace: the operator's own.
        connect: opens the way to a CA, given PEM roots to trust in place of the system's, or None.
        advice_ceiling: longest time between two questions for renewal advice.
        wake: puts a key into the work queue.
        hasten: the same, in front of those that may wait.
        leaving: whether the process is about to end, so that a turn begins no further step.
        scope: where Certificates and issuers are worked on.
    """

    objects: Objects
    secrets: Secrets
    attempts: Attempts
    ledgers: Ledgers
    events: Events
    connect: Callable[[bytes | None], Transport]
    dns01: Dns01
    tables: Tables
    routes: Routes
    look: Look
    names: ApiNames
    namespace: str
    advice_ceiling: timedelta
    clock: Clock
    seconds: Seconds
    dice: Dice
    checkpoint: Checkpoint
    wake: Wake
    hasten: Wake
    leaving: Callable[[], bool]
    metrics: Metrics
    scope: Scope = EVERYWHERE


class Reconcilers:
    """What the surroundings are worked on with.

    Attributes:
        certificates, issuers: whose `turn` is the work.
        cache, memory, accounts, credentials: what they know.
        gates: what CAs asked to hold back, and names that fail.
        tell_fault: tells an object of a fault of the operator's own.
    """

    def __init__(self, around: Surroundings) -> None:
        """Build every part once."""
        self.cache, self.memory = Cache(), Memory()
        self.accounts = Accounts(around.connect, around.clock, around.seconds)
        self.gates = Gates(around.ledgers, around.clock, around.wake)
        self.credentials = Credentials(around.secrets, around.names, around.namespace, around.clock)
        self.http01 = Http01Prover(
            tables=around.tables,
            routes=around.routes,
            look=around.look,
            clock=around.clock,
            wake=around.hasten,
        )
        self.observer = Observer(
            cache=self.cache,
            memory=self.memory,
            accounts=self.accounts,
            gates=self.gates,
            clock=around.clock,
            names=around.names,
            started_at=around.clock(),
            advice_ceiling=around.advice_ceiling,
            scope=around.scope,
        )
        self.opening = self._opening(around)
        self.recorder = Recorder(
            objects=around.objects,
            events=around.events,
            cache=self.cache,
            memory=self.memory,
            observer=self.observer,
            names=around.names,
            clock=around.clock,
            dice=around.dice,
        )
        self.tell_fault = FaultTeller(
            cache=self.cache,
            objects=around.objects,
            events=around.events,
            names=around.names,
            clock=around.clock,
        )
        self.authorizations = Authorizations(
            memory=self.memory, validations=self.gates.validations, clock=around.clock
        )
        solving = self._solving(around)
        self.storing = self._storing(around, solving)
        self.performer = self._performer(around, solving)
        self.certificates = self._certificates(around)
        self.issuers = self._issuers(around)

    def begin_term(self) -> None:
        """We lead from now on: what is held back is read anew.

        Raises:
            Setback: the ledgers could not be read.
        """
        self.gates.begin_term()
        self.issuers.begin_term()

    def republish(self, attempt: Attempt) -> None:
        """Take an attempt of an earlier process over: what it shows is shown on, and the CA may be looking at it."""
        self.gates.validations.inherit(attempt)
        self.http01.republish(attempt)

    def credential_changed(self, issuer: Ref, changed_at: datetime) -> None:
        """Somebody changed a Secret that an issuer names: names that failed before that may be tried once more."""
        account = self.accounts.get(issuer)
        if account is not None:
            self.gates.validations.pardon(account.url, changed_at)

    def _opening(self, around: Surroundings) -> Opening:
        return Opening(
            accounts=self.accounts,
            gates=self.gates,
            keys=AccountKeys(
                secrets=around.secrets,
                credentials=self.credentials,
                cache=self.cache,
                names=around.names,
                checkpoint=around.checkpoint,
            ),
            credentials=self.credentials,
            clock=around.clock,
            checkpoint=around.checkpoint,
        )

    def _certificates(self, around: Surroundings) -> CertificateLoop:
        return CertificateLoop(
            cache=self.cache,
            memory=self.memory,
            accounts=self.accounts,
            objects=around.objects,
            observer=self.observer,
            performer=self.performer,
            recorder=self.recorder,
            gates=self.gates,
            storing=self.storing,
            names=around.names,
            clock=around.clock,
            seconds=around.seconds,
            wake=around.wake,
            leaving=around.leaving,
            metrics=around.metrics,
        )

    def _issuers(self, around: Surroundings) -> IssuerLoop:
        return IssuerLoop(
            cache=self.cache,
            memory=self.memory,
            accounts=self.accounts,
            gates=self.gates,
            opening=self.opening,
            objects=around.objects,
            events=around.events,
            names=around.names,
            clock=around.clock,
            dice=around.dice,
            wake=around.wake,
        )

    def _solving(self, around: Surroundings) -> Solving:
        dns01 = Dns01Prover(
            dns01=around.dns01,
            credentials=self.credentials,
            clock=around.clock,
            checkpoint=around.checkpoint,
        )
        return Solving(
            provers={"dns-01": dns01, "http-01": self.http01},
            memory=self.memory,
            validations=self.gates.validations,
            clock=around.clock,
            checkpoint=around.checkpoint,
        )

    def _storing(self, around: Surroundings, solving: Solving) -> Storing:
        return Storing(
            objects=around.objects,
            secrets=around.secrets,
            attempts=around.attempts,
            cache=self.cache,
            memory=self.memory,
            solving=solving,
            authorizations=self.authorizations,
            names=around.names,
            clock=around.clock,
            checkpoint=around.checkpoint,
            wake=around.wake,
        )

    def _performer(self, around: Surroundings, solving: Solving) -> Performer:
        ordering = Ordering(
            objects=around.objects,
            secrets=around.secrets,
            attempts=around.attempts,
            cache=self.cache,
            memory=self.memory,
            solving=solving,
            names=around.names,
            clock=around.clock,
            checkpoint=around.checkpoint,
        )
        advice = Advice(
            memory=self.memory,
            clock=around.clock,
            checkpoint=around.checkpoint,
            ceiling=around.advice_ceiling,
        )
        return Performer(
            accounts=self.accounts,
            memory=self.memory,
            ordering=ordering,
            authorizations=self.authorizations,
            solving=solving,
            storing=self.storing,
            advice=advice,
            gates=self.gates,
            clock=around.clock,
        )
