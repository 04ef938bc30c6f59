"""The block `http01` of a solver."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

from certwright.resources.decoding import require
from certwright.resources.object_names import SUBDOMAIN, VISIBLE
from certwright.resources.self_check import SelfCheckText, check_self_check, parse_self_check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from certwright.resources.self_check import SelfCheck

#: What came before ingressClassName, and is still what some controllers look at.
CLASS_ANNOTATION = "kubernetes.io/ingress.class"

_WORD = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_LABEL_KEY = re.compile(rf"({SUBDOMAIN}/)?{_WORD}")
_ANNOTATION_KEY = re.compile(rf"({SUBDOMAIN}/)?{_WORD}", re.IGNORECASE)
_LABEL_VALUE = re.compile(rf"({_WORD})?")
_LONGEST_PREFIX = 253


class PathType(Enum):
    """Of the route's path (networking.k8s.io/v1)."""

    EXACT = "Exact"
    PREFIX = "Prefix"
    IMPLEMENTATION_SPECIFIC = "ImplementationSpecific"


class TemplateMetadata(Struct, frozen=True):
    """Labels and annotations for the Ingress, beside those that are ours."""

    labels: Annotated[dict[str, Annotated[str, Meta(max_length=63)]], Meta(max_length=16)] = {}
    annotations: Annotated[dict[str, Annotated[str, Meta(max_length=4096)]], Meta(max_length=16)] = {}


class IngressTemplate(Struct, frozen=True):
    """What the Ingress shall have beside what makes it a route."""

    metadata: TemplateMetadata = TemplateMetadata()


class Http01IngressSpec(Struct, frozen=True, rename="camel", kw_only=True):
    """The Ingress that leads from the name to the solver pods; nothing given: by the cluster's default class."""

    ingress_class_name: Annotated[str, Meta(max_length=253)] | None = None
    class_: Annotated[str, Meta(max_length=253)] | None = msgspec.field(name="class", default=None)
    path_type: PathType = PathType.EXACT
    ingress_template: IngressTemplate = IngressTemplate()


class Http01Spec(Struct, frozen=True, rename="camel", kw_only=True):
    """How HTTP-01 is done."""

    ingress: Http01IngressSpec
    self_check_text: SelfCheckText = msgspec.field(name="selfCheck", default="Require")

    @property
    def self_check(self) -> SelfCheck:
        """`selfCheck` as a value."""
        return parse_self_check(self.self_check_text)


def check_http01(http01: Http01Spec, place: str, group: str) -> None:
    """Raises `Broken` unless every rule of the CRD is kept; keys under `group` are ours alone."""
    _check_class(http01.ingress, f"{place}.ingress")
    metadata = http01.ingress.ingress_template.metadata
    where = f"{place}.ingress.ingressTemplate.metadata"
    _check_keys(metadata.labels, f"{where}.labels", _LABEL_KEY, group)
    _check_keys(metadata.annotations, f"{where}.annotations", _ANNOTATION_KEY, group)
    advice = f"write the class as ingressClassName or class, not as the annotation {CLASS_ANNOTATION}"
    require(CLASS_ANNOTATION not in metadata.annotations, f"{where}.annotations", advice)
    advice = (
        "write a label's value: letters, digits, '-', '_' and '.', a letter or digit at both ends, or nothing"
    )
    for key, value in metadata.labels.items():
        require(_LABEL_VALUE.fullmatch(value), f"{where}.labels[{key}]", advice, value)
    check_self_check(http01.self_check_text, f"{place}.selfCheck")


def _check_class(ingress: Http01IngressSpec, place: str) -> None:
    name, older = ingress.ingress_class_name, ingress.class_
    require(name is None or older is None, place, "ingressClassName and class exclude each other; remove one")
    advice = "write the name of an IngressClass (kubectl get ingressclass), or leave it out for the default"
    fine = name is None or re.fullmatch(SUBDOMAIN, name)
    require(fine, f"{place}.ingressClassName", advice, name)
    advice = f"write the class as your controller looks for it in the annotation {CLASS_ANNOTATION}"
    require(older is None or VISIBLE.fullmatch(older), f"{place}.class", advice, older)


def _check_keys(keys: Iterable[str], place: str, pattern: re.Pattern[str], group: str) -> None:
    for key in keys:
        prefix, slash, _ = key.rpartition("/")
        fine = pattern.fullmatch(key) and len(prefix) <= _LONGEST_PREFIX
        require(fine, place, "write keys such as team or example.com/team", key)
        ours = slash and f".{prefix.lower()}".endswith(f".{group}")
        require(not ours, place, f"keys under {group} are the operator's own; remove this one", key)
