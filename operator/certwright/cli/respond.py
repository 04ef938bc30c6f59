"""`certwright respond`: the solver pod. It imports little, because it has to fit into 64 MiB."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from certwright.cli.duration_option import DurationOption
from certwright.cli.logs import configure_logs
from certwright.failures import NeedsPerson
from certwright.settings import own_namespace
from certwright.solver.responder.program import ResponderProgram, ResponderSettings

if TYPE_CHECKING:
    from datetime import timedelta


@click.command(context_settings={"show_default": True})
@click.option(
    "--namespace",
    envvar="CERTWRIGHT_NAMESPACE",
    show_envvar=True,
    help="The operator's own namespace, where the token tables are.  [default: the pod's]",
)
@click.option(
    "--kubeconfig",
    envvar="CERTWRIGHT_KUBECONFIG",
    show_envvar=True,
    help="Use this file instead of the pod's service account.",
)
@click.option(
    "--port",
    # Kubernetes puts NAME_PORT=tcp://… into every pod for each Service of its namespace (docker links), so
    # CERTWRIGHT_PORT and CERTWRIGHT_RESPONDER_PORT are taken wherever a Service has our name.
    envvar="CERTWRIGHT_CHALLENGE_PORT",
    show_envvar=True,
    type=click.IntRange(0, 65535),
    default=8089,
    help="Port at which challenges are answered.",
)
@click.option(
    "--health-port",
    envvar="CERTWRIGHT_HEALTH_PORT",
    show_envvar=True,
    type=click.IntRange(0, 65535),
    default=8090,
    help="Port of /healthz, /readyz, /served and /metrics.",
)
@click.option(
    "--drain",
    envvar="CERTWRIGHT_DRAIN",
    show_envvar=True,
    type=DurationOption(),
    default="10s",
    help="How long challenges are still answered after SIGTERM, until all routers know that this pod is leaving.",
)
@click.option(
    "--log-level",
    envvar="CERTWRIGHT_LOG_LEVEL",
    show_envvar=True,
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    help="How much is logged, to standard error.",
)
@click.option(
    "--log-format",
    envvar="CERTWRIGHT_LOG_FORMAT",
    show_envvar=True,
    type=click.Choice(["text", "json"]),
    default="text",
    help="Lines for people, or one JSON object a line.",
)
def respond(
    *,
    namespace: str | None,
    kubeconfig: str | None,
    port: int,
    health_port: int,
    drain: timedelta,
    log_level: str,
    log_format: str,
) -> None:
    """Answer HTTP-01 challenges from the operator's token tables until told to stop."""
    configure_logs(log_level, log_format)
    settings = ResponderSettings(
        namespace=namespace or own_namespace(),
        kubeconfig=kubeconfig,
        port=port,
        health_port=health_port,
        drain=drain,
    )
    try:
        program = ResponderProgram(settings)
    except NeedsPerson as problem:
        raise click.ClickException(problem.message) from None
    except OSError as error:
        ports = f"port {port} or {health_port} cannot be used"
        raise click.ClickException(f"{ports}: {error}") from None
    sys.exit(program.run())
