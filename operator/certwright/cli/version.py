"""`certwright version`: of this program alone; it imports nothing else, so that it answers at once."""

from __future__ import annotations

import json

import click

from certwright import __version__


@click.command(context_settings={"show_default": True})
@click.option(
    "--output", "-o", type=click.Choice(["text", "json"]), default="text", help="For people or for machines."
)
def version(*, output: str) -> None:
    """Say which version this program is."""
    click.echo(__version__ if output == "text" else json.dumps({"clientVersion": __version__}))
