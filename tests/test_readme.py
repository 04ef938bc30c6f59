"""The README says what is so: its manifests are the examples that the demo applies, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.kit.pages import pages

ROOT = Path(__file__).parents[1]
PAGES = [str(page.relative_to(ROOT)) for page in pages()]
#: A link of Markdown, and a heading; what stands in a block of code is neither.
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def test_the_manifests_of_the_readme_are_the_examples() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    shown = [each for block in blocks for each in yaml.safe_load_all(block)]
    files = sorted((ROOT / "examples").glob("*.yaml"))
    assert shown == [each for file in files for each in yaml.safe_load_all(file.read_text())]


def anchors(page: Path) -> set[str]:
    """What GitHub makes of a page's headings: lower case, no punctuation, hyphens for spaces."""
    headings = HEADING.findall(FENCED.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_within_the_repository_lead_somewhere(page: str) -> None:
    here = ROOT / page
    for link in LINK.findall(FENCED.sub("", here.read_text())):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = here.parent / path if path else here
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("target", ["demo", "test", "check"])
def test_the_commands_that_are_named_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
