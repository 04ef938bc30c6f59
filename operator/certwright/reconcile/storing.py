"""From a valid order to the Secret: download, verify, store; and what is done when an attempt is over."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.acme.refusals import setback_from_problem
from certwright.failures import NotYet, Schedule, Setback, TryLater
from certwright.pki import chain, csr, keys
from certwright.reconcile.observe import note_order
from certwright.reconcile.target import read_target
from certwright.resources.certificate import Certificate, read_certificate
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from certwright.acme.messages import Order
    from certwright.pki.chain import VerifiedChain
    from certwright.reconcile.accounts import Account
    from certwright.reconcile.cache import Cache
    from certwright.reconcile.memory import Memory
    from certwright.reconcile.observed import Observed
    from certwright.reconcile.ports import Attempts, Checkpoint, Clock, Json, Objects, Secrets
    from certwright.reconcile.provers import TimeIsUp
    from certwright.reconcile.solving import Solving
    from certwright.resources.attempt import Attempt
    from certwright.resources.names import ApiNames

log = logging.getLogger(__name__)

#: How long the proofs of an attempt are tried to be taken down before they are left.
TAKE_DOWN_LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """The second half of an attempt."""

    objects: Objects
    secrets: Secrets
    attempts: Attempts
    cache: Cache
    memory: Memory
    solving: Solving
    names: ApiNames
    clock: Clock
    checkpoint: Checkpoint

    def finalize(self, attempt: Attempt, account: Account, order: Order) -> None:
        """Send the CSR made from the attempt's key, which has been in a Secret since before the order."""
        key = keys.read_key(attempt.private_key.reveal())
        if key is None:
            self.close(attempt, account)
            message = f"the key in attempt {attempt.name} was unreadable; the attempt was given up"
            raise TryLater(Reason.INTERNAL_ERROR.word, message)
        request = csr.csr_der(key, attempt.names, attempt.common_name)
        self.checkpoint("before:finalize")
        answer = account.authority.ask(account.conversation.finalize(order.finalize, order.url, request))
        self.checkpoint("after:finalize")
        note_order(self.memory.progress(attempt.certificate_uid), answer, self.clock())

    def store(self, seen: Observed, attempt: Attempt, account: Account, order: Order) -> None:
        """Download the chain, verify it, and write it with its key in one apply."""
        if not order.certificate:
            raise TryLater(Reason.CA_ERROR.word, "the order is valid but names no certificate")
        self.checkpoint("before:download")
        answer = account.authority.ask(account.conversation.download(order.certificate))
        self.checkpoint("after:download")
        verified = chain.verify_answer(
            answer,
            public_key_sha256=attempt.public_key_sha256,
            dns_names=attempt.names,
            now=self.clock(),
        )
        self.check_lives(seen)
        self._write(seen, attempt, verified)

    def check_lives(self, seen: Observed) -> None:
        """A Secret must not come back for a deleted Certificate, nor get what is not asked any more."""
        ref, meta = seen.certificate.ref, seen.certificate.meta
        found = self.objects.read(ref)
        live = read_certificate(found, self.names) if found else None
        if live is None or live.meta.uid != meta.uid:
            self.cache.drop_certificate(ref)
            raise NotYet(Reason.CHANGED_MEANWHILE.word, f"{ref} was deleted")
        self.cache.put_certificate(live)
        if not isinstance(live, Certificate) or live.meta.generation != meta.generation:
            raise NotYet(Reason.CHANGED_MEANWHILE.word, f"{ref} changed")

    def _write(self, seen: Observed, attempt: Attempt, verified: VerifiedChain) -> None:
        spec, names = seen.certificate.spec, self.names
        where = (seen.certificate.ref.namespace, spec.secret_name)
        target = seen.target
        data = {"tls.crt": verified.chain_pem}
        if verified.root_pem:
            data["ca.crt"] = verified.root_pem
        self.checkpoint("before:store-secret")
        try:
            written = self.secrets.apply_target(
                namespace=where[0],
                name=where[1],
                data=data,
                key=attempt.private_key,
                annotations={
                    names.certificate_name: seen.certificate.meta.name,
                    names.certificate_uid: seen.certificate.meta.uid,
                    names.issuer_name: spec.issuer_ref.name,
                    names.issuer_kind: spec.issuer_ref.kind,
                    names.directory: attempt.directory_url,
                    names.serial_number: verified.leaf.serial_number,
                    names.alt_names: ",".join(attempt.names),
                    names.attempt_id: attempt.uid,
                    names.proven_by: _proven_by(attempt),
                },
                replaces=(target.uid, target.resource_version) if target else None,
            )
        except NotYet:
            # What was seen of the Secret is out of date: the next look reads it live.
            self.cache.drop_target(
                where
            )  # also where versions went backwards, as after a restored backup of etcd
            self.refresh_target(where)
            raise
        self.checkpoint("after:store-secret")
        self.cache.put_target(where, read_target(written, names))

    def is_as_seen(self, seen: Observed) -> bool:
        """Whether the Secret, looked at live, is the one that was seen, or still is not there."""
        where = (seen.certificate.ref.namespace, seen.certificate.spec.secret_name)
        live = self.secrets.read(*where)
        if live is None:
            self.cache.drop_target(where)
            return seen.target is None
        return self.note_target(seen, live)

    def note_target(self, seen: Observed, live: Json) -> bool:
        """Remember a Secret that was read; returns whether it is the version that was seen."""
        target, known = read_target(live, self.names), seen.target
        self.cache.put_target((seen.certificate.ref.namespace, seen.certificate.spec.secret_name), target)
        same = (target.uid, target.resource_version)
        return known is not None and (known.uid, known.resource_version) == same

    def refresh_target(self, where: tuple[str, str]) -> None:
        """Look at a target Secret live."""
        live = self.secrets.read(*where)
        if live is None:
            self.cache.drop_target(where)
        else:
            self.cache.put_target(where, read_target(live, self.names))

    def close(self, attempt: Attempt, account: Account | None = None) -> None:
        """Take down the proofs, then the attempt, which lists them: a crash between leaves the list.

        Proofs that could not be taken down for a day are left, and named in the log: a credential or a name
        server that is gone must not keep an old key in the cluster, nor hold up what comes next.
        """
        try:
            self.solving.take_down(attempt, account)
        except Setback as setback:
            if self.clock() - attempt.started_at < TAKE_DOWN_LIFE:
                raise
            names = ", ".join(proof.fqdn for proof in attempt.proofs)
            log.warning(
                "leaving proofs that could not be taken down for a day",
                extra={"object": str(attempt.certificate), "names": names, "why": setback.message},
            )
        self.checkpoint("before:delete-attempt")
        self.attempts.delete(attempt)
        self.checkpoint("after:delete-attempt")
        self.solving.forget(attempt)
        self.memory.drop_attempt(attempt.certificate_uid)

    def explain(self, attempt: Attempt, account: Account, why: Setback, time_is_up: TimeIsUp) -> Setback:
        """Why an order became invalid, in the CA's words about the name concerned (RFC 8555 §7.5.1)."""
        if why.reason != Reason.ORDER_FAILED.word:
            return why
        for proof in attempt.proofs:
            if time_is_up():
                break
            try:
                authorization = account.authority.ask(
                    account.conversation.fetch_authorization(proof.authorization_url)
                )
            except Setback:
                continue
            for challenge in authorization.challenges:
                if challenge.error is not None:
                    name = f"*.{proof.identifier}" if proof.wildcard else proof.identifier
                    return _named(setback_from_problem(challenge.error, identifier=name), name)
        return why


def _proven_by(attempt: Attempt) -> str:
    """The attempt's solvers as the user named them, or by the type of their challenge."""
    return ",".join(dict.fromkeys(solver.name or solver.challenge_type for solver in attempt.solvers))


def _named(setback: Setback, name: str) -> TryLater:
    """A failed validation of one name; the CA counts these, so it is tried again slowly."""
    schedule = setback.schedule if isinstance(setback, TryLater) else Schedule.VALIDATION
    return TryLater(
        setback.reason,
        f"{name}: {setback.message}",
        schedule=schedule,
        identifier=name,
        problem_type=setback.problem_type,
    )
