"""The operator's mind: what is the single next step for this Certificate?

Everything it may look at is an argument. No clock, no dice, no network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.acme.messages import OrderStatus
from certwright.failures import NeedsPerson, NotYet, TryLater
from certwright.reconcile import actions as do
from certwright.reconcile.losses import is_lost, ordered_again_at, vanishing_message
from certwright.reconcile.observed import ReadyIssuer
from certwright.reconcile.orders import foreign_names, order_failed, ran_out
from certwright.reconcile.ownership import is_ours
from certwright.reconcile.problems import (
    NEEDS_ORDER,
    first_problem,
    held_until,
    renews_at_of,
    secret_conflict,
)
from certwright.reconcile.profiles import unknown_profile
from certwright.reconcile.stamps import PEACE, differs, is_contested, paused_until, wanted_stamps
from certwright.reconcile.waits import too_slow
from certwright.resources.attempt import Stage
from certwright.resources.conditions import Reason
from certwright.solver.choice import is_replaced, unsolvable_names, why_unsolvable

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.acme.messages import Order
    from certwright.reconcile.observed import Observed, OrderProgress, UnreadyIssuer
    from certwright.reconcile.problems import Problem
    from certwright.resources.attempt import Attempt


def decide(seen: Observed, now: datetime) -> do.Action:
    """Choose the single next step for one Certificate."""
    if seen.attempt:
        return _go_on(seen, seen.attempt, now)
    if seen.certificate.spec.suspend:
        return do.Rest(None)
    if problem := first_problem(NEEDS_ORDER, seen, now):
        return _begin(seen, problem, now)
    return _keep(seen, now)


def _begin(seen: Observed, problem: Problem, now: datetime) -> do.Action:
    """A certificate is needed: is there anything against ordering it now?"""
    spec = seen.certificate.spec
    if problem.reason is Reason.SECRET_CONFLICT:
        return do.Halt(NeedsPerson(problem.reason.word, problem.message))
    if not isinstance(seen.issuer, ReadyIssuer):
        return _wait_for_issuer(seen.issuer)
    if names := unsolvable_names(seen.issuer.spec.solvers, spec.dns_names, seen.certificate.meta.labels):
        why = why_unsolvable(seen.issuer.spec.solvers, names[0], seen.certificate.meta.labels)
        others = f" (nor {', '.join(names[1:])})" if names[1:] else ""
        message = f"no solver of {seen.issuer.ref} may prove {names[0]}{others}: {why}"
        return do.Halt(NeedsPerson(Reason.NO_MATCHING_SOLVER.word, message, identifier=names[0]))
    if unknown := _unknown_profile(seen):
        return do.Halt(unknown)
    if (until := held_until(seen)) and now < until:
        return do.Rest(until)
    return _order_now(seen, problem, now)


def _unknown_profile(seen: Observed) -> NeedsPerson | None:
    """A client should not ask for a profile that is not advertised (draft-ietf-acme-profiles)."""
    profile, issuer = seen.wish.profile if seen.wish else "", seen.issuer
    if not profile or not isinstance(issuer, ReadyIssuer) or profile in issuer.profiles:
        return None
    return unknown_profile(profile, issuer.profiles)


def _wait_for_issuer(issuer: UnreadyIssuer) -> do.Action:
    """Issuers become ready by themselves or are created; only one that we may not read stays as it is."""
    kind = NeedsPerson if issuer.reason == Reason.CLUSTER_ISSUERS_OFF.word else NotYet
    return do.Halt(kind(issuer.reason, issuer.message))


def _order_now(seen: Observed, problem: Problem, now: datetime) -> do.Action:
    """Nothing in the world is against it: is what went before accounted for?"""
    same_question = seen.certificate.status.observed_generation == seen.certificate.meta.generation
    if seen.attempt_lost and same_question:
        return do.NoteFailure(_attempt_lost(seen))
    if is_lost(seen, now):
        return do.NoteLoss()
    if until := ordered_again_at(seen, problem, now):
        message = vanishing_message(seen, until, now)
        return do.Halt(NotYet(Reason.SECRET_VANISHING.word, message, look_again_in=until - now))
    return do.PlaceOrder(problem)


def _attempt_lost(seen: Observed) -> TryLater:
    """Only its own key fits what the CA signed for it: nothing can be stored of that order."""
    known = seen.certificate.status.attempt
    number = f" {known.number}" if known else ""
    return TryLater(
        Reason.ATTEMPT_LOST.word,
        f"the Secret with the notes and the key of attempt{number} was deleted from the operator's namespace before "
        "a certificate was stored; a new order is placed with a new key",
    )


def _go_on(seen: Observed, attempt: Attempt, now: datetime) -> do.Action:
    """An attempt is under way: what does it need next?"""
    if _is_stored(seen, attempt):
        return do.CloseAttempt()
    if seen.certificate.spec.suspend or _is_outdated(seen, attempt) or secret_conflict(seen, now):
        return do.DropOrder(None)
    if not isinstance(seen.issuer, ReadyIssuer):
        return _wait_for_issuer(seen.issuer)
    if (until := held_until(seen)) and now < until:
        return do.Rest(until)
    return _next_step(seen, attempt, now)


def _next_step(seen: Observed, attempt: Attempt, now: datetime) -> do.Action:
    """Nothing stands in the way: place the order, or go on where it is."""
    if not attempt.order_url:
        problem = None if _unknown_profile(seen) else first_problem(NEEDS_ORDER, seen, now)
        return do.PlaceOrder(problem) if problem else do.DropOrder(None)
    if seen.progress is None or seen.progress.order is None:
        if seen.progress and seen.progress.wait:
            return do.AwaitCA()
        return do.Rest(seen.progress.look_at if seen.progress else None)
    step = _next_for(seen.progress, seen.progress.order, attempt, now)
    if isinstance(step, do.SolveChallenges) and _is_mended(seen, attempt):
        return do.DropOrder(None)
    return step


def _is_mended(seen: Observed, attempt: Attempt) -> bool:
    """Whether the issuer proves names in another way now than when the order was placed."""
    issuer = seen.issuer
    return isinstance(issuer, ReadyIssuer) and any(
        is_replaced(solver, issuer.spec.solvers) for solver in attempt.solvers
    )


def _next_for(  # noqa: PLR0911  one row for each state
    progress: OrderProgress, order: Order, attempt: Attempt, now: datetime
) -> do.Action:
    """One row per state of an order (RFC 8555 §7.1.6)."""
    if why := foreign_names(order, attempt.names):
        return do.DropOrder(why)
    match order.status:
        case OrderStatus.PENDING:
            return _await(progress, now) if progress.answered else do.SolveChallenges()
        case OrderStatus.READY:
            return _finalize(progress, now)
        case OrderStatus.PROCESSING:
            return _await(progress, now)
        case OrderStatus.VALID:
            return do.StoreCertificate()
        case OrderStatus.INVALID:
            return do.DropOrder(None if ran_out(order, attempt, now) else order_failed(order))
        case OrderStatus.UNKNOWN:
            message = "the CA reports the order in a state that is not known; a new order is placed"
            return do.DropOrder(TryLater(Reason.CA_ERROR.word, message))


def _finalize(progress: OrderProgress, now: datetime) -> do.Action:
    """An order may stay `ready` for long after its CSR was taken: it is sent again, ever less often."""
    if progress.finalize_at is None:
        return do.FinalizeOrder()
    step = _await(progress, now)
    return do.FinalizeOrder() if isinstance(step, do.AwaitCA) and now >= progress.finalize_at else step


def _await(progress: OrderProgress, now: datetime) -> do.Action:
    """The CA is at work, but is not waited for without end."""
    wait = progress.wait
    if wait is None or now < wait.until:
        return do.AwaitCA()
    return do.ReviewAuthorizations() if wait.stage is Stage.VALIDATION else do.DropOrder(too_slow(wait))


def _is_stored(seen: Observed, attempt: Attempt) -> bool:
    """Whether the Secret holds what this attempt was for: a certificate of the attempt's own key and names."""
    if attempt.order_url == "" or not seen.target or not seen.target.leaf or not seen.target.key:
        return False
    leaf, key = seen.target.leaf, seen.target.key
    fits = leaf.public_key_sha256 == key.public_key_sha256 == attempt.public_key_sha256
    # With rotationPolicy Never the old certificate has the same key: only one made since the attempt began counts.
    return fits and leaf.dns_names == frozenset(attempt.names) and seen.target.attempt_id == attempt.uid


