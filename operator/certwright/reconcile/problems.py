"""Facts that speak against the certificate in the Secret, in order; two questions share the checks.

`NEEDS_ORDER` decides whether a new certificate is made, `NOT_READY` whether the Certificate is Ready. They differ
in one point: a renewal that is due, or asked for, does not make anything unhealthy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from certwright.reconcile.observed import Observed
from certwright.reconcile.origin import wrong_origin
from certwright.reconcile.ownership import foreign_owner
from certwright.reconcile.renewal import renewal_time
from certwright.reconcile.renewal_request import is_pending
from certwright.resources.certificate import Algorithm
from certwright.resources.conditions import Reason
from certwright.resources.names import FIELD_MANAGER
from certwright.resources.wish import Wish

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.reconcile.target import Target
    from certwright.resources.certificate import PrivateKeySpec


@dataclass(frozen=True, slots=True)
class Problem:
    """One fact that speaks against what is stored."""

    reason: Reason
    message: str


Check: TypeAlias = Callable[[Observed, "datetime"], Problem | None]


def does_not_exist(seen: Observed, _now: datetime) -> Problem | None:
    """The Secret is not there."""
    if seen.target is None:
        return Problem(Reason.DOES_NOT_EXIST, f"Secret {_secret(seen)} does not exist")
    return None


def secret_conflict(seen: Observed, _now: datetime) -> Problem | None:
    """The Secret is somebody else's: it is neither used nor written."""
    if owner := foreign_owner(seen):
        state = "does not exist and is not made" if seen.target is None else "exists and is not overwritten"
        return Problem(Reason.SECRET_CONFLICT, f"Secret {_secret(seen)} {state}: {owner}")
    return None


def missing_data(seen: Observed, _now: datetime) -> Problem | None:
    """The Secret is there, but without a certificate or key."""
    target = seen.target
    if target and not (target.has_certificate and target.has_key):
        missing = "tls.key" if target.has_certificate else "tls.crt"
        writer = _writer(target.key_manager if target.has_certificate else target.crt_manager)
        return Problem(Reason.MISSING_DATA, f"Secret {_secret(seen)} has no {missing}{writer}")
    return None


def invalid_certificate(seen: Observed, _now: datetime) -> Problem | None:
    """What stands in tls.crt cannot be read."""
    if seen.target and seen.target.leaf is None:
        what = f"tls.crt in Secret {_secret(seen)} is not a readable certificate"
        return Problem(Reason.INVALID_CERTIFICATE, f"{what}{_writer(seen.target.crt_manager)}")
    return None


def invalid_key_pair(seen: Observed, _now: datetime) -> Problem | None:
    """The key is unreadable or is not the certificate's."""
    target = seen.target
    if not target or not target.leaf:
        return None
    if target.key is None:
        what = f"tls.key in Secret {_secret(seen)} is not a readable private key"
        return Problem(Reason.INVALID_KEY_PAIR, f"{what}{_writer(target.key_manager)}")
    if target.key.public_key_sha256 != target.leaf.public_key_sha256:
        what = f"tls.key in Secret {_secret(seen)} does not belong to its tls.crt"
        return Problem(Reason.INVALID_KEY_PAIR, f"{what}{_writer(target.key_manager, target.crt_manager)}")
    return None


def secret_mismatch(seen: Observed, _now: datetime) -> Problem | None:
    """The key is of another kind than the spec asks; what the spec leaves open is never a mismatch."""
    if seen.target is None or seen.target.key is None:
        return None
    difference = key_difference(seen.certificate.spec.private_key, seen.target)
    return Problem(Reason.SECRET_MISMATCH, difference) if difference else None


def request_changed(seen: Observed, _now: datetime) -> Problem | None:
    """The certificate is not for exactly the names that are asked."""
    if not seen.target or not seen.target.leaf:
        return None
    asked, have = frozenset(seen.certificate.spec.dns_names), seen.target.leaf.dns_names
    parts = []
    if missing := sorted(asked - have):
        parts.append(f"does not cover {', '.join(missing)}")
    if extra := sorted(have - asked):
        parts.append(f"covers {', '.join(extra)}, which the spec does not ask")
    if not parts:
        return None
    writer = _writer(seen.target.crt_manager)
    return Problem(Reason.REQUEST_CHANGED, f"the certificate {' and '.join(parts)}{writer}")


def wish_changed(seen: Observed, _now: datetime) -> Problem | None:
    """Profile or chain are known to have been asked for in another way; what nobody knows is no difference."""
    wish = seen.wish
    if wish is None or not wish.differs_from(seen.asked_wish):
        return None
    before = "another profile or preferred chain" if seen.asked_wish else str(Wish())
    return Problem(
        Reason.REQUEST_CHANGED, f"the certificate was asked with {before}, and {wish} is wanted now"
    )


