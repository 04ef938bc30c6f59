"""`certwright completion`: scripts for shells; and what kubectl asks to complete words of its plugin.

The scripts are click's. They call this program again with the words so far, and click finds who completes them:
commands and options by itself, names by `live_names.py`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from click.shell_completion import ShellComplete, get_completion_class

from certwright.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

PROGRAM = "certwright"
VARIABLE = "_CERTWRIGHT_COMPLETE"
#: Cobra's ShellCompDirectives: the shell completes names of files as it is used to, or not at all.
_FILES = ":0"
_NO_FILES = ":4"


@click.command(context_settings={"show_default": True})
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(*, shell: str) -> None:
    """Print a script that has SHELL complete commands, options, and names of Certificates and namespaces.

    bash: source <(certwright completion bash). zsh, after compinit: source <(certwright completion zsh). fish:
    certwright completion fish | source.
    """
    made = get_completion_class(shell)
    if made is None:
        raise click.ClickException(f"{shell} is not known to this program's version of click")
    # Not `source()` of the class: that of bash looks for a bash here, which need not be where the script is used.
    script = made(main, {}, PROGRAM, VARIABLE)
    click.echo(ShellComplete.source(script), nl=False)


def candidates(words: Sequence[str], incomplete: str) -> list[CompletionItem[str]]:
    """What may follow the words, or complete the word that is being written."""
    return ShellComplete(main, {}, PROGRAM, VARIABLE).get_completions(list(words), incomplete)


def told_to_kubectl(found: Sequence[CompletionItem[str]]) -> str:
    """Candidates a line, after a tab what they are, and last a directive (kubectl, plugin_completion.go). Pure."""
    lines = [f"{each.value}\t{_in_a_line(each.help)}".rstrip() for each in found if each.type == "plain"]
    files = any(each.type == "file" for each in found)
    return "\n".join([*lines, _FILES if files else _NO_FILES]) + "\n"


def _in_a_line(text: str | None) -> str:
    return " ".join((text or "").split())


def for_kubectl() -> None:
    """`kubectl_complete-certwright`: the words after `kubectl certwright`, the one being written last."""
    *words, incomplete = sys.argv[1:] or [""]
    sys.stdout.write(told_to_kubectl(candidates(words, incomplete)))