def _is_outdated(seen: Observed, attempt: Attempt) -> bool:
    """Whether the spec or the account moved on while we were ordering."""
    spec = seen.certificate.spec
    if attempt.certificate_uid != seen.certificate.meta.uid:
        return True
    if attempt.names != tuple(sorted(spec.dns_names)) or attempt.common_name != spec.common_name:
        return True
    if seen.wish is not None and attempt.wish != seen.wish:
        return True
    if attempt.issuer != spec.issuer_ref or attempt.key_spec != spec.private_key:
        return True
    issuer = seen.issuer
    return isinstance(issuer, ReadyIssuer) and attempt.account_url != issuer.account_url


def _keep(seen: Observed, now: datetime) -> do.Action:
    """The certificate is as asked: does the Secret say that it is ours?"""
    if seen.target is None:
        return _rest(seen, now)
    ours = is_ours(seen, seen.target)
    if not ours and not isinstance(seen.issuer, ReadyIssuer):
        return do.Rest(renews_at_of(seen))  # whether it is from the issuer's CA is not known yet
    stamps = wanted_stamps(seen)
    if not differs(seen, stamps):
        return _rest(seen, now)
    if until := paused_until(seen, now):
        return do.Rest(until)
    return do.Restamp(stamps) if ours else do.Adopt(stamps)


def _rest(seen: Observed, now: datetime) -> do.Action:
    """All is well: until when?"""
    until = renews_at_of(seen)
    if seen.restamped and is_contested(seen, now):
        # The status says so until it is over.
        over = seen.restamped.last_at + PEACE
        until = min(until, over) if until else over
    issuer = seen.issuer
    if not (isinstance(issuer, ReadyIssuer) and issuer.offers_renewal_info and seen.advice):
        return do.Rest(until)
    if seen.target is None or seen.target.directory != issuer.directory_url:
        return do.Rest(until)  # the CA knows nothing of a certificate that is not its own
    if now >= seen.advice.ask_again_at:
        return do.AskRenewalInfo()
    ask_at = seen.advice.ask_again_at
    return do.Rest(min(until, ask_at) if until else ask_at)
