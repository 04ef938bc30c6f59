"""Makes the chart's README.md from its values.yaml: the comment above a value is its documentation.

A line `## Title` begins a section. A value without children is a row; what stands above a value with children is
told only where it has a comment, under the parent's own name, and without its default if the children have rows.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

CHART = Path(__file__).parents[2] / "charts" / "certwright"
README = CHART / "README.md"
_INTRODUCTION = CHART / "README.head.md"
_KEY = re.compile(r"^( *)([A-Za-z_]\w*):(?: |$)")


@dataclass
class Section:
    """One table of the page."""

    title: str
    about: list[str] = field(default_factory=list)
    rows: list[tuple[str, str, str]] = field(default_factory=list)


class Undocumented(Exception):  # noqa: N818 - named by what happened
    """A value has no comment."""


def page() -> str:
    """The whole page."""
    text = (CHART / "values.yaml").read_text()
    tables = "\n".join(_table(section) for section in sections(text))
    return f"{_INTRODUCTION.read_text()}\n{tables}"


def sections(text: str) -> list[Section]:
    """The tables of a values file.

    Raises:
        Undocumented: a value has no comment, or none above it has.
    """
    values = yaml.safe_load(text)
    found: list[Section] = []
    for title, path, comment in _read(text):
        if not found or found[-1].title != title:
            found.append(Section(title))
        value = _at(values, path)
        name = ".".join(path)
        if isinstance(value, dict) and value and not comment:
            continue
        inside = any(name.startswith(f"{known}.") for known, _, _ in found[-1].rows)
        if not comment and not inside:
            raise Undocumented(f"{name} has no comment in values.yaml")
        if comment:
            found[-1].rows.append((name, _shown(value), comment))
    for section in found:
        section.rows = [_without_repetition(row, section) for row in section.rows]
    return found


def _without_repetition(row: tuple[str, str, str], section: Section) -> tuple[str, str, str]:
    """A row, without its default where the rows of its children have it."""
    name, default, comment = row
    told = any(other.startswith(f"{name}.") for other, _, _ in section.rows)
    return (name, "" if told else default, comment)


def _read(text: str) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Section, path and comment of every key, in the order of the file."""
    title, comment = "", ""
    path: list[tuple[int, str]] = []
    for line in text.splitlines():
        if line.startswith("## "):
            title, comment = line[3:], ""
        elif line.lstrip().startswith("# "):
            comment = f"{comment} {line.lstrip()[2:]}".strip()
        elif key := _KEY.match(line):
            indent = len(key[1])
            path = [*((depth, name) for depth, name in path if depth < indent), (indent, key[2])]
            yield title, tuple(name for _, name in path), comment
            comment = ""
        else:
            comment = ""


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        values = values[name]
    return values


def _shown(value: Any) -> str:
    return f"`{json.dumps(value)}`"


def _table(section: Section) -> str:
    rows = [f"| `{name}` | {default} | {_cell(comment)} |" for name, default, comment in section.rows]
    return "\n".join(
        [f"### {section.title}", "", "| value | default | what it is for |", "|---|---|---|", *rows, ""]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
