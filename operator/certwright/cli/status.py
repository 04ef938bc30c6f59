"""`certwright status`: one Certificate and all that belongs to it."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, TypeVar

import click

from certwright.cli.certificate_row import is_well, read_row
from certwright.cli.exit_codes import end_in_trouble
from certwright.cli.live_names import certificate_names
from certwright.cli.plain_text import plain
from certwright.cli.session import Session, connection_options, now, segment, session, terminal_width, told
from certwright.cli.status_tree import Absent, Parts, SecretFacts, status_tree
from certwright.cli.tree import tree
from certwright.failures import NeedsPerson
from certwright.resources.attempt import attempt_name
from certwright.settings import DEFAULT_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Callable

_Part = TypeVar("_Part")
LOOK_ELSEWHERE = (
    "look in another namespace with -n. If an Ingress asks for it by annotation, what is wrong there is told by events "
    "beside the Ingress:"
)


@click.command(context_settings={"show_default": True})
@connection_options
@click.argument("name", shell_complete=certificate_names)
@click.option(
    "--operator-namespace", default=DEFAULT_NAMESPACE, help="Where the operator runs, and keeps its orders."
)
def status(
    *, name: str, namespace: str | None, context: str | None, kubeconfig: str | None, operator_namespace: str
) -> None:
    """Show the Certificate NAME with issuer, Secret, order and events: what happened, and what happens next.

    Exit code 2 says that it is not ready, or fails.
    """
    moment = now()
    with session(kubeconfig, context, namespace) as at_hand:
        parts = _read(at_hand, name, operator_namespace)
    click.echo(tree(status_tree(parts, moment), terminal_width()), nl=False)
    if not is_well(read_row(parts.certificate, {}, moment)):
        end_in_trouble()


def _read(at_hand: Session, name: str, operator_namespace: str) -> Parts:
    where = at_hand.namespace
    body = at_hand.get("Certificate", where, name)
    if body is None:
        raise click.ClickException(
            plain(
                f"Certificate {where}/{name} does not exist; {LOOK_ELSEWHERE} kubectl describe ingress -n {where}"
            )
        )
    spec, uid = body.get("spec") or {}, str(body["metadata"].get("uid"))
    ref = spec.get("issuerRef") or {}
    kind = "ClusterIssuer" if ref.get("kind") == "ClusterIssuer" else "Issuer"
    issuer_path = at_hand.path(kind, where if kind == "Issuer" else "", str(ref.get("name")))
    target = str(spec.get("secretName"))
    under_way = bool((body.get("status") or {}).get("attempt"))
    return Parts(
        certificate=body,
        issuer=_part(at_hand, lambda: at_hand.api.get(issuer_path)),
        secret=_part(at_hand, lambda: _facts(at_hand.secret(where, target))),
        attempt=_part(at_hand, lambda: _attempt(at_hand.secret(operator_namespace, attempt_name(uid))))
        if under_way
        else None,
        events=_part(at_hand, lambda: _events(at_hand, name, uid)),
        operator_namespace=operator_namespace,
    )


def _part(at_hand: Session, read: Callable[[], _Part | None]) -> _Part | Absent:
    """A part, or what is said in its place; a server that is away ends the whole."""
    try:
        found = read()
    except NeedsPerson as refusal:
        return Absent(told(refusal, at_hand.server))
    return Absent("does not exist") if found is None else found


def _facts(secret: dict[str, Any] | None) -> SecretFacts | None:
    """Of the key nothing is looked at but whether it is there."""
    from certwright.pki.leaf import read_leaf  # noqa: PLC0415  takes long to load

    if secret is None:
        return None
    data = secret.get("data") or {}
    try:
        chain = base64.b64decode(data.get("tls.crt") or "")
    except (binascii.Error, ValueError):
        chain = b""
    return SecretFacts(read_leaf(chain), has_key=bool(data.get("tls.key")))


def _attempt(secret: dict[str, Any] | None) -> Any:
    from certwright.kube.attempts import read_attempt  # noqa: PLC0415  takes long to load

    if secret is None:
        return None
    return read_attempt(secret) or Absent("cannot be read by this version")


def _events(at_hand: Session, name: str, uid: str) -> list[dict[str, Any]]:
    """By core/v1, which the role `view` may read; a Certificate of that name before this one had another UID."""
    fields = f"involvedObject.name={name},involvedObject.uid={uid}"
    path = f"/api/v1/namespaces/{segment(at_hand.namespace)}/events"
    return [event for page in at_hand.api.pages(path, fields=fields) for event in page]
