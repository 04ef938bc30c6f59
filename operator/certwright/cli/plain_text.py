"""Text from the cluster made harmless for a terminal."""

from __future__ import annotations


def plain(text: str) -> str:
    """One line in which every character shows: others stand as escapes.

    Terminals obey control characters (ECMA-48), and format characters turn the direction of writing (Unicode,
    UAX #9); `str.isprintable` is false for both, and for line breaks.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in " ".join(text.split("\n")))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
