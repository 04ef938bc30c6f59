"""`certwright list`: the Certificates of a namespace, or of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from certwright.cli.certificate_row import Row, expires_within, read_row
from certwright.cli.certificate_table import as_json, as_yaml, table
from certwright.cli.duration_option import DurationOption
from certwright.cli.exit_codes import end_in_trouble
from certwright.cli.session import Session, coloured, connection_options, now, session
from certwright.failures import NeedsPerson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta


@click.command("list", context_settings={"show_default": True})
@connection_options
@click.option("--all-namespaces", "-A", is_flag=True, help="Of all namespaces.")
@click.option("--failing", is_flag=True, help="Only those at which a person should look.")
@click.option(
    "--expiring", type=DurationOption(), help="Only those that are over within this time, or already."
)
@click.option(
    "--output",
    "-o",
    type=click.Choice(["table", "wide", "json", "yaml"]),
    default="table",
    help="A table, one with more columns, or the documented fields.",
)
def list_certificates(
    *,
    namespace: str | None,
    context: str | None,
    kubeconfig: str | None,
    all_namespaces: bool,
    failing: bool,
    expiring: timedelta | None,
    output: str,
) -> None:
    """Show Certificates: whether they are ready, when they expire and when they renew.

    With --failing or --expiring, exit code 2 says that there are such.
    """
    moment = now()
    with session(kubeconfig, context, namespace) as at_hand:
        where = "" if all_namespaces else at_hand.namespace
        rows = [
            row
            for row in read_rows(at_hand, where, moment)
            if (row.failing or not failing) and (expiring is None or expires_within(row, expiring, moment))
        ]
        place = at_hand.namespace
    if output == "json":
        click.echo(as_json(rows), nl=False)
    elif output == "yaml":
        click.echo(as_yaml(rows), nl=False)
    elif not rows:
        such = "No such Certificates" if failing or expiring is not None else "No Certificates"
        click.echo(f"{such} {'in any namespace' if all_namespaces else f'in namespace {place}'}.", err=True)
    else:
        text = table(rows, moment, namespaces=all_namespaces, wide=output == "wide", colour=coloured())
        click.echo(text, nl=False, color=True)
    if rows and (failing or expiring is not None):
        end_in_trouble()


def read_rows(at_hand: Session, namespace: str, moment: datetime) -> Iterator[Row]:
    """Every Certificate of a namespace, or with "" of all, a page at a time; only rows are kept."""
    directories = _directories(at_hand, namespace)
    for page in at_hand.api.pages(at_hand.collection("Certificate", namespace)):
        yield from (read_row(body, directories, moment) for body in page)


def _directories(at_hand: Session, namespace: str) -> dict[tuple[str, str], str]:
    """ACME directories of all issuers that may be read; without them staging CAs are known by their certificates."""
    found: dict[tuple[str, str], str] = {}
    for kind, where in (("Issuer", namespace), ("ClusterIssuer", "")):
        try:
            for page in at_hand.api.pages(at_hand.collection(kind, where)):
                found |= {_key(body): _directory(body) for body in page}
        except NeedsPerson:
            continue
    return found


def _key(body: dict[str, Any]) -> tuple[str, str]:
    metadata = body.get("metadata") or {}
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")


def _directory(body: dict[str, Any]) -> str:
    return str(((body.get("spec") or {}).get("acme") or {}).get("server") or "")
