"""References from a spec to one key of one Secret."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from certwright.failures import NeedsPerson
from certwright.resources.conditions import Reason
from certwright.resources.object_names import check_secret_key, check_secret_name

_Text = Annotated[str, Meta(max_length=253)]


class SecretKeyRef(Struct, frozen=True):
    """One key of one Secret."""

    name: _Text
    key: _Text


class SecretRef(Struct, frozen=True):
    """A Secret, and perhaps one of its keys."""

    name: _Text
    key: _Text | None = None


def blamed(ref: SecretKeyRef, unusable: NeedsPerson) -> NeedsPerson:
    """The setback of whoever could not use a credential, saying also where it is kept."""
    if unusable.reason != Reason.CREDENTIAL_INVALID.word:
        return unusable
    return NeedsPerson(unusable.reason, f'{unusable.message} (Secret {ref.name}, key "{ref.key}")')


def checked_key(ref: SecretRef | SecretKeyRef, place: str, usual: str = "") -> SecretKeyRef:
    """What `ref` names, the key `usual` where it names none.

    Raises:
        Broken: no Secret can have such a name or key.
    """
    check_secret_name(ref.name, f"{place}.name")
    key = usual if ref.key is None else ref.key
    check_secret_key(key, f"{place}.key")
    return SecretKeyRef(ref.name, key)
