"""What a user's command has at hand: the API server as the kubeconfig says, a namespace, the clock, the terminal."""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import click

from certwright.cli.plain_text import plain
from certwright.failures import NeedsPerson, Setback, TryLater
from certwright.resources.conditions import Reason
from certwright.resources.names import PLURALS, ApiNames
from certwright.settings import colour_wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from certwright.kube.api import KubeApi

_Function = TypeVar("_Function", bound="Callable[..., Any]")

#: Whoever waits for a command gives up sooner than an operator does.
TIMEOUT = (5.0, 15.0)
NO_SUCH_KIND = (
    "This cluster does not know Certificates of certwright.dev: install the CRDs of Certwright first"
)
#: The chart makes no roles for users with `watchNamespaces`, and none if it is told so: the hint is true there too.
WHO_MAY_READ = (
    "the role view allows it where the chart made its roles for users (not with watchNamespaces); elsewhere an "
    "administrator has to grant it"
)
#: The request for all objects of a kind of ours, as setbacks name it.
_OUR_COLLECTION = re.compile(
    rf"GET /apis/{re.escape(ApiNames().api_version)}(?:/namespaces/[^/]+)?/(?:{'|'.join(PLURALS.values())})"
)


@dataclass(frozen=True, slots=True)
class Session:
    """One call of one command.

    Attributes:
        server: URL of the API server.
        namespace: that was asked for, or that of the context.
    """

    api: KubeApi
    names: ApiNames
    server: str
    namespace: str

    def collection(self, kind: str, namespace: str) -> str:
        """URL path of all objects of a kind of ours, in one namespace or, with "", in all."""
        where = f"/namespaces/{segment(namespace)}" if namespace else ""
        return f"/apis/{self.names.api_version}{where}/{PLURALS[kind]}"

    def path(self, kind: str, namespace: str, name: str) -> str:
        """URL path of one object of ours."""
        return f"{self.collection(kind, namespace)}/{segment(name)}"

    def secret(self, namespace: str, name: str) -> dict[str, Any] | None:
        """A Secret, or None."""
        return self.api.get(f"/api/v1/namespaces/{segment(namespace)}/secrets/{segment(name)}")

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        """An object of ours, or None; a kind that is not installed is told as such."""
        found = self.api.get(self.path(kind, namespace, name))
        if found is None and self.api.get(f"/apis/{self.names.api_version}") is None:
            raise NeedsPerson(Reason.API_SERVER_UNAVAILABLE.word, NO_SUCH_KIND)
        return found


def segment(name: str) -> str:
    """A name that somebody wrote, as one segment of a path: whatever is in it, no other path is asked."""
    return quote(name, safe="")


def _namespaces(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from certwright.cli.live_names import namespace_names  # noqa: PLC0415  it reads by a session itself

    return namespace_names(ctx, param, incomplete)


def connection_options(function: _Function) -> _Function:
    """The options of kubectl that say where, as whom, and in which namespace."""
    for option in (
        click.option(
            "--namespace",
            "-n",
            help="The namespace.  [default: that of the context]",
            shell_complete=_namespaces,
        ),
        click.option("--context", help="A context of the kubeconfig.  [default: the current one]"),
        click.option(
            "--kubeconfig",
            type=click.Path(),
            envvar="KUBECONFIG",
            show_envvar=True,
            help="How to reach the API server.  [default: ~/.kube/config]",
        ),
    ):
        function = option(function)
    return function


@contextmanager
def session(kubeconfig: str | None, context: str | None, namespace: str | None) -> Iterator[Session]:
    """A session; what goes wrong in it ends the command with a sentence and exit code 1."""
    # Imported here: the official client takes longer than all else, and `--help` does not need it.
    from certwright.kube.api import KubeApi  # noqa: PLC0415
    from certwright.kube.user_config import load_user_configuration  # noqa: PLC0415

    server = ""
    try:
        configuration, usual = load_user_configuration(kubeconfig, context)
        server = str(configuration.host)
        api = KubeApi(configuration, pool_size=1, field_manager="certwright-cli", timeout=TIMEOUT)
        yield Session(api, ApiNames(), server, namespace or usual)
    except Setback as setback:
        raise click.ClickException(plain(told(setback, server) + _advice(setback))) from None


def _advice(setback: Setback) -> str:
    if setback.http_status == HTTPStatus.FORBIDDEN:
        return f"; {WHO_MAY_READ}"
    if isinstance(setback, TryLater) and setback.http_status not in (0, HTTPStatus.UNAUTHORIZED):
        return "; try again in a while"
    return ""


def told(setback: Setback, server: str) -> str:
    """What a user is told of an answer of the API server, or of none. Pure."""
    if setback.http_status:
        return _answered(setback, server)
    what, _, said = setback.message.partition(": ")
    if " was not answered" in what:
        return f"The API server {server} cannot be reached ({said}); look at the kubeconfig and the network"
    return setback.message


def _answered(setback: Setback, server: str) -> str:
    what, _, said = setback.message.partition(": ")
    match setback.http_status:
        case HTTPStatus.UNAUTHORIZED:
            return f"The API server {server} does not accept the kubeconfig's credentials; log in again"
        case HTTPStatus.FORBIDDEN:
            return f"No permission: {said}"
        case HTTPStatus.NOT_FOUND if _OUR_COLLECTION.fullmatch(what):
            return NO_SUCH_KIND
    if isinstance(setback, TryLater):
        return f"The API server {server} cannot do it now ({said})"
    return f"The API server says: {said}"


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def clock() -> float:
    """Seconds that only ever grow, for deadlines."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Let time pass; Ctrl-C ends it."""
    threading.Event().wait(seconds)


def terminal_width() -> int | None:
    """Columns of the terminal that the output goes to; None where it goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def coloured() -> bool:
    """Whether the output goes to a terminal on which colours are wanted."""
    return sys.stdout.isatty() and colour_wanted()
