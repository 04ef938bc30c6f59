"""Changing many Certificates, one after the other: a line for each, or a bar for whoever looks at a terminal."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import click

from certwright.cli.plain_text import plain
from certwright.cli.session import clock, pause, told
from certwright.failures import NeedsPerson, NotYet, TryLater

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from certwright.cli.pace import Pace
    from certwright.cli.selection import Chosen
    from certwright.cli.session import Session

#: So many Certificates are worth a bar in place of lines.
ENOUGH = 10
#: Seconds for which a request is repeated, and between two: an API server that restarts takes a minute or two.
PATIENCE, FIRST_PAUSE, LONGEST_PAUSE = 300.0, 1.0, 60.0
#: What an API server says of whoever may not do it (RBAC authorizer).
NO_VERB = "cannot patch resource"
#: The chart's role is aggregated to those of Kubernetes, but not made with `watchNamespaces`.
WHO_MAY = (
    "Certificates may be changed by whoever has the role `edit` or `admin` in the namespace where the chart made its "
    "roles for users (certwright-requester; not with watchNamespaces); elsewhere an administrator has to grant the "
    "verb patch"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is done to each Certificate.

    Attributes:
        patch: JSON merge patch (RFC 7386): doing it twice is doing it once.
        done: what is said of one to which it was done; `planned` of one in a dry run.
        pace: None for as fast as the API server answers.
        go_on: what is said of a run that was cut: how those that are left are done, and the others not again.
    """

    patch: dict[str, Any]
    done: str
    planned: str
    pace: Pace | None = None
    dry_run: bool = False
    go_on: str = "Repeat the command to go on."


@dataclass(slots=True)
class Tally:
    """What became of them.

    Attributes:
        errors: one sentence for each that was not changed.
    """

    done: list[Chosen] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def finish(self) -> None:
        """End the command with exit code 1 and all that went wrong, if something did."""
        if self.errors:
            raise click.ClickException("\n".join(self.errors))


def change_all(at_hand: Session, chosen: Sequence[Chosen], change: Change) -> Tally:
    """Change them in turn.

    A namespace in which it is forbidden once is not tried again. Where the API server stays away, or somebody presses
    Ctrl-C, it is told before the command ends how many are done, and how to go on.
    """
    tally, forbidden = Tally(), set[str]()
    due = clock()
    with _bar(chosen, change) as bar:
        for number, each in enumerate(chosen):
            try:
                if number and change.pace and not change.dry_run:
                    # What an outage took is not caught up with: the pace is a promise to the CA.
                    due = max(due + change.pace.interval, clock())
                    pause(due - clock())
                if each.namespace not in forbidden:
                    _change(at_hand, each, change, tally, forbidden)
                    if bar is None and tally.done[-1:] == [each]:
                        click.echo(f"{each}: {change.planned if change.dry_run else change.done}.")
            except BaseException:
                _interrupted(tally, len(chosen) - number, change)
                raise
            if bar is not None:
                bar.update(1)
    if bar is not None:
        said = change.planned if change.dry_run else change.done
        click.echo(f"{said.capitalize()}: {len(tally.done)}.")
    return tally


def _change(at_hand: Session, each: Chosen, change: Change, tally: Tally, forbidden: set[str]) -> None:
    try:
        answer = _merge(at_hand, each, change)
    except (NeedsPerson, NotYet) as refusal:
        why = plain(told(refusal, at_hand.server))
        if NO_VERB in refusal.message:
            forbidden.add(each.namespace)
            why = f"{why}. {WHO_MAY}"
        tally.errors.append(f"{each}: {why}")
        return
    if answer is None:
        tally.errors.append(f"{each} was deleted meanwhile")
        return
    tally.done.append(each)


def _merge(at_hand: Session, each: Chosen, change: Change) -> dict[str, Any] | None:
    """Ask, and again while time may heal it: the patch may be there already, and does no harm a second time.

    Raises:
        TryLater: it did not within `PATIENCE`, or the credentials have expired.
    """
    path = at_hand.path("Certificate", each.namespace, each.name)
    deadline, between = clock() + PATIENCE, FIRST_PAUSE
    while True:
        try:
            return at_hand.api.merge(path, change.patch, dry_run=change.dry_run)
        except TryLater as setback:
            if setback.http_status == HTTPStatus.UNAUTHORIZED or clock() >= deadline:
                raise
            if between == FIRST_PAUSE:
                click.echo(
                    plain(f"{told(setback, at_hand.server)}; trying again for {PATIENCE:.0f}s"), err=True
                )
            wished = setback.retry_after.total_seconds() if setback.retry_after else 0.0
            pause(min(max(between, wished), deadline - clock()))
            between = min(2 * between, LONGEST_PAUSE)


def _interrupted(tally: Tally, left: int, change: Change) -> None:
    for each in tally.errors:
        click.echo(each, err=True)
    if not change.dry_run:
        done = f"{change.done.capitalize()}: {len(tally.done)}; not yet: {left}."
        click.echo(f"\nNot finished. {done} {change.go_on}", err=True)


def _bar(chosen: Sequence[Chosen], change: Change) -> AbstractContextManager[Any]:
    """A bar only where somebody looks at it, and for more than can be seen at a glance."""
    if len(chosen) < ENOUGH or not sys.stderr.isatty():
        return nullcontext(None)
    return click.progressbar(
        length=len(chosen), file=sys.stderr, show_pos=True, label=change.done.capitalize()
    )