def incorrect_issuer(seen: Observed, _now: datetime) -> Problem | None:
    """The certificate came from elsewhere than the spec says now."""
    if seen.target is None or not (why := wrong_origin(seen)):
        return None
    writer = "" if seen.target.vouched else _writer(seen.target.crt_manager)
    return Problem(Reason.INCORRECT_ISSUER, f"{why}{writer}")


def expired(seen: Observed, now: datetime) -> Problem | None:
    """Its time is over."""
    if seen.target and seen.target.leaf and now >= seen.target.leaf.not_after:
        return Problem(Reason.EXPIRED, f"the certificate expired at {moment(seen.target.leaf.not_after)}")
    return None


def renewal_due(seen: Observed, now: datetime) -> Problem | None:
    """The moment of `reconcile.renewal` has come."""
    renews_at = renews_at_of(seen)
    if renews_at is None or now < renews_at:
        return None
    url = seen.window.explanation_url if seen.window else ""
    why = f", and the CA says why at {url}" if url else ""
    return Problem(
        Reason.RENEWING, f"the certificate has been due for renewal since {moment(renews_at)}{why}"
    )


def renewal_requested(seen: Observed, _now: datetime) -> Problem | None:
    """Somebody asks for a renewal by annotation."""
    if not is_pending(seen):
        return None
    value = seen.certificate.renew
    message = f"renewal was asked for by annotation {seen.names.renew} (value {value})"
    return Problem(Reason.RENEWAL_REQUESTED, message)


#: Any of these makes us order a new certificate.
NEEDS_ORDER: tuple[Check, ...] = (
    secret_conflict,
    does_not_exist,
    missing_data,
    invalid_certificate,
    invalid_key_pair,
    secret_mismatch,
    request_changed,
    incorrect_issuer,
    wish_changed,
    expired,
    renewal_due,
    renewal_requested,
)
#: They make nothing unhealthy: the certificate that is there still works.
RENEWALS: tuple[Check, ...] = (renewal_due, renewal_requested)
#: Any of these makes the Certificate not Ready.
NOT_READY: tuple[Check, ...] = tuple(check for check in NEEDS_ORDER if check not in RENEWALS)


def first_problem(checks: tuple[Check, ...], seen: Observed, now: datetime) -> Problem | None:
    """The first of `checks` that speaks against what is stored."""
    return next((problem for check in checks if (problem := check(seen, now))), None)


def renews_at_of(seen: Observed) -> datetime | None:
    """When the stored certificate is due, None if there is none."""
    if not seen.target or not seen.target.leaf:
        return None
    return renewal_time(seen.certificate.spec, seen.target.leaf, seen.window, seen.certificate.meta.uid)


def key_difference(wanted: PrivateKeySpec, target: Target) -> str:
    """How the stored key differs from what the spec asks, or ""."""
    key = target.key
    if key is None:
        return "the key is unreadable"
    if wanted.algorithm is not None and wanted.algorithm.value != key.algorithm:
        return f"the private key is {key.algorithm}, the spec asks {wanted.algorithm.value}"
    if wanted.size is not None and wanted.algorithm is not Algorithm.ED25519 and wanted.size != key.size:
        return f"the private key has size {key.size}, the spec asks {wanted.size}"
    if (
        wanted.encoding is not None
        and wanted.algorithm is not Algorithm.ED25519
        and wanted.encoding.value != key.encoding
    ):
        return f"the private key is encoded as {key.encoding}, the spec asks {wanted.encoding.value}"
    return ""


def held_until(seen: Observed) -> datetime | None:
    """Until when a failure holds the next attempt; a changed spec, issuer or credential is a new question."""
    status = seen.certificate.status
    if seen.hold_lifted:
        return None
    same_question = status.observed_generation == seen.certificate.meta.generation
    told = status.next_attempt_time if same_question else None
    return max((each for each in (told, seen.hold) if each), default=None)


def moment(when: datetime) -> str:
    """A moment as people and machines read it (RFC 3339, seconds)."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _writer(*managers: str) -> str:
    """Who wrote what is wrong, where the API server's bookkeeping tells that it was not us."""
    others = [each for each in dict.fromkeys(managers) if each not in ("", FIELD_MANAGER)]
    return f" (last written by {' and '.join(others)})" if others else ""


def _secret(seen: Observed) -> str:
    return seen.certificate.spec.secret_name
