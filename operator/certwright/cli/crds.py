"""`certwright crds`: the CustomResourceDefinitions that this version works with, for clusters without the chart's."""

from __future__ import annotations

from importlib.resources import files

import click


@click.command(context_settings={"show_default": True})
def crds() -> None:
    """Print the CRDs of this version as YAML: certwright crds | kubectl apply --server-side -f -."""
    click.echo(manifests(), nl=False)


def manifests() -> str:
    """All CRDs as one YAML stream, in the order of their names; the files come with the package."""
    found = sorted(
        (each for each in (files("certwright.resources") / "crds").iterdir() if each.name.endswith(".yaml")),
        key=lambda each: each.name,
    )
    return "---\n".join(each.read_text(encoding="utf-8") for each in found)
