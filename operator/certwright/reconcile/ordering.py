"""Placing an order: the only place where a CA's quota begins to be spent, so it looks twice first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from certwright.acme.messages import AuthorizationStatus, ChallengeStatus, OrderStatus
from certwright.acme.refusals import ProblemKind, Refused
from certwright.failures import NeedsPerson, NotYet
from certwright.pki import keys
from certwright.reconcile import actions as do
from certwright.reconcile.credentials import secret_bytes
from certwright.reconcile.decide import decide
from certwright.reconcile.journal import write_down
from certwright.reconcile.observe import note_order, owner_lives
from certwright.reconcile.orders import foreign_names
from certwright.reconcile.problems import key_difference
from certwright.reconcile.refused_orders import order_refused
from certwright.reconcile.target import read_target
from certwright.resources.attempt import Attempt, Proof
from certwright.resources.certificate import Certificate, RotationPolicy, read_certificate
from certwright.resources.conditions import Reason
from certwright.resources.wish import Wish
from certwright.solver.proofs import dns01_value

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.acme.messages import Authorization, Order
    from certwright.reconcile.accounts import Account
    from certwright.reconcile.cache import Cache
    from certwright.reconcile.memory import Memory
    from certwright.reconcile.observed import Observed
    from certwright.reconcile.ports import Attempts, Checkpoint, Clock, Objects, Secrets
    from certwright.reconcile.problems import Problem
    from certwright.reconcile.provers import TimeIsUp
    from certwright.reconcile.solving import Plan, Solving
    from certwright.resources.names import ApiNames
    from certwright.resources.solver_spec import SolverSpec

#: How long the later of two Certificates with equal names waits before it looks again, if nobody wakes it.
RIVAL_PAUSE = timedelta(minutes=1)
#: How long it is until a CA that answered with an order of another key is asked again.
TAKEN_PAUSE = timedelta(hours=1)
#: Refusals of an order that have nothing to do with its predecessor: asking again without would be one request more.
#: `unauthorized` is not among them: it is also said of a predecessor that another account ordered (RFC 9773 §5).
UNLINKED = frozenset(
    {
        ProblemKind.ACCOUNT_DOES_NOT_EXIST,
        ProblemKind.INVALID_PROFILE,
        ProblemKind.RATE_LIMITED,
        ProblemKind.REJECTED_IDENTIFIER,
        ProblemKind.SERVER_INTERNAL,
        ProblemKind.USER_ACTION_REQUIRED,
    }
)
#: A CA that fails itself (`serverInternal`) is asked so often for an order with a predecessor; then without.
LINKED_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordering:
    """Makes the attempt, then the order, then writes down what must be proven."""

    objects: Objects
    secrets: Secrets
    attempts: Attempts
    cache: Cache
    memory: Memory
    solving: Solving
    names: ApiNames
    clock: Clock
    checkpoint: Checkpoint

    def place(self, seen: Observed, account: Account, time_is_up: TimeIsUp) -> bool:
        """Place the order, unless the live objects say otherwise; returns whether it was placed.

        Raises:
            NotYet: the Certificate changed, another one orders the same names, or a credential is missing.
        """
        live, key_pem = self._look_again(seen)
        action = decide(live, self.clock())
        if not isinstance(action, do.PlaceOrder):
            return False
        plan = self.solving.plan(account, live.certificate)
        attempt = live.attempt or self._begin(live, account, action.problem, key_pem)
        self._yield_to_rivals(attempt)
        order = self._placed(account, attempt, live.certificate)
        self._check(attempt, order)
        noted = self._note(
            plan=plan,
            account=account,
            certificate=live.certificate,
            attempt=attempt,
            order=order,
            time_is_up=time_is_up,
        )
        progress = self.memory.progress(noted.certificate_uid)
        progress.placed = None
        progress.authorizations.clear()
        note_order(progress, order, self.clock())
        progress.fresh = True
        return True

    def _check(self, attempt: Attempt, order: Order) -> None:
        """See that an order is for what was asked, and that its certificate is still to be made."""
        if why := foreign_names(order, attempt.names):
            self.memory.progress(attempt.certificate_uid).placed = None
            raise why
        if order.status in (OrderStatus.PROCESSING, OrderStatus.VALID):
            self._take_back(attempt)
            raise self.taken(attempt)

    def taken(self, attempt: Attempt) -> NotYet:
        """The CA's order has been completed with another key, such as one that was lost: no failure, but a pause."""
        live = self.cache.certificate(attempt.certificate)
        if isinstance(live, Certificate):
            self.memory.hold(live.meta.uid, live.meta.generation, self.clock() + TAKEN_PAUSE)
        message = (
            "the CA answered with an order that was completed already, with another key; "
            "a new one is asked for later"
        )
        return NotYet(Reason.ORDER_TAKEN.word, message, look_again_in=TAKEN_PAUSE)

    def is_as_seen(self, seen: Observed) -> bool:
        """Whether Certificate and Secret, looked at live, say what the cached ones said."""
        live, _ = self._look_again(seen)
        same = live.certificate.meta.resource_version == seen.certificate.meta.resource_version
        return same and live.target == seen.target

    def _placed(self, account: Account, attempt: Attempt, certificate: Certificate) -> Order:
        """The order; one that this process placed, and could not note within its turn, is not placed again."""
        progress = self.memory.progress(attempt.certificate_uid)
        if progress.placed is None:
            self.checkpoint("before:new-order")
            progress.placed = self._new_order(account, attempt, certificate)
            self.checkpoint("after:new-order")
        return progress.placed

    def _look_again(self, seen: Observed) -> tuple[Observed, bytes | None]:
        """The same situation with Certificate and target Secret read live, and the present key's PEM."""
        ref, uid = seen.certificate.ref, seen.certificate.meta.uid
        found = self.objects.read(ref)
        live = read_certificate(found, self.names) if found else None
        if live is None or live.meta.uid != uid:
            self.cache.drop_certificate(ref)
            raise _changed(f"{ref} was deleted")
        self.cache.put_certificate(live)
        if not isinstance(live, Certificate):
            raise _changed(f"{ref} changed")
        where = (ref.namespace, live.spec.secret_name)
        secret = self.secrets.read(*where)
        if secret is None:
            self.cache.drop_target(where)
            return replace(seen, certificate=live, target=None, owner_lives=False), None
        target = read_target(secret, self.names)
        self.cache.put_target(where, target)
        lives = owner_lives(self.cache, live, target)
        again = replace(seen, certificate=live, target=target, owner_lives=lives)
        return again, secret_bytes(secret, "tls.key")

    def _begin(self, seen: Observed, account: Account, problem: Problem, key_pem: bytes | None) -> Attempt:
        """POST the attempt with the next key in it: the fence."""
        attempt = self._new_attempt(seen, account, problem, key_pem)
        self.checkpoint("before:create-attempt")
        created = write_down(attempt, self.attempts.create, attempts=self.attempts, memory=self.memory)
        self.checkpoint("after:create-attempt")
        return created

    def _new_attempt(
        self, seen: Observed, account: Account, problem: Problem, key_pem: bytes | None
    ) -> Attempt:
        certificate, spec = seen.certificate, seen.certificate.spec
        key = _kept_key(seen, key_pem) or keys.generate_key(
            spec.private_key.algorithm.value if spec.private_key.algorithm else "ECDSA",
            spec.private_key.size,
        )
        encoding = spec.private_key.encoding.value if spec.private_key.encoding else "PKCS8"
        failure = certificate.status.failure
        return Attempt(
            certificate=certificate.ref,
            certificate_uid=certificate.meta.uid,
            issuer=spec.issuer_ref,
            directory_url=account.spec.server,
            account_url=account.url,
            names=tuple(sorted(spec.dns_names)),
            common_name=spec.common_name,
            key_spec=spec.private_key,
            private_key=keys.encode_key(key, encoding),
            public_key_sha256=keys.public_key_sha256(key),
            reason=problem.reason.word,
            number=(failure.count if failure else 0) + 1,
            started_at=self.clock().replace(microsecond=0),
            wish=seen.wish or Wish(),
            replaces=_replaces(seen, account),
        )

    def _yield_to_rivals(self, attempt: Attempt) -> None:
        """Take the attempt back if another Certificate was first to ask these names of this account.

        Boulder hands both the same order, and only one key can be in its certificate.
        """
        earlier = [other for other in self.attempts.rivals(attempt) if other.rank < attempt.rank]
        if not earlier or attempt.order_url:
            return
        self._take_back(attempt)
        self.memory.note_yielded(attempt.names_hash, attempt.certificate)
        first = min(earlier, key=lambda other: other.rank)
        message = f"{first.certificate} is ordering the same names from the same account; this goes on when it is done"
        raise NotYet(Reason.SAME_NAMES.word, message, look_again_in=RIVAL_PAUSE)

    def _take_back(self, attempt: Attempt) -> None:
        """Delete an attempt that has nothing to take down."""
        self.checkpoint("before:delete-attempt")
        self.attempts.delete(attempt)
        self.checkpoint("after:delete-attempt")
        self.memory.drop_attempt(attempt.certificate_uid)

    def _new_order(self, account: Account, attempt: Attempt, certificate: Certificate) -> Order:
        """Ask for the order, and say so better than the CA where it does not like the profile or the end."""
        not_after = self._not_after(account, certificate)
        try:
            return self._linked_order(account, attempt, certificate, not_after)
        except Refused as refused:
            raise order_refused(refused, attempt, account, asked_for_end=not_after is not None) from refused

    def _linked_order(
        self, account: Account, attempt: Attempt, certificate: Certificate, not_after: datetime | None
    ) -> Order:
        """Ask for it; a CA that will not link it to its predecessor is asked without (RFC 9773 §5).

        A second order names the predecessor again only where the first became invalid.
        """
        uid = attempt.certificate_uid
        unlinked = self.memory.is_replaced(uid, attempt.replaces) or _fails_at_it(certificate)
        replaces = "" if unlinked else attempt.replaces
        if not replaces:
            return self._ask(account, attempt, None, not_after)
        try:
            order = self._ask(account, attempt, replaces, not_after)
        except Refused as refused:
            if refused.kind in UNLINKED:
                raise
            self.checkpoint("before:new-order")
            return self._ask(account, attempt, None, not_after)
        self.memory.note_replaced(uid, replaces)
        return order

    def _ask(
        self, account: Account, attempt: Attempt, replaces: str | None, not_after: datetime | None
    ) -> Order:
        talk, profile = account.conversation, attempt.wish.profile
        flow = talk.new_order(attempt.names, replaces, profile=profile, not_after=not_after)
        return account.authority.ask(flow)

    def _not_after(self, account: Account, certificate: Certificate) -> datetime | None:
        """When the certificate shall end, for CAs that take such a wish (RFC 8555 §7.4)."""
        duration = certificate.spec.duration
        wanted = account.spec.enable_duration_feature and duration is not None
        return self.clock() + duration if wanted and duration else None

    def _note(
        self,
        *,
        plan: Plan,
        account: Account,
        certificate: Certificate,
        attempt: Attempt,
        order: Order,
        time_is_up: TimeIsUp,
    ) -> Attempt:
        """Write order URL and proofs into the attempt before anything is published."""
        proofs: list[Proof] = []
        solvers: list[SolverSpec] = []
        for authorization in self._authorizations(account, attempt, order, time_is_up):
            if authorization.status is AuthorizationStatus.VALID:
                continue
            try:
                solver, fqdn = self._planned(plan, account, certificate, authorization)
            except NeedsPerson:
                # Who proves names at the CA itself does it meanwhile: the next try asks again.
                self.memory.progress(attempt.certificate_uid).authorizations.clear()
                raise
            if solver not in solvers:
                solvers.append(solver)
            position, kind = solvers.index(solver), solver.challenge_type
            proofs.append(_proof(account, authorization, position, kind, fqdn))
        noted = attempt.with_order(order.url, tuple(proofs), tuple(solvers))
        self.checkpoint("before:note-order")
        saved = write_down(noted, self.attempts.save, attempts=self.attempts, memory=self.memory)
        self.checkpoint("after:note-order")
        return saved

    def _authorizations(
        self, account: Account, attempt: Attempt, order: Order, time_is_up: TimeIsUp
    ) -> list[Authorization]:
        """All of an order's, in as many turns as a slow CA takes.

        Raises:
            NotYet: the turn's time is used up; what was read is remembered.
        """
        progress = self.memory.progress(attempt.certificate_uid)
        known = progress.authorizations
        for url in order.authorizations:
            if url in known:
                continue
            if time_is_up():
                message = f"{len(known)} of {len(order.authorizations)} authorizations were read"
                raise NotYet(Reason.PROGRESSING.word, message, look_again_in=timedelta(0))
            try:
                known[url] = account.authority.ask(account.conversation.fetch_authorization(url))
            except Refused as refused:
                if refused.status is not None and refused.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    progress.placed = None  # the CA does not know it any more; the next try begins anew
                    known.clear()
                raise
        return [known[url] for url in order.authorizations]

    def _planned(
        self, plan: Plan, account: Account, certificate: Certificate, authorization: Authorization
    ) -> tuple[SolverSpec, str]:
        """How the name of an authorization is proven: as planned, unless the CA does not offer that."""
        name = authorization.identifier.value
        asked = f"*.{name}" if authorization.wildcard else name
        offered = {
            each.type
            for each in authorization.challenges
            if each.status is not ChallengeStatus.INVALID and each.token
        }
        planned = plan.get(asked)
        if planned is None:
            message = f"{account.issuer} has no solver for {asked}, and the CA wants it proven; add one"
            raise NeedsPerson(Reason.NO_MATCHING_SOLVER.word, message, identifier=asked)
        if planned[0].challenge_type in offered:
            return planned
        other = self.solving.plan_offered(account, certificate, asked, offered)
        if other is None:
            kinds = ", ".join(sorted(offered)) or "nothing"
            message = (
                f"the CA does not offer {planned[0].challenge_type} for {asked}, which is how the issuer's "
                f"solver proves it; it offers {kinds}"
            )
            raise NeedsPerson(Reason.NO_MATCHING_SOLVER.word, message, identifier=asked)
        return other


