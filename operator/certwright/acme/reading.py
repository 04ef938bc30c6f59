"""Answers into values, at the border and nowhere else. Garbage becomes `NotUnderstood`."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from certwright.acme import wire
from certwright.acme.headers import retry_after_of
from certwright.acme.messages import (
    Account,
    AccountStatus,
    Authorization,
    AuthorizationStatus,
    Challenge,
    ChallengeStatus,
    Directory,
    Identifier,
    Order,
    OrderStatus,
    Problem,
    RenewalInfo,
)
from certwright.acme.wording import NotUnderstood, clean_text, https_url, is_token

if TYPE_CHECKING:
    from certwright.acme.flow import Response

ACME_NAMESPACE = "urn:ietf:params:acme:error:"
_WORD_LIMIT = 255
#: Two for each of the names that a Certificate may have; a CA must not make us ask without end.
MOST_AUTHORIZATIONS = 200
#: Of any other list: an answer of 1 MiB could hold hundreds of thousands.
MOST_ENTRIES = 200
#: More than are registered for signatures.
MOST_ALGORITHMS = 20
_ALGORITHM = re.compile(r"[A-Za-z0-9-]{1,20}")
_STATUSES = range(100, 600)
W = TypeVar("W")


def _decode(body: bytes, shape: type[W], what: str) -> W:
    try:
        # `strict=False` takes "404" for a number where a number belongs.
        return msgspec.json.decode(body, type=shape, strict=False)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise NotUnderstood(f"the CA's answer is no {what}") from None


def _some(entries: list[W] | None) -> list[W]:
    """The entries, as many as there can be reason for."""
    return (entries or [])[:MOST_ENTRIES]


def _moment(value: Any) -> datetime | None:
    """An RFC 3339 time, or None: an `expires` that cannot be read must not cost a certificate."""
    try:
        moment = msgspec.convert(value, datetime)
    except (msgspec.MsgspecError, ValueError):
        return None
    return moment if moment.tzinfo else None


def _identifier(found: wire.WireIdentifier | None) -> Identifier | None:
    if found is None or not found.value:
        return None
    value = clean_text(found.value, _WORD_LIMIT).lower()
    return Identifier(clean_text(found.type or "dns", _WORD_LIMIT), value)


def _problem(found: wire.WireSubproblem | None) -> Problem | None:
    if found is None:
        return None
    inner = _some(found.subproblems) if isinstance(found, wire.WireProblem) else ()
    return Problem(
        type=clean_text(found.type, _WORD_LIMIT).removeprefix(ACME_NAMESPACE),
        detail=clean_text(found.detail),
        status=found.status if found.status in _STATUSES else None,
        identifier=_identifier(found.identifier),
        subproblems=tuple(problem for each in inner if (problem := _problem(each))),
        instance=clean_text(found.instance) or None,
        algorithms=_algorithms(found.algorithms) if isinstance(found, wire.WireProblem) else (),
    )


def _algorithms(listed: Any) -> tuple[str, ...]:
    """Names of algorithms, as far as they look like some (RFC 7518 §3.1)."""
    named = listed[:MOST_ALGORITHMS] if isinstance(listed, list) else ()
    return tuple(each for each in named if isinstance(each, str) and _ALGORITHM.fullmatch(each))


def read_problem(response: Response) -> Problem:
    """The problem document of a refusal; never fails, since a refusal may come from anything on the way.

    A body that is no problem document (HTML of a proxy) leaves no trace in the value.
    """
    try:
        problem = _problem(_decode(response.body, wire.WireProblem, "problem document"))
    except NotUnderstood:
        problem = None
    return problem or Problem()


def read_directory(response: Response, url: str) -> Directory:
    """The directory that was fetched from `url`."""
    found = _decode(response.body, wire.WireDirectory, "ACME directory")
    meta = found.meta or wire.WireMeta()
    profiles = meta.profiles
    return Directory(
        url=url,
        new_nonce=https_url(found.new_nonce, "newNonce"),
        new_account=https_url(found.new_account, "newAccount"),
        new_order=https_url(found.new_order, "newOrder"),
        renewal_info=https_url(found.renewal_info, "renewalInfo") if found.renewal_info else None,
        terms_of_service=clean_text(meta.terms_of_service) or None,
        caa_identities=tuple(clean_text(name, _WORD_LIMIT) for name in _some(meta.caa_identities)),
        external_account_required=bool(meta.external_account_required),
        profiles=None if profiles is None else _descriptions(profiles),
    )


def _descriptions(profiles: dict[str, Any]) -> dict[str, str]:
    return {
        clean_text(name, _WORD_LIMIT): clean_text(text) if isinstance(text, str) else ""
        for name, text in islice(profiles.items(), MOST_ENTRIES)
    }


def read_account(response: Response, url: str) -> Account:
    """The account at `url`; a status of 201 says that it is new (RFC 8555 §7.3)."""
    found = _decode(response.body or b"{}", wire.WireAccount, "account")
    return Account(
        url=url,
        # Some CAs answer with nothing but the Location; an account that is refused would not be answered so.
        status=AccountStatus(found.status or "valid"),
        contact=tuple(clean_text(each, _WORD_LIMIT) for each in _some(found.contact)),
        terms_of_service_agreed=found.terms_of_service_agreed,
        created=response.status == 201,  # noqa: PLR2004  the RFC's own number reads best
    )


def read_order(response: Response, url: str) -> Order:
    """The order at `url`."""
    found = _decode(response.body, wire.WireOrder, "order")
    if len(found.authorizations or ()) > MOST_AUTHORIZATIONS:
        raise NotUnderstood(f"the CA's order has more than {MOST_AUTHORIZATIONS} authorizations")
    return Order(
        url=url,
        status=OrderStatus(found.status or ""),
        identifiers=tuple(name for each in _some(found.identifiers) if (name := _identifier(each))),
        authorizations=tuple(https_url(each, "an authorization") for each in found.authorizations or ()),
        finalize=https_url(found.finalize, "finalize"),
        certificate=https_url(found.certificate, "the certificate") if found.certificate else None,
        error=_problem(found.error),
        expires=_moment(found.expires),
        replaces=clean_text(found.replaces) or None,
        retry_after=retry_after_of(response),
    )


def read_authorization(response: Response, url: str) -> Authorization:
    """The authorization at `url`; challenges that nobody could answer fall away."""
    found = _decode(response.body, wire.WireAuthorization, "authorization")
    identifier = _identifier(found.identifier)
    if identifier is None:
        raise NotUnderstood("the CA's authorization names no identifier")
    return Authorization(
        url=url,
        identifier=Identifier(identifier.type, identifier.value.removeprefix("*.")),
        status=AuthorizationStatus(found.status or ""),
        # Some CAs forget the flag and keep the `*.` instead.
        wildcard=bool(found.wildcard) or identifier.value.startswith("*."),
        challenges=tuple(_challenge(each) for each in _some(found.challenges) if each.type and each.url),
        expires=_moment(found.expires),
        retry_after=retry_after_of(response),
    )


def read_challenge(response: Response) -> Challenge:
    """The challenge that was just answered."""
    challenge = _challenge(_decode(response.body, wire.WireChallenge, "challenge"))
    return replace(challenge, retry_after=retry_after_of(response))


def _challenge(found: wire.WireChallenge) -> Challenge:
    """A challenge whose token may stand in a path and a record (RFC 8555 §10.3)."""
    token = found.token or ""
    if token and not is_token(token):
        raise NotUnderstood("the CA gave a challenge whose token has characters other than A-Z a-z 0-9 _ -")
    return Challenge(
        type=clean_text(found.type, _WORD_LIMIT),
        url=https_url(found.url, "a challenge"),
        # "Challenge without status" was seen; one that was offered can only be waiting.
        status=ChallengeStatus(found.status or "pending"),
        token=token,
        error=_problem(found.error),
    )


def read_renewal_info(response: Response) -> RenewalInfo:
    """The suggested window; one that ends before it starts is no answer (RFC 9773 §4.2)."""
    found = _decode(response.body, wire.WireRenewalInfo, "renewal information")
    window = found.suggested_window or wire.WireWindow()
    start, end = _moment(window.start), _moment(window.end)
    if start is None or end is None or end <= start:
        raise NotUnderstood("the CA's renewal information has no usable window")
    return RenewalInfo(
        start=start,
        end=end,
        explanation_url=clean_text(found.explanation_url) or None,
        retry_after=retry_after_of(response),
    )
