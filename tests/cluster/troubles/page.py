"""Makes operator/TROUBLESHOOTING.md of the table and of what was printed.

`python -m tests.cluster.troubles.page` writes it; a test compares.
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import TextWrapper
from typing import TYPE_CHECKING

from certwright.cli.tree import folded
from tests.cluster.troubles.commands import CHAPTER, COMMANDS
from tests.cluster.troubles.ingresses import CHAPTER as OF_INGRESSES
from tests.cluster.troubles.ingresses import INGRESSES
from tests.cluster.troubles.table import TROUBLES
from tests.cluster.troubles.trouble import Chapter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PAGE = Path(__file__).parents[3] / "operator" / "TROUBLESHOOTING.md"
#: Columns of a block.
WIDTH = 110
_PROSE = TextWrapper(120, break_long_words=False, break_on_hyphens=False)
_REASON = re.compile(r"(?:Ready=False, |RenewalFailing, |^  Warning  )(\w+)", re.MULTILINE)
#: Parts of the tree that say what is wrong; the others are left out.
_TELLING = re.compile(
    r"├─ (\w+=False|RenewalFailing|Stalled|The operator|Its spec|\w*Issuer \S+: (?!https)|Secret \S+: No)"
)

HEAD = """<!-- Made by `make format` from tests/cluster/troubles/; a test compares. -->
# Something does not work

Ask `certwright status` first (`kubectl certwright status` is the same):

```
certwright status web -n shop
```

It says what is wrong, what to do about it, and what happens next when. Below is what it prints in the troubles that
everybody has once, as it was seen on real servers: the part that tells, without what is well. Names are those of the
example: Certificate `web` with Secret `web-tls`, Issuer `ca`, namespace `shop`. Once the cause is mended, it goes on by
itself, unless the CA asked for a wait: nothing has to be deleted or restarted. Other reasons, with their usual causes:
[what a reason means](REASONS.md).
"""


EVENTS_FIRST = """What is wrong with annotations stands in events beside the Ingress, as there may be no Certificate:

```
kubectl describe ingress site -n shop
```

A mistake that lasts is told again once an hour, since the API server forgets events by then. Where no event is a
warning, ask for the status of the Certificate, which has the Secret's name: `certwright status web-tls -n shop`."""


def page() -> str:
    """The whole page."""
    chapters = [(each.value, [row for row in TROUBLES if row.chapter is each]) for each in Chapter]
    index = [_index(title, [row.title for row in rows]) for title, rows in chapters]
    index.append(_index(OF_INGRESSES, [row.title for row in INGRESSES]))
    index.append(_index(CHAPTER, [row.title for row in COMMANDS]))
    sections: list[str] = []
    for title, rows in chapters:
        sections += ["", f"## {title}"]
        for row in rows:
            sections += _section(row.title, row.golden, row.fix)
    sections += ["", f"## {OF_INGRESSES}", "", EVENTS_FIRST]
    for trouble in INGRESSES:
        sections += _section(trouble.title, trouble.golden, trouble.fix)
    sections += ["", f"## {CHAPTER}"]
    for each in COMMANDS:
        sections += _section(each.title, each.golden, each.fix)
    return "\n".join([HEAD, *index, *sections, ""])


def _index(title: str, rows: Sequence[str]) -> str:
    return "\n".join((f"- {_link(title)}", *(f"  - {_link(row)}" for row in rows)))


def _link(title: str) -> str:
    return f"[{title}](#{_anchor(title)})"


def _anchor(title: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _section(title: str, golden: Path, fix: str) -> list[str]:
    lines = golden.read_text(encoding="utf-8").splitlines()
    block = [part for line in _telling(lines) for part in folded(line, WIDTH)]
    words = dict.fromkeys(_REASON.findall("\n".join(block)))
    reasons = (
        f" {' and '.join(f'`{word}`' for word in words)}: [what it means](REASONS.md#by-reason)."
        if words
        else ""
    )
    return ["", f"### {title}", "", "```", *block, "```", "", *_PROSE.wrap(f"{fix}{reasons}")]


def _telling(lines: Sequence[str]) -> Iterable[str]:
    """The first line, and those parts of the tree that say what is wrong."""
    kept = False
    for number, line in enumerate(lines):
        if line.startswith(("├─", "└─")):
            kept = bool(_TELLING.match(line)) or line.startswith("├─ Next: another")
        elif not line.startswith(("│", " ")):
            kept = True
        if number == 0 or kept or _issuer_in_trouble(lines, number):
            yield line


def _issuer_in_trouble(lines: Sequence[str], number: int) -> bool:
    """Whether the line belongs to an issuer that is not ready."""
    start = max(at for at in range(number + 1) if not lines[at].startswith(("│", " ")))
    if not re.match(r"├─ \w*Issuer ", lines[start]):
        return False
    below = [line for line in lines[start + 1 : start + 3] if line.startswith("│")]
    return any("Ready=False" in line or "Not looked at" in line for line in below)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
