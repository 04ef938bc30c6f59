"""Lines under lines: a tree as text. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from certwright.cli.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Columns of text at least, however deep in the tree and narrow the terminal.
NARROWEST = 20


@dataclass(frozen=True, slots=True)
class Node:
    """One line and those under it."""

    text: str
    children: tuple[Node, ...] = ()


def tree(node: Node, width: int | None = None) -> str:
    """The tree, every line harmless to a terminal, and folded where it is wider than `width` columns."""
    lines = (plain(node.text), *_below(node.children, ""))
    if width is not None:
        lines = tuple(part for line in lines for part in folded(line, width))
    return "\n".join(lines) + "\n"


def folded(line: str, width: int) -> list[str]:
    """A line of a tree as lines of `width` columns at most, with the tree's branches going on beside them.

    Words are never broken, and commands (`$ kubectl ...`) not folded at all, so that both can be copied.
    """
    text = line.lstrip("│├└─ ")
    prefix = line[: len(line) - len(text)]
    if len(line) <= width or text.startswith("$ "):
        return [line]
    beside = prefix.replace("├─", "│ ").replace("└─", "  ")
    room = max(width - len(prefix), NARROWEST)
    first, *rest = wrap(text, room, break_long_words=False, break_on_hyphens=False)
    return [prefix + first, *(beside + part for part in rest)]


def _below(nodes: tuple[Node, ...], indent: str) -> Iterator[str]:
    for node in nodes:
        last = node is nodes[-1]
        yield f"{indent}{'└─' if last else '├─'} {plain(node.text)}"
        yield from _below(node.children, f"{indent}{'   ' if last else '│  '}")
