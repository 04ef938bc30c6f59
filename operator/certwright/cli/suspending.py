"""`certwright suspend` and `certwright resume`: have the operator leave Certificates alone, and end that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from certwright.cli.patching import Change, Tally, change_all
from certwright.cli.selection import Selection, confirm, selection_options
from certwright.cli.session import connection_options, session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certwright.cli.selection import Chosen

MEANWHILE = (
    "Nothing is done for a suspended Certificate, not even a renewal: what is in its Secret stays, and expires if that "
    "lasts."
)
GITOPS = (
    "Where a GitOps tool keeps the Certificate, its next sync may take this back: {what} in its source too."
)


@click.command(context_settings={"show_default": True})
@connection_options
@selection_options
@click.option("--yes", "-y", is_flag=True, help="With --all: do not ask.")
def suspend(
    *,
    names: tuple[str, ...],
    selector: str,
    everything: bool,
    all_namespaces: bool,
    namespace: str | None,
    context: str | None,
    kubeconfig: str | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """Leave each Certificate NAME alone (spec.suspend: true): no order, no renewal; what there is stays."""
    choice = Selection(names=names, selector=selector, everything=everything, everywhere=all_namespaces)
    _turn(choice, (namespace, context, kubeconfig), suspended=True, ask=not (yes or dry_run), dry_run=dry_run)


@click.command(context_settings={"show_default": True})
@connection_options
@selection_options
def resume(
    *,
    names: tuple[str, ...],
    selector: str,
    everything: bool,
    all_namespaces: bool,
    namespace: str | None,
    context: str | None,
    kubeconfig: str | None,
    dry_run: bool,
) -> None:
    """Keep each Certificate NAME again (spec.suspend is removed); what became due meanwhile is ordered at once."""
    choice = Selection(names=names, selector=selector, everything=everything, everywhere=all_namespaces)
    _turn(choice, (namespace, context, kubeconfig), suspended=False, ask=False, dry_run=dry_run)


def _turn(
    choice: Selection,
    place: tuple[str | None, str | None, str | None],
    *,
    suspended: bool,
    ask: bool,
    dry_run: bool,
) -> None:
    choice.check()
    namespace, context, kubeconfig = place
    with session(kubeconfig, context, namespace) as at_hand:
        chosen, missing = choice.read(at_hand)
        others = [each for each in chosen if each.suspended is not suspended]
        if choice.names:
            _tell_those_that_are(chosen, suspended=suspended)
        elif not others:
            click.echo(f"No such Certificates that are {'not ' if suspended else ''}suspended.", err=True)
        if others and ask and choice.everything:
            confirm(f"Suspend {len(others)} Certificates? {MEANWHILE}")
        tally = (
            change_all(at_hand, others, _change(suspended=suspended, dry_run=dry_run)) if others else Tally()
        )
    tally.errors = missing + tally.errors
    if tally.done and not dry_run:
        if suspended:
            click.echo(MEANWHILE)
        click.echo(GITOPS.format(what="write `suspend: true`" if suspended else "remove `suspend`"))
    tally.finish()


def _tell_those_that_are(chosen: Sequence[Chosen], *, suspended: bool) -> None:
    """Those that are already as they shall be."""
    for each in chosen:
        if each.suspended is suspended:
            click.echo(f"{each}: {'already' if suspended else 'not'} suspended.")


def _change(*, suspended: bool, dry_run: bool) -> Change:
    if suspended:
        return Change(
            patch={"spec": {"suspend": True}}, done="suspended", planned="would be suspended", dry_run=dry_run
        )
    return Change(
        patch={"spec": {"suspend": None}}, done="resumed", planned="would be resumed", dry_run=dry_run
    )
