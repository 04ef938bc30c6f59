"""Lines under lines: a tree as text. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certwright.cli.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Node:
    """One line and those under it."""

    text: str
    children: tuple[Node, ...] = ()


def tree(node: Node) -> str:
    """The tree, every line harmless to a terminal."""
    return "\n".join((plain(node.text), *_below(node.children, ""))) + "\n"


def _below(nodes: tuple[Node, ...], indent: str) -> Iterator[str]:
    for node in nodes:
        last = node is nodes[-1]
        yield f"{indent}{'└─' if last else '├─'} {plain(node.text)}"
        yield from _below(node.children, f"{indent}{'   ' if last else '│  '}")
