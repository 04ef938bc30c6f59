"""What the exit codes of all commands mean; the only place that gives them out.

Of commands for users: 0 fine, 1 an error, wrong use included (as kubectl has it), 2 that something asked about
expires or fails, so that a script or a CI job tells trouble with certificates from trouble with the call.

Of the programs that run in pods, `run` and `respond`: 0 ended as it was told to, 1 it could not start or go on,
2 wrong flags, as most programs have it; they tell nothing of certificates.
"""

from __future__ import annotations

from typing import NoReturn

import click

ERROR = 1
TROUBLE = 2
#: Commands that are programs of pods.
PROGRAMS = frozenset({"run", "respond"})


class Trouble(click.ClickException):
    """What was asked about is not well; the message says why."""

    exit_code = TROUBLE


def end_in_trouble() -> NoReturn:
    """End the command after it has shown what is not well."""
    raise SystemExit(TROUBLE)


def wrong_use(error: click.UsageError, command: str | None) -> click.UsageError:
    """The same error with the exit code of wrong use; click's own is 2."""
    if command not in PROGRAMS:
        vars(error)["exit_code"] = ERROR  # click's types have it at the class only
    return error
