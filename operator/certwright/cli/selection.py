"""Which Certificates a command is about: those that are named, those with certain labels, or all."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from certwright.cli.live_names import certificate_names
from certwright.cli.plain_text import plain
from certwright.resources.json_values import mapping_of, text_of
from certwright.resources.names import ApiNames
from certwright.resources.renew_value import kept_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from certwright.cli.session import Session

_Function = TypeVar("_Function", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A Certificate, as far as such a command needs it; ten thousand of them must fit.

    Attributes:
        renew: with which value a renewal was asked for last, as `kept_value` has it; "" for none.
    """

    namespace: str
    name: str
    suspended: bool
    renew: str = ""

    def __str__(self) -> str:
        return plain(f"Certificate {self.namespace}/{self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What somebody wrote to choose Certificates by; exactly one of the first three.

    Attributes:
        everywhere: of all namespaces.
    """

    names: tuple[str, ...]
    selector: str
    everything: bool
    everywhere: bool

    @property
    def many(self) -> bool:
        """Whether it may come to more than somebody has in mind."""
        return not self.names

    def check(self) -> None:
        """Raise `click.UsageError` where it is not clear what is meant."""
        if sum((bool(self.names), bool(self.selector), self.everything)) != 1:
            raise click.UsageError("Say which Certificates: their names, or --selector, or --all.")
        if self.everywhere and self.names:
            raise click.UsageError("Names are of one namespace: leave out -A, and say which with -n.")

    def read(self, at_hand: Session) -> tuple[list[Chosen], list[str]]:
        """The Certificates, and what is said of those that are not there.

        Raises:
            Setback: the API server does not say.
        """
        if not self.names:
            where = "" if self.everywhere else at_hand.namespace
            return list(self._listed(at_hand, where)), []
        found, missing = [], []
        for name in dict.fromkeys(self.names):
            body = at_hand.get("Certificate", at_hand.namespace, name)
            if body is None:
                missing.append(plain(f"Certificate {at_hand.namespace}/{name} does not exist"))
            else:
                found.append(_chosen(body))
        return found, missing

    def _listed(self, at_hand: Session, namespace: str) -> Iterator[Chosen]:
        collection = at_hand.collection("Certificate", namespace)
        for page in at_hand.api.pages(collection, selector=self.selector):
            yield from map(_chosen, page)


def confirm(question: str) -> None:
    """Have somebody at a terminal say that they mean it; a script is taken at its word.

    Raises:
        click.Abort: they do not.
    """
    if at_terminal():
        click.confirm(question, abort=True, err=True)


def at_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def _chosen(body: dict[str, Any]) -> Chosen:
    metadata, spec = mapping_of(body.get("metadata")), mapping_of(body.get("spec"))
    place = text_of(metadata.get("namespace")), text_of(metadata.get("name"))
    renew = kept_value(text_of(mapping_of(metadata.get("annotations")).get(ApiNames().renew)))
    return Chosen(*place, suspended=spec.get("suspend") is True, renew=renew)


def selection_options(function: _Function) -> _Function:
    """The argument and the options that choose."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Have the API server check it, and change nothing."),
        click.option("--all-namespaces", "-A", is_flag=True, help="Of all namespaces."),
        click.option("--all", "everything", is_flag=True, help="All Certificates of the namespace."),
        click.option(
            "--selector", "-l", default="", help="Those with these labels, as in kubectl.", show_default=False
        ),
        click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=certificate_names),
    ):
        function = option(function)
    return function
