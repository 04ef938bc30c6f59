"""Limits of a CA: what a refusal holds back besides the order that met it, and until when.

A CA says so in words only: RFC 8555 §6.6 knows one type for every limit. The words are those of Boulder's limiter
(`ratelimits/limiter.go`), which names what it counted in double quotes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from certwright.acme.messages import Problem

_QUOTED = re.compile(r'"([a-z0-9*._-]{1,253})"', re.IGNORECASE)
#: Longest list of names that stands for itself.
_LONGEST_SET = 300
_MOMENT = re.compile(r"retry after (\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:Z| UTC)", re.IGNORECASE)


class Scope(Enum):
    """What a limit is counted by, from the widest to the narrowest."""

    DIRECTORY = "directory"
    """Everything that is asked of this CA endpoint."""
    REGISTRATION = "registration"
    """New accounts at this endpoint: they are counted by our address."""
    ACCOUNT = "account"
    """Orders of one account."""
    REGISTERED_DOMAIN = "registered domain"
    """Orders of one account with a name at or below a domain."""
    NAME_SET = "name set"
    """Orders of one account for exactly these names."""
    NAME = "name"
    """Orders of one account with this name."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that a CA counts.

    Attributes:
        subject: the domain, the name, or the names of a set (see `limit_of_set`); "" for the wider scopes.
    """

    scope: Scope
    subject: str = ""


def limits_met(problem: Problem, names: Collection[str]) -> tuple[Limit, ...]:
    """What a problem of type `rateLimited` holds back.

    Args:
        problem: in the CA's words.
        names: that were asked for; none where an account was.

    A name or domain counts only if it was asked for: a CA must not close what it was not asked about. Where nothing
    is said that we know, it is the account: a new order for other names would very likely be refused as well.
    """
    named = [each.identifier.value for each in problem.subproblems if each.identifier]
    if ours := [name for name in named if name in names]:
        return tuple(Limit(Scope.NAME, name) for name in ours)
    said = problem.detail.lower()
    if "registrations" in said or not names:
        return (Limit(Scope.REGISTRATION),)
    if "exact set of" in said:
        return (limit_of_set(names),)
    quoted = [name.lower() for name in _QUOTED.findall(said)]
    asked = [name for name in quoted if any(_is_within(each, name) for each in names)]
    if asked and "failed authorizations" in said:
        return tuple(Limit(Scope.NAME, name) for name in asked)
    if asked and "certificates" in said:
        return tuple(Limit(Scope.REGISTERED_DOMAIN, name) for name in asked)
    return (Limit(Scope.ACCOUNT),)


def names_paused(problem: Problem, names: Collection[str]) -> tuple[Limit, ...]:
    """The names that a CA paused after very many failures; all that were asked for where it does not say which."""
    words = set(re.findall(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+", problem.detail.lower()))
    paused = [name for name in names if name.removeprefix("*.") in words]
    return tuple(Limit(Scope.NAME, name) for name in paused) or (limit_of_set(names),)


def limits_for(names: Collection[str]) -> Iterator[Limit]:
    """Every limit of an account that an order for `names` could meet, from the widest on."""
    yield Limit(Scope.ACCOUNT)
    yield limit_of_set(names)
    for name in names:
        yield Limit(Scope.NAME, name)
        if name.startswith("*."):
            yield Limit(Scope.NAME, name.removeprefix("*."))
        labels = name.removeprefix("*.").split(".")
        for first in range(len(labels)):
            yield Limit(Scope.REGISTERED_DOMAIN, ".".join(labels[first:]))


def limit_of_set(names: Collection[str]) -> Limit:
    """The limit of exactly these names, sorted, with commas between; a long list has a hash in place of its end."""
    listed = ",".join(sorted(names))
    if len(listed) > _LONGEST_SET:
        listed = f"{min(names)},… ({len(names)} names, {hashlib.sha256(listed.encode()).hexdigest()[:16]})"
    return Limit(Scope.NAME_SET, listed)


def stated_moment(problem: Problem) -> datetime | None:
    """Until when, as the sentence says: for answers that lack a Retry-After."""
    found = _MOMENT.search(problem.detail)
    if found is None:
        return None
    try:
        return datetime.strptime(f"{found[1]} {found[2]}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _is_within(name: str, domain: str) -> bool:
    """Whether `name` is at or below `domain`."""
    plain = name.removeprefix("*.")
    return domain in {name, plain} or plain.endswith(f".{domain}")
