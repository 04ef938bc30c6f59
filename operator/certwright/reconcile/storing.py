"""From a valid order to the Secret: download, verify, store; and what is done when an attempt is over."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.acme.refusals import ProblemKind, Refused
from certwright.failures import NotYet, Setback, TryLater
from certwright.pki import chain, csr, keys
from certwright.reconcile.chains import chosen_chain
from certwright.reconcile.journal import write_down
from certwright.reconcile.observe import note_order
from certwright.reconcile.refused_orders import order_refused
from certwright.reconcile.renewal_request import handled_value
from certwright.reconcile.target import read_target
from certwright.reconcile.waits import begun
from certwright.resources.attempt import Stage
from certwright.resources.certificate import Certificate, read_certificate
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from certwright.acme.messages import Order
    from certwright.pki.chain import VerifiedChain
    from certwright.reconcile.accounts import Account
    from certwright.reconcile.authorizations import Authorizations
    from certwright.reconcile.cache import Cache
    from certwright.reconcile.memory import Memory
    from certwright.reconcile.observed import Observed
    from certwright.reconcile.ports import Attempts, Checkpoint, Clock, Json, Objects, Secrets, Wake
    from certwright.reconcile.provers import TimeIsUp
    from certwright.reconcile.solving import Solving
    from certwright.resources.attempt import Attempt, Wait
    from certwright.resources.names import ApiNames

log = logging.getLogger(__name__)

#: How long the proofs of an attempt are tried to be taken down before they are left.
TAKE_DOWN_LIFE = timedelta(days=1)
#: An order that is still `ready` after its CSR was taken gets it again after this long, then after twice as long, ...
AGAIN_PAUSE = timedelta(minutes=1)
#: ... and one that was called not ready after this long: it will be in a moment.
NOT_READY_PAUSE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """The second half of an attempt."""

    objects: Objects
    secrets: Secrets
    attempts: Attempts
    cache: Cache
    memory: Memory
    solving: Solving
    authorizations: Authorizations
    names: ApiNames
    clock: Clock
    checkpoint: Checkpoint
    wake: Wake

    def finalize(self, attempt: Attempt, account: Account, order: Order) -> None:
        """Send the CSR made from the attempt's key, which has been in a Secret since before the order."""
        key = keys.read_key(attempt.private_key.reveal())
        if key is None:
            self.close(attempt, account)
            message = f"the key in attempt {attempt.name} was unreadable; the attempt was given up"
            raise TryLater(Reason.INTERNAL_ERROR.word, message)
        request = csr.csr_der(key, attempt.names, attempt.common_name)
        progress = self.memory.progress(attempt.certificate_uid)
        progress.wait = begun(progress.wait, Stage.SIGNING, self.clock(), order)
        self.checkpoint("before:finalize")
        try:
            answer = account.authority.ask(account.conversation.finalize(order.finalize, order.url, request))
        except Refused as refused:
            if refused.kind is ProblemKind.ORDER_NOT_READY and isinstance(refused, NotYet):
                progress.note_finalize(self.clock(), NOT_READY_PAUSE, refused.look_again_in)
            if refused.kind is not ProblemKind.INVALID_PROFILE:
                raise
            self.close(attempt, account)  # an order keeps its profile for ever
            raise order_refused(refused, attempt, account) from refused
        self.checkpoint("after:finalize")
        progress.note_finalize(self.clock(), AGAIN_PAUSE, answer.retry_after)
        note_order(progress, answer, self.clock())

    def note_wait(self, attempt: Attempt, wait: Wait) -> None:
        """Write into the attempt that the CA takes its time, so that another process waits no longer than this one."""
        self.checkpoint("before:note-wait")
        noted = replace(attempt, wait=wait)
        write_down(noted, self.attempts.save, attempts=self.attempts, memory=self.memory)
        self.checkpoint("after:note-wait")

    def store(self, seen: Observed, attempt: Attempt, account: Account, order: Order) -> None:
        """Download the chain, verify it, and write it with its key in one apply."""
        if not order.certificate:
            raise TryLater(Reason.CA_ERROR.word, "the order is valid but names no certificate")
        self.checkpoint("before:download")
        ask, talk = account.authority.ask, account.conversation
        offer = ask(talk.chain_offer(order.certificate))
        self.checkpoint("after:download")
        choice = chosen_chain(
            offer,
            attempt.wish.preferred_chain,
            fetch=lambda url: ask(talk.download(url)),
            verify=lambda pem: self._verified(pem, attempt),
        )
        live = self.check_lives(seen)
        self._write(replace(seen, certificate=live), attempt, choice.chain)
        self.memory.put_remark(attempt.certificate_uid, choice.remark)

    def _verified(self, pem: str, attempt: Attempt) -> VerifiedChain:
        return chain.verify_answer(
            pem,
            public_key_sha256=attempt.public_key_sha256,
            dns_names=attempt.names,
            now=self.clock(),
        )

    def check_lives(self, seen: Observed) -> Certificate:
        """The Certificate as it is now.

        A Secret must not come back for a deleted one, nor get what is not asked any more.
        """
        ref, meta = seen.certificate.ref, seen.certificate.meta
        found = self.objects.read(ref)
        live = read_certificate(found, self.names) if found else None
        if live is None or live.meta.uid != meta.uid:
            self.cache.drop_certificate(ref)
            raise NotYet(Reason.CHANGED_MEANWHILE.word, f"{ref} was deleted")
        self.cache.put_certificate(live)
        if not isinstance(live, Certificate) or live.meta.generation != meta.generation:
            raise NotYet(Reason.CHANGED_MEANWHILE.word, f"{ref} changed")
        return live

    def _write(self, seen: Observed, attempt: Attempt, verified: VerifiedChain) -> None:
        where = (seen.certificate.ref.namespace, seen.certificate.spec.secret_name)
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
                annotations=self._stamps(seen, attempt, verified),
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
        self.cache.put_target(where, read_target(written, self.names))

    def _stamps(self, seen: Observed, attempt: Attempt, verified: VerifiedChain) -> dict[str, str]:
        """Our annotations beside a new certificate."""
        meta, issuer, names = seen.certificate.meta, seen.certificate.spec.issuer_ref, self.names
        stamps = {
            names.certificate_name: meta.name,
            names.certificate_uid: meta.uid,
            names.issuer_name: issuer.name,
            names.issuer_kind: issuer.kind,
            names.directory: attempt.directory_url,
            names.serial_number: verified.leaf.serial_number,
            names.alt_names: ",".join(attempt.names),
            names.attempt_id: attempt.uid,
            names.proven_by: _proven_by(attempt),
        }
        # Without a wish there is no note, as beside certificates of versions that knew of none.
        notes = {
            names.wish_hash: attempt.wish.hash,
            # Whoever asked while the order was under way has a certificate that is newer than the question.
            names.last_handled_renew: seen.certificate.renew or handled_value(seen),
        }
        return stamps | {name: text for name, text in notes.items() if text}

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

    def close(
        self, attempt: Attempt, account: Account | None = None, give_up: TimeIsUp | None = None
    ) -> None:
        """Take down the proofs, then the attempt, which lists them: a crash between leaves the list.

        Whoever waits for these names goes on at once. Proofs that could not be taken down for a day are left, and
        named in the log: a credential or a name server that is gone must not keep an old key in the cluster, nor
        hold up what comes next.

        Args:
            give_up: where the order led to nothing; what came of its proofs is counted, and what it leaves unproven
                is deactivated, until this says stop.
        """
        if give_up is not None:
            self.authorizations.settle(attempt, account, give_up)
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
        if give_up is not None and account is not None and account.url == attempt.account_url:
            self.authorizations.deactivate(attempt, account, give_up)
        self.checkpoint("before:delete-attempt")
        self.attempts.delete(attempt)
        self.checkpoint("after:delete-attempt")
        self.solving.forget(attempt)
        self.memory.drop_attempt(attempt.certificate_uid)
        self.authorizations.validations.release(attempt.certificate_uid)
        for rival in self.memory.yielded_to(attempt.names_hash):
            self.wake(rival)


def _proven_by(attempt: Attempt) -> str:
    """The attempt's solvers as the user named them, or by the type of their challenge."""
    return ",".join(dict.fromkeys(solver.name or solver.challenge_type for solver in attempt.solvers))
