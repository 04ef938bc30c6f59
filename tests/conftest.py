"""What all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable

# A busy machine is no failure, so no example has a deadline; sixty of each keep the whole under a minute.
settings.register_profile("certwright", deadline=None, max_examples=60)
settings.load_profile("certwright")

#: Kept on each test's node so that fixtures can see how it ended.
OUTCOME = pytest.StashKey[dict[str, pytest.TestReport]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Remember the report of each phase, for fixtures that explain failures."""
    report = yield
    item.stash.setdefault(OUTCOME, {})[report.when] = report
    return report


#: Name of the property in which a test hands on what it measured.
MEASURED = "measured"


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Has a line, or a table of lines, printed at the end of the run: what was measured, also when all is well."""
    return lambda text: record_property(MEASURED, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured, by whichever worker."""
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
