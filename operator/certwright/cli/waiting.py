"""`certwright wait`: until a Certificate is ready or renewed, cannot become so without a person, or the time is up."""

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
from certwright.resources.json_values import mapping_of, text_of
from certwright.resources.metadata import read_metadata
from certwright.resources.names import ApiNames
from certwright.resources.renew_value import kept_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from certwright.resources.certificate_status import CertificateStatus
    from certwright.resources.condition import Condition

#: Seconds between two looks.
INTERVAL = 2.0


#: What may be waited for.
READY, RENEWED = "ready", "renewed"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a Certificate is.

    Attributes:
        done: whether it is what was waited for.
        over: whether waiting is of no use any more.
        message: why, or why not yet.
    """

    done: bool
    over: bool
    message: str
    exists: bool = True


def standing(body: Mapping[str, Any] | None, state: str, now: datetime) -> Standing:
    """What waiting comes to, from the Certificate as the API server sends it. Pure.

    Conditions of an older generation say nothing of the spec as it is now.
    """
    if body is None:
        return Standing(done=False, over=True, message="it does not exist", exists=False)
    status = read_status(body.get("status"))
    if status.observed_generation != read_metadata(body).generation:
        return Standing(done=False, over=False, message="the operator has not looked at it yet")
    pending = _pending_renewal(body, status, now) if state == RENEWED else None
    return pending or _readiness(status, now)


def _readiness(status: CertificateStatus, now: datetime) -> Standing:
    said = {each.type: each for each in status.conditions}
    ready, stalled = said.get("Ready"), said.get("Stalled")
    message = ready.message if ready else "it has no condition Ready"
    if ready and ready.status == "True":
        if status.not_after is None or now < status.not_after:
            return Standing(done=True, over=True, message=message)
        ended = (
            f"the certificate was over at {write_moment(status.not_after)}, and no operator has said so yet"
        )
        return Standing(done=False, over=False, message=ended)
    over = "Suspended" in said or (stalled is not None and stalled.status == "True")
    return Standing(done=False, over=over, message=f"{ready.reason}: {message}" if ready else message)


def _pending_renewal(body: Mapping[str, Any], status: CertificateStatus, now: datetime) -> Standing | None:
    """What stands between a renewal that was asked for and its certificate; None once it is stored.

    A failure is told as soon as the next attempt waits for its time: that is longer than somebody waits.
    """
    metadata = mapping_of(body.get("metadata"))
    asked = kept_value(text_of(mapping_of(metadata.get("annotations")).get(ApiNames().renew)))
    if not asked:
        return Standing(done=False, over=True, message="nobody has asked for a renewal; run certwright renew")
    if asked == status.last_handled_renew:
        return None
    said = {each.type: each for each in status.conditions if each.status == "True"}
    if suspended := said.get("Suspended"):
        return Standing(done=False, over=True, message=suspended.message)
    issuing = said.get("Issuing")
    unready = None if issuing else next((each for each in status.conditions if _is_unready(each)), None)
    if trouble := said.get("Stalled") or said.get("RenewalFailing") or unready:
        held = status.next_attempt_time is not None and now < status.next_attempt_time
        over = held or trouble.type == "Stalled"
        return Standing(done=False, over=over, message=f"{trouble.reason}: {trouble.message}")
    message = issuing.message if issuing else "the operator has not begun yet"
    return Standing(done=False, over=False, message=message)


def _is_unready(condition: Condition) -> bool:
    """A certificate that was never issued, or is over, has its failures told by Ready."""
    return (condition.type, condition.status) == ("Ready", "False")


@click.command(context_settings={"show_default": True})
@connection_options
@click.argument("name", shell_complete=certificate_names)
@click.option(
    "--for",
    "state",
    type=click.Choice([READY, RENEWED], case_sensitive=False),
    default=READY,
    help="What for: a certificate as the spec asks, or the new one that certwright renew has asked for.",
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
    """Wait until the Certificate NAME is ready, or renewed; exit code 2 says that it is not, and why."""
    with session(kubeconfig, context, namespace) as at_hand:
        found = wait_for(at_hand, at_hand.namespace, name, state, clock() + timeout.total_seconds())
        title = plain(f"Certificate {at_hand.namespace}/{name}")
    if not found.done:
        end = Trouble if found.exists else click.ClickException
        raise end(f"{title} is not {state}: {plain(found.message)}")
    click.echo(f"{title} is {state}. {plain(found.message)}")


def wait_for(at_hand: Session, namespace: str, name: str, state: str, deadline: float) -> Standing:
    """The last look; whoever looks at a terminal is told what is waited for, when that changes."""
    told = ""
    while True:
        try:
            found = standing(at_hand.get("Certificate", namespace, name), state, now())
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