def _proof(account: Account, authorization: Authorization, solver: int, kind: str, fqdn: str) -> Proof:
    """What must be shown for one authorization by a challenge of type `kind` (RFC 8555 §8.3, §8.4)."""
    challenge = next(each for each in authorization.challenges if each.type == kind)
    key_authorization = account.key.key_authorization(challenge.token)
    is_dns = kind == "dns-01"
    return Proof(
        identifier=authorization.identifier.value,
        wildcard=authorization.wildcard,
        authorization_url=authorization.url,
        challenge_url=challenge.url,
        solver=solver,
        type=kind,
        value=dns01_value(key_authorization) if is_dns else key_authorization,
        fqdn=fqdn,
        token="" if is_dns else challenge.token,
    )


def _kept_key(seen: Observed, key_pem: bytes | None) -> keys.PrivateKey | None:
    """The present key, where the spec says that it stays and it still is what the spec asks."""
    spec = seen.certificate.spec.private_key
    if spec.rotation_policy is not RotationPolicy.NEVER or not key_pem or not seen.target:
        return None
    return None if key_difference(spec, seen.target) else keys.read_key(key_pem)


def _replaces(seen: Observed, account: Account) -> str:
    """The certificate that this order renews, for a CA that keeps track (RFC 9773 §5)."""
    target = seen.target
    if account.directory.renewal_info is None or target is None or target.leaf is None:
        return ""
    same_source = target.directory == account.spec.server
    # A CA refuses a predecessor that has no name in common with the order (RFC 9773 §5).
    shared = target.leaf.dns_names & frozenset(seen.certificate.spec.dns_names)
    return (target.leaf.renewal_id or "") if same_source and shared else ""


def _fails_at_it(certificate: Certificate) -> bool:
    """Whether the CA has failed so often that its own fault may be the predecessor, as one that it cannot find."""
    failure = certificate.status.failure
    if failure is None or failure.count < LINKED_TRIES:
        return False
    return ProblemKind(failure.type) is ProblemKind.SERVER_INTERNAL


def _changed(message: str) -> NotYet:
    return NotYet(Reason.CHANGED_MEANWHILE.word, message, look_again_in=timedelta(0))
