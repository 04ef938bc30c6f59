"""`certwright`: the commands. Each is imported when it is called, because a solver pod has little memory."""

from __future__ import annotations

from importlib import import_module

import click

from certwright import __version__

#: By name, the module and what it calls the command.
COMMANDS = {
    "list": ("certwright.cli.listing", "list_certificates"),
    "status": ("certwright.cli.status", "status"),
    "wait": ("certwright.cli.waiting", "wait"),
    "version": ("certwright.cli.version", "version"),
    "run": ("certwright.cli.run", "run"),
    "respond": ("certwright.cli.respond", "respond"),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """In the order of a first reading."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """The command, or None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=_Commands, context_settings={"auto_envvar_prefix": "CERTWRIGHT", "show_default": True})
@click.version_option(__version__)
def main() -> None:
    """Certwright keeps TLS certificates in Kubernetes Secrets valid, using ACME."""
