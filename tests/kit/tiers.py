"""Which tiers of tests ran, over several runs of pytest: each run appends a line to a file, the last step reads it.

python -m tests.kit.tiers FILE
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Markers, and the tier of tests that have none of them. In the order in which they are told.
UNMARKED = "unit"
TIERS = (UNMARKED, "servers", "cluster", "afterwards", "node")
#: Names the file to which a run appends; without it, nothing is counted.
VARIABLE = "CERTWRIGHT_TEST_TIERS"
_OUTCOMES = ("passed", "failed", "skipped")
_NOT_REACHED = "not reached: what runs before it failed, or was ended"


@dataclass
class Tier:
    """What became of the tests of a tier.

    Attributes:
        counts: by outcome: passed, failed, skipped.
        reasons: why tests were skipped, and how many for each reason.
    """

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)


def tier_of(markers: Iterable[str]) -> str:
    """The tier of a test with these markers; of two tiers the later one, which needs more."""
    return max((name for name in markers if name in TIERS), key=TIERS.index, default=UNMARKED)


def append(file: Path, outcomes: Iterable[tuple[str, str, str]]) -> None:
    """Note a run: for each test its tier, its outcome, and if it was skipped the reason."""
    with file.open("a") as opened:
        opened.write(f"{json.dumps(list(outcomes))}\n")


def read(file: Path) -> dict[str, Tier]:
    """What all runs noted, by tier; those of which nothing was heard are there, too."""
    found = {name: Tier() for name in TIERS}
    lines = file.read_text().splitlines() if file.exists() else []
    for tier, outcome, reason in (each for line in lines for each in json.loads(line)):
        counted = found.setdefault(tier, Tier())
        counted.counts[outcome] += 1
        if outcome == "skipped":
            counted.reasons[reason] += 1
    return found


def table(tiers: dict[str, Tier]) -> str:
    """One line a tier; one in which nothing ran says why, and so does one in which something was left out."""
    lines = ["tier        passed  failed  skipped"]
    for name, tier in tiers.items():
        passed, failed, skipped = (tier.counts[outcome] for outcome in _OUTCOMES)
        why = "; ".join(reason for reason, _ in tier.reasons.most_common(3))
        if not tier.counts:
            why = _NOT_REACHED
        elif not passed + failed:
            why = f"did not run: {why}"
        lines.append(f"{name:10}  {passed:6}  {failed:6}  {skipped:7}  {why}".rstrip())
    return "\n".join(lines)


if __name__ == "__main__":
    print(f"\n{table(read(Path(sys.argv[1])))}")
