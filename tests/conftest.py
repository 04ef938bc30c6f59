"""What all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

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
