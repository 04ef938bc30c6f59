"""From JSON to a checked value: the shape by msgspec, the rules by `require`, both with sentences for people.

What the CRDs refuse is refused here with the same words. Unknown fields are passed over, as a newer CRD may
have them; unknown words are refused, since they cannot be obeyed.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

T = TypeVar("T")

#: How much of a wrong value is shown.
SHOWN = 100
_PLACE = re.compile(r" - at `\$(.*)`$")
_STEP = re.compile(r"\.(\w+)|\[")


class Broken(ValueError):  # noqa: N818  a statement about a spec, not a fault of ours
    """A rule is broken; the message names the field and what to write there."""


def require(kept: object, place: str, sentence: str, found: object = None) -> None:
    """Refuse the value at `place`, such as `spec.dnsNames[0]`, unless the rule that `sentence` tells is kept.

    Raises:
        Broken: it is not.
    """
    if not kept:
        shown = "" if found is None else f" (found {str(found)[:SHOWN]!r})"
        raise Broken(f"{place}: {sentence}{shown}")


def prepared(shape: type[T]) -> type[T]:
    """A class for msgspec, understood now and not when it is first used.

    Two threads that are the first to use a class at the same time crash the process (seen with msgspec 0.22): one
    finds what the other has only begun to note. At import there is one thread.
    """
    msgspec.json.Decoder(shape)
    return shape


def decode(spec: object, shape: type[T]) -> T:
    """The spec of an object as a value of `shape`.

    Raises:
        Broken: a field is missing, of another type, out of bounds or an unknown word.
    """
    try:
        return msgspec.convert(_as_stored({} if spec is None else spec), shape, strict=True)
    except msgspec.ValidationError as error:
        raise Broken(_told(str(error), shape)) from None


def _as_stored(value: Any) -> Any:
    """A null is an absent field and 256.0 is 256, as the API server has it (Kubernetes API concepts)."""
    if isinstance(value, dict):
        return {key: _as_stored(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_as_stored(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _told(error: str, shape: type) -> str:
    """The sentence of msgspec with the place as users write it, in front."""
    found = _PLACE.search(error)
    place, text = found[1] if found else "", _PLACE.sub("", error).replace("`", "")
    if text.startswith("Object missing required field "):
        return f"spec{place}.{text.rpartition(' ')[2]}: required value"
    if text.startswith("Invalid enum value "):
        word = text.removeprefix("Invalid enum value ")
        return f"spec{place}: {word} is not known; write {_words(shape, place)}"
    return f"spec{place}: {text[:1].lower()}{text[1:]}"


def _words(shape: type, place: str) -> str:
    """What may stand at `place`."""
    here = inspect.type_info(shape)
    for step in _STEP.finditer(place):
        here = _without_null(here)
        if isinstance(here, inspect.StructType):
            here = next(field.type for field in here.fields if field.encode_name == step[1])
        elif isinstance(here, inspect.ListType | inspect.VarTupleType):
            here = here.item_type
    here = _without_null(here)
    words = [str(member.value) for member in here.cls] if isinstance(here, inspect.EnumType) else []
    return " or ".join((", ".join(words[:-1]), *words[-1:]))


def _without_null(here: inspect.Type) -> inspect.Type:
    if isinstance(here, inspect.UnionType):
        return next(each for each in here.types if not isinstance(each, inspect.NoneType))
    return here
