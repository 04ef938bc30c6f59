"""Names that the cluster has at the moment, for a shell that completes words."""

from __future__ import annotations

import re
import threading
from contextlib import redirect_stderr, suppress
from io import StringIO
from typing import TYPE_CHECKING

from certwright.cli.session import session
from certwright.settings import completion_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import click

#: RFC 1123 names. Nothing else is given to a shell, which would expand it.
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


def certificate_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Certificates of the namespace that the words before name, but those that stand there already."""
    there = ctx.params.get(str(param.name)) or ()
    found = _within(ctx, "Certificate")
    return [each for each in fitting(found, incomplete) if each not in there]


def namespace_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001  click's signature
    """Namespaces, for whoever may list them."""
    return fitting(_within(ctx, "Namespace"), incomplete)


def _within(ctx: click.Context, kind: str) -> list[str]:
    # Loaded before time begins to count: it is the cluster that may hang, and a busy machine only takes longer.
    import certwright.kube.user_config  # noqa: F401, PLC0415

    return soon(lambda: _names(ctx, kind), completion_seconds())


def _names(ctx: click.Context, kind: str) -> Iterator[str]:
    where = [ctx.params.get(each) for each in ("kubeconfig", "context", "namespace")]
    with session(*where) as at_hand:
        path = at_hand.collection(kind, at_hand.namespace) if kind == "Certificate" else "/api/v1/namespaces"
        for page in at_hand.api.pages(path, metadata_only=True):
            yield from (str(each["metadata"]["name"]) for each in page)


def fitting(names: Iterable[str], incomplete: str) -> list[str]:
    """Those that begin so, in order. Pure."""
    return sorted(each for each in names if each.startswith(incomplete) and _NAME.fullmatch(each))


def soon(read: Callable[[], Iterable[str]], seconds: float) -> list[str]:
    """All that is read, or nothing if that fails or takes longer.

    A part would be worse than nothing: a shell takes the only name of a part for the only one there is. What is still
    being read then ends with the process. Nothing is said on standard error, which would stand in the line that is
    being written.
    """
    found: list[str] = []

    def run() -> None:
        with suppress(Exception):
            found.extend(list(read()))

    with redirect_stderr(StringIO()):
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(seconds)
        return [] if thread.is_alive() else found
