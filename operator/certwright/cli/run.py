"""`certwright run`: the operator."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from certwright.app import App
from certwright.cli.duration_option import DurationOption
from certwright.cli.logs import configure_logs
from certwright.failures import NeedsPerson
from certwright.settings import (
    Network,
    Settings,
    https_proxy,
    instance_name,
    kill_point,
    networks,
    own_namespace,
    proxy_exceptions,
)

if TYPE_CHECKING:
    from datetime import timedelta


class _Server(click.ParamType[str]):
    name = "host:port"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """A name server: an IP address with a port."""
        if not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}", str(value)):
            self.fail(f"{value} is not host:port, for example 192.0.2.53:53", param, ctx)
        return str(value)


class _Namespace(click.ParamType[str]):
    name = "namespace"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name of a namespace (RFC 1123 label)."""
        if "," in str(value):
            self.fail(
                f"{value} has a comma in it: names are separated by spaces in CERTWRIGHT_WATCH_NAMESPACES, "
                "and --watch-namespace is given once for each",
                param,
                ctx,
            )
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", str(value)):
            self.fail(f"{value} is not the name of a namespace; patterns are not understood here", param, ctx)
        return str(value)


@click.command(context_settings={"show_default": True})
@click.option(
    "--namespace",
    envvar="CERTWRIGHT_NAMESPACE",
    show_envvar=True,
    help="The operator's own namespace.  [default: the pod's]",
)
@click.option(
    "--watch-namespace",
    "watch_namespaces",
    envvar="CERTWRIGHT_WATCH_NAMESPACES",
    show_envvar=True,
    type=_Namespace(),
    multiple=True,
    help="Work in this namespace only, and with Roles only; may be given several times (in the variable with spaces "
    "between). ClusterIssuers are off then.  "
    "[default: all namespaces]",
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
    "--self-check-network",
    "self_check_permitted",
    envvar="CERTWRIGHT_SELF_CHECK_NETWORKS",
    show_envvar=True,
    multiple=True,
    help="Network (CIDR) in which names to be proven over HTTP may be although no public CA would look there, such "
    "as 10.0.0.0/8 for a private CA; may be given several times.  [default: none]",
)
@click.option(
    "--self-check-http-port",
    envvar="CERTWRIGHT_SELF_CHECK_HTTP_PORT",
    show_envvar=True,
    type=click.IntRange(1, 65535),
    default=80,
    help="Port at which names are looked at before the CA is told.",
)
@click.option(
    "--self-check-https-port",
    envvar="CERTWRIGHT_SELF_CHECK_HTTPS_PORT",
    show_envvar=True,
    type=click.IntRange(1, 65535),
    default=443,
    help="Port at which redirects to https are followed.",
)
@click.option(
    "--responder-service",
    envvar="CERTWRIGHT_RESPONDER_SERVICE",
    show_envvar=True,
    default="certwright-responder",
    help="Service of the solver pods, in the operator's own namespace.",
)
@click.option(
    "--responder-status",
    envvar="CERTWRIGHT_RESPONDER_STATUS",
    show_envvar=True,
    type=_Server(),
    multiple=True,
    help="Where a solver pod is asked what it serves; may be given several times.  [default: each pod's own address]",
)
@click.option(
    "--route-linger",
    envvar="CERTWRIGHT_ROUTE_LINGER",
    show_envvar=True,
    type=DurationOption(),
    default="10m",
    help="How long a namespace keeps its Service for HTTP-01 after the last use.",
)
@click.option(
    "--owner-role",
    envvar="CERTWRIGHT_OWNER_ROLE",
    show_envvar=True,
    default="",
    help="Name of the operator's ClusterRole (with --watch-namespace: of its Role in each of them). It owns the routes "
    "of HTTP-01, so that they are removed with it.  [default: routes have no owner]",
)
@click.option(
    "--tls-acme/--no-tls-acme",
    envvar="CERTWRIGHT_TLS_ACME",
    show_envvar=True,
    default=False,
    help='Let kubernetes.io/tls-acme: "true" on an Ingress ask for the default ClusterIssuer.',
)
@click.option(
    "--instance",
    envvar="CERTWRIGHT_INSTANCE",
    show_envvar=True,
    help="Name of this replica, such as its pod's: a process that starts under the name of the leader takes its "
    "place at once.  [default: host and process]",
)
@click.option(
    "--renewal-info-interval",
    envvar="CERTWRIGHT_RENEWAL_INFO_INTERVAL",
    show_envvar=True,
    type=DurationOption(),
    default="24h",
    help="Longest time between two questions to a CA about one certificate's renewal.",
)
@click.option(
    "--cert-manager-metrics",
    envvar="CERTWRIGHT_CERT_MANAGER_METRICS",
    show_envvar=True,
    is_flag=True,
    help="Serve metrics under cert-manager's names as well, for dashboards and alerts that have those.",
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
    watch_namespaces: tuple[str, ...],
    kubeconfig: str | None,
    workers: int,
    listen_port: int,
    nameservers: tuple[str, ...],
    authoritative_dns_port: int,
    permitted: tuple[str, ...],
    self_check_permitted: tuple[str, ...],
    self_check_http_port: int,
    self_check_https_port: int,
    responder_service: str,
    responder_status: tuple[str, ...],
    route_linger: timedelta,
    owner_role: str,
    tls_acme: bool,
    instance: str | None,
    renewal_info_interval: timedelta,
    cert_manager_metrics: bool,
    log_level: str,
    log_format: str,
) -> None:
    """Run the operator until it is told to stop."""
    configure_logs(log_level, log_format)
    settings = Settings(
        namespace=namespace or own_namespace(),
        watch_namespaces=tuple(sorted(set(watch_namespaces))),
        kubeconfig=kubeconfig,
        workers=workers,
        listen_port=listen_port,
        nameservers=nameservers,
        authoritative_dns_port=authoritative_dns_port,
        permitted_networks=_networks(permitted, "--permit-network"),
        self_check_networks=_networks(self_check_permitted, "--self-check-network"),
        self_check_http_port=self_check_http_port,
        self_check_https_port=self_check_https_port,
        responder_service=responder_service,
        responder_status=responder_status,
        route_linger=route_linger,
        owner_role=owner_role,
        tls_acme=tls_acme,
        renewal_info_interval=renewal_info_interval,
        cert_manager_metrics=cert_manager_metrics,
        instance=instance or instance_name(),
        restarts=bool(instance),
        kill_at=kill_point(),
        proxy=https_proxy(),
        no_proxy=proxy_exceptions(),
    )
    try:
        app = App(settings)
    except NeedsPerson as problem:
        raise click.ClickException(problem.message) from None
    except OSError as error:
        raise click.ClickException(f"port {listen_port} cannot be used: {error}") from None
    sys.exit(app.run())


def _networks(texts: tuple[str, ...], option: str) -> tuple[Network, ...]:
    try:
        return networks(texts)
    except ValueError as error:
        raise click.BadParameter(f"{error}; write for example 10.0.0.0/8", param_hint=option) from None
