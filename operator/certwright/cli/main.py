"""`certwright`: the commands. Each is imported when it is called, because a solver pod has little memory."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from certwright import __version__
from certwright.cli.exit_codes import wrong_use

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

#: By name, the module and what it calls the command.
COMMANDS = {
    "list": ("certwright.cli.listing", "list_certificates"),
    "status": ("certwright.cli.status", "status"),
    "wait": ("certwright.cli.waiting", "wait"),
    "renew": ("certwright.cli.renewing", "renew"),
    "suspend": ("certwright.cli.suspending", "suspend"),
    "resume": ("certwright.cli.suspending", "resume"),
    "bundle": ("certwright.cli.bundle", "bundle"),
    "crds": ("certwright.cli.crds", "crds"),
    "completion": ("certwright.cli.completion", "completion"),
    "version": ("certwright.cli.version", "version"),
    "run": ("certwright.cli.run", "run"),
    "respond": ("certwright.cli.respond", "respond"),
}


class _Commands(click.Group):
    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        """As click does, with the exit code of wrong use."""
        try:
            return super().make_context(*arguments, **more)
        except click.UsageError as error:
            raise wrong_use(error, None) from None

    def invoke(self, ctx: click.Context) -> Any:
        """As click does, with the exit code of wrong use, which depends on the command."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise wrong_use(error, ctx.invoked_subcommand) from None

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

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Commands by their names alone, since a shell cannot wait for all of them to be imported; and options."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415  for shells only

        names = [CompletionItem(name) for name in COMMANDS if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


@click.group(cls=_Commands, context_settings={"auto_envvar_prefix": "CERTWRIGHT", "show_default": True})
@click.version_option(__version__)
def main() -> None:
    """Certwright keeps TLS certificates in Kubernetes Secrets valid, using ACME."""
