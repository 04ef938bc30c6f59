"""Rows of Certificates as text: a table for people, JSON and YAML for machines. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import click

from certwright.cli.plain_text import plain
from certwright.cli.spans import away

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certwright.cli.certificate_row import Row

#: Names that are shown of a Certificate; of more only the number.
MOST_NAMES = 3
_COLOURS = {"True": "green", "False": "red", "Unknown": "yellow"}


def table(rows: Sequence[Row], now: datetime, *, namespaces: bool, wide: bool, colour: bool) -> str:
    """Columns under headings, as kubectl has them; every cell is harmless to a terminal."""
    headings = ["NAME", "READY", "REASON", "ISSUER", "EXPIRES", "RENEWS"]
    headings = ["NAMESPACE", *headings] if namespaces else headings
    headings += ["SECRET", "CA", "NEXT ATTEMPT", "NAMES"] if wide else []
    cells = [headings, *(_cells(row, now, namespaces=namespaces, wide=wide) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    ready = headings.index("READY")
    lines = []
    for line in cells:
        padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        padded[-1] = line[-1]
        if colour and line[ready] in _COLOURS:
            padded[ready] = click.style(padded[ready], fg=_COLOURS[line[ready]])
        lines.append("   ".join(padded).rstrip())
    return "\n".join(lines) + "\n"


def _cells(row: Row, now: datetime, *, namespaces: bool, wide: bool) -> list[str]:
    issuer = row.issuer_name if row.issuer_kind == "Issuer" else f"{row.issuer_kind}/{row.issuer_name}"
    cells = [row.namespace] if namespaces else []
    cells += [row.name, row.ready, row.reason or "-", f"{issuer} (staging)" if row.staging else issuer]
    cells += [away(row.not_after, now), away(row.renewal_time, now)]
    if wide:
        more = len(row.dns_names) - MOST_NAMES
        names = ",".join(row.dns_names[:MOST_NAMES]) + (f" +{more}" if more > 0 else "")
        cells += [row.secret_name, row.ca or "-", away(row.next_attempt_time, now), names]
    return [plain(cell) for cell in cells]


def as_json(rows: Sequence[Row]) -> str:
    """One object with the list `certificates`; ASCII, so that nothing in it moves a terminal."""
    text = json.dumps({"certificates": [row.to_dict() for row in rows]}, indent=2)
    return text.replace("\x7f", "\\u007f") + "\n"


def as_yaml(rows: Sequence[Row]) -> str:
    """The same as YAML; ASCII as well.

    Written by hand, since the YAML library takes 8 s and 150 MiB for ten thousand.
    """
    lines = ["certificates:" if rows else "certificates: []"]
    for row in rows:
        mark = "- "
        for key, value in row.to_dict().items():
            lines.append(f"{mark}{key}: {_flow(value)}")
            mark = "  "
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """In one line, JSON as far as YAML reads it as the same (YAML 1.2.2, 7.3.1 and 7.4)."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    text = json.dumps(value)
    # Of characters beyond U+FFFF JSON writes two halves, which YAML takes for two characters.
    whole = (
        re.sub(r"(?<!\\)((?:\\\\)*)\\u(d[89ab]..)\\u(d[c-f]..)", _joined, text) if "\\ud" in text else text
    )
    return whole.replace("\x7f", "\\x7f")


def _joined(halves: re.Match[str]) -> str:
    before, high, low = halves.groups()
    number = 0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF)
    return f"{before}\\U{number:08x}"
