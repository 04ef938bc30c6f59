"""`certwright renew`: ask the operator for new certificates now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from certwright.cli.duration_option import DurationOption
from certwright.cli.exit_codes import end_in_trouble
from certwright.cli.pace import Pace, PaceOption
from certwright.cli.patching import Change, Tally, change_all
from certwright.cli.plain_text import plain
from certwright.cli.selection import Selection, confirm, selection_options
from certwright.cli.session import clock, connection_options, now, session, told
from certwright.cli.spans import span
from certwright.cli.waiting import RENEWED, wait_for
from certwright.failures import Setback
from certwright.resources.condition import write_moment
from certwright.resources.renew_value import kept_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from certwright.cli.selection import Chosen
    from certwright.cli.session import Session

#: For those that are chosen by label or all together: an issuer's other Certificates still have their turns.
USUAL_PACE = Pace(10, "m")
LIMITS = "Each renewal is an order, and CAs allow few certificates for the same names (Let's Encrypt: 5 in seven days)."
ASKED, PLANNED = "renewal asked for", "renewal would be asked for"
THE_OPERATOR = "The operator orders them; the present certificates stay in use until the new ones are stored."


def _checked(_: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A value that is noted as it is, so that the same is compared."""
    if value is not None and (not value or kept_value(value) != value):
        said = "such as 2026-03-01T12:00:00Z: 63 letters, digits and ._:+- at most"
        raise click.BadParameter(f"it has to be a value {said}", param=param)
    return value


@click.command(context_settings={"show_default": True})
@connection_options
@selection_options
@click.option("--yes", "-y", is_flag=True, help="With --all: do not ask.")
@click.option(
    "--pace",
    type=PaceOption(),
    help=f"So many in a while, such as 1/s or 100/h.  [default: {USUAL_PACE} with --selector and --all]",
)
@click.option(
    "--value",
    callback=_checked,
    help="What the annotation is set to: whoever was asked with it already is not asked again.  [default: the time]",
)
@click.option("--wait", is_flag=True, help="Wait until they are stored; exit code 2 if one fails.")
@click.option("--timeout", type=DurationOption(), default="5m", help="With --wait: how long at most.")
def renew(
    *,
    names: tuple[str, ...],
    selector: str,
    everything: bool,
    all_namespaces: bool,
    namespace: str | None,
    context: str | None,
    kubeconfig: str | None,
    pace: Pace | None,
    value: str | None,
    wait: bool,
    timeout: timedelta,
    yes: bool,
    dry_run: bool,
) -> None:
    """Ask for a new certificate of each Certificate NAME now, whether it is due or not.

    It is the operator that orders, by the annotation certwright.dev/renew; limits of the CA and holds after failures
    count as always.
    """
    choice = Selection(names=names, selector=selector, everything=everything, everywhere=all_namespaces)
    choice.check()
    with session(kubeconfig, context, namespace) as at_hand:
        chosen, missing = choice.read(at_hand)
        tally = Tally(errors=missing)
        asking = value or write_moment(now())
        asked, chosen = _by_value(chosen, asking)
        if chosen:
            slow = pace or (USUAL_PACE if choice.many else None)
            _warn(chosen, slow, asking, ask=everything and not (yes or dry_run))
            tally = _ask(at_hand, chosen, slow, asking, dry_run=dry_run)
            tally.errors = missing + tally.errors
        elif not (missing or asked):
            click.echo("No such Certificates.", err=True)
        failed = False
        if not dry_run:
            tally.done = [*asked, *tally.done]
            failed = _follow(at_hand, tally, timeout if wait else None)
    tally.finish()
    if failed:
        end_in_trouble()


def _by_value(chosen: Sequence[Chosen], value: str) -> tuple[list[Chosen], list[Chosen]]:
    """Those that were asked with this value already, which is told, and the others."""
    asked = [each for each in chosen if each.renew == value]
    if asked:
        click.echo(f"Asked for with {value} already: {len(asked)}.", err=True)
    return asked, [each for each in chosen if each.renew != value]


def _warn(chosen: Sequence[Chosen], pace: Pace | None, value: str, *, ask: bool) -> None:
    """What it costs, and how long it takes; whoever means all of them says so once more."""
    click.echo(LIMITS, err=True)
    takes = pace.takes(len(chosen)) if pace else None
    length = f", {pace} ({span(takes)})" if takes else ""
    if ask:
        confirm(f"Renew {len(chosen)} Certificates{length}?")
    if takes:
        click.echo(f"Asking for {len(chosen)} renewals{length}, with --value {value}.", err=True)


def _ask(
    at_hand: Session, chosen: Sequence[Chosen], pace: Pace | None, value: str, *, dry_run: bool
) -> Tally:
    change = Change(
        patch={"metadata": {"annotations": {at_hand.names.renew: value}}},
        done=ASKED,
        planned=PLANNED,
        pace=pace,
        dry_run=dry_run,
        go_on=f"To go on, repeat the command with --value {value}: whoever was asked already is not asked again.",
    )
    return change_all(at_hand, chosen, change)


def _follow(at_hand: Session, tally: Tally, timeout: timedelta | None) -> bool:
    """Say how to see what comes of it, or wait for it; returns whether a renewal failed or is late."""
    for each in tally.done:
        if each.suspended:
            resume = f"certwright resume {each.name} -n {each.namespace}"
            click.echo(
                plain(f"{each} is suspended: nothing is ordered until it is resumed ({resume})."), err=True
            )
    if not tally.done:
        return False
    if timeout is not None:
        return _await(at_hand, tally, clock() + timeout.total_seconds())
    one = tally.done[0]
    click.echo(THE_OPERATOR)
    click.echo(plain(f"To follow one: certwright wait {one.name} -n {one.namespace} --for renewed"))
    return False


def _await(at_hand: Session, tally: Tally, deadline: float) -> bool:
    """Whether one failed or is late; one that is gone, and an answer that does not come, are errors of the tally."""
    failed = False
    for number, each in enumerate(tally.done):
        try:
            found = wait_for(at_hand, each.namespace, each.name, RENEWED, deadline)
        except Setback as setback:
            left = len(tally.done) - number
            tally.errors.append(plain(f"{told(setback, at_hand.server)}; not known to be renewed: {left}"))
            return failed
        if not found.exists:
            tally.errors.append(f"{each} was deleted meanwhile")
            continue
        failed = failed or not found.done
        text = f"{each} is renewed." if found.done else f"{each} is not renewed:"
        click.echo(f"{text} {plain(found.message)}", err=not found.done)
    return failed
