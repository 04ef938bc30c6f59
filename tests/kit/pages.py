"""The fenced blocks of the repository's pages (CommonMark §4.5), and what a block of YAML is.

The words behind `yaml` say how a block that is no manifest is tried:

    yaml                    one or more manifests, as a user would apply them
    yaml part=KIND          what is added to an object of this kind, as far as it matters there
    yaml values             values of the chart
    yaml file=PATH          the same as this file of the repository, which a test uses
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^(?P<indent> {0,3})(?P<fence>`{3,}|~{3,})\s*(?P<words>[^`]*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: its path from the top of the repository.
        line: of its first fence, from 1.
        words: behind the fence, such as ("yaml", "values").
        text: between the fences.
    """

    page: str
    line: int
    words: tuple[str, ...]
    text: str

    @property
    def is_yaml(self) -> bool:
        """Whether it says so."""
        return self.words[:1] in {("yaml",), ("yml",)}

    @property
    def marker(self) -> str:
        """How it is tried: "" is a manifest."""
        return " ".join(self.words[1:])

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages(root: Path = ROOT) -> Iterator[Path]:
    """Every page, but for what tools leave behind in folders with a dot."""
    for path in sorted(root.rglob("*.md")):
        if not any(part.startswith(".") for part in path.relative_to(root).parts):
            yield path


def blocks(page: Path, root: Path = ROOT) -> Iterator[Block]:
    """The fenced blocks of a page.

    Raises:
        ValueError: a fence is not closed, so that a reader sees the rest of the page in it.
    """
    opened: re.Match[str] | None = None
    first, inside = 0, list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        found = _FENCE.match(line)
        if opened is None:
            if found:
                opened, first, inside = found, number, []
        elif found and not found["words"] and found["fence"].startswith(opened["fence"]):
            words = tuple(opened["words"].split())
            yield Block(str(page.relative_to(root)), first, words, "".join(f"{each}\n" for each in inside))
            opened = None
        else:
            inside.append(line.removeprefix(opened["indent"]))
    if opened is not None:
        raise ValueError(f"{page}:{first}: this fence is not closed")


def yaml_blocks(root: Path = ROOT) -> list[Block]:
    """Every block of YAML in every page."""
    return [block for page in pages(root) for block in blocks(page, root) if block.is_yaml]
