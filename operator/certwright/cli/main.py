"""`certwright`: the commands."""

from __future__ import annotations

import re
import sys
from datetime import timedelta

import click

from certwright import __version__
from certwright.app import App
from certwright.cli.logs import configure_logs
from certwright.failures import NeedsPerson
from certwright.resources.durations import parse_duration
from certwright.settings import Settings, instance_name, kill_point, networks, own_namespace


class _Duration(click.ParamType[timedelta]):
    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Go's way of writing durations, as everywhere in Kubernetes."""
        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(str(value))
        except ValueError:
            self.fail(f"{value} is not a duration such as 10m or 24h", param, ctx)


class _Server(click.ParamType[str]):
    name = "host:port"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """A name server: an IP address with a port."""
        if not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}", str(value)):
            self.fail(f"{value} is not host:port, for example 192.0.2.53:53", param, ctx)
        return str(value)


@click.group(context_settings={"auto_envvar_prefix": "CERTWRIGHT", "show_default": True})
@click.version_option(__version__)
def main() -> None:
    """Certwright keeps TLS certificates in Kubernetes Secrets valid, using ACME."""


@main.command(context_settings={"show_default": True})
@click.option(
    "--namespace",
    envvar="CERTWRIGHT_NAMESPACE",
    show_envvar=True,
    help="The operator's own namespace.  [default: the pod's]",
)
@click.option(
    "--kubeconfig",
    envvar="CERTWRIGHT_KUBECONFIG",
    show_envvar=True,
    help="Use this file instead of the pod's service account.",
)
@click.option(
    "--workers",
    envvar="CERTWRIGHT_WORKERS",
    show_envvar=True,
    type=click.IntRange(1, 256),
    default=32,
    help="How many certificates and issuers are worked on at once.",
)
@click.option(
    "--listen-port",
    envvar="CERTWRIGHT_LISTEN_PORT",
    show_envvar=True,
    type=click.IntRange(0, 65535),
    default=9402,
    help="Port of /healthz, /readyz and /metrics.",
)
@click.option(
    "--nameserver",
    "nameservers",
    envvar="CERTWRIGHT_NAMESERVERS",
    show_envvar=True,
    type=_Server(),
    multiple=True,
    help="Recursive name server for look-ups; may be given several times.  [default: the system's]",
)
@click.option(
    "--authoritative-dns-port",
    envvar="CERTWRIGHT_AUTHORITATIVE_DNS_PORT",
    show_envvar=True,
    type=click.IntRange(1, 65535),
    default=53,
    help="Port at which authoritative name servers are asked.",
)
@click.option(
    "--permit-network",
    "permitted",
    envvar="CERTWRIGHT_PERMIT_NETWORKS",
    show_envvar=True,
    multiple=True,
    help="Network (CIDR) in which ACME servers may be although no public CA is there, such as 127.0.0.0/8 "
    "for a CA on the same machine; may be given several times.  [default: none]",
)
@click.option(
    "--renewal-info-interval",
    envvar="CERTWRIGHT_RENEWAL_INFO_INTERVAL",
    show_envvar=True,
    type=_Duration(),
    default="24h",
    help="Longest time between two questions to a CA about one certificate's renewal.",
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
def run(
    *,
    namespace: str | None,
    kubeconfig: str | None,
    workers: int,
    listen_port: int,
    nameservers: tuple[str, ...],
    authoritative_dns_port: int,
    permitted: tuple[str, ...],
    renewal_info_interval: timedelta,
    log_level: str,
    log_format: str,
) -> None:
    """Run the operator until it is told to stop."""
    try:
        permitted_networks = networks(permitted)
    except ValueError as error:
        raise click.BadParameter(
            f"{error}; write for example 10.0.0.0/8", param_hint="--permit-network"
        ) from None
    configure_logs(log_level, log_format)
    settings = Settings(
        namespace=namespace or own_namespace(),
        kubeconfig=kubeconfig,
        workers=workers,
        listen_port=listen_port,
        nameservers=nameservers,
        authoritative_dns_port=authoritative_dns_port,
        permitted_networks=permitted_networks,
        renewal_info_interval=renewal_info_interval,
        instance=instance_name(),
        kill_at=kill_point(),
    )
    try:
        app = App(settings)
    except NeedsPerson as problem:
        raise click.ClickException(problem.message) from None
    except OSError as error:
        raise click.ClickException(f"port {listen_port} cannot be used: {error}") from None
    sys.exit(app.run())
