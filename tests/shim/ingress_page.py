"""Makes the table of annotations in operator/INGRESS.md.

`python -m tests.shim.ingress_page` writes it; a test compares.
"""

from __future__ import annotations

from pathlib import Path

from certwright.resources.names import ApiNames
from certwright.shim.annotations import ANNOTATIONS

PAGE = Path(__file__).parents[2] / "operator" / "INGRESS.md"
HEAD = "| annotation | field of the Certificate | meaning |\n|---|---|---|\n"


def with_table(text: str) -> str:
    """The page with the table as the code has it."""
    before, head, after = text.partition(HEAD)
    _, end, rest = after.partition("\n```yaml")
    return "".join((before, head, *map(_row, ANNOTATIONS), end, rest))


def _row(name: str) -> str:
    annotation = ANNOTATIONS[name]
    return f"| `{ApiNames().group}/{name}` | `{annotation.field}` | {annotation.meaning} |\n"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
