"""`certwright wait`: until a Certificate is ready, cannot become so without a person, or the time is up."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from certwright.cli.duration_option import DurationOption
from certwright.cli.exit_codes import Trouble
from certwright.cli.live_names import certificate_names
from certwright.cli.plain_text import plain
from certwright.cli.session import Session, clock, connection_options, now, pause, session
from certwright.failures import TryLater
from certwright.resources.certificate_status import read_status
from certwright.resources.condition import write_moment
from certwright.resources.metadata import read_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

#: Seconds between two looks.
INTERVAL = 2.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a Certificate is: `over` says that waiting is of no use any more, `message` why or why not yet."""

    ready: bool
    over: bool
    message: str
    exists: bool = True


def standing(body: Mapping[str, Any] | None, now: datetime) -> Standing:
    """What waiting for Ready comes to, from the Certificate as the API server sends it. Pure.

    Conditions of an older generation say nothing of the spec as it is now.
    """
    if body is None:
        return Standing(ready=False, over=True, message="it does not exist", exists=False)
    status = read_status(body.get("status"))
    if status.observed_generation != read_metadata(body).generation:
        return Standing(ready=False, over=False, message="the operator has not looked at it yet")
    said = {each.type: each for each in status.conditions}
    ready, stalled = said.get("Ready"), said.get("Stalled")
    message = ready.message if ready else "it has no condition Ready"
    if ready and ready.status == "True":
        if status.not_after is None or now < status.not_after:
            return Standing(ready=True, over=True, message=message)
        ended = (
            f"the certificate was over at {write_moment(status.not_after)}, and no operator has said so yet"
        )
        return Standing(ready=False, over=False, message=ended)
    over = "Suspended" in said or (stalled is not None and stalled.status == "True")
    return Standing(ready=False, over=over, message=f"{ready.reason}: {message}" if ready else message)


@click.command(context_settings={"show_default": True})
@connection_options
@click.argument("name", shell_complete=certificate_names)
@click.option(
    "--for", "state", type=click.Choice(["ready"], case_sensitive=False), default="ready", help="What for."
)
@click.option("--timeout", type=DurationOption(), default="5m", help="How long at most.")
def wait(
    *,
    name: str,
    namespace: str | None,
    context: str | None,
    kubeconfig: str | None,
    state: str,
    timeout: timedelta,
) -> None:
    """Wait until the Certificate NAME is ready; exit code 2 says that it is not, and why."""
    with session(kubeconfig, context, namespace) as at_hand:
        found = _wait(at_hand, name, clock() + timeout.total_seconds())
        title = plain(f"Certificate {at_hand.namespace}/{name}")
    if not found.ready:
        end = Trouble if found.exists else click.ClickException
        raise end(f"{title} is not {state}: {plain(found.message)}")
    click.echo(f"{title} is {state}. {plain(found.message)}")


def _wait(at_hand: Session, name: str, deadline: float) -> Standing:
    """The last look; whoever looks at a terminal is told what is waited for, when that changes."""
    told = ""
    while True:
        try:
            found = standing(at_hand.get("Certificate", at_hand.namespace, name), now())
        except TryLater:
            # An API server that restarts is a reason to go on waiting, but not for longer than was asked.
            if clock() >= deadline:
                raise
        else:
            if found.over or clock() >= deadline:
                return found
            if found.message != told and sys.stderr.isatty():
                click.echo(plain(found.message), err=True)
                told = found.message
        pause(max(0.0, min(INTERVAL, deadline - clock())))
