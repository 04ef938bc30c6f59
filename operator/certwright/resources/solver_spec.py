"""One solver of an issuer: which names it is for, and how it proves them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from certwright.resources.decoding import require
from certwright.resources.dns01_spec import Dns01Spec, check_dns01
from certwright.resources.dns_names import to_ascii
from certwright.resources.http01_spec import Http01Spec, check_http01

if TYPE_CHECKING:
    from certwright.resources.self_check import SelfCheck

NAME_ADVICE = "write a DNS name as in the Certificate's dnsNames, such as www.example.com or *.example.com"
ZONE_ADVICE = "write a zone such as example.com, without wildcard or leading dot"

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_SELECTED_NAME = re.compile(r"(\*\.)?[^\s*_/:@]+")
_SELECTED_ZONE = re.compile(r"[^.\s*_/:@][^\s*_/:@]*")

_Text = Annotated[str, Meta(max_length=253)]


class SolverSelector(Struct, frozen=True, rename="camel"):
    """Which names a solver is for; empty: all."""

    match_labels: Annotated[dict[str, Annotated[str, Meta(max_length=63)]], Meta(max_length=16)] = {}
    dns_names: Annotated[tuple[_Text, ...], Meta(max_length=100)] = ()
    dns_zones: Annotated[tuple[_Text, ...], Meta(max_length=100)] = ()


class SolverSpec(Struct, frozen=True, rename="camel", kw_only=True):
    """One way to prove names: exactly one of `http01` and `dns01` is there.

    Raises:
        ValueError: none or both are.
    """

    name: Annotated[str, Meta(max_length=63)] | None = None
    selector: SolverSelector = SolverSelector()
    http01: Http01Spec | None = None
    dns01: Dns01Spec | None = None

    def __post_init__(self) -> None:
        if self.http01 is None and self.dns01 is None:
            raise ValueError("says not how names are proven; add http01 or dns01")
        if self.http01 is not None and self.dns01 is not None:
            raise ValueError("http01 and dns01 exclude each other; make two solvers of it")

    @property
    def block(self) -> Http01Spec | Dns01Spec:
        """The one that is there."""
        blocks: list[Http01Spec | Dns01Spec | None] = [self.http01, self.dns01]
        (there,) = (each for each in blocks if each is not None)
        return there

    @property
    def challenge_type(self) -> Literal["http-01", "dns-01"]:
        """What is asked of the CA (RFC 8555 §9.7.8)."""
        return "dns-01" if self.http01 is None else "http-01"

    @property
    def self_check(self) -> SelfCheck:
        """`selfCheck` of the block that is there."""
        return self.block.self_check


def checked_solver(solver: SolverSpec, place: str, group: str) -> SolverSpec:
    """The solver, its selector as names are ordered, since it is compared with those.

    Raises:
        Broken: a rule of the CRD is broken.
    """
    named = solver.name is None or _NAME.fullmatch(solver.name)
    advice = "write a name of lower-case letters, digits and inner hyphens"
    require(named, f"{place}.name", advice, solver.name)
    if solver.http01:
        check_http01(solver.http01, f"{place}.http01", group)
    if solver.dns01:
        check_dns01(solver.dns01, f"{place}.dns01")
    selector, where = solver.selector, f"{place}.selector"
    names = _selected(selector.dns_names, f"{where}.dnsNames", _SELECTED_NAME, NAME_ADVICE)
    zones = _selected(selector.dns_zones, f"{where}.dnsZones", _SELECTED_ZONE, ZONE_ADVICE)
    ordered = msgspec.structs.replace(selector, dns_names=names, dns_zones=zones)
    return msgspec.structs.replace(solver, selector=ordered)


def _selected(texts: tuple[str, ...], place: str, pattern: re.Pattern[str], advice: str) -> tuple[str, ...]:
    for at, text in enumerate(texts):
        require(pattern.fullmatch(text), f"{place}[{at}]", advice, text)
    return tuple(to_ascii(text, f"{place}[{at}]") for at, text in enumerate(texts))
