"""The annotations by which an object says how its Certificates shall be.

They are those of cert-manager whose field a Certificate has, under our own prefix: what is no field here is no
annotation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NamedTuple

from certwright.resources.certificate import MOST_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.shim.applicant import Options

ISSUER, CLUSTER_ISSUER, ISSUER_KIND = "issuer", "cluster-issuer", "issuer-kind"
ALT_NAMES = "alt-names"


class Form(Enum):
    """How the text of an annotation is read."""

    TEXT = auto()
    NUMBER = auto()
    LIST = auto()
    """Texts with commas between."""


class Annotation(NamedTuple):
    """One annotation: the field of a Certificate's spec that it sets, and what it is good for."""

    field: str
    meaning: str
    form: Form = Form.TEXT


#: By what stands behind the prefix.
ANNOTATIONS: Mapping[str, Annotation] = {
    ISSUER: Annotation("issuerRef.name", "Name of an Issuer in the namespace of the Ingress."),
    CLUSTER_ISSUER: Annotation("issuerRef.name", "Name of a ClusterIssuer."),
    ISSUER_KIND: Annotation(
        "issuerRef.kind", "Kind of what `issuer` names: `Issuer` (where it is left out) or `ClusterIssuer`."
    ),
    ALT_NAMES: Annotation("dnsNames", "More names for the certificate, with commas between.", Form.LIST),
    "common-name": Annotation("commonName", "One of the names, for old clients that look at the subject."),
    "duration": Annotation("duration", "The life that the certificate is planned with, such as `90d`."),
    "renew-before": Annotation("renewBefore", "How long before its end it is renewed, such as `30d`."),
    "renew-before-percentage": Annotation(
        "renewBeforePercentage", "The same as a percentage of its life that is left.", Form.NUMBER
    ),
    "private-key-algorithm": Annotation("privateKey.algorithm", "`ECDSA`, `RSA` or `Ed25519`."),
    "private-key-size": Annotation(
        "privateKey.size", "Bits of the key, such as `256` or `4096`.", Form.NUMBER
    ),
    "private-key-encoding": Annotation("privateKey.encoding", "`PKCS8` or `PKCS1`."),
    "private-key-rotation-policy": Annotation(
        "privateKey.rotationPolicy", "`Always` (a new key with each certificate) or `Never`."
    ),
}
#: Fields that a person who writes annotations has never seen, in such a person's words.
_WORDS: Mapping[str, str] = {
    "dnsNames": "the hosts of the TLS block and {prefix}/alt-names",
    "commonName": "{prefix}/common-name",
    "renewBeforePercentage": "{prefix}/renew-before-percentage",
    "renewBefore": "{prefix}/renew-before",
}
_BY_FIELD: Mapping[str, str] = {each.field: name for name, each in ANNOTATIONS.items()}
_ISSUERS = frozenset({ISSUER, CLUSTER_ISSUER, ISSUER_KIND})
#: Unknown annotations that are looked at; an object has room for thousands, and each takes a while to compare.
MOST_STRANGERS = 100
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the annotations of one object ask for.

    Attributes:
        issuer: `spec.issuerRef`; empty where none is named.
        spec: all other fields, but for the names.
        more_names: beyond the hosts; no more than one certificate holds.
        problem: why none of it can be had, or "".
        contradiction: why it asks for two things at once, or "".
        unknown: what is no annotation of ours, each as a sentence.
        near_issuer: one of these that may be meant to name an issuer, or "".
    """

    issuer: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)
    more_names: tuple[str, ...] = ()
    problem: str = ""
    contradiction: str = ""
    unknown: tuple[str, ...] = ()
    near_issuer: str = ""


def read_request(annotations: Mapping[str, str], options: Options) -> Request:
    """Read the annotations of ours; an empty text is as good as none. Never raises."""
    group = options.names.group
    ours = {
        name.removeprefix(f"{group}/"): text.strip()
        for name, text in sorted(annotations.items())
        if options.is_ours(name)
    }
    written = {name: text for name, text in ours.items() if text and name in ANNOTATIONS}
    strangers = [name for name in ours if name not in ANNOTATIONS][:MOST_STRANGERS]
    spec: dict[str, Any] = {}
    problem = ""
    for name, text in written.items():
        if name in _ISSUERS or name == ALT_NAMES:
            continue
        value = _value(text, ANNOTATIONS[name].form)
        if value is None:
            problem = problem or f"{group}/{name}: write a whole number (found {text[:100]!r})"
            continue
        _put(spec, ANNOTATIONS[name].field, value)
    more_names = _listed(written.get(ALT_NAMES, ""))
    if len(more_names) > MOST_NAMES:
        problem = problem or f"{group}/{ALT_NAMES}: {too_many(len(more_names))}"
    return Request(
        issuer=_issuer(written),
        spec=spec,
        more_names=tuple(more_names[:MOST_NAMES]),
        problem=problem,
        contradiction=_contradiction(written, group),
        unknown=tuple(_unknown(name, group) for name in strangers),
        near_issuer=next(
            (f"{group}/{each}" for each in strangers if _nearest(each) in (ISSUER, CLUSTER_ISSUER)), ""
        ),
    )


def told_by_annotations(problem: str, group: str) -> str:
    """What is wrong with a Certificate, `place: sentence`, in the words of whoever wrote the annotations."""
    place, _, sentence = problem.partition(": ")
    for word, meant in _WORDS.items():
        sentence = re.sub(rf"\b{word}\b", meant.format(prefix=group), sentence)
    path = place.removeprefix("spec.")
    if path.startswith("dnsNames"):
        return f"a host or {group}/{ALT_NAMES}: {sentence}"
    if path == "issuerRef.name":
        return f"{group}/{ISSUER} or {group}/{CLUSTER_ISSUER}: {sentence}"
    named = "private-key-size" if path == "privateKey" else _BY_FIELD.get(path, "")
    return f"{group}/{named}: {sentence}" if named else sentence


def too_many(names: int) -> str:
    """Says that one certificate cannot hold so many names."""
    return f"{names} names are too many for one certificate, which holds {MOST_NAMES} at most; remove some"


def is_about_names(problem: str) -> bool:
    """Whether it concerns the names of one certificate, and not what all certificates of the object share."""
    return problem.startswith(("spec.dnsNames", "spec.secretName", "spec: commonName", "spec: the spec asks"))


def _issuer(written: Mapping[str, str]) -> dict[str, str]:
    if CLUSTER_ISSUER in written:
        return {"name": written[CLUSTER_ISSUER], "kind": "ClusterIssuer"}
    if ISSUER in written:
        return {"name": written[ISSUER], "kind": written.get(ISSUER_KIND, "Issuer")}
    return {}


def _contradiction(written: Mapping[str, str], group: str) -> str:
    if ISSUER in written and CLUSTER_ISSUER in written:
        return f"{group}/{ISSUER} and {group}/{CLUSTER_ISSUER} exclude each other; remove one"
    if ISSUER_KIND in written and CLUSTER_ISSUER in written:
        return (
            f"{group}/{ISSUER_KIND} is for {group}/{ISSUER} alone; remove it beside {group}/{CLUSTER_ISSUER}"
        )
    return ""


def _unknown(name: str, group: str) -> str:
    known = _nearest(name)
    helps = f"did you mean {group}/{known}?" if known else f"known are {', '.join(ANNOTATIONS)}"
    return f"{group}/{name[:100]} is not known and has no effect; {helps}"


def _nearest(name: str) -> str:
    """The annotation of ours that is most like it, or ""."""
    return next(iter(get_close_matches(name[:100], ANNOTATIONS, n=1)), "")


def _value(text: str, form: Form) -> str | int | None:
    if form is Form.NUMBER:
        return int(text) if _NUMBER.fullmatch(text) else None
    return text


def _listed(text: str) -> list[str]:
    """Each once."""
    return list(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))


def _put(spec: dict[str, Any], path: str, value: object) -> None:
    *above, last = path.split(".")
    for step in above:
        spec = spec.setdefault(step, {})
    spec[last] = value
