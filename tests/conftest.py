"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.kit import tiers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A busy machine is no failure, so no example has a deadline; sixty of each keep the whole under a minute.
# With CI in the environment hypothesis would try the same examples for ever; ours are to look further there, too.
settings.register_profile("certwright", deadline=None, max_examples=60, derandomize=False)
settings.register_profile("long", deadline=None, max_examples=10_000)  # with --hypothesis-profile=long
settings.load_profile("certwright")

#: Kept on each test's node so that fixtures can see how it ended.
OUTCOME = pytest.StashKey[dict[str, pytest.TestReport]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Remember the report of each phase, for fixtures that explain failures."""
    report = yield
    item.stash.setdefault(OUTCOME, {})[report.when] = report
    return report


#: Names of the properties in which a test hands on what it measured, and which tier it is of.
MEASURED = "measured"
TIER = "tier"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have every test tell its tier, also by way of another process, and begin with the later tiers.

    Theirs are the files that take longest, mostly to wait: the many short ones fill what they leave idle.
    """
    for item in items:
        item.user_properties.append((TIER, tiers.tier_of(mark.name for mark in item.iter_markers())))
    items.sort(key=lambda item: -tiers.TIERS.index(dict(item.user_properties)[TIER]))


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Has a line, or a table of lines, printed at the end of the run: what was measured, also when all is well."""
    return lambda text: record_property(MEASURED, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured, by whichever worker, and note which tiers ran."""
    _print_measured(terminalreporter)
    file = os.environ.get(tiers.VARIABLE)
    # A worker of xdist has a summary of its own, which nobody sees; what it ran is in the first process's as well.
    if file and not hasattr(terminalreporter.config, "workerinput"):
        tiers.append(Path(file), _outcomes(terminalreporter))


def _outcomes(terminalreporter: pytest.TerminalReporter) -> Iterator[tuple[str, str, str]]:
    """Tier, outcome and reason of every test of this run."""
    for kind, outcome in {
        "passed": "passed",
        "failed": "failed",
        "error": "failed",
        "skipped": "skipped",
    }.items():
        for report in terminalreporter.stats.get(kind, []):
            tier = dict(getattr(report, "user_properties", ())).get(TIER, "no tier")
            reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
            yield str(tier), outcome, reason.removeprefix("Skipped: ")


def _print_measured(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, [])]
    texts = [
        (report.nodeid, str(text))
        for report in reports
        for name, text in report.user_properties
        if name == MEASURED
    ]
    if texts:
        terminalreporter.section("measured")
    for nodeid, text in texts:
        terminalreporter.write_line(f"{nodeid.rpartition('::')[2]}:")
        for line in text.splitlines():
            terminalreporter.write_line(f"  {line}")
