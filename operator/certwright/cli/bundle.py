"""`certwright bundle`: what somebody who helps wants to see, as one file without secrets."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certwright import __version__
from certwright.cli.archive import packed
from certwright.cli.bundle_parts import LOG_LINES, MOST_OBJECTS, Contents, Wanted, collect
from certwright.cli.live_names import certificate_names
from certwright.cli.plain_text import plain
from certwright.cli.session import connection_options, now, session
from certwright.resources.condition import write_moment
from certwright.settings import DEFAULT_NAMESPACE

if TYPE_CHECKING:
    from datetime import datetime

README = f"""\
A support archive of Certwright {{version}}, made at {{moment}}
{{scope}}

In it are, as JSON:
- versions.json: of the program that made this, and of the API server
- namespaces/*/certificates.json, issuers.json and cluster/clusterissuers.json: spec and status
- namespaces/*/secrets.json: of the Secrets that these name only type, labels and annotations of Certwright, the names
  and sizes of the values, and what the certificate in tls.crt says of itself
- namespaces/*/events.json: Events of these objects, and those of ours about Ingresses; of ClusterIssuers they are in
  the namespace default
- operator/: Deployments and pods of the operator with images and states, the last {LOG_LINES} lines of each container's
  log, attempts with order and challenges, and what CAs asked to hold back
Of one kind at most {MOST_OBJECTS} objects are in it.

Not in it are values of Secrets, private keys, proofs of names, contents of environment variables, and labels and
annotations of others. Fields are written because a list in the program names them. Texts are searched for private keys,
tokens and passwords besides. {{emails}}
Names of hosts, namespaces and objects are in it, so look into it before you pass it on.

{{unread}}{{cut}}"""


@click.command(context_settings={"show_default": True})
@connection_options
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=certificate_names)
@click.option("--all-namespaces", "-A", is_flag=True, help="Of all namespaces.")
@click.option(
    "--output",
    "-o",
    type=click.Path(allow_dash=True, dir_okay=False),
    help="The file to write; - is standard output.  [default: certwright-bundle-TIME.tar.gz]",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option(
    "--keep-emails", is_flag=True, help="Leave addresses as they are; otherwise they become ***@domain."
)
@click.option("--operator-namespace", default=DEFAULT_NAMESPACE, help="Where the operator runs.")
def bundle(
    *,
    names: tuple[str, ...],
    namespace: str | None,
    context: str | None,
    kubeconfig: str | None,
    all_namespaces: bool,
    output: str | None,
    force: bool,
    keep_emails: bool,
    operator_namespace: str,
) -> None:
    """Write an archive for somebody who helps: objects, events, logs, and facts of Secrets, but no secrets.

    With NAMEs only these Certificates and what belongs to them. What you may not read is listed in its README.
    """
    moment = now()
    file = output or f"certwright-bundle-{moment:%Y%m%dT%H%M%SZ}.tar.gz"
    _check(file, names, all_namespaces=all_namespaces, force=force)
    with session(kubeconfig, context, namespace) as at_hand:
        wanted = Wanted(
            namespace="" if all_namespaces else at_hand.namespace,
            names=tuple(dict.fromkeys(names)),
            operator_namespace=operator_namespace,
            keep_emails=keep_emails,
        )
        contents = collect(at_hand, wanted)
    contents.files["README.txt"] = readme(contents, wanted, moment)
    archive = packed(contents.files, f"certwright-bundle-{moment:%Y%m%dT%H%M%SZ}", moment)
    if file == "-":
        click.echo(archive, nl=False)
    else:
        _write(Path(file), archive, force=force)
        click.echo(written(file, len(archive)))
    for line in missing(contents):
        click.echo(line, err=True)


def written(file: str, size: int) -> str:
    """What is said of an archive of so many bytes. Pure."""
    return f"Wrote {plain(file)} ({-(-size // 1024)} KiB). Look into it before you pass it on."


def missing(contents: Contents) -> list[str]:
    """What is said of each part that could not be read. Pure."""
    return [plain(f"Not in it: {what}: {why}") for what, why in contents.unread]


def readme(contents: Contents, wanted: Wanted, moment: datetime) -> str:
    """What is in the archive, what is not, and why. Pure."""
    scope = f"of namespace {wanted.namespace}" if wanted.namespace else "of all namespaces"
    scope = f"of the Certificates {', '.join(wanted.names)} {scope}" if wanted.names else scope
    unread = "".join(f"- {plain(f'{what}: {why}')}\n" for what, why in contents.unread)
    cut = "".join(f"- {each}\n" for each in contents.cut)
    emails = (
        "E-mail addresses are as they were."
        if wanted.keep_emails
        else "E-mail addresses show their domain only."
    )
    return README.format(
        version=__version__,
        moment=write_moment(moment),
        scope=plain(scope),
        emails=emails,
        unread=f"These could not be read:\n{unread}" if unread else "Everything could be read.\n",
        cut=f"\nLeft out because there is too much:\n{cut}" if cut else "",
    )


def _check(file: str, names: tuple[str, ...], *, all_namespaces: bool, force: bool) -> None:
    """What can be refused before anything is read."""
    if names and all_namespaces:
        raise click.UsageError(
            "NAME and --all-namespaces exclude each other: a name belongs to one namespace"
        )
    if file == "-" and sys.stdout.isatty():
        raise click.UsageError("an archive is no text for a terminal: name a file, or pass it on by a pipe")
    if file != "-" and not force and os.path.lexists(file):
        raise click.ClickException(plain(f"{file} exists; name another file, or write over it with --force"))


def _write(file: Path, content: bytes, *, force: bool) -> None:
    """All or nothing, and for the eyes of its owner only."""
    try:
        descriptor, beside = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(content)
            if force:
                Path(beside).replace(file)
            else:
                os.link(beside, file)  # unlike a rename it never takes the place of a file
        finally:
            with suppress(FileNotFoundError):
                Path(beside).unlink()
    except FileExistsError:
        message = f"{file} exists; name another file, or write over it with --force"
        raise click.ClickException(plain(message)) from None
    except OSError as error:
        raise click.ClickException(plain(f"{file} cannot be written: {error.strerror}")) from None
